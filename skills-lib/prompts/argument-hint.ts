/** One thing that is to be typed after a command. */
export type HintPart =
  /** A word of the user's own; `choices` are the words that the hint names, and may be none. */
  | { readonly kind: 'position'; readonly choices: readonly string[] }
  /** `--flag`, anywhere; `values` are what may stand behind it, `undefined` when nothing does. */
  | { readonly kind: 'option'; readonly name: string; readonly values: readonly string[] | undefined };

/** Hints are short; a longer one is prose. */
const MAX_HINT = 500;
const MAX_PARTS = 20;
/** A word that can be typed as it is. */
const WORD = /^[\p{L}\p{N}][\p{L}\p{N}._/:@+=-]{0,59}$/u;

/**
 * Reads an `argument-hint` as people write it: `<add|remove> [name]`, `[--dry-run] [--level fast | slow]`,
 * `add [tag] | remove [tag] | list`, `[mode=plan|sandbox]`. What it does not know is a position without choices.
 */
export function parseArgumentHint(hint: string): readonly HintPart[] {
  // behind a dash stand examples
  const written = (hint.split(/\s[—–]\s|\s-\s/, 1)[0] ?? '').slice(0, MAX_HINT).trim();
  const alternatives = splitOutside(written, '|');
  const verbs = alternatives.map((one) => one.split(/\s/, 1)[0] ?? '');
  if (alternatives.length > 1 && verbs.every((verb) => WORD.test(verb))) return [{ kind: 'position', choices: verbs }];
  if (!/[<[(]/.test(written)) return written === '' ? [] : [{ kind: 'position', choices: [] }];
  return splitOutside(written, ' ').slice(0, MAX_PARTS).flatMap(partsOf);
}

function partsOf(token: string): readonly HintPart[] {
  const inner =
    /^\[(.*)\]$|^<(.*)>$/s
      .exec(token)
      ?.slice(1)
      .find((text) => text !== undefined) ?? token;
  if (/^--?[a-z]/i.test(inner)) return optionsOf(inner);
  if (inner.startsWith('[') || (inner.startsWith('<') && !inner.includes('|'))) return splitOutside(inner, ' ').flatMap(partsOf);
  return [{ kind: 'position', choices: choicesOf(inner) }];
}

/** `--level fast | slow` is one option with two values, `--add | --remove` are two. */
function optionsOf(text: string): readonly HintPart[] {
  const parts: { kind: 'option'; name: string; values: string[] | undefined }[] = [];
  for (const one of text.split('|').map((piece) => piece.trim())) {
    const [, name, rest = ''] = /^(--?[A-Za-z][\w-]{0,40})(?:[ =](.*))?$/s.exec(one) ?? [];
    const last = parts.at(-1);
    if (name !== undefined) parts.push({ kind: 'option', name, values: rest === '' ? undefined : WORD.test(rest) && text.includes('|') ? [rest] : [] });
    else if (last?.values !== undefined && WORD.test(one)) last.values.push(one);
  }
  return parts;
}

/** The words of `a|b`, `type(a|b)` and `key=a|b`; of a description none. */
function choicesOf(text: string): readonly string[] {
  const [, , bracketed] = /^([\w-]*)\((.*)\)$/s.exec(text) ?? [];
  const [, key = '', values = text] = bracketed === undefined ? (/^([\w-]+=)(.*)$/s.exec(text) ?? []) : ['', '', bracketed];
  const words = values.split('|').map((word) => word.trim().split(/\s/, 1)[0] ?? '');
  return words.length > 1 ? words.filter((word) => WORD.test(word)).map((word) => key + word) : [];
}

/** Splits at a character that stands in no bracket. */
function splitOutside(text: string, separator: string): readonly string[] {
  const parts = [''];
  let depth = 0;
  for (const letter of text) {
    if ('[<('.includes(letter)) depth += 1;
    else if (']>)'.includes(letter)) depth -= 1;
    if (letter === separator && depth <= 0) parts.push('');
    else parts[parts.length - 1] += letter;
  }
  return parts.map((part) => part.trim()).filter((part) => part !== '');
}
