import { DashError, type Diagnostic, isDashError, parsePermission } from '../format/index.ts';
import { isTextOnly } from './choice.ts';
import { askConsent, type ConsentedPackage } from './consent.ts';
import { findStored, stage } from './fetch/stage.ts';
import { bringAll, type InstallReport, replacedBy, rootsAtOnce, ungrantedOf } from './install.ts';
import { installedFrom } from './installed.ts';
import { assertInstallable, inspect, type InspectedPackage } from './inspect/inspect.ts';
import { viewPackage } from './list.ts';
import { assertAsClaimed } from './lock/assert-as-claimed.ts';
import { assertOldEnough } from './lock/assert-old-enough.ts';
import { lockedDependencies } from './lock/locked-dependencies.ts';
import { lockedResolution } from './lock/locked-resolution.ts';
import type { Source } from './lock/lock-entry.ts';
import { type ClaimedLock, lockTampered } from './lock/read-lockfile.ts';
import type { PackageSpec } from './package-spec.ts';
import { type Circumstances, rememberRestore } from './repeat-restore.ts';
import { pendingOf, type RestoreContext } from './restore.ts';
import { commit } from './store/commit.ts';
import { eachLimited } from './store/each-limited.ts';
import type { Generation } from './store/generation.ts';
import { storePaths } from './store/store-paths.ts';
import type { State, Transaction } from './transaction.ts';
import { verify } from './verify/verify.ts';
import { assertNotInterrupted, openWorkshop, type Workshop } from './workshop.ts';

export interface Restoring {
  readonly claimed: ClaimedLock;
  readonly transaction: Transaction;
  /** What is to be made again from bytes. */
  readonly due: readonly string[];
  /** What settings name and the lock lacks: it is resolved, and locked from then on. */
  readonly specs: readonly PackageSpec[];
  /** What is installed and not in the lock. */
  readonly gone: readonly string[];
  /** What is in force is right already, and only its grants are to be looked at. */
  readonly isRight: boolean;
  /** What it was decided by. */
  readonly begun: Circumstances;
}

/**
 * Brings what the lock pins, compares it with what the lock claims, and makes it the state.
 *
 * @throws {DashError} LOCK_TAMPERED, SOURCE_UNTRUSTED, CONSENT_REQUIRED, and whatever fetching throws
 */
export async function restorePackages({ claimed, transaction, due, specs, gone, isRight, begun }: Restoring, context: RestoreContext): Promise<InstallReport> {
  const { base } = transaction;
  const { lock } = claimed;
  await using workshop = await openWorkshop(context, { deferBuilds: context.deferBuilds ?? false, inForce: base?.lock });
  await assertOldEnough(due, claimed, workshop);
  const isGit = (name: string) => lock.packages[lock.roots[name]?.id ?? '']?.source.kind === 'git';
  const locked = await eachLimited(
    due,
    rootsAtOnce(
      due.map((name) => (isGit(name) ? 'git' : 'npm')),
      workshop,
    ),
    (name) => {
      assertNotInterrupted(workshop);
      return bringLocked(name, claimed, transaction, context, workshop);
    },
  );
  const inspected = [...locked, ...(await bringAll(specs, base, context, workshop))];
  assertNamesDiffer(inspected);
  const { policy } = context;
  const consented = await askConsent(inspected, {
    dashHome: context.dashHome,
    workspace: context.workspace,
    grant: context.grant ?? [],
    deny: context.deny ?? [],
    consentPort: context.consentPort,
    now: workshop.now,
    isTextOnly: (name) => isTextOnly(lock.roots[name]),
    ...(policy !== undefined && { policy: new Map([...policy].map(([key, permissions]) => [key, permissions.map(parsePermission)])) }),
    replaced: (name) => replacedBy(base?.packages[name]),
  });
  workshop.progress({ kind: 'consented' });
  assertNotInterrupted(workshop);
  if (isRight && base !== undefined && consented.every(({ grants }) => grants.length === 0)) return await report([], gone, base, workshop, context);
  const choices = Object.fromEntries(Object.entries(lock.roots).map(([name, { disabled, filter }]) => [name, { disabled, filter }]));
  const { generation, grants } = await commit(
    { add: consented, remove: gone, choices },
    { store: workshop.paths, state: transaction, staging: workshop.staging, progress: workshop.progress, now: workshop.now },
  );
  const made = await report(consented, gone, generation, workshop, context);
  await rememberRestore(generation, made, context, { ...begun, ...(grants !== undefined && { grants }) });
  return made;
}

/** @throws {DashError} USAGE */
function assertNamesDiffer(packages: readonly InspectedPackage[]): void {
  const names = packages.map(({ manifest }) => manifest.name);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined)
    throw new DashError('USAGE', `the lock and the settings name two packages \`${twice}\``, { hint: 'take one of them out of the settings' });
}

/** Brings one package exactly as a lock pins it. @throws {DashError} LOCK_TAMPERED, and whatever fetching throws */
export async function bringLocked(
  name: string,
  claimed: ClaimedLock,
  { base, scope }: State,
  { ports, dashHome }: Pick<RestoreContext, 'ports' | 'dashHome'>,
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
    const staged = stored === undefined ? await stage(resolution, workshop) : { resolution, source, tree: stored };
    assertSameArchive(name, staged.source, source, claimed);
    const verified = await verify(staged);
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

/** An archive by URL or path may be another one by now; that is said, and not what of its contents differs first. */
function assertSameArchive(name: string, found: Source, pinned: Source, claimed: ClaimedLock): void {
  if (found.kind !== 'tarball' || pinned.kind !== 'tarball' || found.integrity === pinned.integrity) return;
  const place = found.url ?? found.path ?? name;
  throw new DashError('LOCK_TAMPERED', `\`${place}\` is not the archive that \`${claimed.path}\` pins for \`${name}\`: one of the two was changed since`, {
    hint: `\`dash install ${place}\` takes the archive as it is now; to keep the old one, put it back`,
    where: claimed.where('roots', name),
  });
}

/** Where a source leads, whatever is there now. */
function placeOf(source: { readonly kind: string; readonly url?: string; readonly path?: string }): unknown {
  return [source.kind, source.url, source.path];
}

async function report(
  consented: readonly ConsentedPackage[],
  gone: readonly string[],
  generation: Generation,
  { diagnostics }: Workshop,
  context: RestoreContext,
): Promise<InstallReport> {
  const { dashHome, workspace } = context;
  const names = Object.keys(generation.packages).sort();
  const views = await Promise.all(names.map((name) => viewPackage(installedFrom(generation, name, context), dashHome, workspace)));
  const restored = new Map(consented.map((pkg) => [pkg.inspected.manifest.name, pkg]));
  const removed = gone.map((name): Diagnostic => ({ severity: 'info', code: 'NOT_IN_LOCK', message: `removed \`${name}\`, which is not in the lock` }));
  return {
    installed: views.filter(({ name }) => restored.has(name)),
    unchanged: views.filter(({ name }) => !restored.has(name)),
    held: [],
    diagnostics: [...diagnostics, ...consented.flatMap(({ inspected }) => inspected.diagnostics), ...removed],
    pending: pendingOf(generation),
    ungranted: views.flatMap((view) => {
      const pkg = restored.get(view.name);
      return pkg === undefined || isTextOnly(generation.lock.roots[view.name]) ? [] : ungrantedOf(pkg, view);
    }),
  };
}
