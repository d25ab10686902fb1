import { lstat, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { DashError, type Diagnostic, isDashError } from '../../format/index.ts';
import { takeProcessLock } from '../lock/process-lock.ts';
import { idOf } from '../package-settings.ts';
import { parseSpec } from '../package-spec.ts';
import { readIfPresent, writeDurably } from '../store/durable-file.ts';
import { asDiskError, ignoreMissing } from '../store/file-errors.ts';

/** The key of `settings.json` under which values of packages stand: `{"packageSettings": {"npm:weather": {"units": "metric"}}}`. */
const SECTION = 'packageSettings';

/** A settings file as far as values of packages go. */
export interface ValueFile {
  readonly path: string;
  /** By the identity of the package; a name of a setting is only data. */
  readonly packages: ReadonlyMap<string, ReadonlyMap<string, unknown>>;
  readonly diagnostics: readonly Diagnostic[];
}

/** Whose file: the user's, or that of a project. */
export type ValueScope = { readonly kind: 'user'; readonly dashHome: string } | { readonly kind: 'project'; readonly dir: string };

/** Reads which values a file sets. @throws {DashError} SETTINGS_INVALID when it cannot be read, or is a link in a project */
export async function readValueFile(scope: ValueScope): Promise<ValueFile> {
  const path = pathOf(scope);
  await assertOwn(scope);
  const section = (await readObject(path))[SECTION] ?? {};
  if (!isRecord(section)) throw invalid(path, `\`${SECTION}\` is not an object`);
  const packages = new Map<string, ReadonlyMap<string, unknown>>();
  const diagnostics: Diagnostic[] = [];
  for (const [key, values] of Object.entries(section)) {
    const id = identityOf(key, scope);
    if (id === undefined || !isRecord(values)) {
      const message = id === undefined ? `\`${SECTION}\` names \`${key}\`, which is no package` : `\`${SECTION}.${key}\` is not an object of values`;
      diagnostics.push({ severity: 'warning', code: 'SETTINGS_INVALID', message, where: { path } });
    } else packages.set(id, new Map([...(packages.get(id) ?? []), ...Object.entries(values)]));
  }
  return { path, packages, diagnostics };
}

/**
 * Sets one value of a package in a file, or takes it out; the rest of the file stays as it is.
 *
 * @returns whether that was a change
 * @throws {DashError} SETTINGS_INVALID, DISK_ERROR, DISK_FULL, LOCKED
 */
export async function changeValueFile(scope: ValueScope, id: string, name: string, value: unknown, locks: string): Promise<boolean> {
  const path = pathOf(scope);
  await using _ = await takeProcessLock(join(locks, 'settings.lock'));
  await assertOwn(scope);
  const file = await readObject(path);
  const section = file[SECTION] ?? {};
  if (!isRecord(section)) throw invalid(path, `\`${SECTION}\` is not an object`);
  const keys = Object.keys(section).filter((key) => identityOf(key, scope) === id);
  const own = keys.length > 0 ? keys : [keyOf(id)];
  const changed = new Map(Object.entries(section));
  for (const [index, key] of own.entries()) {
    const values = new Map(isRecord(section[key]) ? Object.entries(section[key]) : []);
    values.delete(name);
    // the last one counts
    if (value !== undefined && index === own.length - 1) values.set(name, value);
    if (values.size === 0) changed.delete(key);
    else changed.set(key, Object.fromEntries(values));
  }
  const { [SECTION]: before, ...others } = file;
  const next = changed.size === 0 ? others : { ...file, [SECTION]: Object.fromEntries(changed) };
  if (JSON.stringify(next) === JSON.stringify(before === undefined ? others : file)) return false;
  try {
    // a user who keeps the file elsewhere and links to it means the file
    const target = scope.kind === 'user' ? ((await realpath(path).catch(ignoreMissing)) ?? path) : path;
    await writeDurably(target, `${JSON.stringify(next, undefined, 2)}\n`, scope.kind === 'user' ? { mode: 0o600 } : {});
  } catch (error) {
    throw asDiskError(error, 'writing the settings');
  }
  return true;
}

/** Where the values of a scope stand. */
export function pathOf(scope: ValueScope): string {
  return scope.kind === 'user' ? join(scope.dashHome, 'settings.json') : join(scope.dir, '.dash', 'settings.json');
}

/** A project that links its settings elsewhere would have read, or written, what is none of its business. */
async function assertOwn(scope: ValueScope): Promise<void> {
  if (scope.kind === 'user') return;
  const path = pathOf(scope);
  for (const each of [dirname(path), path]) {
    if ((await lstat(each).catch(ignoreMissing))?.isSymbolicLink() === true)
      throw invalid(path, `\`${each === path ? 'settings.json' : '.dash'}\` of a project is not followed where it is a link`);
  }
}

async function readObject(path: string): Promise<Readonly<Record<string, unknown>>> {
  const text = await readIfPresent(path);
  if (text === undefined) return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalid(path, 'it is not JSON');
  }
  if (!isRecord(value)) throw invalid(path, 'it is not an object');
  return value;
}

/** What a key means: whatever `dash install` would take; paths are those of the project, or of the home of Dash. */
function identityOf(key: string, scope: ValueScope): string | undefined {
  try {
    return idOf(parseSpec(key, { cwd: scope.kind === 'user' ? scope.dashHome : scope.dir }));
  } catch (error) {
    if (isDashError(error)) return undefined;
    throw error;
  }
}

/** The key that {@link identityOf} reads as this identity. */
function keyOf(id: string): string {
  return id.replace(/^(path|url):/, '');
}

function invalid(path: string, why: string): DashError {
  return new DashError('SETTINGS_INVALID', `\`${path}\`: ${why}`, {
    hint: `values of packages stand there as \`{"${SECTION}": {"npm:name": {"key": "value"}}}\``,
    where: { path },
  });
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
