import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Repository } from './repository.ts';
import { gitEnvironment, QUIET, type RunGit } from './run-git.ts';

/** Commits that history is followed back through, at most. */
const MAX_COMMITS = 50_000;

/**
 * Tells whether a file's content is that of some commit the user had before a command ran. What git answers afterwards is
 * not trusted: the command could write objects under names of its choice, so every object on the way from a known
 * commit to the file is hashed again.
 */
export async function isKnownContent(
  path: string,
  content: Buffer,
  known: ReadonlySet<string>,
  repository: Repository,
  { git, env }: { readonly git: RunGit; readonly env: Readonly<Record<string, string | undefined>> },
): Promise<boolean> {
  const [anyId] = known;
  if (anyId === undefined) return false;
  const way = relative(repository.top, path).split('/');
  const algorithm = anyId.length === 64 ? 'sha256' : 'sha1';
  const idsOfContent = new Set([content, withoutCarriageReturns(content)].map((bytes) => objectId('blob', bytes, algorithm)));
  using objects = new ObjectReader(repository.top, algorithm, env);
  const holds = async (commit: string): Promise<boolean> => {
    const blob = await blobAt(commit, way, objects);
    return blob !== undefined && idsOfContent.has(blob);
  };
  for (const tip of known) if (await holds(tip)) return true;
  const answer = await git(['log', '--format=%H', '--max-count=1000', '--full-history', ...known, '--', way.join('/')], repository.top);
  const candidates = new Set<string>();
  for (const commit of (answer ?? '').split('\n')) if (commit !== '' && (await holds(commit))) candidates.add(commit);
  return candidates.size > 0 && isReachable(candidates, known, objects);
}

/** Files whose content is the one that git has staged: whoever reads the repository reads them. */
export async function unchangedInGit(paths: readonly string[], repository: Repository | undefined, git: RunGit): Promise<readonly string[]> {
  if (repository === undefined || paths.length === 0) return [];
  const { top } = repository;
  const answer = await git(['--literal-pathspecs', 'ls-files', '-s', '-z', '--', ...paths.map((path) => relative(top, path))], top);
  const found: string[] = [];
  for (const record of (answer ?? '').split('\0')) {
    const [, id = '', name = ''] = /^\d+ ([0-9a-f]+) 0\t(.+)$/s.exec(record) ?? [];
    const content = name === '' ? undefined : await readFile(join(top, name)).catch(() => undefined);
    if (content === undefined) continue;
    if (objectId('blob', content, id.length === 64 ? 'sha256' : 'sha1') === id) found.push(join(top, name));
  }
  return found;
}

/** Commits that branches, tags, the stash and `HEAD` name now. */
export async function readTips(repository: Repository, git: RunGit): Promise<ReadonlyMap<string, string>> {
  const { gitDir, commonDir, top } = repository;
  const [refs, head, stash] = await Promise.all([
    git(['for-each-ref', '--format=%(refname) %(objectname)'], top),
    readFile(join(gitDir, 'HEAD'), 'utf8').catch(() => ''),
    readFile(join(commonDir, 'logs/refs/stash'), 'utf8').catch(() => ''),
  ]);
  const tips = new Map<string, string>();
  for (const line of (refs ?? '').split('\n')) {
    const [name, id] = line.split(' ');
    if (name !== undefined && id !== undefined) tips.set(name, id);
  }
  if (/^[0-9a-f]{40,64}$/.test(head.trim())) tips.set('HEAD', head.trim());
  // Of the stash only the newest has a name; the others stand in its log.
  for (const [index, line] of stash.split('\n').entries()) {
    const [, id] = line.split(' ');
    if (id !== undefined && /^[0-9a-f]{40,64}$/.test(id)) tips.set(`stash ${index}`, id);
  }
  return tips;
}

async function isReachable(wanted: ReadonlySet<string>, from: ReadonlySet<string>, objects: ObjectReader): Promise<boolean> {
  const seen = new Set<string>();
  const pending = [...from];
  for (let commit = pending.pop(); commit !== undefined && seen.size < MAX_COMMITS; commit = pending.pop()) {
    if (seen.has(commit)) continue;
    seen.add(commit);
    if (wanted.has(commit)) return true;
    const object = await objects.read(commit);
    if (object?.type === 'commit') pending.push(...headers(object.content, 'parent'));
    if (object?.type === 'tag') pending.push(...headers(object.content, 'object'));
  }
  return false;
}

