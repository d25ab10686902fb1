import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Directories that no search enters: what is in them was not written by the people of the project. */
const SKIPPED = new Set(['.git', 'node_modules']);

/** The files below a directory as paths relative to it, in the order of names; links are not followed. */
export async function* filesBelow(directory: string, signal: AbortSignal, prefix = ''): AsyncGenerator<string> {
  const entries = await readdir(join(directory, prefix), { withFileTypes: true });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    signal.throwIfAborted();
    const path = prefix === '' ? entry.name : `${prefix}/${entry.name}`;
    if (entry.isFile()) yield path;
    else if (entry.isDirectory() && !SKIPPED.has(entry.name)) yield* filesBelow(directory, signal, path);
  }
}
