import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';

import { formatPackageId } from '../../format/index.ts';
import type { Choice } from '../choice.ts';
import type { ConsentedPackage } from '../consent.ts';
import type { Grant } from '../grants.ts';
import type { Build } from '../inspect/inspect-ports.ts';
import type { LockEntry, LockRoot } from '../lock/lock-entry.ts';
import { LOCK_VERSION } from '../lock/format-lockfile.ts';
import type { Lockfile } from '../lock/lockfile.ts';
import { pinOf } from '../lock/pin-of.ts';
import { packageIdOf } from '../package-source.ts';
import { formatSpec } from '../package-spec.ts';
import { assertLockText } from '../lock/assert-followed.ts';
import type { ProgressListener } from '../progress.ts';
import { ROOT } from '../resolve/dependencies.ts';
import { lockRelease } from './dependency-store.ts';
import { readIfPresent, writeDurably } from './durable-file.ts';
import { asDiskError, COMMITTED } from './file-errors.ts';
import { formatGeneration, type Generation, generationNumbers, type PackageRecord, pointerTo, type StoredNode } from './generation.ts';
import { lockDigest, rollForward, writeJournal } from './journal.ts';
import type { Staging } from './staging.ts';
import type { StorePaths } from './store-paths.ts';
import { storePackages } from './store-package.ts';
import type { State } from '../transaction.ts';

export interface Change {
  readonly add: readonly ConsentedPackage[];
  readonly remove: readonly string[];
  /** What the user leaves out from now on, by name. Other packages keep what was chosen for them. */
  readonly choices?: Readonly<Record<string, Choice>>;
  /** What was built of packages that waited for it; then nothing else changes. */
  readonly builds?: ReadonlyMap<string, Build>;
}

export interface CommitContext {
  readonly store: StorePaths;
  /** The generation in force, and the lock that is replaced. */
  readonly state: Pick<State, 'scope' | 'base' | 'lockText'>;
  /** Where what is added lies; a change that adds nothing needs none. */
  readonly staging?: Staging;
  readonly progress: ProgressListener;
  readonly now: Date;
}

/** The state from now on. */
export interface Committed {
  readonly generation: Generation;
  /** The text of `grants.json` as this commit wrote it; `undefined` when it granted nothing. */
  readonly grants: string | undefined;
}

/**
 * Makes a change the state: trees into the store, a new generation, the journal, and then one rename, that of
 * `current`. Cut off before it, nothing has happened; after it, the next command finishes the rest. Needs the process
 * lock.
 *
 * @throws {DashError} DISK_ERROR, DISK_FULL; LOCK_CHANGED when `dash.lock` was changed while the command was at work
 */
export async function commit(change: Change, context: CommitContext): Promise<Committed> {
  const { store, staging, progress } = context;
  const { scope, lockText } = context.state;
  const moved: string[] = [];
  let pointer: string | undefined;
  try {
    if (change.add.length > 0) {
      if (staging === undefined) throw new Error('what is to be added was never staged');
      const packages = change.add.map(({ inspected }) => inspected);
      await storePackages(packages, { store, staging, onMove: (path) => void moved.push(path) });
    }
    progress({ kind: 'commit', step: 'stored' });

    if (change.builds === undefined) await assertLockText(scope.lockfile, lockText);
    const generation = nextGeneration(change, context, 1 + Math.max(0, ...(await generationNumbers(scope))));
    const text = formatGeneration(generation);
    pointer = pointerTo(generation.number, text);
    // before the generation: one that never comes into force is found by it, and goes
    const replaces = change.builds === undefined && { replaces: lockDigest(lockText) };
    await writeJournal(scope, { version: 1, pointer, grants: grantsOf(change), creates: generation.number, ...replaces });
    progress({ kind: 'commit', step: 'journal' });
    await writeDurably(scope.generation(generation.number), text);
    progress({ kind: 'commit', step: 'generation' });
    await writeDurably(scope.current, pointer);
    progress({ kind: 'commit', step: 'current' });
    const grants = await rollForward(store.home, scope, progress);
    progress({ kind: 'commit', step: 'done' });
    return { generation, grants };
  } catch (error) {
    // the rename may have happened although flushing it failed: then what was moved is what is installed
    const isInForce = pointer !== undefined && (await readIfPresent(scope.current).catch(() => pointer)) === pointer;
    // on a full disk they would be in the way of whatever is tried next
    if (!isInForce) await Promise.allSettled(moved.map((path) => rm(path, { recursive: true, force: true })));
    throw asDiskError(error, `writing to \`${join(store.home, 'state')}\``, isInForce ? COMMITTED : undefined);
  }
}

function nextGeneration({ add, remove, choices = {}, builds = new Map() }: Change, { state: { base }, now }: CommitContext, number: number): Generation {
  const gone = new Set([...remove, ...add.map(({ inspected }) => inspected.manifest.name)]);
  const kept = Object.entries(base?.packages ?? {})
    .filter(([name]) => !gone.has(name))
    .map(([name, record]) => [name, withBuild(record, builds.get(name))] as const);
  const records = add.map((pkg) => [pkg.inspected.manifest.name, toRecord(pkg)] as const);
  return {
    version: 1,
    number,
    createdAt: now.toISOString(),
    packages: Object.fromEntries([...kept, ...records]),
    lock: withChoices(nextLock(add, gone, base?.lock), { ...choicesOf(base?.lock), ...choices }),
  };
}

