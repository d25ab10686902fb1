import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type IgnoreList, isIgnored, parseIgnoreList } from './ignored-files.ts';

/** Directories that no search enters: what is in them was not written by the people of the project. */
const SKIPPED = new Set(['.git', 'node_modules']);

/**
 * The files below a directory as paths relative to it, in the order of names; links are not followed, and what a
 * `.gitignore` on the way leaves out is left out. A directory that was named itself is searched, ignored or not.
 */
export async function* filesBelow(directory: string, signal: AbortSignal, prefix = '', lists: readonly IgnoreList[] = []): AsyncGenerator<string> {
  const entries = await readdir(join(directory, prefix), { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    // One that nobody may list must not end a search that came across it.
    if (prefix === '' || error.code !== 'EACCES') throw error;
    return [];
  });
  const own = entries.some((entry) => entry.name === '.gitignore' && entry.isFile());
  const all = own ? [...lists, parseIgnoreList(await readFile(join(directory, prefix, '.gitignore'), 'utf8'), prefix === '' ? '' : `${prefix}/`)] : lists;
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    signal.throwIfAborted();
    const path = prefix === '' ? entry.name : `${prefix}/${entry.name}`;
    if (SKIPPED.has(entry.name) || isIgnored(path, entry.isDirectory(), all)) continue;
    if (entry.isFile()) yield path;
    else if (entry.isDirectory()) yield* filesBelow(directory, signal, path, all);
  }
}
