import type { Diagnostic } from './diagnostic.ts';
import { plainText } from './quoted-text.ts';
import { misfitOf, type SettingSchema, unreadableIn } from './setting-value.ts';

/** One setting that a package has, as its manifest declares it. */
export interface DeclaredSetting {
  readonly name: string;
  /** The author's words, on one line; never trusted. */
  readonly description: string;
  readonly schema: SettingSchema;
  readonly default?: unknown;
  /** Its value is a secret: never shown, never from a project, kept apart. */
  readonly sensitive: boolean;
  /** The author says that a project may set it, because nothing that matters can be turned elsewhere by it. */
  readonly project: boolean;
  /** Without it the package is of little use. */
  readonly required: boolean;
}

export interface DeclaredSettings {
  readonly settings: readonly DeclaredSetting[];
  /** What its author has to mend: such a setting cannot be made. */
  readonly diagnostics: readonly Diagnostic[];
}

/** What a package reads of its settings. */
export interface SettingValues {
  readonly values: ReadonlyMap<string, unknown>;
  /** Names of those whose values may be seen by nobody else. */
  readonly sensitive: ReadonlySet<string>;
}

export const NO_SETTING_VALUES: SettingValues = { values: new Map(), sensitive: new Set() };

const MAX_SETTINGS = 200;
const MAX_DESCRIPTION = 300;

/**
 * Reads the JSON Schema under `dash.settings`: one setting for each of its `properties`. The schema is a stranger's, so it
 * is not compiled, and of a setting that uses what is not understood here nothing is believed.
 */
export function readDeclaredSettings(schema: Readonly<Record<string, unknown>> | undefined): DeclaredSettings {
  if (schema === undefined) return { settings: [], diagnostics: [] };
  const properties = schema['properties'];
  if (!isRecord(properties)) return { settings: [], diagnostics: [invalid('`dash.settings` is a JSON Schema of an object, but has no `properties`')] };
  const required = Array.isArray(schema['required']) ? schema['required'] : [];
  const all = Object.entries(properties);
  const settings: DeclaredSetting[] = [];
  const diagnostics = all.length > MAX_SETTINGS ? [invalid(`\`dash.settings\` has ${all.length} settings; the first ${MAX_SETTINGS} count`)] : [];
  for (const [name, property] of all.slice(0, MAX_SETTINGS)) {
    const why = NAME.test(name) ? unreadableIn(property) : 'a name begins with a letter and has letters, digits, `_`, `-` and `.`, at most 64';
    if (why !== undefined || (typeof property !== 'boolean' && !isRecord(property))) {
      diagnostics.push(invalid(`the setting \`${plainText(name, 64)}\` cannot be made: ${why ?? 'it is no schema'}`));
      continue;
    }
    const { setting, diagnostic } = declared(name, property, required.includes(name));
    settings.push(setting);
    if (diagnostic !== undefined) diagnostics.push(diagnostic);
  }
  return { settings, diagnostics };
}

/** Never `__proto__`; what else an object inherits are names like others. */
const NAME = /^[A-Za-z][\w.-]{0,63}$/;

function declared(name: string, schema: SettingSchema, required: boolean): { readonly setting: DeclaredSetting; readonly diagnostic?: Diagnostic } {
  const annotations = isRecord(schema) ? schema : {};
  const description = [annotations['description'], annotations['title']].find((text) => typeof text === 'string');
  const sensitive = annotations['sensitive'] === true;
  const setting: DeclaredSetting = {
    name,
    description: plainText(description ?? '', MAX_DESCRIPTION),
    schema,
    sensitive,
    project: annotations['project'] === true && !sensitive,
    required,
  };
  const fallback = annotations['default'];
  if (fallback === undefined) return { setting };
  const why = sensitive ? 'is in the package for everybody to read, but the setting is `sensitive`' : misfitOf(schema, fallback);
  if (why === undefined) return { setting: { ...setting, default: fallback } };
  return { setting, diagnostic: invalid(`the default of the setting \`${name}\` ${why}`) };
}

/** What a setting can be, where its schema has a list of words for it. */
export function choicesOf({ schema }: Pick<DeclaredSetting, 'schema'>): readonly string[] | undefined {
  if (typeof schema === 'boolean') return undefined;
  const { enum: choices, type } = schema;
  if (Array.isArray(choices)) return choices.every((choice) => typeof choice !== 'object') ? choices.map(String) : undefined;
  return type === 'boolean' ? ['true', 'false'] : undefined;
}

function invalid(message: string): Diagnostic {
  return { severity: 'warning', code: 'SETTING_DECLARATION_INVALID', message, where: { path: 'package.json' } };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
