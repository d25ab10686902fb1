import { type DeclaredSetting, type Diagnostic, isDashError, misfitOf, nearest, readDeclaredSettings, type SettingValues } from '../../format/index.ts';
import type { InstalledPackage } from '../installed.ts';
import { readSensitive, type SensitiveValues } from './sensitive-store.ts';
import { readValueFile, type ValueFile } from './value-file.ts';

/** A package as far as its settings go. */
export type Configurable = Pick<InstalledPackage, 'id' | 'name' | 'grantKey' | 'settings'>;

/** One setting of a package with what holds for it. */
export interface SettingState {
  readonly setting: DeclaredSetting;
  /** `undefined` where nothing is set and there is no default. Of a sensitive one it is for the package alone. */
  readonly value: unknown;
  readonly from: 'unset' | 'default' | 'user' | 'project';
}

export interface PackageSettings {
  readonly settings: readonly SettingState[];
  readonly diagnostics: readonly Diagnostic[];
}

export interface ReadValuesOptions {
  readonly dashHome: string;
  /** Directories whose `.dash/settings.json` may speak, the innermost last: those of a trusted project. */
  readonly projects: readonly string[];
}

/** The values of this moment, for any number of packages: each file is read once. */
export interface ValueBook {
  of(pkg: Configurable): PackageSettings;
}

/**
 * Reads what the user, and above it a trusted project, set for packages. A project counts for settings whose author said
 * that it may, and never for sensitive ones.
 *
 * @throws {DashError} SETTINGS_INVALID when the user's own file cannot be read
 */
export async function openValueBook({ dashHome, projects }: ReadValuesOptions): Promise<ValueBook> {
  const user = await readValueFile({ kind: 'user', dashHome });
  const ofProject: ValueFile[] = [];
  const diagnostics: Diagnostic[] = [];
  for (const dir of projects) {
    try {
      ofProject.push(await readValueFile({ kind: 'project', dir }));
    } catch (error) {
      // what is wrong in a project's file costs that file
      if (!isDashError(error, 'SETTINGS_INVALID')) throw error;
      diagnostics.push({ severity: 'warning', code: error.code, message: error.message, ...(error.where !== undefined && { where: error.where }) });
    }
  }
  return {
    of(pkg) {
      const sensitive = keptFor(pkg, dashHome);
      const read = valuesOf(pkg, { user, projects: ofProject, sensitive: sensitive.values });
      const { settings } = pkg;
      return { ...read, diagnostics: settings === undefined ? read.diagnostics : [...diagnostics, ...sensitive.diagnostics, ...read.diagnostics] };
    },
  };
}

/** What a package is handed. */
export function toSettingValues({ settings }: PackageSettings): SettingValues {
  return {
    values: new Map(settings.flatMap(({ setting, value }) => (value === undefined ? [] : [[setting.name, value] as const]))),
    sensitive: new Set(settings.flatMap(({ setting }) => (setting.sensitive ? [setting.name] : []))),
  };
}

interface Sources {
  readonly user: ValueFile;
  readonly projects: readonly ValueFile[];
  readonly sensitive: SensitiveValues;
}

/** Decides which value holds. No message holds a value: it stands in the file, and may be a secret in the wrong place. */
export function valuesOf({ id, name: packageName, settings: schema }: Configurable, { user, projects, sensitive }: Sources): PackageSettings {
  const declared = readDeclaredSettings(schema);
  const diagnostics: Diagnostic[] = declared.diagnostics.map((one) => ({ ...one, message: `${packageName}: ${one.message}` }));
  const warn = (code: string, message: string, path?: string) =>
    diagnostics.push({ severity: 'warning', code, message, ...(path !== undefined && { where: { path } }) });

  const states = declared.settings.map((setting): SettingState => {
    const { name } = setting;
    const full = `\`${name}\` of ${packageName}`;
    const fitting = (value: unknown, where: string, path?: string): boolean => {
      const why = misfitOf(setting.schema, value);
      if (why !== undefined) warn('SETTING_INVALID', `${full} ${why}: what ${where} sets does not count`, path);
      return why === undefined;
    };
    let state: SettingState =
      setting.default === undefined ? { setting, value: undefined, from: 'unset' } : { setting, value: setting.default, from: 'default' };
    if (setting.sensitive) {
      for (const { path, packages } of [user, ...projects]) {
        if (packages.get(id)?.has(name) === true)
          warn(
            'SETTING_IGNORED',
            `${full} is sensitive and is not taken from a settings file: take it out, and run \`dash config set ${packageName} ${name}\``,
            path,
          );
      }
      const value = sensitive.get(name);
      return value !== undefined && fitting(value, 'the user') ? { setting, value, from: 'user' } : state;
    }
    const own = user.packages.get(id)?.get(name);
    if (own !== undefined && fitting(own, 'the user', user.path)) state = { setting, value: own, from: 'user' };
    for (const { path, packages } of projects) {
      const value = packages.get(id)?.get(name);
      if (value === undefined) continue;
      if (!setting.project) warn('PROJECT_SETTING_IGNORED', `a project has no say in ${full}`, path);
      else if (fitting(value, 'the project', path)) state = { setting, value, from: 'project' };
    }
    return state;
  });

  if (schema !== undefined) {
    const names = declared.settings.map(({ name }) => name);
    for (const { path, packages } of [user, ...projects]) {
      for (const key of packages.get(id)?.keys() ?? []) {
        if (names.includes(key)) continue;
        const meant = nearest(key, names);
        warn('UNKNOWN_SETTING', `${packageName} has no setting \`${key}\`${meant === undefined ? '' : `: did you mean \`${meant}\`?`}`, path);
      }
    }
  }
  for (const { setting, from } of states) {
    if (setting.required && from === 'unset')
      warn('SETTING_MISSING', `${packageName} needs its setting \`${setting.name}\`: \`dash config set ${packageName} ${setting.name}\``);
  }
  return { settings: states, diagnostics };
}

/** A file of secrets that cannot be read costs the packages that have some theirs. */
function keptFor({ grantKey, settings }: Configurable, dashHome: string): { readonly values: SensitiveValues; readonly diagnostics: readonly Diagnostic[] } {
  if (!readDeclaredSettings(settings).settings.some(({ sensitive }) => sensitive)) return { values: new Map(), diagnostics: [] };
  try {
    return { values: readSensitive(dashHome, grantKey), diagnostics: [] };
  } catch (error) {
    if (!isDashError(error)) throw error;
    const { code, message, hint, where } = error;
    return {
      values: new Map(),
      diagnostics: [{ severity: 'error', code, message: hint === undefined ? message : `${message}: ${hint}`, ...(where !== undefined && { where }) }],
    };
  }
}
