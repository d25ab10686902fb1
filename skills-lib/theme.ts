import { type Static, Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { DashError } from '../format/index.ts';

/** "" is the terminal's own colour; a number is one of its 256; a name is one of `vars`. */
export const Color = Type.Union([Type.String({ pattern: '^(?:#[0-9a-fA-F]{6}|[A-Za-z][\\w-]*|)$' }), Type.Integer({ minimum: 0, maximum: 255 })]);

/** A theme as it stands in a file. */
export const ThemeFile = Type.Object({
  name: Type.String({ minLength: 1 }),
  vars: Type.Optional(Type.Record(Type.String(), Color)),
  colors: Type.Record(Type.String(), Color),
});

/** A theme with its variables put in: hex colours, numbers of the 256, or `""`. */
export interface Theme {
  readonly name: string;
  readonly colors: Readonly<Record<string, string | number>>;
}

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
  return { name, colors: Object.fromEntries(Object.entries(colors).map(([key, color]) => [key, resolve(color, vars, invalid)])) };
}

function resolve(
  color: Static<typeof Color>,
  vars: Readonly<Record<string, Static<typeof Color>>>,
  invalid: (message: string) => DashError,
  seen: readonly string[] = [],
): string | number {
  if (typeof color === 'number' || color === '' || color.startsWith('#')) return color;
  if (seen.includes(color)) throw invalid(`\`${color}\` refers to itself`);
  const next = Object.hasOwn(vars, color) ? vars[color] : undefined;
  if (next === undefined) throw invalid(`there is no variable \`${color}\``);
  return resolve(next, vars, invalid, [...seen, color]);
}
