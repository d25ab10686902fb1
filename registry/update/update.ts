import { DashError, type Diagnostic, isDashError, nearest } from '../../format/index.ts';
import { isTextOnly } from '../choice.ts';
import { askConsent, type ConsentedPackage, keepConsent } from '../consent.ts';
import { assertNotDelegated } from '../delegation.ts';
import { listGrants } from '../grants.ts';
import type { Held, InstallContext } from '../install.ts';
import { installedFrom } from '../installed.ts';
import { assertInstallable, type InspectedPackage } from '../inspect/inspect.ts';
import { type PackageView, viewPackage } from '../list.ts';
import { grantKeyOf } from '../package-source.ts';
import { allRequestsOf } from '../requests.ts';
import { commit } from '../store/commit.ts';
import type { Generation, PackageRecord } from '../store/generation.ts';
import { assertLockFollowed } from '../lock/assert-followed.ts';
import { beginTransaction, type State } from '../transaction.ts';
import { assertNotInterrupted, openWorkshop, type Workshop } from '../workshop.ts';
import { diagnosticsOf, isUnreached, type UnreachedPackage } from './unreached.ts';
import { type Brought, bringTarget, findTarget } from './candidate.ts';
import { type Edition, type HeldReason, reasonsToHold } from './held-reasons.ts';
import { readModelText } from './model-text.ts';
import { bringParked, keepBytes, park, toHeld } from './hold.ts';
import { type Parked, readParked, writeParked } from './parked.ts';

export interface UpdateContext extends InstallContext {
  /** Takes what would be held, asking for what is new. Without names: everything that waits. */
  readonly accept?: boolean;
  /** A version of npm, a branch, a tag or a commit; for one package. */
  readonly to?: string | undefined;
  /** With `accept`: whether this is what the user was shown. Nothing else is taken, whatever was found, or forgotten, since. */
  readonly shown?: (waiting: Parked) => boolean;
  /** Finds out and changes nothing. */
  readonly dryRun?: boolean;
}

/** A step that was, or in a dry run would be, taken. */
export interface Step {
  readonly name: string;
  readonly from: string;
  readonly to: string;
}