function withBuild(record: PackageRecord, build: Build | undefined): PackageRecord {
  if (build === undefined) return record;
  const { pending: _, ...rest } = record;
  return { ...rest, compiled: build.compiled, captureOutcomes: build.captureOutcomes };
}

function nextLock(add: readonly ConsentedPackage[], gone: ReadonlySet<string>, base: Lockfile | undefined): Lockfile {
  const roots = new Map<string, LockRoot>(Object.entries(base?.roots ?? {}).filter(([name]) => !gone.has(name)));
  const packages = new Map<string, LockEntry>(Object.entries(base?.packages ?? {}));
  for (const { inspected } of add) {
    const locked = lockOf(inspected);
    roots.set(inspected.manifest.name, locked.root);
    for (const [id, entry] of locked.packages) packages.set(id, entry);
  }
  const used = new Set([...roots.values()].flatMap(({ id, graph }) => [id, ...Object.keys(graph).map(pinOf)]));
  return { version: LOCK_VERSION, roots: Object.fromEntries(roots), packages: Object.fromEntries([...packages].filter(([id]) => used.has(id))) };
}

/** An update changes bytes, not what the user wants of them. */
function choicesOf(lock: Lockfile | undefined): Record<string, Choice> {
  return Object.fromEntries(Object.entries(lock?.roots ?? {}).map(([name, { disabled, filter }]) => [name, { disabled, filter }]));
}

function withChoices(lock: Lockfile, choices: Readonly<Record<string, Choice>>): Lockfile {
  const roots = Object.entries(lock.roots).map(([name, { spec, id, permissions, permissionsSha256, graph }]): [string, LockRoot] => {
    const { disabled = false, filter } = Object.hasOwn(choices, name) ? (choices[name] ?? {}) : {};
    return [name, { spec, id, permissions, permissionsSha256, graph, ...(disabled && { disabled }), ...(filter !== undefined && { filter }) }];
  });
  return { ...lock, roots: Object.fromEntries(roots) };
}

/** How one package stands in the lock, by its bytes. */
export function lockOf(inspected: ConsentedPackage['inspected']): { readonly root: LockRoot; readonly packages: ReadonlyMap<string, LockEntry> } {
  const others = inspected.dependencies.map(({ key, release, pack }) => [pinOf(key), lockRelease(release, pack)] as const);
  return { root: lockRoot(inspected), packages: new Map([[rootId(inspected), lockPackage(inspected)], ...others]) };
}

function lockRoot(inspected: ConsentedPackage['inspected']): LockRoot {
  const permissions = [...inspected.manifest.dash.permissions, ...inspected.manifest.dash.optionalPermissions].map(({ permission }) => permission).sort();
  return {
    spec: formatSpec(inspected.resolution.spec),
    id: rootId(inspected),
    permissions,
    permissionsSha256: createHash('sha256').update(permissions.join('\n')).digest('hex'),
    graph: Object.fromEntries(Object.entries(inspected.graph.nodes).map(([key, { dependencies }]) => [key, { ...dependencies }])),
  };
}

function lockPackage({ manifest, resolution, source, tree }: ConsentedPackage['inspected']): LockEntry {
  if (resolution.kind === 'npm') return lockRelease(resolution.release, tree);
  const pinned = { name: manifest.name, version: manifest.version, source };
  return resolution.kind === 'directory' ? pinned : { ...pinned, treeSha256: tree.treeSha256, files: tree.files.length };
}

function rootId({ manifest, source }: ConsentedPackage['inspected']): string {
  return source.kind === 'npm' ? `${manifest.name}@${manifest.version}` : formatPackageId(packageIdOf(manifest.name, source));
}

function toRecord({ inspected, grantKey }: ConsentedPackage): PackageRecord {
  const { manifest, source, tree, resolution, resources, pending, compiled, captureOutcomes, skills, graph, dependencies } = inspected;
  const own: StoredNode = {
    name: manifest.name,
    version: manifest.version,
    at: source.kind === 'directory' ? { linked: source.path } : { treeSha256: tree.treeSha256 },
    dependencies: graph.nodes[graph.root]?.dependencies ?? {},
  };
  const others = dependencies.map(({ key, release, pack, dependencies: needs }) => {
    const node: StoredNode = { name: release.name, version: release.version, at: { pack: pack.treeSha256 }, dependencies: needs };
    return [key, node] as const;
  });
  return {
    name: manifest.name,
    version: manifest.version,
    description: manifest.description,
    spec: formatSpec(resolution.spec),
    source,
    grantKey,
    contentHash: tree.treeSha256,
    resources,
    permissions: manifest.dash.permissions,
    optionalPermissions: manifest.dash.optionalPermissions,
    ...(manifest.dash.settings !== undefined && { settings: manifest.dash.settings }),
    graph: { root: ROOT, nodes: Object.fromEntries([[ROOT, own] as const, ...others]) },
    ...(pending && { pending }),
    compiled,
    captureOutcomes,
    skills,
  };
}

function grantsOf({ add }: Change): Record<string, readonly Grant[]> {
  return Object.fromEntries(add.filter(({ grants }) => grants.length > 0).map(({ grantKey, grants }) => [grantKey, grants]));
}