async function blobAt(start: string, way: readonly string[], objects: ObjectReader): Promise<string | undefined> {
  let object = await objects.read(start);
  if (object?.type === 'tag') object = await objects.read(headers(object.content, 'object')[0] ?? '');
  if (object?.type !== 'commit') return undefined;
  let id = headers(object.content, 'tree')[0];
  for (const name of way) {
    if (id === undefined) return undefined;
    const tree = await objects.read(id);
    if (tree?.type !== 'tree') return undefined;
    id = entryOf(tree.content, name, id.length / 2);
  }
  return id;
}

function headers(content: Buffer, name: string): readonly string[] {
  const end = content.indexOf('\n\n');
  const text = content.subarray(0, end < 0 ? undefined : end).toString('latin1');
  return [...text.matchAll(new RegExp(`^${name} ([0-9a-f]+)$`, 'gm'))].map(([, id = '']) => id);
}

/** A tree is a row of `mode name NUL id`. */
function entryOf(tree: Buffer, wanted: string, idBytes: number): string | undefined {
  for (let at = 0; at < tree.length;) {
    const space = tree.indexOf(0x20, at);
    const end = tree.indexOf(0, space);
    if (space < 0 || end < 0) return undefined;
    const id = tree.subarray(end + 1, end + 1 + idBytes);
    if (tree.subarray(space + 1, end).toString('utf8') === wanted) return id.toString('hex');
    at = end + 1 + idBytes;
  }
  return undefined;
}

interface GitObject {
  readonly type: string;
  readonly content: Buffer;
}

/** Reads objects, and gives only those whose content has the name they were asked for by. */
class ObjectReader implements Disposable {
  readonly #algorithm: string;
  readonly #child: ReturnType<typeof spawn>;
  readonly #waiting: { readonly id: string; readonly resolve: (object: GitObject | undefined) => void }[] = [];
  #received = Buffer.alloc(0);

  constructor(top: string, algorithm: string, env: Readonly<Record<string, string | undefined>>) {
    this.#algorithm = algorithm;
    this.#child = spawn('git', [...QUIET, 'cat-file', '--batch'], { cwd: top, env: gitEnvironment(env), stdio: ['pipe', 'pipe', 'ignore'] });
    this.#child.stdin?.on('error', () => undefined); // its end answers everybody who waits
    this.#child.stdout?.on('data', (chunk: Buffer) => this.#take(chunk));
    for (const event of ['error', 'close']) this.#child.once(event, () => this.#end());
  }

  read(id: string): Promise<GitObject | undefined> {
    if (!/^[0-9a-f]{40,64}$/.test(id) || this.#child.exitCode !== null) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      this.#waiting.push({ id, resolve });
      this.#child.stdin?.write(`${id}\n`);
    });
  }

  [Symbol.dispose](): void {
    this.#child.kill('SIGKILL');
    this.#end();
  }

  #take(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk]);
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const line = this.#received.indexOf('\n');
      if (line < 0) return;
      const [, type = '', size = ''] = this.#received.subarray(0, line).toString('latin1').split(' ');
      const length = Number(size);
      if (size === '' || !Number.isSafeInteger(length)) {
        this.#received = this.#received.subarray(line + 1);
        this.#waiting.shift();
        next.resolve(undefined);
        continue;
      }
      const end = line + 1 + length;
      if (this.#received.length <= end) return;
      const content = Buffer.from(this.#received.subarray(line + 1, end));
      this.#received = this.#received.subarray(end + 1);
      this.#waiting.shift();
      next.resolve(objectId(type, content, this.#algorithm) === next.id ? { type, content } : undefined);
    }
  }

  #end(): void {
    for (const { resolve } of this.#waiting.splice(0)) resolve(undefined);
  }
}

/** The name git gives an object. */
function objectId(type: string, content: Buffer, algorithm: string): string {
  return createHash(algorithm).update(`${type} ${content.length}\0`).update(content).digest('hex');
}

/** As git stores text where it writes another line end into the working tree. */
function withoutCarriageReturns(content: Buffer): Buffer {
  return content.includes('\r\n') ? Buffer.from(content.toString('latin1').replaceAll('\r\n', '\n'), 'latin1') : content;
}
