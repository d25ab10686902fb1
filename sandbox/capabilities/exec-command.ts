/** What a guest wants to run: words for one program, or a text that only a shell understands. */
export type Command = { readonly kind: 'words'; readonly argv: readonly [string, ...string[]] } | { readonly kind: 'shell'; readonly text: string };

/** Words that mean something to a shell and are no programs, so that the text cannot be run without one. */
const SHELL_WORDS = new Set(
  '. : ! { } [[ alias bg break builtin case cd command continue coproc declare do done elif else esac eval exec exit export fc fg fi for function getopts hash if in jobs let local popd pushd read readonly return select set shift shopt source then time times trap type typeset ulimit umask unalias unset until wait while'.split(
    ' ',
  ),
);
/** Unquoted, any of these makes a shell do more than split words: pipes, lists, substitutions, patterns, comments. */
const META = /[|&;<>()$`*?[\]#~!{}\n\r]/;
/** Between double quotes only these still do. */
const META_IN_DOUBLE_QUOTES = /[$`!\n\r]/;

/**
 * Reads a command given as one string. Plain words are split as POSIX says and need no shell; whatever else it is, it is
 * a program in the language of `sh`, and only `exec:sh` allows that.
 */
export function parseCommand(text: string): Command {
  const words = splitWords(text);
  const [program] = words ?? [];
  // `A=b program` sets a variable.
  if (words === undefined || program === undefined || SHELL_WORDS.has(program) || /^\w+=/.test(program)) return { kind: 'shell', text };
  return { kind: 'words', argv: words as [string, ...string[]] };
}

/** Splits by POSIX rules (Shell Command Language, 2.2 and 2.3); `undefined` where more than splitting is asked for. */
function splitWords(text: string): readonly string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  for (let at = 0; at < text.length; at++) {
    const character = text[at] ?? '';
    if (character === ' ' || character === '\t') {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (character === "'") {
      const end = text.indexOf("'", at + 1);
      if (end < 0) return undefined;
      word = (word ?? '') + text.slice(at + 1, end);
      at = end;
    } else if (character === '"') {
      const quoted = doubleQuoted(text, at + 1);
      if (quoted === undefined) return undefined;
      word = (word ?? '') + quoted.text;
      at = quoted.end;
    } else if (character === '\\') {
      const next = text[at + 1];
      if (next === undefined || next === '\n') return undefined;
      word = (word ?? '') + next;
      at++;
    } else if (META.test(character)) {
      return undefined;
    } else {
      word = (word ?? '') + character;
    }
  }
  return word === undefined ? words : [...words, word];
}

function doubleQuoted(text: string, start: number): { readonly text: string; readonly end: number } | undefined {
  let quoted = '';
  for (let at = start; at < text.length; at++) {
    const character = text[at] ?? '';
    if (character === '"') return { text: quoted, end: at };
    if (META_IN_DOUBLE_QUOTES.test(character)) return undefined;
    // Here a backslash quotes four characters, and stands for itself before all others.
    const next = text[at + 1] ?? '';
    if (character === '\\' && next === '\n') return undefined;
    if (character === '\\' && /["\\$`]/.test(next)) at++;
    quoted += character === '\\' && /["\\$`]/.test(next) ? next : character;
  }
  return undefined;
}
