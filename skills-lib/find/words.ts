/** The words of a text, in lower case. */
export function words(text: string): readonly string[] {
  return (
    text
      .normalize('NFKC')
      .toLowerCase()
      .match(/[\p{L}\p{N}]{1,40}/gu) ?? []
  );
}

const ENDINGS = [
  ['ization', 'iz'],
  ['isation', 'iz'],
  ['ation', ''],
  ['iser', 'is'],
  ['izer', 'iz'],
  ['ment', ''],
  ['ness', ''],
  ['ity', ''],
  ['ful', ''],
  ['ly', ''],
  ['er', ''],
  ['ion', ''],
  ['ive', ''],
  ['able', ''],
] as const;

/**
 * Cuts an English word down to what its forms share: `modernise`, `modernizing` and `modernization` are one. It need not
 * be a word, only the same on both sides.
 */
export function stem(word: string): string {
  if (word.length < 4) return word;
  const cut = withoutEnding(withoutVerbForm(withoutPlural(word)));
  const bare = cut.endsWith('e') && cut.length > 4 ? cut.slice(0, -1) : cut;
  return (bare.endsWith('i') && bare.length > 3 ? `${bare.slice(0, -1)}y` : bare).replace(/is$/, 'iz');
}

function withoutPlural(word: string): string {
  if (word.endsWith('ies') && word.length > 4) return `${word.slice(0, -3)}y`;
  if (word.endsWith('sses')) return word.slice(0, -2);
  return word.endsWith('s') && !/(?:ss|us|is)$/.test(word) ? word.slice(0, -1) : word;
}

function withoutVerbForm(word: string): string {
  for (const ending of ['ing', 'ed']) {
    const root = word.slice(0, -ending.length);
    if (word.endsWith(ending) && root.length > 2 && /[aeiouy]/.test(root)) return root.replace(/([bdfgklmnprt])\1$/, '$1');
  }
  return word;
}

function withoutEnding(word: string): string {
  for (const [ending, replacement] of ENDINGS)
    if (word.endsWith(ending) && word.length - ending.length >= 4) return word.slice(0, -ending.length) + replacement;
  return word;
}
