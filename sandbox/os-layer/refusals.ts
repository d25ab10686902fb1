import { resolve } from 'node:path';

/** As much of the end of an output as is read for refusals. */
export const READ_FOR_REFUSALS = 64 * 1024;

/** What a program says was refused to it. */
export interface Refusal {
  readonly path: string;
  /** `read-only`: it wanted to write. `denied`: it was there, and closed. `missing`: not there at all. */
  readonly kind: 'read-only' | 'denied' | 'missing';
}

/** How programs say so, in the words of the C library, or in its names for them. */
const KINDS: readonly (readonly [Refusal['kind'], RegExp])[] = [
  ['read-only', /read-only file system|device or resource busy|EROFS|EBUSY/i],
  ['denied', /permission denied|EACCES/i],
  ['missing', /no such file or directory|directory nonexistent|ENOENT/i],
];

/**
 * Names the paths that a program says were refused to it: there is no other word of it, the kernel tells the program
 * alone. What it says is a hint for a question, and no more.
 */
export function refusals(output: string, cwd: string): readonly Refusal[] {
  const found = new Map<string, Refusal>();
  for (const line of output.split('\n')) {
    const [kind, words] = KINDS.find(([, each]) => each.test(line)) ?? [];
    if (kind === undefined || words === undefined) continue;
    for (const word of pathsIn(line, words)) {
      const path = resolve(cwd, word);
      found.set(`${kind} ${path}`, { path, kind });
    }
  }
  return [...found.values()];
}

/** Words with a slash, words in quotes, and those beside the refusal: the rest of a sentence names no files. */
function pathsIn(line: string, refusal: RegExp): readonly string[] {
  const [before = '', after = ''] = line.split(refusal);
  const quoted = [...line.matchAll(/['"`\u2018]([^'"`\u2019]+)['"`\u2019]/g)].map(([, word = '']) => word);
  const words = line.split(SEPARATORS).filter((word) => word.includes('/'));
  const beside = [before.split(SEPARATORS).findLast(Boolean), after.split(SEPARATORS).find(Boolean)];
  return [...quoted, ...words, ...beside.filter((word) => word !== undefined)];
}

const SEPARATORS = /[\s'"`:(),\u2018\u2019]+/;
