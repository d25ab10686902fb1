import matter from 'gray-matter';
import yaml, { type State } from 'js-yaml';
import { DashError } from '../format/index.ts';

/** Plain data as FAILSAFE YAML gives it: every scalar is a string. */
export type YamlValue = string | YamlValue[] | { [key: string]: YamlValue };

/** A markdown file taken apart. */
export interface FrontMatter {
  readonly data: Readonly<Record<string, YamlValue>>;
  readonly body: string;
  /** False when the file does not begin with front matter at all. */
  readonly present: boolean;
  /** True when a value with an unquoted colon had to be quoted first. */
  readonly repaired: boolean;
}

/** Largest file that is read, in bytes. */
export const MAX_FILE_BYTES = 1024 * 1024;
/** Largest front matter, in bytes. */
export const MAX_FRONT_MATTER_BYTES = 64 * 1024;

/** Why a file has no readable front matter. `line` counts from 1. */
export interface FrontMatterProblem {
  readonly code: 'too-large' | 'front-matter-language' | 'unclosed' | 'yaml' | 'not-a-mapping';
  readonly message: string;
  readonly line: number;
}

/** Takes the front matter off a markdown text. @throws {DashError} INVALID_SKILL */
export function parseFrontMatter(text: string, path: string): FrontMatter {
  const found = readFrontMatter(text);
  if (!('code' in found)) return found;
  throw new DashError('INVALID_SKILL', `\`${path}\`: ${found.message}`, { where: { path, line: found.line } });
}

/**
 * Takes the front matter off a markdown text, as data and nothing else. gray-matter by itself would run
 * `---js` as a program; so only a first line of exactly `---` reaches it, every engine that could
 * evaluate throws, and it always gets options, without which it caches and shares results.
 */
export function readFrontMatter(text: string): FrontMatter | FrontMatterProblem {
  if (Buffer.byteLength(text) > MAX_FILE_BYTES) return { code: 'too-large', message: `the file is larger than ${MAX_FILE_BYTES} bytes`, line: 1 };
  const content = text.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n');
  const [first = '', ...rest] = content.split('\n');
  if (first !== '---') {
    if (first.startsWith('---') && !first.startsWith('----'))
      return { code: 'front-matter-language', message: 'front matter begins with a line of exactly `---`, without a language', line: 1 };
    return { data: {}, body: content, present: false, repaired: false };
  }
  const closing = rest.indexOf('---');
  // gray-matter ends at any line that begins with three hyphens and would drop what follows without a word.
  const early = rest.findIndex((line) => line.startsWith('---'));
  if (early < closing) return { code: 'yaml', message: 'a line inside the front matter begins with `---`', line: early + 2 };
  if (closing === -1) return { code: 'unclosed', message: 'the front matter is not closed by a line of `---`', line: 1 };
  const block = rest.slice(0, closing).join('\n');
  if (Buffer.byteLength(block) > MAX_FRONT_MATTER_BYTES)
    return { code: 'too-large', message: `the front matter is larger than ${MAX_FRONT_MATTER_BYTES} bytes`, line: 1 };
  // The body never passes through the parser: what it says cannot change what it means.
  const body = rest.slice(closing + 1).join('\n');

  const asWritten = parseBlock(block);
  if (!('code' in asWritten)) return { data: asWritten.data, body, present: true, repaired: false };
  const quoted = quoteMisread(block);
  const repaired = quoted === block ? asWritten : parseBlock(quoted);
  return 'code' in repaired ? asWritten : { data: repaired.data, body, present: true, repaired: true };
}

const throwing = {
  parse(): never {
    throw new Error('only YAML is read');
  },
};

