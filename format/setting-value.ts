import { plainText } from './quoted-text.ts';

/** A part of the JSON Schema of a package's settings, with nothing in it that is not understood here. */
export type SettingSchema = boolean | Readonly<Record<string, unknown>>;

/** Text longer than this is no setting; of other values it is their JSON. */
const MAX_CHARACTERS = 16_384;
/** So much of the author's words stands in a message. */
const MAX_SHOWN = 60;
const MAX_DEPTH = 8;
const MAX_SCHEMA_CHARACTERS = 20_000;
/** Steps that one value may take: a list of thousands can be held against a list of thousands. */
const MAX_EFFORT = 50_000;

/** What says nothing about which values fit. `pattern` among it: to try an expression of a stranger can take for ever. */
const ANNOTATIONS: ReadonlySet<string> = new Set(
  '$comment $id $schema default deprecated description examples format pattern project readOnly sensitive title writeOnly'.split(' '),
);
const COUNTED: ReadonlySet<string> = new Set('minimum maximum exclusiveMinimum exclusiveMaximum multipleOf minLength maxLength minItems maxItems'.split(' '));
const TYPES = ['string', 'number', 'integer', 'boolean', 'array', 'object', 'null'];

/** Says what in a schema is not understood here, so that no value can be held against it; `undefined` when nothing is. */
export function unreadableIn(schema: unknown, depth = 0): string | undefined {
  if (typeof schema === 'boolean') return undefined;
  if (!isRecord(schema)) return 'it is no schema';
  if (depth === 0 && JSON.stringify(schema).length > MAX_SCHEMA_CHARACTERS) return `its schema is longer than ${MAX_SCHEMA_CHARACTERS} characters`;
  if (depth > MAX_DEPTH) return 'it is nested too deep';
  for (const [keyword, value] of Object.entries(schema)) {
    const why = ANNOTATIONS.has(keyword) ? undefined : unreadableKeyword(keyword, value, depth);
    if (why !== undefined) return why;
  }
  return undefined;
}

function unreadableKeyword(keyword: string, value: unknown, depth: number): string | undefined {
  const inner = (schemas: readonly unknown[]) => schemas.map((schema) => unreadableIn(schema, depth + 1)).find((why) => why !== undefined);
  if (COUNTED.has(keyword)) return typeof value === 'number' ? undefined : `\`${keyword}\` is not a number`;
  switch (keyword) {
    case 'type':
      return [value].flat().every((type) => TYPES.some((known) => known === type)) ? undefined : '`type` is not one of JSON';
    case 'const':
      return undefined;
    case 'enum':
      return Array.isArray(value) && value.length > 0 ? undefined : '`enum` is not a list';
    case 'required':
      return Array.isArray(value) && value.every((name) => typeof name === 'string') ? undefined : '`required` is not a list of names';
    case 'uniqueItems':
      return typeof value === 'boolean' ? undefined : '`uniqueItems` is neither true nor false';
    case 'anyOf':
    case 'oneOf':
    case 'allOf':
      return Array.isArray(value) && value.length > 0 ? inner(value) : `\`${keyword}\` is not a list of schemas`;
    case 'items':
    case 'not':
    case 'additionalProperties':
      return inner([value]);
    case 'properties':
      return isRecord(value) ? inner(Object.values(value)) : '`properties` is not an object';
    default:
      return `\`${plainText(keyword, MAX_SHOWN)}\` is not understood`;
  }
}

/**
 * Says why a value does not fit, in words that follow the name of what it is for; `undefined` when it fits. The value
 * itself is never in them: it may be a secret.
 */
export function misfitOf(schema: SettingSchema, value: unknown): string | undefined {
  if ((typeof value === 'string' ? value : JSON.stringify(value)).length > MAX_CHARACTERS) return `is longer than ${MAX_CHARACTERS} characters`;
  const effort: Effort = { left: MAX_EFFORT };
  const why = misfit(schema, value, '', effort);
  // whatever was found until then, `not` may have turned it round
  return effort.left < 0 ? 'takes too long to hold against its schema' : why;
}

