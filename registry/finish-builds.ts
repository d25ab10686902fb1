import { DashError } from '../format/index.ts';
import { buildExtensions, type Buildable, builtBefore } from './inspect/build-extensions.ts';
import type { InspectPorts } from './inspect/inspect-ports.ts';
import { toModuleGraph } from './installed.ts';
import type { ProgressListener } from './progress.ts';
import { commit } from './store/commit.ts';
import { damagedPackages } from './store/damaged-packages.ts';
import { eachLimited } from './store/each-limited.ts';
import type { PackageRecord } from './store/generation.ts';
import { openStaging } from './store/staging.ts';
import { type StorePaths, storePaths } from './store/store-paths.ts';
import { beginTransaction, type TransactionOptions } from './transaction.ts';

export interface FinishContext extends TransactionOptions {
  readonly ports: InspectPorts;
  readonly now?: Date;
}

/** One compiles while another is captured. */
const BUILDS = 3;

/**
 * Builds the extensions of packages that were installed without: a new generation with the same packages. What does not
 * build is installed all the same, and says why when it is loaded. Nothing is granted, nothing is fetched.
 *
 * @returns the names of the packages that were built
 * @throws {DashError} STORE_CORRUPT when one of them was changed in the store: the others are built
 * @throws {DashError} LOCKED, DISK_ERROR, DISK_FULL, INTERRUPTED
 */
export async function finishBuilds({ ports, now = new Date(), ...options }: FinishContext): Promise<readonly string[]> {
  const { dashHome, onProgress: progress = () => undefined, signal } = options;
  await using transaction = await beginTransaction(options);
  const { base, scope } = transaction;
  const pending = Object.values(base?.packages ?? {}).filter((record) => record.pending === true);
  if (base === undefined || pending.length === 0) return [];
  const paths = storePaths(dashHome);
  // what is built is what runs from then on: nobody compares it with the tree again
  const damaged = await damagedPackages(base, scope, paths);
  const sound = pending.filter(({ name }) => !damaged.has(name));
  if (sound.length > 0) {
    const builds = await eachLimited(sound, BUILDS, async (record) => [record.name, await build(record, ports, { paths, progress, signal })] as const);
    await using staging = await openStaging(paths);
    await commit({ add: [], remove: [], builds: new Map(builds) }, { store: paths, scope, base, staging, progress, now });
  }
  const changed = pending.find(({ name }) => damaged.has(name));
  if (changed === undefined) return pending.map(({ name }) => name);
  throw new DashError('STORE_CORRUPT', `\`${changed.name}\` is not what was installed, and is not built`, { hint: '`dash install` brings it again' });
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
    hashes: new Map(hashes),
  };
  return (await builtBefore(buildable, ports, context)) ?? buildExtensions(buildable, ports, context);
}