function parseBlock(block: string): { readonly data: Readonly<Record<string, YamlValue>> } | FrontMatterProblem {
  // gray-matter looks for comments in a way that takes the square of the blank lines before one
  if (mostBlankLines(block) > MAX_BLANK_LINES) return { code: 'yaml', message: `there are more than ${MAX_BLANK_LINES} blank lines in a row`, line: 2 };
  // js-yaml 3 lifts a key indented with a tab to the top level, past whoever looks at the nesting.
  const tab = block.split('\n').findIndex((line) => /^ *\t[ \t]*[^\s#]/.test(line));
  if (tab !== -1) return { code: 'yaml', message: 'the front matter is not valid YAML: a tab cannot indent', line: tab + 2 };
  let parsed: Record<string, YamlValue> | 'none' | 'other' = 'none';
  const parse = (text: string): object => {
    // inside the `try`: a mapping may be nested deeper than this program can go
    const loaded = yaml.load(text, { schema: yaml.FAILSAFE_SCHEMA, listener: refuseAlias });
    if (isMapping(loaded)) parsed = withoutNulls(loaded);
    else if (loaded !== undefined && loaded !== null && loaded !== '') parsed = 'other';
    return {};
  };
  try {
    matter(`---\n${block}\n---\n`, { language: 'yaml', engines: { yaml: { parse }, js: throwing, javascript: throwing, coffee: throwing, json: throwing } });
  } catch (error) {
    if (error instanceof yaml.YAMLException)
      return { code: 'yaml', message: `the front matter is not valid YAML: ${error.reason ?? error.message}`, line: (error.mark?.line ?? 0) + 1 };
    return { code: 'yaml', message: `the front matter is not valid YAML: ${error instanceof Error ? error.message : String(error)}`, line: 1 };
  }
  return outcomeOf(parsed);
}

const MAX_BLANK_LINES = 200;

function mostBlankLines(block: string): number {
  let [run, most] = [0, 0];
  for (const line of block.split('\n')) {
    run = line.trim() === '' ? run + 1 : 0;
    most = Math.max(most, run);
  }
  return most;
}

/**
 * An alias makes one small file a very large value. js-yaml tells its listener of each node it closes,
 * and only an alias closes without a kind of its own but with a value.
 */
function refuseAlias(event: 'open' | 'close', { kind, result }: State): void {
  if (event === 'close' && kind === null && result !== null && result !== undefined) throw new Error('aliases are not allowed');
}

function outcomeOf(parsed: Record<string, YamlValue> | 'none' | 'other'): { readonly data: Readonly<Record<string, YamlValue>> } | FrontMatterProblem {
  if (parsed === 'none') return { data: {} };
  return parsed === 'other' ? { code: 'not-a-mapping', message: 'front matter must be a mapping of names to values', line: 2 } : { data: parsed };
}

/** A key without a value is an empty text: FAILSAFE leaves a null there, which is no value of ours. */
function withoutNulls(mapping: Readonly<Record<string, unknown>>): Record<string, YamlValue> {
  const value = (one: unknown): YamlValue => {
    if (Array.isArray(one)) return one.map(value);
    return isMapping(one) ? withoutNulls(one) : typeof one === 'string' ? one : '';
  };
  // defined and not assigned: `__proto__` is a name like any other
  return Object.fromEntries(Object.entries(mapping).map(([key, one]) => [key, value(one)]));
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * `description: Use when: x` is a mistake that half of all broken skills make, and `argument-hint: [a] [b]` is how other
 * clients write it in their own manuals.
 */
export function quoteMisread(block: string): string {
  return block
    .split('\n')
    .map((line) => {
      const [, hint] = /^argument-hint:[ \t]+(\[[^"]*\][ \t]*\S.*)$/.exec(line) ?? [];
      if (hint !== undefined) return `argument-hint: ${JSON.stringify(hint.trim())}`;
      const [, key, value] = /^([A-Za-z][\w-]*):[ \t]+([^"'[{|>&*!#%@`].*)$/.exec(line) ?? [];
      return key !== undefined && value !== undefined && /:(?:\s|$)/.test(value) ? `${key}: ${JSON.stringify(value.trim())}` : line;
    })
    .join('\n');
}
