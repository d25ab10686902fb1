import { resolve } from 'node:path';
import type { TreeScan } from '../left-behind/index.ts';

/** As much of the end of an output as is read for refusals. */
export const READ_FOR_REFUSALS = 64 * 1024;

/** How programs say that a cover was in their way, in the words of the C library. */
const REFUSAL = /read-only file system|device or resource busy|EROFS|EBUSY/i;

/**
 * Names what was sealed and a command wanted to write, as far as its output says so: there is no other word of it, the
 * kernel tells the program alone.
 */
export function refusedPaths(output: string, { guarded }: TreeScan, workspace: string): readonly string[] {
  const sealed = [...guarded].flatMap(([path, { guard }]) => (guard === 'sealed' ? [path] : []));
  const found = new Set<string>();
  for (const line of output.split('\n')) {
    if (!REFUSAL.test(line)) continue;
    for (const word of line.split(/[\s'"`:(),]+/)) {
      if (word === '') continue;
      const path = resolve(workspace, word);
      const cover = sealed.find((one) => path === one || path.startsWith(`${one}/`));
      if (cover !== undefined) found.add(cover);
    }
  }
  return [...found];
}
