import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { DashError, isDashError } from '../../format/index.ts';
import type { Difference, Held, InstallContext, Review } from '../install.ts';
import type { InspectedPackage } from '../inspect/inspect.ts';
import { assertAsLocked } from '../lock/assert-as-locked.ts';
import { LOCK_VERSION } from '../lock/format-lockfile.ts';
import type { ClaimedLock } from '../lock/read-lockfile.ts';
import { bringLocked } from '../restore-packages.ts';
import { parseListing } from '../store/check-tree.ts';
import { lockOf } from '../store/commit.ts';
import { readIfPresent } from '../store/durable-file.ts';
import { asDiskError } from '../store/file-errors.ts';
import type { PackageRecord } from '../store/generation.ts';
import { storePackages } from '../store/store-package.ts';
import type { StoredObject } from '../store/stored-object.ts';
import type { State } from '../transaction.ts';
import type { Workshop } from '../workshop.ts';
import { readChangelog } from './changelog.ts';
import { type Edition, type HeldReason, permissionDiff } from './held-reasons.ts';
import { fileOf, type Parked } from './parked.ts';

/** A version that must wait, beside the one that runs. */
export interface Waiting {
  readonly record: PackageRecord;
  readonly inspected: InspectedPackage;
  readonly reasons: readonly HeldReason[];
  readonly old: Edition;
  readonly next: Edition;
}

/** Writes down what waits and everything that helps to decide about it. */
export async function park({ record, inspected, reasons, old, next }: Waiting, { paths, now }: Workshop): Promise<Parked> {
  const { name } = record;
  const { root, packages } = lockOf(inspected);
  const diff = permissionDiff(old, next);
  const accept = `dash update ${name} --accept`;
  const publishedAt = inspected.resolution.kind === 'npm' ? inspected.resolution.release.publishedAt : undefined;
  const trees = { from: paths.files(record.contentHash), to: paths.files(inspected.tree.treeSha256) };
  const files = { from: await listing(trees.from), to: await listing(inspected.tree.dir) };
  const changelog = await readChangelog(
    { version: record.version, dir: trees.from },
    { version: inspected.manifest.version, dir: inspected.tree.dir, files: files.to.keys(), changelog: inspected.manifest.dash.changelog },
  );
  const needs = (nodes: Readonly<Record<string, { readonly name: string; readonly version: string }>>, own: string) =>
    Object.entries(nodes).flatMap(([key, node]) => (key === own ? [] : [`${node.name}@${node.version}`]));
  const review: Review = {
    accept,
    ...(diff.added.length > 0 && { without: [accept, ...diff.added.map((permission) => `--deny ${quoted(permission)}`)].join(' ') }),
    trees,
    files: difference(files.from, files.to),
    dependencies: difference(asMap(needs(record.graph.nodes, record.graph.root)), asMap(needs(inspected.graph.nodes, inspected.graph.root))),
    text: difference(old.text, next.text),
    ...(changelog !== undefined && { changelog }),
    ...(publishedAt !== undefined && { publishedAt }),
    ...(old.publisher !== next.publisher && { publisher: { from: old.publisher ?? null, to: next.publisher ?? null } }),
  };
  return {
    name,
    from: record.version,
    to: inspected.manifest.version,
    reasons,
    permissionDiff: diff,
    review,
    insteadOf: record.contentHash,
    lock: { version: LOCK_VERSION, roots: { [name]: root }, packages: Object.fromEntries(packages) },
    objects: objectsOf(inspected),
    foundAt: now.toISOString(),
  };
}

/** What waits, as it is shown. */
export function toHeld({ name, from, to, reasons, permissionDiff: diff, review }: Parked): Held {
  return { name, from, to, reasons, permissionDiff: diff, review };
}

/**
 * Keeps what waits in the store, so that taking it needs no registry that may be gone, or say something else, by then.
 *
 * @throws {DashError} DISK_ERROR, DISK_FULL
 */
export async function keepBytes(packages: readonly InspectedPackage[], { paths, staging }: Workshop): Promise<void> {
  const moved: string[] = [];
  try {
    await storePackages(packages, { store: paths, staging, onMove: (path) => void moved.push(path), isHeld: true });
  } catch (error) {
    // on a full disk they would be in the way of whatever is tried next
    await Promise.allSettled(moved.map((path) => rm(path, { recursive: true, force: true })));
    throw asDiskError(error, 'keeping an update that waits');
  }
}

/**
 * Brings what was parked, from the store where that is whole, and no other bytes.
 *
 * @throws {DashError} INTEGRITY_MISMATCH when it is not to be had any more; and whatever fetching throws
 */
export async function bringParked(
  parked: Parked,
  state: State,
  context: Pick<InstallContext, 'ports' | 'dashHome'>,
  workshop: Workshop,
): Promise<InspectedPackage> {
  const path = fileOf(state.scope);
  const claimed: ClaimedLock = { lock: parked.lock, path, where: () => ({ path }) };
  try {
    const inspected = await bringLocked(parked.name, claimed, state, context, workshop);
    assertAsLocked(
      parked.name,
      inspected.dependencies.map(({ release }) => release),
      state.base?.lock,
    );
    return inspected;
  } catch (error) {
    if (!isDashError(error, 'LOCK_TAMPERED')) throw error;
    throw new DashError('INTEGRITY_MISMATCH', `\`${parked.name}@${parked.to}\` is not what was held: its bytes have changed since`, {
      hint: `\`dash update ${parked.name}\` looks at it again`,
      cause: error,
    });
  }
}

function objectsOf({ source, tree, dependencies }: InspectedPackage): StoredObject[] {
  const root: StoredObject[] = source.kind === 'directory' ? [] : [{ kind: 'tree', sha256: tree.treeSha256 }];
  const packs = new Set(dependencies.map(({ pack }) => pack.treeSha256));
  return [...root, ...[...packs].sort().map((sha256): StoredObject => ({ kind: 'pack', sha256 }))];
}

function difference(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): Difference {
  return {
    added: [...after.keys()].filter((key) => !before.has(key)).sort(),
    removed: [...before.keys()].filter((key) => !after.has(key)).sort(),
    changed: [...after]
      .filter(([key, value]) => before.has(key) && before.get(key) !== value)
      .map(([key]) => key)
      .sort(),
  };
}

/** As one word of a shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function asMap(names: readonly string[]): Map<string, string> {
  return new Map(names.map((name) => [name, '']));
}

/** The sha256 of every file, from the listing beside a tree. */
async function listing(tree: string): Promise<ReadonlyMap<string, string>> {
  return parseListing((await readIfPresent(join(dirname(tree), 'files.sha256'))) ?? '');
}
