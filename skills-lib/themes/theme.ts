import { type Static, Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { DashError } from '../../format/index.ts';

/** "" is the terminal's own colour; a number is one of its 256; a name is one of `vars`. */
export const Color = Type.Union([Type.String({ pattern: '^(?:#[0-9a-fA-F]{6}|[A-Za-z][\\w-]*|)$' }), Type.Integer({ minimum: 0, maximum: 255 })]);

/** No slash, no control character, nothing that turns the direction of text or cannot be seen. */
const NAME = '^[^/\\u0000-\\u001f\\u007f-\\u009f\\u00ad\\u061c\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff]+$';

/** A theme as it stands in a file. Its name stands in lists, and in settings, where `light/dark` are two names. */
export const ThemeFile = Type.Object({
  name: Type.String({ pattern: NAME, maxLength: 100 }),
  vars: Type.Optional(Type.Record(Type.String(), Color)),
  colors: Type.Record(Type.String(), Color),
});

/** A theme with its variables put in: hex colours, numbers of the 256, or `""`. */
export interface Theme {
  readonly name: string;
  readonly colors: Readonly<Record<string, string | number>>;
}

/** Colours that another stands in for where a theme leaves them out, as in pi. */
const INHERITED: Readonly<Record<string, string>> = {
  scrollbarTrack: 'muted',
  scrollbarThumb: 'text',
  searchMatchBg: 'selectedBg',
  searchMatchText: 'text',
  thinkingMax: 'thinkingXhigh',
};

/** Largest theme, in bytes. */
export const MAX_THEME_BYTES = 256 * 1024;

/** Reads a theme, in pi's format. @throws {DashError} INVALID_SKILL */
export function parseTheme(text: string, path: string): Theme {
  const invalid = (message: string): DashError => new DashError('INVALID_SKILL', `the theme \`${path}\`: ${message}`, { where: { path } });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw invalid(cause instanceof Error ? cause.message : 'not JSON');
  }
  if (!Value.Check(ThemeFile, value)) {
    const first = Value.Errors(ThemeFile, value).First();
    throw invalid(`${first?.path ?? ''} ${first?.message ?? ''}`);
  }
  const { name, vars = {}, colors } = value;
  const resolved = new Map(Object.entries(colors).map(([key, color]) => [key, resolve(color, vars, invalid)]));
  for (const [key, from] of Object.entries(INHERITED)) {
    const color = resolved.get(from);
    if (!resolved.has(key) && color !== undefined) resolved.set(key, color);
  }
  return { name, colors: Object.fromEntries(resolved) };
}

/** How many variables may stand between a colour and its value. */
const MAX_CHAIN = 100;

function resolve(color: Static<typeof Color>, vars: Readonly<Record<string, Static<typeof Color>>>, invalid: (message: string) => DashError): string | number {
  const seen = new Set<string>();
  let value = color;
  while (typeof value === 'string' && value !== '' && !value.startsWith('#')) {
    if (seen.has(value)) throw invalid(`\`${value}\` refers to itself`);
    if (seen.size >= MAX_CHAIN) throw invalid(`\`${color}\` is more than ${MAX_CHAIN} variables away from a colour`);
    seen.add(value);
    const next = Object.hasOwn(vars, value) ? vars[value] : undefined;
    if (next === undefined) throw invalid(`there is no variable \`${value}\``);
    value = next;
  }
  return value;
}
