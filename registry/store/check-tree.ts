import { lstatSync, readFileSync } from 'node:fs';
import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { readIfPresent } from './durable-file.ts';
import { eachLimited } from './each-limited.ts';
import { isErrno } from './file-errors.ts';
import type { StorePaths } from './store-paths.ts';
import { sha256 } from '../verify/sha256.ts';

/**
 * Hashes a stored tree again. Gives the path of the first file that is missing, changed or not part of it, `undefined`
 * when every byte is what the name of the tree says.
 */
export async function findDamage(treeSha256: string, paths: StorePaths): Promise<string | undefined> {
  const listing = await readIfPresent(paths.listing(treeSha256));
  if (listing === undefined || sha256(listing) !== treeSha256) return paths.listing(treeSha256);
  const dir = paths.files(treeSha256);
  const expected = parseListing(listing);
  const wrong = await eachLimited([...expected], 16, async ([path, hash]) => ((await isPlainFileOf(join(dir, path), hash)) ? [] : [path]));
  const [first] = wrong.flat();
  if (first !== undefined) return join(dir, first);
  // what nobody listed would be read all the same
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const stray = entries.find((entry) => !entry.isDirectory() && !expected.has(join(entry.parentPath, entry.name).slice(dir.length + 1)));
  return stray === undefined ? undefined : join(stray.parentPath, stray.name);
}

/**
 * Tells whether nothing in a stored tree can have changed since a moment at which it was whole: what is written, replaced
 * or added gets a newer time from the kernel. Reads next to nothing; what it doubts has to be hashed.
 */
export function isUntouchedSince(treeSha256: string, sinceMs: number, paths: StorePaths): boolean {
  const isOlder = (path: string) => (lstatSync(path, { throwIfNoEntry: false })?.ctimeMs ?? Infinity) <= sinceMs;
  if (!isOlder(paths.listing(treeSha256))) return false;
  const files = [...parseListing(readFileSync(paths.listing(treeSha256), 'utf8')).keys()];
  const root = paths.files(treeSha256);
  const folders = new Set(['.', ...files.flatMap(parentsOf)]);
  return [...folders, ...files].every((path) => isOlder(`${root}/${path}`));
}

/** Reads `files.sha256`: path → sha256. */
export function parseListing(listing: string): Map<string, string> {
  const lines = listing.split('\n').filter((line) => line !== '');
  return new Map(lines.map((line) => [line.slice(66), line.slice(0, 64)]));
}

async function isPlainFileOf(path: string, hash: string): Promise<boolean> {
  try {
    return (await lstat(path)).isFile() && sha256(await readFile(path)) === hash;
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR', 'EISDIR')) return false;
    throw error;
  }
}

function parentsOf(path: string): string[] {
  const parents: string[] = [];
  for (let slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) parents.push(path.slice(0, slash));
  return parents;
}
