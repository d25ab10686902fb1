import { dirname, join } from 'node:path';

import { DashError, type Diagnostic, formatPackageId, isDashError, parsePermission } from '../format/index.ts';
import { askConsent, type ConsentedPackage } from './consent.ts';
import { findStored, stage } from './fetch/stage.ts';
import { assertNotDelegated } from './grants.ts';
import { type InstallContext, installedFrom, type InstallReport, replacedBy, ungrantedOf } from './install.ts';
import { assertInstallable, inspect, type InspectedPackage } from './inspect/inspect.ts';
import { viewPackage } from './list.ts';
import { assertAsClaimed } from './lock/assert-as-claimed.ts';
import { lockedDependencies } from './lock/locked-dependencies.ts';
import { lockedResolution } from './lock/locked-resolution.ts';
import { formatLockfile, type Lockfile } from './lock/lockfile.ts';
import { pinOf } from './lock/pin-of.ts';
import { type ClaimedLock, lockTampered, readLockfile } from './lock/read-lockfile.ts';
import { packageIdOf } from './package-source.ts';
import { idOf, readPackageSettings } from './package-settings.ts';
import { formatSpec } from './package-spec.ts';
import { commit } from './store/commit.ts';
import { damagedPackages } from './store/damaged-packages.ts';
import type { Generation } from './store/generation.ts';
import { writeLockfile } from './store/journal.ts';
import { storePaths } from './store/store-paths.ts';
import { beginTransaction, type Transaction } from './transaction.ts';
import { verify } from './verify/verify.ts';
import { assertNotInterrupted, openWorkshop, type Workshop } from './workshop.ts';

export interface RestoreContext extends InstallContext {
  /** The lock is the last word: that it is missing is an error, and nothing is resolved. */
  readonly frozen?: boolean;
  /** `dash ci`: what a policy file grants, by source key. With it nothing that was granted before counts. */
  readonly policy?: ReadonlyMap<string, readonly string[]>;
}

/**
 * Makes the disk equal the lock. The lock pins and compares: all but the pins is computed again from bytes, and any
 * difference is refused. Nothing is granted by it.
 *
 * @throws {DashError} LOCK_MISSING, LOCK_INVALID, LOCK_VERSION, LOCK_TAMPERED, SOURCE_UNTRUSTED, CONSENT_REQUIRED
 * @throws {DashError} whatever fetching throws
 */
export async function restore(context: RestoreContext): Promise<InstallReport> {
  assertNotDelegated();
  await using transaction = await beginTransaction({ ...context, mend: true });
  const { base } = transaction;
  const claimed = await readClaim(transaction, context.frozen ?? false);
  const { lock } = claimed;
  if (context.frozen === true) await assertAsSettings(claimed, transaction);
  const due = await dueNames(lock, transaction, context);
  const gone = Object.keys(base?.packages ?? {}).filter((name) => !Object.hasOwn(lock.roots, name));
  if (base !== undefined && due.length === 0 && gone.length === 0) {
    await writeLockfile(transaction.scope, base);
    return report({ consented: [], gone, generation: base, workshop: undefined }, context);
  }

  await using workshop = await openWorkshop(context);
  const inspected: InspectedPackage[] = [];
  for (const name of due) {
    assertNotInterrupted(workshop);
    inspected.push(await bringLocked(name, claimed, transaction, context, workshop));
  }
  const { policy } = context;
  const consented = await askConsent(inspected, {
    dashHome: context.dashHome,
    workspace: context.workspace,
    grant: context.grant ?? [],
    deny: context.deny ?? [],
    consentPort: context.consentPort,
    now: workshop.now,
    ...(policy !== undefined && { policy: new Map([...policy].map(([key, permissions]) => [key, permissions.map(parsePermission)])) }),
    replaced: (name) => replacedBy(base?.packages[name]),
  });
  workshop.progress({ kind: 'consented' });
  assertNotInterrupted(workshop);
  const choices = Object.fromEntries(Object.entries(lock.roots).map(([name, { disabled, filter }]) => [name, { disabled, filter }]));
  const generation = await commit(
    { add: consented, remove: gone, choices },
    { store: workshop.paths, scope: transaction.scope, base, staging: workshop.staging, progress: workshop.progress, now: workshop.now },
  );
  return report({ consented, gone, generation, workshop }, context);
}

/** The lock in the file; when that was lost, the one in force, unless the file is the last word. */
async function readClaim({ scope, base }: Transaction, frozen: boolean): Promise<ClaimedLock> {
  const claimed = await readLockfile(scope.lockfile);
  if (claimed !== undefined) return claimed;
  if (base !== undefined && !frozen) return { lock: base.lock, path: scope.lockfile, where: () => ({ path: scope.lockfile }) };
  const what = `there is no \`${scope.lockfile}\``;
  if (frozen) throw new DashError('LOCK_MISSING', what, { hint: 'install once without `--frozen`, and commit the lockfile' });
  throw new DashError('USAGE', `nothing to install: ${what}`, { hint: 'name a package, e.g. `dash install npm:name`' });
}