export interface UpdateReport {
  readonly updated: readonly PackageView[];
  readonly steps: readonly Step[];
  readonly held: readonly Held[];
  readonly unchanged: readonly PackageView[];
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Fetches what is new, applies what asks for nothing and changes nothing the model reads, and parks the rest beside the
 * running version. All names or none.
 *
 * @throws {DashError} NOT_INSTALLED, LOCK_CHANGED, TAG_MOVED, UNRELATED_HISTORY, UPDATE_CHANGED, CONSENT_REQUIRED, and what installing throws
 */
export async function update(names: readonly string[], context: UpdateContext): Promise<UpdateReport> {
  const { accept = false, to, shown = () => true, dryRun = false, dashHome, workspace } = context;
  if (accept) assertNotDelegated();
  if (to !== undefined && names.length !== 1)
    throw new DashError('USAGE', '`--to` is for one package', { hint: 'name it: `dash update <name> --to <version>`' });
  await using transaction = await beginTransaction(context);
  const { base, scope } = transaction;
  if (base === undefined) {
    if (names[0] !== undefined) throw notInstalled(names[0], []);
    return { updated: [], steps: [], held: [], unchanged: [], diagnostics: [] };
  }
  await assertLockFollowed(scope.lockfile, base.lock);
  const parked = await readParked(scope, base);
  const chosen = names.length > 0 ? names.map((name) => findRecord(name, base)) : accept ? recordsOf(parked, base) : Object.values(base.packages);
  if (accept && chosen.length === 0) throw new DashError('USAGE', 'no update waits', { hint: '`dash update` looks for new versions' });

  await using workshop = await openWorkshop(context, { inForce: base.lock });
  const waits = ({ name }: PackageRecord) => parked.find((one) => accept && one.name === name && (to === undefined || to === one.to) && shown(one));
  const unseen = context.shown === undefined ? undefined : chosen.find((record) => waits(record) === undefined);
  if (unseen !== undefined)
    throw new DashError('UPDATE_CHANGED', `what waits of \`${unseen.name}\` is not what was shown`, { hint: '`/updates` shows what waits now' });
  await askAtOnce(
    chosen.filter((record) => waits(record) === undefined),
    workshop,
  );
  const found: Found[] = [];
  const unreached: UnreachedPackage[] = [];
  for (const record of new Set(chosen)) {
    assertNotInterrupted(workshop);
    try {
      found.push(await look(record, base, { context, workshop, parked: waits(record), state: transaction }));
    } catch (error) {
      // Who asked for this one is told; of many, those that can be reached go on.
      if (!isUnreached(error) || names.length > 0 || accept) throw error;
      unreached.push({ name: record.name, error });
      found.push({ kind: 'same', record });
    }
  }
  const diagnostics = diagnosticsOf(unreached, found.length);

  const taken = found.filter((one): one is Changed => one.kind === 'changed' && (accept || one.reasons.length === 0));
  const waiting = found.filter((one): one is Changed => one.kind === 'changed' && !taken.includes(one));
  const held = await Promise.all(waiting.map((one) => park(one, workshop)));
  const steps = taken.map(({ record, inspected }) => ({ name: record.name, from: record.version, to: inspected.manifest.version }));
  const kept = found.filter(({ kind }) => kind === 'same').map(({ record }) => record.name);
  if (dryRun) return await report({ updated: [], kept, generation: base });

  const consented = await consentTo(taken, base, context, workshop);
  workshop.progress({ kind: 'consented' });
  assertNotInterrupted(workshop);
  await keepBytes(
    waiting.map(({ inspected }) => inspected),
    workshop,
  );
  // notes before the commit: they speak of what runs on, whatever becomes of the rest
  const looked = new Set(found.map(({ record }) => record.name));
  await writeParked(scope, [...parked.filter(({ name }) => !looked.has(name)), ...held]);
  const { generation } =
    consented.length === 0
      ? { generation: base }
      : await commit(
          { add: consented, remove: [] },
          { store: workshop.paths, state: transaction, staging: workshop.staging, progress: workshop.progress, now: workshop.now },
        );
  return await report({ updated: steps.map(({ name }) => name), kept, generation });

  async function report({ updated, kept: same, generation: now }: { updated: readonly string[]; kept: readonly string[]; generation: Generation }) {
    const view = (name: string) => viewPackage(installedFrom(now, name, context), dashHome, workspace);
    return {
      updated: await Promise.all(updated.map(view)),
      steps,
      held: held.map((one) => toHeld(one)),
      unchanged: await Promise.all(same.map(view)),
      diagnostics: [...workshop.diagnostics, ...diagnostics, ...taken.flatMap(({ inspected }) => inspected.diagnostics)],
    };
  }
}

type Found = { readonly kind: 'same'; readonly record: PackageRecord } | Changed;

interface Changed {
  readonly kind: 'changed';
  readonly record: PackageRecord;
  readonly inspected: InspectedPackage;
  readonly reasons: readonly HeldReason[];
  readonly old: Edition;
  readonly next: Edition;
}

interface LookOptions {
  readonly context: UpdateContext;
  readonly workshop: Workshop;
  /** What is taken now, when it was found before. */
  readonly parked: Parked | undefined;
  readonly state: State;
}

async function look(record: PackageRecord, base: Generation, { context, workshop, parked, state }: LookOptions): Promise<Found> {
  const brought = parked === undefined ? await bringNew() : { inspected: await bringParked(parked, state, context, workshop), reasons: [] };
  if (brought === undefined) return { kind: 'same', record };
  const { inspected } = brought;
  const [old, next] = [await installedEdition(record, base, workshop), await editionOf(inspected)];
  const granted = (await listGrants(context.dashHome, record.grantKey)).filter(
    ({ expires }) => expires === undefined || Date.parse(expires) > workshop.now.getTime(),
  );
  const reasons = [
    ...brought.reasons,
    ...reasonsToHold(
      old,
      next,
      granted.map(({ permission }) => permission),
    ),
    ...broken(inspected, context.accept === true),
  ];
  return { kind: 'changed', record, inspected, reasons, old, next };

  async function bringNew(): Promise<Brought | undefined> {
    const target = await findTarget(record, workshop, { to: context.to });
    return target === undefined ? undefined : bringTarget(target, record, { ports: context.ports, workshop, lock: base.lock });
  }
}

/** A version that cannot run is one that waits, unless it is asked for. */
function broken(inspected: InspectedPackage, mustWork: boolean): HeldReason[] {
  try {
    assertInstallable(inspected);
    return [];
  } catch (error) {
    if (mustWork || !isDashError(error)) throw error;
    return [{ code: 'DOES_NOT_WORK', message: error.message }];
  }
}

async function consentTo(taken: readonly Changed[], base: Generation, context: UpdateContext, { now }: Workshop): Promise<readonly ConsentedPackage[]> {
  const packages = taken.map(({ inspected }) => inspected);
  const { dashHome, workspace, accept = false, grant = [], deny = [], consentPort } = context;
  if (packages.length === 0) return [];
  if (!accept) return keepConsent(packages, { dashHome, workspace, now });
  const replaced = (name: string) => {
    const record = base.packages[name];
    return record === undefined ? undefined : { version: record.version, source: record.grantKey };
  };
  const isDormant = (name: string) => isTextOnly(base.lock.roots[name]);
  return askConsent(packages, { dashHome, workspace, grant, deny, consentPort, now, isTextOnly: isDormant, replaced });
}

async function editionOf({ manifest, source, resolution, resources, compiled, captureOutcomes, tree }: InspectedPackage): Promise<Edition> {
  return {
    version: manifest.version,
    grantKey: grantKeyOf(manifest.name, source),
    publisher: resolution.kind === 'npm' ? resolution.release.publisher : undefined,
    requests: allRequestsOf({ ...manifest.dash, compiled }),
    text: await readModelText({ resources, compiled, captureOutcomes, dir: tree.dir }),
  };
}

async function installedEdition(record: PackageRecord, { lock }: Generation, { paths }: Workshop): Promise<Edition> {
  return {
    version: record.version,
    grantKey: record.grantKey,
    publisher: lock.packages[lock.roots[record.name]?.id ?? '']?.publisher,
    requests: allRequestsOf(record),
    text: await readModelText({ ...record, dir: paths.files(record.contentHash) }),
  };
}

/** Asks for everything that will be needed, so that one slow answer does not make the others wait. */
async function askAtOnce(records: readonly PackageRecord[], { resolver: { packuments } }: Workshop): Promise<void> {
  await Promise.allSettled(records.filter(({ source }) => source.kind === 'npm').map(({ name }) => packuments.get(name)));
}

function recordsOf(parked: readonly Parked[], { packages }: Generation): PackageRecord[] {
  return parked.flatMap(({ name }) => packages[name] ?? []);
}

function findRecord(name: string, { packages }: Generation): PackageRecord {
  const records = Object.values(packages);
  const found = records.find((record) => [record.name, record.spec, `npm:${record.name}`].includes(name));
  if (found === undefined) throw notInstalled(name, records);
  return found;
}

function notInstalled(name: string, records: readonly PackageRecord[]): DashError {
  const near = nearest(
    name,
    records.map((record) => record.name),
  );
  return new DashError('NOT_INSTALLED', `\`${name}\` is not installed`, {
    hint: near === undefined ? '`dash list` shows what is' : `did you mean \`${near}\`?`,
  });
}