/** What is left of the steps that a value may take; below nothing, everything misfits at once. */
interface Effort {
  left: number;
}

/**
 * Reads what was typed for a setting: JSON where the schema wants something else than text, otherwise as it stands. What
 * fits neither way is given as the one that `misfitOf` says most about.
 */
export function readTyped(schema: SettingSchema, typed: string): unknown {
  const json = readJson(typed);
  const fits = (value: unknown): boolean => value !== undefined && misfitOf(schema, value) === undefined;
  if (typeof json !== 'string' && fits(json)) return json;
  if (fits(typed)) return typed;
  if (fits(json)) return json;
  return json === undefined || takesText(schema) ? typed : json;
}

function misfit(schema: SettingSchema, value: unknown, at: string, effort: Effort): string | undefined {
  if ((effort.left -= 1) < 0) return 'takes too long';
  const where = at === '' ? '' : `at \`${at}\` `;
  if (typeof schema === 'boolean') return schema ? undefined : `${where}takes no value`;
  for (const [keyword, wanted] of Object.entries(schema)) {
    const why = misfitOfKeyword(keyword, wanted, { schema, value, at, effort });
    if (why !== undefined) return why.startsWith('at ') ? why : `${where}${why}`;
  }
  return undefined;
}

interface Held {
  readonly schema: Readonly<Record<string, unknown>>;
  readonly value: unknown;
  readonly at: string;
  readonly effort: Effort;
}

function misfitOfKeyword(keyword: string, wanted: unknown, { schema, value, at, effort }: Held): string | undefined {
  const spend = (steps: number): void => void (effort.left -= steps);
  const canonicalOf = (data: unknown): string => {
    const text = canonical(data);
    spend(1 + text.length / 8);
    return text;
  };
  const entriesOf = (record: Readonly<Record<string, unknown>>): readonly (readonly [string, unknown])[] => {
    const entries = Object.entries(record);
    spend(entries.length);
    return entries;
  };
  const charactersIn = (text: string): number => {
    spend(text.length / 8);
    return [...text].length;
  };
  const size = Number(wanted);
  const isNumber = typeof value === 'number';
  const isList = Array.isArray(value);
  const isObject = isRecord(value);
  const isText = typeof value === 'string';
  switch (keyword) {
    case 'type': {
      const types = [wanted].flat().map(String);
      spend(types.length);
      return types.some((type) => isOfType(type, value)) ? undefined : `must be ${types.map((type) => WORDS[type] ?? type).join(' or ')}`;
    }
    case 'const':
      return canonicalOf(wanted) === canonicalOf(value) ? undefined : `must be ${shown(wanted)}`;
    case 'enum': {
      const choices = asList(wanted);
      const same = canonicalOf(value);
      return choices.some((choice) => effort.left < 0 || canonicalOf(choice) === same) ? undefined : `must be one of ${choices.map(shown).join(', ')}`;
    }
    case 'minimum':
      return isNumber && value < size ? `must be at least ${size}` : undefined;
    case 'maximum':
      return isNumber && value > size ? `must be at most ${size}` : undefined;
    case 'exclusiveMinimum':
      return isNumber && value <= size ? `must be more than ${size}` : undefined;
    case 'exclusiveMaximum':
      return isNumber && value >= size ? `must be less than ${size}` : undefined;
    case 'multipleOf':
      return isNumber && !Number.isInteger(value / size) ? `must be a multiple of ${size}` : undefined;
    case 'minLength':
      return isText && charactersIn(value) < size ? `must have at least ${size} characters` : undefined;
    case 'maxLength':
      return isText && charactersIn(value) > size ? `must have at most ${size} characters` : undefined;
    case 'minItems':
      return isList && value.length < size ? `must have at least ${size} entries` : undefined;
    case 'maxItems':
      return isList && value.length > size ? `must have at most ${size} entries` : undefined;
    case 'uniqueItems':
      return wanted === true && isList && new Set(value.map(canonicalOf)).size < value.length ? 'must not have an entry twice' : undefined;
    case 'items':
      return isList && isSchema(wanted) ? first(value, (item, index) => misfit(wanted, item, `${at}[${index}]`, effort)) : undefined;
    case 'required':
      return isObject ? first(asList(wanted), (name) => (Object.hasOwn(value, String(name)) ? undefined : `lacks ${shown(name)}`)) : undefined;
    case 'properties':
      if (!isObject || !isRecord(wanted)) return undefined;
      return first(entriesOf(wanted), ([name, inner]) =>
        Object.hasOwn(value, name) && isSchema(inner) ? misfit(inner, value[name], `${at}.${plainText(name, MAX_SHOWN)}`, effort) : undefined,
      );
    case 'additionalProperties': {
      if (!isObject || !isSchema(wanted)) return undefined;
      const named = isRecord(schema['properties']) ? schema['properties'] : {};
      const others = entriesOf(value).filter(([name]) => !Object.hasOwn(named, name));
      // what it is called may be a part of a secret, as its value may be
      return first(others, ([, inner]) => (wanted === false ? 'has an entry that it does not know' : misfit(wanted, inner, `${at}.*`, effort)));
    }
    case 'anyOf': {
      const misfits = asList(wanted).map((one) => (isSchema(one) ? misfit(one, value, at, effort) : undefined));
      return misfits.includes(undefined) ? undefined : [...new Set(misfits)].join(', or ');
    }
    case 'oneOf': {
      const fitting = asList(wanted).filter((one) => isSchema(one) && misfit(one, value, at, effort) === undefined);
      return fitting.length === 1 ? undefined : `must fit exactly one of ${asList(wanted).length} forms`;
    }
    case 'allOf':
      return first(asList(wanted), (one) => (isSchema(one) ? misfit(one, value, at, effort) : undefined));
    case 'not':
      return isSchema(wanted) && misfit(wanted, value, at, effort) === undefined ? 'has a form that is excluded' : undefined;
    default:
      return undefined; // an annotation: `unreadableIn` let nothing else pass
  }
}

const WORDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  integer: 'a whole number',
  boolean: '`true` or `false`',
  array: 'a list, as JSON',
  object: 'an object, as JSON',
  null: '`null`',
};

function isOfType(type: string, value: unknown): boolean {
  switch (type) {
    case 'array':
      return Array.isArray(value);
    case 'object':
      return isRecord(value);
    case 'null':
      return value === null;
    case 'integer':
      return Number.isInteger(value);
    default:
      return typeof value === type;
  }
}

function takesText(schema: SettingSchema): boolean {
  if (typeof schema === 'boolean') return schema;
  const { type, enum: choices, const: only, anyOf, oneOf } = schema;
  const inner = [...asList(anyOf), ...asList(oneOf)].filter(isSchema);
  if (type !== undefined) return [type].flat().includes('string');
  if (only !== undefined || choices !== undefined) return [only, ...asList(choices)].some((one) => typeof one === 'string');
  return inner.length === 0 || inner.some(takesText);
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // what the parser says of it quotes it
  }
}

function first<T>(list: readonly T[], misfitOfOne: (one: T, index: number) => string | undefined): string | undefined {
  for (const [index, one] of list.entries()) {
    const why = misfitOfOne(one, index);
    if (why !== undefined) return why;
  }
  return undefined;
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    isRecord(inner) ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1))) : inner,
  );
}

function shown(value: unknown): string {
  return `\`${plainText(typeof value === 'string' ? value : JSON.stringify(value), MAX_SHOWN)}\``;
}

function isSchema(value: unknown): value is SettingSchema {
  return typeof value === 'boolean' || isRecord(value);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
