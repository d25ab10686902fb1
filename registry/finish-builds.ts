import { isDeepStrictEqual } from 'node:util';

import { DashError } from '../format/index.ts';
import { buildExtensions, type Buildable, builtBefore } from './inspect/build-extensions.ts';
import type { Build, InspectPorts } from './inspect/inspect-ports.ts';
import { toModuleGraph } from './installed.ts';
import { takeProcessLock } from './lock/process-lock.ts';
import type { ProgressListener } from './progress.ts';
import { commit } from './store/commit.ts';
import { damagedPackages } from './store/damaged-packages.ts';
import { eachLimited } from './store/each-limited.ts';
import type { Generation, PackageRecord } from './store/generation.ts';
import { type StorePaths, storePaths } from './store/store-paths.ts';
import { beginTransaction, readState, type TransactionOptions } from './transaction.ts';

export interface FinishContext extends TransactionOptions {
  readonly ports: InspectPorts;
  readonly now?: Date;
}

/** One compiles while another is captured. */
const BUILDS = 3;

/**
 * Builds the extensions of packages that were installed without: a new generation with the same packages. What does not
 * build is installed all the same, and says why when it is loaded. Nothing is granted, nothing is fetched. Others may
 * install meanwhile: what they replaced or removed is not entered.
 *
 * @returns the names of the packages that waited and are built now, by us or by whom we waited for
 * @throws {DashError} STORE_CORRUPT when one of them was changed in the store: the others are built
 * @throws {DashError} LOCKED, DISK_ERROR, DISK_FULL, INTERRUPTED
 */
export async function finishBuilds({ ports, now = new Date(), ...options }: FinishContext): Promise<readonly string[]> {
  const { dashHome, onProgress: progress = () => undefined, signal, lockWaitMs } = options;
  const asked = pendingIn((await readState(options)).base);
  if (asked.length === 0) return [];
  const paths = storePaths(dashHome);
  await using _builder = await takeProcessLock(paths.buildLock, {
    onWait: (holder) => progress({ kind: 'waiting', holder }),
    ...(signal !== undefined && { signal }),
    ...(lockWaitMs !== undefined && { waitMs: lockWaitMs }),
  });
  const { base, scope } = await readState(options);
  const pending = pendingIn(base);
  // what is built is what runs from then on: nobody compares it with the tree again
  const damaged = base === undefined ? new Set<string>() : await damagedPackages(base, scope, paths);
  const sound = pending.filter(({ name }) => !damaged.has(name));
  const builds = await eachLimited(sound, BUILDS, async (record) => ({ record, build: await build(record, ports, { paths, progress, signal }) }));
  if (builds.length > 0) await enter(builds, { ...options, now });
  const changed = pending.find(({ name }) => damaged.has(name));
  if (changed === undefined) return namesBuilt(asked, pendingIn((await readState(options)).base));
  throw new DashError('STORE_CORRUPT', `\`${changed.name}\` is not what was installed, and is not built`, { hint: '`dash install` brings it again' });
}

function pendingIn(base: Generation | undefined): readonly PackageRecord[] {
  return Object.values(base?.packages ?? {}).filter(({ pending }) => pending === true);
}

function namesBuilt(asked: readonly PackageRecord[], left: readonly PackageRecord[]): string[] {
  return asked.map(({ name }) => name).filter((name) => left.every((record) => record.name !== name));
}

/** Commits what was built of packages that are still as they were when it was begun. */
async function enter(
  builds: readonly { readonly record: PackageRecord; readonly build: Build }[],
  { now, ...options }: TransactionOptions & { readonly now: Date },
): Promise<void> {
  const { dashHome, onProgress: progress = () => undefined } = options;
  const store = storePaths(dashHome);
  await using transaction = await beginTransaction(options);
  const fitting = builds.filter(({ record }) => isDeepStrictEqual(transaction.base?.packages[record.name], record));
  if (fitting.length === 0) return;
  const entered = new Map(fitting.map(({ record, build: made }) => [record.name, made]));
  await commit({ add: [], remove: [], builds: entered }, { store, state: transaction, progress, now });
}

async function build(
  record: PackageRecord,
  ports: InspectPorts,
  context: { readonly paths: StorePaths; readonly progress: ProgressListener; readonly signal: AbortSignal | undefined },
): ReturnType<typeof buildExtensions> {
  const { name, version, contentHash, resources, graph } = record;
  const hashes = Object.entries(graph.nodes).flatMap(([key, { at }]) => ('pack' in at ? [[key, at.pack] as const] : []));
  const buildable: Buildable = {
    name,
    version,
    contentHash,
    graph: toModuleGraph(graph, context.paths),
    entries: resources.extensions,
    // only a package that says what it needs is left for later
    infer: false,
    hashes: new Map(hashes),
  };
  return (await builtBefore(buildable, ports, context)) ?? buildExtensions(buildable, ports, context);
}
