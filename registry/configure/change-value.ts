import { join } from 'node:path';

import { DashError, type DeclaredSetting, misfitOf, nearest, quotedText, readDeclaredSettings, readTyped } from '../../format/index.ts';
import { assertNotDelegated } from '../delegation.ts';
import type { Scope } from '../store/store-paths.ts';
import type { Configurable } from './read-values.ts';
import { changeSensitive } from './sensitive-store.ts';
import { changeValueFile, readValueFile, type ValueScope } from './value-file.ts';

/** Finds a setting by its name. @throws {DashError} SETTING_NOT_FOUND with the name that was probably meant */
export function findSetting({ name: packageName, settings: schema }: Configurable, name: string): DeclaredSetting {
  const { settings, diagnostics } = readDeclaredSettings(schema);
  const found = settings.find((setting) => setting.name === name);
  if (found !== undefined) return found;
  const names = settings.map((setting) => setting.name);
  const meant = nearest(name, names);
  const unusable = diagnostics.find(({ message }) => message.includes(`\`${name}\``));
  throw new DashError('SETTING_NOT_FOUND', unusable?.message ?? `${packageName} has no setting \`${name}\``, {
    hint:
      meant !== undefined
        ? `did you mean \`${meant}\`?`
        : names.length === 0
          ? `${packageName} has no settings at all`
          : `it has ${names.map((one) => `\`${one}\``).join(', ')}`,
  });
}

/**
 * Reads what was typed as a value of a setting. What is wrong is said without it.
 *
 * @throws {DashError} SETTING_INVALID
 */
export function parseSettingValue({ name: packageName }: Configurable, setting: DeclaredSetting, typed: string): unknown {
  const value = readTyped(setting.schema, typed);
  assertFits(packageName, setting, value);
  return value;
}

export interface ChangeValueOptions {
  readonly dashHome: string;
  readonly scope: Scope;
}

/**
 * Sets one setting of a package: in the settings file of the scope, or of a sensitive one where the user alone can read it.
 *
 * @returns whether that was a change
 * @throws {DashError} SETTING_INVALID, PROJECT_SETTING_REFUSED; DELEGATED_CONSENT inside a tool process of an agent; SETTINGS_INVALID,
 *   STORE_CORRUPT, DISK_ERROR, LOCKED
 */
export async function setSetting(pkg: Configurable, setting: DeclaredSetting, value: unknown, { dashHome, scope }: ChangeValueOptions): Promise<boolean> {
  assertNotDelegated();
  assertFits(pkg.name, setting, value);
  assertMaySet(pkg.name, setting, scope);
  if (setting.sensitive) return changeSensitive(dashHome, pkg.grantKey, (values) => new Map(values).set(setting.name, value));
  return changeValueFile(fileOf(scope, dashHome), pkg.id, setting.name, value, join(dashHome, 'state'));
}

/**
 * Takes out what was set, by any name: also what a version of long ago had.
 *
 * @returns whether there was something
 * @throws {DashError} DELEGATED_CONSENT, SETTINGS_INVALID, STORE_CORRUPT, DISK_ERROR, LOCKED
 */
export async function unsetSetting(pkg: Configurable, name: string, { dashHome, scope }: ChangeValueOptions): Promise<boolean> {
  assertNotDelegated();
  const wasInFile = await changeValueFile(fileOf(scope, dashHome), pkg.id, name, undefined, join(dashHome, 'state'));
  if (scope.kind === 'project') return wasInFile;
  const wasKept = await changeSensitive(dashHome, pkg.grantKey, (values) => new Map([...values].filter(([key]) => key !== name)));
  return wasInFile || wasKept;
}

/**
 * Forgets all that the user set for a package, secrets too.
 *
 * @throws {DashError} DELEGATED_CONSENT, SETTINGS_INVALID, STORE_CORRUPT, DISK_ERROR, LOCKED
 */
export async function forgetSettings({ id, grantKey }: Pick<Configurable, 'id' | 'grantKey'>, dashHome: string): Promise<void> {
  assertNotDelegated();
  await changeSensitive(dashHome, grantKey, () => new Map());
  const user: ValueScope = { kind: 'user', dashHome };
  for (const name of (await readValueFile(user)).packages.get(id)?.keys() ?? []) await changeValueFile(user, id, name, undefined, join(dashHome, 'state'));
}

function assertFits(packageName: string, setting: DeclaredSetting, value: unknown): void {
  const why = misfitOf(setting.schema, value);
  if (why === undefined) return;
  throw new DashError('SETTING_INVALID', `\`${setting.name}\` of ${packageName} ${why}`, {
    hint: setting.description === '' ? `\`dash config ${packageName}\` shows its settings` : `its author says: ${quotedText(setting.description, 300)}`,
  });
}

/** @throws {DashError} PROJECT_SETTING_REFUSED where a project's file would not be listened to */
export function assertMaySet(packageName: string, { name, sensitive, project }: DeclaredSetting, scope: Scope): void {
  if (scope.kind === 'user' || project) return;
  throw new DashError('PROJECT_SETTING_REFUSED', `a project has no say in \`${name}\` of ${packageName}`, {
    hint: sensitive
      ? 'sensitive settings are yours alone: leave `--local` out'
      : 'leave `--local` out; its author marks with `"project": true` what a project may set',
  });
}

function fileOf(scope: Scope, dashHome: string): ValueScope {
  return scope.kind === 'user' ? { kind: 'user', dashHome } : scope;
}
