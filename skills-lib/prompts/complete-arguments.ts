import { type HintPart, parseArgumentHint } from './argument-hint.ts';
import { PLACEHOLDER, type Prompt, splitArguments, WORDS } from './prompt.ts';

/** What could be typed after a command, under pi's names. */
export interface ArgumentCompletion {
  /** All that stands after the command then: it takes the place of what was typed. */
  readonly value: string;
  /** The word that is new, for the list. */
  readonly label: string;
  readonly description?: string;
}

/**
 * Says what fits the last word that was typed after a template or a skill: what its `argument-hint` names, and what the
 * template takes when nothing is given. `typed` is everything behind the command and its space. Pure.
 */
export function completeArguments({ argumentHint = '', body }: Pick<Prompt, 'argumentHint' | 'body'>, typed: string): readonly ArgumentCompletion[] {
  const { before, current } = atCursor(typed);
  const parts = parseArgumentHint(argumentHint);
  const options = parts.filter((part) => part.kind === 'option');
  const given = splitArguments(before);
  const waiting = options.find(({ name, values }) => values !== undefined && name === given.at(-1));
  const offered: readonly Offered[] = waiting === undefined ? wordsFor(parts, given, defaultsOf(body)) : (waiting.values ?? []).map((word) => ({ word }));
  return offered
    .filter(({ word }) => word.toLowerCase().startsWith(current.toLowerCase()))
    .slice(0, MOST)
    .map(({ word, about }) => ({ value: before + quoted(word), label: word, ...(about !== undefined && { description: about }) }));
}

const MOST = 50;

interface Offered {
  readonly word: string;
  readonly about?: string;
}

function wordsFor(parts: readonly HintPart[], given: readonly string[], defaults: ReadonlyMap<number, string>): readonly Offered[] {
  const options = parts.filter((part) => part.kind === 'option');
  const takesValue = (word: string | undefined): boolean => options.some(({ name, values }) => name === word && values !== undefined);
  const isOption = (word: string): boolean => options.some(({ name }) => name === word);
  const at = given.filter((word, index) => !isOption(word) && !takesValue(given[index - 1])).length;
  const position = parts.filter((part) => part.kind === 'position')[at];
  const fallback = defaults.get(at + 1);
  const choices = (position?.choices ?? []).map((word): Offered => (word === fallback ? { word, about: 'default' } : { word }));
  return [
    ...choices,
    ...(fallback === undefined || choices.some(({ word }) => word === fallback) ? [] : [{ word: fallback, about: 'default' }]),
    ...options.filter(({ name }) => !given.includes(name)).map(({ name }): Offered => ({ word: name })),
  ];
}

/** Whole arguments, and the one at the cursor as it is meant: `"two wo` is one that begins so. */
function atCursor(typed: string): { readonly before: string; readonly current: string } {
  const last = [...typed.matchAll(WORDS)].at(-1);
  if (last === undefined || last.index + last[0].length < typed.length) return { before: typed, current: '' };
  return { before: typed.slice(0, last.index), current: splitArguments(last[0])[0] ?? '' };
}

const MAX_DEFAULT = 60;

/** What a template takes when nothing is given, by position. One that is long, or not to be typed, is left out. */
function defaultsOf(body: string): ReadonlyMap<number, string> {
  const defaults = new Map<number, string>();
  for (const [, name = '', fallback = ''] of body.matchAll(PLACEHOLDER)) {
    const position = /^\d+$/.test(name) ? Number(name) : 1;
    if (fallback === '' || fallback.length > MAX_DEFAULT || /[\p{Cc}\p{Cf}"]/u.test(fallback) || defaults.has(position)) continue;
    defaults.set(position, fallback);
  }
  return defaults;
}

function quoted(word: string): string {
  return /\s/.test(word) ? `"${word}"` : word;
}