/** A package that the settings speak of, and that the lock lacks, would have to be resolved. */
async function assertAsSettings({ lock, path }: ClaimedLock, { exactScope, scope }: Transaction): Promise<void> {
  const settingsPath = join(dirname(scope.lockfile), 'settings.json');
  const settings = await readPackageSettings(settingsPath, exactScope.kind === 'user' ? dirname(scope.lockfile) : exactScope.dir);
  const entries = Object.values(lock.roots).flatMap(({ id }) => new Map(Object.entries(lock.packages)).get(id) ?? []);
  const ids = new Set(entries.map(({ name, source }) => formatPackageId(packageIdOf(name, source))));
  const missing = settings.find(({ spec }) => !ids.has(idOf(spec)));
  if (missing === undefined) return;
  throw new DashError('LOCK_OUTDATED', `\`${settingsPath}\` names \`${formatSpec(missing.spec)}\`, which \`${path}\` does not have`, {
    hint: `install it: \`dash install ${formatSpec(missing.spec)}\``,
    where: { path: settingsPath },
  });
}

/** What differs between the lock and the state, or is no longer whole. */
async function dueNames(lock: Lockfile, { base, scope }: Transaction, { dashHome, ports }: RestoreContext): Promise<string[]> {
  const names = Object.keys(lock.roots).sort();
  if (base === undefined) return names;
  const damaged = await damagedPackages(base, scope, storePaths(dashHome));
  const due: string[] = [];
  for (const name of names) {
    const record = Object.hasOwn(base.packages, name) ? base.packages[name] : undefined;
    const isSame = record !== undefined && !damaged.has(name) && closureText(name, lock) === closureText(name, base.lock);
    if (!isSame || !(await ports.isCompiled(record.compiled))) due.push(name);
  }
  return due;
}

/** One root of a lock with everything it leads to. */
function closureText(name: string, { version, roots, packages }: Lockfile): string {
  const root = Object.hasOwn(roots, name) ? roots[name] : undefined;
  if (root === undefined) return '';
  const ids = new Set([root.id, ...Object.keys(root.graph).map(pinOf)]);
  return formatLockfile({ version, roots: { [name]: root }, packages: Object.fromEntries(Object.entries(packages).filter(([id]) => ids.has(id))) });
}

async function bringLocked(
  name: string,
  claimed: ClaimedLock,
  { base, scope }: Transaction,
  { ports, dashHome }: RestoreContext,
  workshop: Workshop,
): Promise<InspectedPackage> {
  const root = claimed.lock.roots[name];
  if (root === undefined) throw new Error(`the lock lost ${name}`);
  const isOwnLock = scope.lockfile === storePaths(dashHome).lockfile;
  const known = base?.packages[name]?.source;
  const { resolution, source } = await lockedResolution(name, root, {
    claimed,
    workshop,
    isFollowed: (place) => isOwnLock || (known !== undefined && JSON.stringify(placeOf(known)) === JSON.stringify(placeOf(place))),
  });
  try {
    const stored = await findStored(source, workshop);
    const verified = await verify(stored === undefined ? await stage(resolution, workshop) : { resolution, source, tree: stored });
    const pkg = await inspect(verified, ports, workshop, ({ manifest }) => lockedDependencies(name, root, manifest, claimed, workshop));
    assertAsClaimed(name, pkg, claimed);
    assertInstallable(pkg);
    return pkg;
  } catch (error) {
    // what arrived is not what the lock pins: whichever of the two was changed
    const isOther = isDashError(error, 'INTEGRITY_MISMATCH') || (isDashError(error, 'HOSTILE_PACKAGE') && error.message.startsWith('MANIFEST_MISMATCH'));
    if (isOther) throw lockTampered(claimed, ['roots', name], `${error.message} (pinned by \`${claimed.path}\`)`, error);
    throw error;
  }
}

/** Where a source leads, whatever is there now. */
function placeOf(source: { readonly kind: string; readonly url?: string; readonly path?: string }): unknown {
  return [source.kind, source.url, source.path];
}

interface Restored {
  readonly consented: readonly ConsentedPackage[];
  readonly gone: readonly string[];
  readonly generation: Generation;
  readonly workshop: Workshop | undefined;
}

async function report({ consented, gone, generation, workshop }: Restored, context: RestoreContext): Promise<InstallReport> {
  const { dashHome, workspace } = context;
  const names = Object.keys(generation.packages).sort();
  const views = await Promise.all(names.map((name) => viewPackage(installedFrom(generation, name, context), dashHome, workspace)));
  const restored = new Map(consented.map((pkg) => [pkg.inspected.manifest.name, pkg]));
  const removed = gone.map((name): Diagnostic => ({ severity: 'info', code: 'NOT_IN_LOCK', message: `removed \`${name}\`, which is not in the lock` }));
  return {
    installed: views.filter(({ name }) => restored.has(name)),
    unchanged: views.filter(({ name }) => !restored.has(name)),
    held: [],
    diagnostics: [...(workshop?.diagnostics ?? []), ...consented.flatMap(({ inspected }) => inspected.diagnostics), ...removed],
    ungranted: views.flatMap((view) => {
      const pkg = restored.get(view.name);
      return pkg === undefined ? [] : ungrantedOf(pkg, view);
    }),
  };
}
