import type { Evidence } from '../../format/index.ts';
import { formatWhere } from './error.ts';
import { oneLine } from './terminal.ts';

/** Where the code of a package was seen to need something, in one line: `fetch at src/index.ts:12, and 3 more places`. */
export function formatEvidence({ evidence, places }: { readonly evidence: readonly Evidence[]; readonly places: number }): string {
  const [first] = evidence;
  if (first === undefined) return '';
  const more = places > 1 ? `, and ${places - 1} more ${places === 2 ? 'place' : 'places'}` : '';
  return `${formatUse(first)}${more}`;
}

/** One place: what is called there, and where; of a dependency the file's name says which. */
export function formatUse({ what, where }: Evidence): string {
  return oneLine(`${what} at ${formatWhere(where)}`);
}
