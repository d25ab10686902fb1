import { basename } from 'node:path';
import { parseFrontMatter, type YamlValue } from '../front-matter.ts';

/** Largest template, in bytes: it becomes one message. */
export const MAX_PROMPT_BYTES = 256 * 1024;

/** A prompt template: its file name is the command that fills it in. */
export interface Prompt {
  readonly name: string;
  readonly description: string;
  readonly argumentHint: string | undefined;
  readonly body: string;
  readonly path: string;
}

/** Reads a prompt template. @throws {DashError} INVALID_SKILL */
export function parsePrompt(text: string, path: string): Prompt {
  const { data, body } = parseFrontMatter(text, path);
  const firstLine =
    body
      .split('\n')
      .find((line) => line.trim() !== '')
      ?.trim() ?? '';
  const { description, 'argument-hint': hint } = data;
  return {
    name: basename(path).replace(/\.md$/i, ''),
    description: typeof description === 'string' && description !== '' ? description : firstLine.slice(0, 60),
    argumentHint: hintOf(hint),
    body,
    path,
  };
}

/** The author's hint. Without quotes `[file]` is a list to YAML, and `[when: today]` a list of a mapping. */
export function hintOf(value: YamlValue | undefined): string | undefined {
  if (!Array.isArray(value)) return typeof value === 'string' ? value : undefined;
  return `[${value.map(plainText).join(', ')}]`;
}

function plainText(value: YamlValue): string {
  if (typeof value === 'string') return value;
  const entries = Array.isArray(value) ? value.map(plainText) : Object.entries(value).map(([key, one]) => `${key}: ${plainText(one)}`);
  return entries.join(', ');
}

/**
 * What is to be typed after the command: the author's hint, or what the placeholders tell: `<1> [2=main] […]`.
 * `undefined` when the template takes nothing.
 */
export function argumentHint({ argumentHint: hint, body }: Pick<Prompt, 'argumentHint' | 'body'>): string | undefined {
  if (hint !== undefined && hint !== '') return hint;
  const defaults = new Map<number, string | undefined>();
  let takesRest = false;
  for (const [, defaulted, fallback, start, , simple] of body.matchAll(PLACEHOLDER)) {
    const position = Number(defaulted ?? simple);
    if (start !== undefined || Number.isNaN(position)) takesRest = true;
    else if (position > 0) defaults.set(position, defaults.get(position) ?? fallback);
  }
  const last = Math.max(0, ...defaults.keys());
  const named = Array.from({ length: Math.min(last, MAX_HINTED) }, (_, at) => {
    const fallback = defaults.get(at + 1);
    return fallback === undefined ? `<${at + 1}>` : `[${at + 1}=${fallback}]`;
  });
  const parts = [...named, ...(takesRest || last > MAX_HINTED ? ['[…]'] : [])];
  return parts.length === 0 ? undefined : parts.join(' ');
}

/** `$1000` is a price. */
const MAX_HINTED = 9;

/** Every form of a placeholder. A default is bounded: to look for its end behind each beginning takes the square of the text. */
export const PLACEHOLDER = /\$\{(\d+|ARGUMENTS|@):-([^}]{0,2000})\}|\$\{@:(\d+)(?::(\d+))?\}|\$(ARGUMENTS|@|\d+)/g;

/**
 * Fills in a template: `$1`, `$@`, `$ARGUMENTS`, `${1:-default}`, `${@:2}`, `${@:2:1}`. One pass: what an
 * argument says is text, even if it looks like a placeholder.
 */
export function fillPrompt(body: string, args: readonly string[]): string {
  const all = args.join(' ');
  const named = (name: string): string | undefined => (name === '@' || name === 'ARGUMENTS' ? all : args[Number(name) - 1]);
  return body.replace(PLACEHOLDER, (_, defaulted?: string, fallback?: string, start?: string, length?: string, simple?: string) => {
    if (defaulted !== undefined) return named(defaulted) || (fallback ?? '');
    if (start !== undefined) {
      const from = Math.max(Number(start) - 1, 0);
      return args.slice(from, length === undefined ? undefined : from + Number(length)).join(' ');
    }
    return named(simple ?? '') ?? '';
  });
}

/** Arguments as they are typed, with their quotes. */
export const WORDS = /(?:"[^"]*"?|'[^']*'?|[^\s"'])+/g;

/** Splits what was typed after a command into arguments; quotes keep words together. */
export function splitArguments(text: string): string[] {
  return [...text.matchAll(WORDS)].map(([word]) => word.replace(/"([^"]*)"?|'([^']*)'?/g, (_, double?: string, single?: string) => double ?? single ?? ''));
}
