import { covers } from './wildcard.ts';

const MAX_BRACES = 64;

/** Tells whether an entry of a manifest is a glob: `*` and `?` make it one, as they do for pi. */
export function isGlob(entry: string): boolean {
  return /[*?]/.test(entry);
}

/**
 * Tells whether a glob of a manifest (`*`, `**`, `?`, `[a-z]`, `{a,b}`) matches a path inside the package. Names that
 * begin with a dot are matched only by a pattern that says so.
 */
export function globMatches(glob: string, path: string): boolean {
  const segments = path.split('/');
  return expandBraces(glob).some((pattern) => covers(pattern.split('/'), segments, (segment) => segment === '**', segmentFits));
}

type Token = '*' | { readonly accepts: (character: string) => boolean } | { readonly character: string };

function segmentFits(pattern: string, name: string): boolean {
  if (name.startsWith('.') && !pattern.startsWith('.')) return false;
  const input = Array.from(name, (character): Token => ({ character }));
  return covers(
    tokens(pattern),
    input,
    (token) => token === '*',
    (token, element) => fits(token, element),
  );
}

function fits(token: Token, element: Token): boolean {
  if (token === '*' || element === '*' || !('character' in element)) return false;
  return 'accepts' in token ? token.accepts(element.character) : token.character === element.character;
}

function tokens(pattern: string): Token[] {
  const found: Token[] = [];
  for (const [text, negated, members] of pattern.matchAll(/\[([!^])?([^\]]+)\]|[^]/gu)) {
    if (text === '*') found.push('*');
    else if (text === '?') found.push({ accepts: () => true });
    else if (members === undefined) found.push({ character: text });
    else found.push({ accepts: (character) => inClass(members, character) !== (negated !== undefined) });
  }
  return found;
}

function inClass(members: string, character: string): boolean {
  for (const [, from, to, single] of members.matchAll(/(.)-(.)|(.)/gsu)) {
    if (single === character) return true;
    if (from !== undefined && to !== undefined && from <= character && character <= to) return true;
  }
  return false;
}

/** Expands `{a,b}`, innermost first; an absurd number of alternatives is left as it is and matches nothing. */
function expandBraces(glob: string): string[] {
  let patterns = [glob];
  while (patterns.length <= MAX_BRACES) {
    const next = patterns.flatMap((pattern) => {
      const [whole, alternatives] = /\{([^{}]*,[^{}]*)\}/.exec(pattern) ?? [];
      return whole === undefined || alternatives === undefined
        ? [pattern]
        : alternatives.split(',').map((alternative) => pattern.replace(whole, () => alternative));
    });
    if (next.length === patterns.length) return next;
    patterns = next;
  }
  return [];
}
