import type { ArrayExpression, Class, ObjectExpression } from 'acorn';
import type { FunctionNode } from './scopes.ts';

/**
 * What an expression may be. Of text only what is written in the code is known: a part that exists at run time only is
 * a {@link HOLE}, and a place whose path is the machine's business is a character of {@link PLACES}.
 */
export type Value =
  | { readonly kind: 'text'; readonly text: string }
  /** A builtin, a global or an object of the host: `node:fs.readFile`, `fetch`, `dash.exec`, `ctx.ui`. */
  | { readonly kind: 'thing'; readonly name: string }
  | { readonly kind: 'env'; readonly name: string }
  | { readonly kind: 'function'; readonly node: FunctionNode }
  | { readonly kind: 'object'; readonly node: ObjectExpression }
  | { readonly kind: 'array'; readonly node: ArrayExpression }
  | { readonly kind: 'class'; readonly node: Class }
  | { readonly kind: 'instance'; readonly node: Class }
  /** `module.exports` of a CommonJS module that the bundler wrapped into this function; `isModule` is `module` itself. */
  | { readonly kind: 'exports'; readonly node: FunctionNode; readonly isModule: boolean }
  /** The function that runs such a module once and answers its exports. */
  | { readonly kind: 'loader'; readonly node: FunctionNode }
  | { readonly kind: 'unknown' };

export const UNKNOWN: Value = { kind: 'unknown' };

/** A part of a text that is not known. From a private area of Unicode: a package that writes it itself gets a `?`. */
export const HOLE = '\u{f8ff}';

/** Beginnings of paths whose text depends on the machine. */
export const PLACES = { home: '\u{f8f0}', workspace: '\u{f8f1}', tmp: '\u{f8f2}', data: '\u{f8f3}', package: '\u{f8f4}' } as const;
export type PlaceName = keyof typeof PLACES;

const MAX_TEXT = 2_048;
const RESERVED = /[\u{f8f0}-\u{f8ff}]/gu;

/** A text of the code. Where a package sees itself is its own place. */
export function literal(written: string): Value {
  const cleaned = written.slice(0, MAX_TEXT).replaceAll(RESERVED, '?');
  const text = cleaned.replace(/^(?:file:\/\/)?\/package(?=\/|$)/, PLACES.package);
  return { kind: 'text', text: written.length > MAX_TEXT ? text + HOLE : text };
}

export function textValue(text: string): Value {
  return { kind: 'text', text: text.length > MAX_TEXT ? text.slice(0, MAX_TEXT) + HOLE : text };
}

export function thing(name: string): Value {
  return { kind: 'thing', name };
}

/** Variables that hold the home directory. */
const HOMES = new Set(['HOME', 'USERPROFILE']);

/** The text of a value inside a longer one. */
export function asText(value: Value): string {
  if (value.kind === 'env' && HOMES.has(value.name)) return PLACES.home;
  return value.kind === 'text' ? value.text : HOLE;
}

/** Tells whether nothing of a text is known. */
export function isHole(text: string): boolean {
  return text === HOLE;
}

/** Values without repeats. More than this of one expression means that it is computed. */
const MAX_VALUES = 12;

export function distinct(values: readonly Value[]): readonly Value[] {
  if (values.length < 2) return values;
  const seen = new Set<string>();
  const kept = values.filter((value) => {
    const key = identityOf(value);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
  return kept.length <= MAX_VALUES ? kept : [...kept.slice(0, MAX_VALUES - 1), UNKNOWN];
}

/** Equal for values that say the same. */
export function identityOf(value: Value): string {
  switch (value.kind) {
    case 'text':
      return `text ${value.text}`;
    case 'thing':
    case 'env':
      return `${value.kind} ${value.name}`;
    case 'unknown':
      return 'unknown';
    case 'instance':
    case 'exports':
    case 'loader':
      return `${value.kind} ${value.node.start} ${'isModule' in value ? value.isModule : ''}`;
    default:
      return `${value.kind} ${value.node.start} ${value.node.end}`;
  }
}
