import { createHash } from 'node:crypto';

import { DashError, isDashError } from '../../format/index.ts';
import type { Git } from '../resolve/git-command.ts';
import type { GitResolution } from '../resolve/resolution.ts';
import { hostile, printable } from '../verify/hostile.ts';
import { assertSafePath, assertSafeTree, DEFAULT_TREE_LIMITS, type PackageFile, type TreeLimits } from '../verify/tree-safety.ts';

/**
 * Fetches one commit and reads its files out of git's objects. No checkout: attributes, filters, export rules and links
 * have no say in what is read. Every object is hashed again, up to the commit.
 *
 * @throws {DashError} GIT_FAILED, GIT_REF_NOT_FOUND, HOSTILE_PACKAGE
 */
export async function fetchGit({ spec, commit }: GitResolution, git: Git, limits: TreeLimits = DEFAULT_TREE_LIMITS): Promise<PackageFile[]> {
  await fetchCommit(spec.url, commit, git);
  const entries = parseListing(await git.text('ls-tree', '-r', '-z', '-l', '--full-tree', commit));
  await assertCommitHolds(entries, commit, git);

  const prefix = spec.subdir === undefined ? '' : `${spec.subdir}/`;
  const inside = entries.filter(({ path }) => path.startsWith(prefix)).map((entry) => ({ ...entry, path: entry.path.slice(prefix.length) }));
  if (inside.length === 0) {
    throw new DashError('GIT_REF_NOT_FOUND', `\`${spec.repository}\` has nothing at \`${spec.subdir ?? ''}\` in commit ${commit.slice(0, 12)}`, {
      hint: 'check the path inside the repository',
    });
  }
  for (const entry of inside) assertPlainFile(entry, limits);
  // sizes are known before a byte of them is read
  assertSafeTree(inside, limits);
  return readBlobs(inside, git);
}

interface Entry {
  readonly mode: string;
  readonly object: string;
  readonly size: number;
  readonly path: string;
}

async function fetchCommit(url: string, commit: string, git: Git): Promise<void> {
  const options = ['--quiet', '--no-tags', '--no-recurse-submodules', '--no-write-fetch-head', '--no-auto-maintenance'];
  try {
    await git.text('fetch', ...options, '--depth=1', '--', url, commit);
  } catch (error) {
    if (!isDashError(error, 'GIT_FAILED')) throw error;
    // some servers do not hand out a commit by its name: then everything, and look for it there
    await git.text('fetch', ...options, '--', url, '+refs/heads/*:refs/heads/*', '+refs/tags/*:refs/tags/*');
  }
  const type = await git.text('cat-file', '-t', commit).catch((error: unknown) => {
    throw new DashError('GIT_REF_NOT_FOUND', `\`${url}\` has no commit ${commit.slice(0, 12)}`, {
      hint: 'it may have been removed by a forced push',
      cause: error,
    });
  });
  if (type.trim() !== 'commit')
    throw new DashError('GIT_REF_NOT_FOUND', `${commit.slice(0, 12)} is not a commit`, { hint: 'name a branch, a tag or a commit' });
}

function parseListing(listing: string): Entry[] {
  return listing
    .split('\0')
    .filter((line) => line !== '')
    .map((line) => {
      const match = /^(\d{6}) (\w+) ([0-9a-f]+) +(\d+|-)\t(.+)$/s.exec(line);
      if (match === null) throw new Error('git ls-tree answered in an unknown form');
      const [, mode = '', , object = '', size = '', path = ''] = match;
      return { mode, object, size: size === '-' ? 0 : Number(size), path };
    });
}

function assertPlainFile({ mode, path }: Entry, limits: TreeLimits): void {
  assertSafePath(path, limits);
  const quoted = `\`${printable(path)}\``;
  if (mode === '120000') throw hostile('GIT_SYMLINK', `${quoted} is a symbolic link`, path);
  if (mode === '160000') throw hostile('GIT_SUBMODULE', `${quoted} is a submodule`, path);
  if (mode !== '100644' && mode !== '100755') throw hostile('GIT_UNKNOWN_MODE', `${quoted} has the mode ${mode}`, path);
}

async function readBlobs(entries: readonly Entry[], git: Git): Promise<PackageFile[]> {
  const objects = [...new Set(entries.map(({ object }) => object))];
  const blobs = parseBatch(await git.catFiles(objects), 'blob');
  return entries.map(({ object, path }) => {
    const data = blobs.get(object);
    if (data === undefined || hash(object.length, 'blob', data) !== object) throw hostile('GIT_TREE_MISMATCH', `\`${path}\` is not what its tree names`, path);
    return { path, data };
  });
}

/** `<object> <type> <size>\n<bytes>\n`, one after the other. */
function parseBatch(reply: Buffer, wanted: string): Map<string, Buffer> {
  const found = new Map<string, Buffer>();
  for (let at = 0; at < reply.length;) {
    const end = reply.indexOf(0x0a, at);
    const [object = '', type = '', size = ''] = reply.toString('latin1', at, end).split(' ');
    if (type !== wanted) throw hostile('GIT_TREE_MISMATCH', `the object ${object.slice(0, 12)} is missing or no ${wanted}`);
    const data = reply.subarray(end + 1, end + 1 + Number(size));
    found.set(object, data);
    at = end + 1 + data.length + 1;
  }
  return found;
}

/** The commit hashes to its name, and the listing hashes to the tree that the commit names. */
async function assertCommitHolds(entries: readonly Entry[], commit: string, git: Git): Promise<void> {
  const body = parseBatch(await git.catFiles([commit]), 'commit').get(commit);
  const tree = body === undefined ? undefined : /^tree ([0-9a-f]+)\n/.exec(body.toString('latin1'))?.[1];
  if (body === undefined || hash(commit.length, 'commit', body) !== commit)
    throw hostile('GIT_TREE_MISMATCH', `the commit ${commit.slice(0, 12)} is not what its name says`);
  if (treeHash(entries, commit.length) !== tree) throw hostile('GIT_TREE_MISMATCH', `the files are not the tree of commit ${commit.slice(0, 12)}`);
}

function treeHash(entries: readonly Entry[], digits: number): string {
  const children = new Map<string, Entry[]>();
  const lines: { readonly sortKey: string; readonly mode: string; readonly name: string; readonly object: string }[] = [];
  for (const entry of entries) {
    const slash = entry.path.indexOf('/');
    if (slash < 0) {
      lines.push({ sortKey: entry.path, mode: entry.mode, name: entry.path, object: entry.object });
      continue;
    }
    const name = entry.path.slice(0, slash);
    const below = children.get(name) ?? [];
    below.push({ ...entry, path: entry.path.slice(slash + 1) });
    children.set(name, below);
  }
  for (const [name, below] of children) lines.push({ sortKey: `${name}/`, mode: '40000', name, object: treeHash(below, digits) });
  lines.sort((a, b) => Buffer.compare(Buffer.from(a.sortKey), Buffer.from(b.sortKey)));
  return hash(
    digits,
    'tree',
    Buffer.concat(lines.map(({ mode, name, object }) => Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(object, 'hex')]))),
  );
}

function hash(digits: number, type: string, body: Buffer): string {
  return createHash(digits === 40 ? 'sha1' : 'sha256')
    .update(`${type} ${body.length}\0`)
    .update(body)
    .digest('hex');
}
