import { createHash } from 'node:crypto';
import { lstat, readdir, readFile, readlink, realpath } from 'node:fs/promises';
import { join } from 'node:path';

import { DashError } from '../../format/index.ts';
import { eachLimited } from '../store/each-limited.ts';
import { asDiskError, isErrno } from '../store/file-errors.ts';
import { DEFAULT_TREE_LIMITS, type TreeLimits } from '../verify/tree-safety.ts';

/** What a linked directory holds at this moment. */
export interface DirectoryDigest {
  /** Real path. */
  readonly dir: string;
  /** Changes whenever a path or a byte does. */
  readonly contentHash: string;
  /** Plain files, relative and with `/`; links are never followed. */
  readonly files: readonly string[];
  readonly sizeBytes: number;
}

/** Not part of a package: other packages, version control, and what Dash itself keeps there. */
const SKIPPED = new Set(['node_modules', '.git', '.dash']);

/** @param name of a file or directory, at any depth */
export function isPartOfPackage(name: string): boolean {
  return !SKIPPED.has(name);
}

/**
 * Hashes the files of a directory that is linked, not copied.
 *
 * @throws {DashError} INVALID_SPEC when there is no such directory, or it is far too large to be a package
 */
export async function digestDirectory(dir: string, limits: TreeLimits = DEFAULT_TREE_LIMITS): Promise<DirectoryDigest> {
  const root = await realDirectory(dir);
  try {
    const entries = await list(root, limits);
    let sizeBytes = 0;
    const lines = await eachLimited(entries, 16, async ({ path, target }) => {
      if (target !== undefined) return `link ${JSON.stringify(target)}  ${path}\n`;
      const bytes = await readFile(join(root, path));
      sizeBytes += bytes.length;
      if (sizeBytes > limits.maxBytes) throw tooLarge(root, `more than ${limits.maxBytes} bytes`);
      return `${createHash('sha256').update(bytes).digest('hex')}  ${path}\n`;
    });
    return {
      dir: root,
      contentHash: createHash('sha256').update(lines.join('')).digest('hex'),
      files: entries.filter(({ target }) => target === undefined).map(({ path }) => path),
      sizeBytes,
    };
  } catch (error) {
    throw asDiskError(error, `reading \`${root}\``);
  }
}

/** @throws {DashError} INVALID_SPEC */
export async function realDirectory(dir: string): Promise<string> {
  try {
    const path = await realpath(dir);
    if ((await lstat(path)).isDirectory()) return path;
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'ENOTDIR')) throw asDiskError(error, `reading \`${dir}\``);
  }
  throw new DashError('INVALID_SPEC', `\`${dir}\` is not a directory`, { hint: 'check the path; a package on npm is written `npm:name`' });
}

interface Found {
  readonly path: string;
  /** Where it points, for a symbolic link. */
  readonly target: string | undefined;
}

async function list(root: string, limits: TreeLimits): Promise<Found[]> {
  const found: Found[] = [];
  const queue = [''];
  for (const folder of queue) {
    for (const entry of await readdir(join(root, folder), { withFileTypes: true })) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (!isPartOfPackage(entry.name)) continue;
      if (entry.isDirectory()) queue.push(path);
      else if (entry.isSymbolicLink()) found.push({ path, target: await readlink(join(root, path)) });
      else if (entry.isFile()) found.push({ path, target: undefined });
      if (found.length + queue.length > limits.maxFiles) throw tooLarge(root, `more than ${limits.maxFiles} files`);
    }
  }
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function tooLarge(dir: string, why: string): DashError {
  return new DashError('INVALID_SPEC', `\`${dir}\` is too large for a package: it has ${why}`, { hint: 'name the directory of the package itself' });
}
