import { basename } from 'node:path';
import { parseFrontMatter } from './front-matter.ts';

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
    argumentHint: typeof hint === 'string' ? hint : undefined,
    body,
    path,
  };
}

const PLACEHOLDER = /\$\{(\d+|ARGUMENTS|@):-([^}]*)\}|\$\{@:(\d+)(?::(\d+))?\}|\$(ARGUMENTS|@|\d+)/g;

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

/** Splits what was typed after a command into arguments; quotes keep words together. */
export function splitArguments(text: string): string[] {
  return [...text.matchAll(/(?:"[^"]*"?|'[^']*'?|[^\s"'])+/g)].map(([word]) =>
    word.replace(/"([^"]*)"?|'([^']*)'?/g, (_, double?: string, single?: string) => double ?? single ?? ''),
  );
}
