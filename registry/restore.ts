import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { DashError, formatPackageId } from '../format/index.ts';
import { assertNotDelegated } from './delegation.ts';
import type { InstallContext, InstallReport } from './install.ts';
import { installedFrom } from './installed.ts';
import { viewPackage } from './list.ts';
import { closureText } from './lock/closure-text.ts';
import { formatLockfile, LOCK_VERSION } from './lock/format-lockfile.ts';
import type { Lockfile } from './lock/lockfile.ts';
import type { ClaimedLock } from './lock/read-lockfile.ts';
import { packageIdOf } from './package-source.ts';
import { idOf, type PackageSetting, readPackageSettings } from './package-settings.ts';
import { formatSpec, type PackageSpec } from './package-spec.ts';
import { damagedPackages } from './store/damaged-packages.ts';
import { readIfPresent } from './store/durable-file.ts';
import type { Generation } from './store/generation.ts';
import { lockDigest, writeLockfile } from './store/journal.ts';
import { storePaths } from './store/store-paths.ts';
import { circumstancesOf, rememberRestore } from './repeat-restore.ts';
import { beginTransaction, readState, type State } from './transaction.ts';

export interface RestoreContext extends InstallContext {
  /** The lock is the last word: that it is missing is an error, and nothing is resolved. */
  readonly frozen?: boolean;
  /** Of Dash: what another version made is made again. */
  readonly toolVersion?: string;
  /** Commits first; what is not built yet is built when it is first needed, or by `finishBuilds`. */
  readonly deferBuilds?: boolean;
  /** `dash ci`: what a policy file grants, by source key. With it nothing that was granted before counts. */
  readonly policy?: ReadonlyMap<string, readonly string[]>;
}

/**
 * Makes the disk equal the lock, and brings what the settings name besides. The lock pins and compares: all but the pins
 * is computed again from bytes, and any difference is refused. Nothing is granted by it. Where nothing can have changed,
 * that is seen without reading packages.
 *
 * @throws {DashError} LOCK_MISSING, LOCK_INVALID, LOCK_VERSION, LOCK_OUTDATED, LOCK_TAMPERED, SOURCE_UNTRUSTED, CONSENT_REQUIRED
 * @throws {DashError} whatever fetching throws
 */
export async function restore(context: RestoreContext): Promise<InstallReport> {
  assertNotDelegated();
  await using transaction = await beginTransaction({ ...context, mend: true });
  const { base } = transaction;
  const begun = await circumstancesOf(context, transaction.scope);
  const settings = await settingsOf(transaction);
  const claimed = await readClaim(transaction, { frozen: context.frozen ?? false, isNamed: settings.packages.length > 0 });
  const { lock } = claimed;
  const specs = missingSpecs(claimed, settings, transaction, context.frozen ?? false);
  const due = await dueNames(lock, transaction, context);
  const gone = Object.keys(base?.packages ?? {}).filter((name) => !Object.hasOwn(lock.roots, name));
  const isRight = base !== undefined && due.length === 0 && gone.length === 0 && specs.length === 0;
  if (isRight && context.policy === undefined) {
    await writeLockfile(transaction.scope, base, lockDigest(transaction.lockText));
    const report = await unchanged(base, context);
    await rememberRestore(base, report, context, begun);
    return report;
  }
  const { restorePackages } = await import('./restore-packages.ts');
  // a policy decides about everything that is installed, not only about what is new
  const decided = context.policy === undefined ? due : Object.keys(lock.roots).sort();
  // awaited here: the process lock is let go of when this returns
  return await restorePackages({ claimed, transaction, due: decided, specs, gone, isRight, begun }, context);
}

async function unchanged(generation: Generation, context: RestoreContext): Promise<InstallReport> {
  const names = Object.keys(generation.packages).sort();
  const views = names.map((name) => viewPackage(installedFrom(generation, name, context), context.dashHome, context.workspace));
  return { installed: [], unchanged: await Promise.all(views), held: [], diagnostics: [], pending: pendingOf(generation), ungranted: [] };
}

/** Names of the packages that wait to be built. */
export function pendingOf({ packages }: Generation): string[] {
  return Object.values(packages)
    .filter(({ pending }) => pending === true)
    .map(({ name }) => name)
    .sort();
}

/**
 * Says what {@link restore} would bring and remove, and does neither: packages of the lock that are new, changed or
 * damaged, and installed ones that it does not have.
 *
 * @throws {DashError} LOCK_MISSING, LOCK_INVALID, LOCK_VERSION, LOCK_OUTDATED
 */
export async function planRestore(
  context: RestoreContext,
): Promise<{ readonly due: readonly string[]; readonly specs: readonly PackageSpec[]; readonly gone: readonly string[]; readonly claimed: ClaimedLock }> {
  const state = await readState({ ...context, mend: true });
  const settings = await settingsOf(state);
  const claimed = await readClaim(state, { frozen: context.frozen ?? false, isNamed: settings.packages.length > 0 });
  const { lock } = claimed;
  const specs = missingSpecs(claimed, settings, state, context.frozen ?? false);
  const gone = Object.keys(state.base?.packages ?? {}).filter((name) => !Object.hasOwn(lock.roots, name));
  return { due: await dueNames(lock, state, context), specs, gone, claimed };
}

/** The lock in the file; when that was lost, the one in force, unless the file is the last word. */
async function readClaim({ scope, base }: State, { frozen, isNamed }: { readonly frozen: boolean; readonly isNamed: boolean }): Promise<ClaimedLock> {
  const inForce = base && { lock: base.lock, path: scope.lockfile, where: () => ({ path: scope.lockfile }) };
  if (inForce !== undefined && (await readIfPresent(scope.lockfile)) === formatLockfile(inForce.lock)) return inForce;
  const { readLockfile } = await import('./lock/read-lockfile.ts');
  const claimed = await readLockfile(scope.lockfile);
  if (claimed !== undefined) return claimed;
  if (inForce !== undefined && !frozen) return inForce;
  const what = `there is no \`${scope.lockfile}\``;
  if (frozen) throw new DashError('LOCK_MISSING', what, { hint: 'install once without `--frozen`, and commit the lockfile' });
  if (isNamed) return { lock: { version: LOCK_VERSION, roots: {}, packages: {} }, path: scope.lockfile, where: () => ({ path: scope.lockfile }) };
  throw new DashError('USAGE', `nothing to install: ${what}`, { hint: 'name a package, e.g. `dash install npm:name`' });
}

interface Settings {
  readonly path: string;
  readonly packages: readonly PackageSetting[];
}

async function settingsOf({ exactScope, scope }: State): Promise<Settings> {
  const path = join(dirname(scope.lockfile), 'settings.json');
  const packages = existsSync(path) ? await readPackageSettings(path, exactScope.kind === 'user' ? dirname(scope.lockfile) : exactScope.dir) : [];
  return { path, packages };
}

/**
 * Gives what the settings name and the lock lacks: it has to be resolved.
 *
 * @throws {DashError} LOCK_OUTDATED when the lock is the last word
 * @throws {DashError} SOURCE_UNTRUSTED when the settings of a project name anything but npm: that is for its user to type
 */
function missingSpecs({ lock, path }: ClaimedLock, settings: Settings, { exactScope }: State, frozen: boolean): PackageSpec[] {
  const entries = Object.values(lock.roots).flatMap(({ id }) => new Map(Object.entries(lock.packages)).get(id) ?? []);
  const ids = new Set(entries.map(({ name, source }) => formatPackageId(packageIdOf(name, source))));
  const missing = new Map(settings.packages.filter(({ spec }) => !ids.has(idOf(spec))).map(({ spec }) => [idOf(spec), spec]));
  const [first] = missing.values();
  if (first !== undefined && frozen) {
    throw new DashError('LOCK_OUTDATED', `\`${settings.path}\` names \`${formatSpec(first)}\`, which \`${path}\` does not have`, {
      hint: `install it: \`dash install ${formatSpec(first)}\``,
      where: { path: settings.path },
    });
  }
  const foreign = exactScope.kind === 'user' ? undefined : [...missing.values()].find(({ kind }) => kind !== 'npm');
  if (foreign !== undefined) {
    throw new DashError('SOURCE_UNTRUSTED', `\`${settings.path}\` names \`${formatSpec(foreign)}\`, which is not on a registry`, {
      hint: `if you want it, name it yourself: \`dash install ${formatSpec(foreign)}\``,
      where: { path: settings.path },
    });
  }
  return [...missing.values()];
}

/** What differs between the lock and the state, or is no longer whole. */
async function dueNames(lock: Lockfile, { base, scope }: State, { dashHome, ports }: RestoreContext): Promise<string[]> {
  const names = Object.keys(lock.roots).sort();
  if (base === undefined) return names;
  const damaged = await damagedPackages(base, scope, storePaths(dashHome));
  const due: string[] = [];
  for (const name of names) {
    const record = Object.hasOwn(base.packages, name) ? base.packages[name] : undefined;
    const isSame = record !== undefined && !damaged.has(name) && (lock === base.lock || closureText(name, lock) === closureText(name, base.lock));
    if (!isSame || !(await ports.isCompiled(record.compiled))) due.push(name);
  }
  return due;
}
