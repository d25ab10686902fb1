import { existsSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';

import {
  formatPackageId,
  mergeCaptured,
  type CaptureOutcome,
  type CompiledPackage,
  type ModuleGraph,
  type PermissionRequest,
  type Registrations,
  type ResourceFilter,
  type Resources,
} from '../format/index.ts';
import { type Choice, narrowBuild } from './choice.ts';
import type { InspectedSkill } from './inspect/inspect-ports.ts';
import type { LockEntry, Source } from './lock/lock-entry.ts';
import type { Lockfile } from './lock/lockfile.ts';
import { filtersFor, type PackageSetting, readPackageSettings } from './package-settings.ts';
import { packageIdOf } from './package-source.ts';
import { ignoreMissing } from './store/file-errors.ts';
import { type Generation, type PackageRecord, readCurrent, type StoredGraph } from './store/generation.ts';
import { projectsDirectory, type Scope, scopePaths, storePaths, type StorePaths } from './store/store-paths.ts';

/** An installed package as its readers see it: everything from the generation file, nothing looked up. */
export interface InstalledPackage {
  /** What stays the same from one version to the next, e.g. `npm:@scope/name`. */
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly description: string;
  /** What the user typed, in canonical form. */
  readonly spec: string;
  readonly scope: 'user' | 'project';
  readonly source: Source;
  /** True for a directory that may change at any moment: compile it again when it is loaded. */
  readonly linked: boolean;
  readonly contentHash: string;
  readonly dir: string;
  readonly graph: ModuleGraph;
  /** What is left of what it brings. */
  readonly resources: Resources;
  /** What it brings. */
  readonly brought: Resources;
  /** What leaves resources out: what was chosen, and settings. */
  readonly filters: readonly ResourceFilter[];
  readonly choice: Choice;
  readonly skills: readonly InspectedSkill[];
  readonly permissions: readonly PermissionRequest[];
  readonly optionalPermissions: readonly PermissionRequest[];
  /** The JSON Schema of its settings, as it was when it was installed; see `readDeclaredSettings`. */
  readonly settings: Readonly<Record<string, unknown>> | undefined;
  /** Its extensions are still to be built: `finishBuilds` does it. */
  readonly pending: boolean;
  readonly compiled: CompiledPackage;
  readonly captureOutcomes: readonly CaptureOutcome[];
  /** `undefined` when an entry could not be captured without permissions: the first start does it. */
  readonly captured: Registrations | undefined;
  /** For `readGrants`. */
  readonly grantKey: string;
  readonly enabled: boolean;
  readonly lockEntry: LockEntry;
}

export interface ReadInstalledOptions {
  readonly dashHome: string;
  /** Its packages come first and hide the user's of the same name. */
  readonly projectDir?: string;
}

/**
 * Reads what is installed. Costs two small reads a scope; takes no lock, because a generation never changes.
 *
 * @throws {DashError} STORE_CORRUPT, LOCK_VERSION
 */
export async function readInstalled({ dashHome, projectDir }: ReadInstalledOptions): Promise<InstalledPackage[]> {
  // finding a project's state needs its hash; where no project has one, that is saved
  const dir = projectDir === undefined || !existsSync(projectsDirectory(dashHome)) ? undefined : await realpath(projectDir).catch(ignoreMissing);
  const settings = await readPackageSettings(join(dashHome, 'settings.json'), dashHome);
  // a repository may leave out what it brings itself; a guard that the user installed is not its to switch off
  const ofProject =
    dir === undefined
      ? []
      : await readScope(dashHome, { kind: 'project', dir }, async () => [
          ...settings,
          ...(await readPackageSettings(join(dir, '.dash', 'settings.json'), dir)),
        ]);
  const names = new Set(ofProject.map(({ name }) => name));
  const ofUser = await readScope(dashHome, { kind: 'user' }, () => Promise.resolve(settings));
  return [...ofProject, ...ofUser.filter(({ name }) => !names.has(name))];
}

async function readScope(dashHome: string, scope: Scope, readSettings: () => Promise<readonly PackageSetting[]>): Promise<InstalledPackage[]> {
  const store = storePaths(dashHome);
  const generation = await readCurrent(scopePaths(dashHome, scope));
  if (generation === undefined) return [];
  const settings = await readSettings();
  return Object.values(generation.packages).map((record) => toInstalled(record, { scope: scope.kind, lock: generation.lock, store, settings }));
}

export interface ToInstalledOptions {
  readonly scope: 'user' | 'project';
  /** The lock of the generation. */
  readonly lock: Lockfile;
  readonly store: StorePaths;
  readonly settings?: readonly PackageSetting[];
}

/** Gives one package of a generation as its readers see it. */
export function installedFrom(
  generation: Generation,
  name: string,
  { dashHome, scope }: { readonly dashHome: string; readonly scope: Scope },
): InstalledPackage {
  const record = generation.packages[name];
  if (record === undefined) throw new Error(`generation ${generation.number} lacks ${name}`);
  return toInstalled(record, { scope: scope.kind, lock: generation.lock, store: storePaths(dashHome) });
}

export function toInstalled(record: PackageRecord, { scope, lock, store, settings = [] }: ToInstalledOptions): InstalledPackage {
  const locked = lock.roots[record.name];
  const lockEntry = locked === undefined ? undefined : lock.packages[locked.id];
  if (locked === undefined || lockEntry === undefined) throw new Error(`the lock of the generation lacks ${record.name}`);
  const graph = toModuleGraph(record.graph, store);
  const root = graph.nodes[graph.root];
  if (root?.dir === undefined) throw new Error(`the graph of ${record.name} has no root`);
  const id = formatPackageId(packageIdOf(record.name, record.source));
  const filters = [...(locked.filter === undefined ? [] : [locked.filter]), ...filtersFor(settings, { id })];
  const { resources, compiled, captureOutcomes } = narrowBuild(record, filters);
  return {
    id,
    name: record.name,
    version: record.version,
    description: record.description,
    spec: record.spec,
    scope,
    source: record.source,
    linked: record.source.kind === 'directory',
    contentHash: record.contentHash,
    dir: root.dir,
    graph,
    resources,
    brought: record.resources,
    filters,
    choice: { disabled: locked.disabled, filter: locked.filter },
    skills: record.skills.filter(({ path }) => resources.skills.includes(path)),
    permissions: record.permissions,
    optionalPermissions: record.optionalPermissions,
    settings: record.settings,
    pending: record.pending === true,
    compiled,
    captureOutcomes,
    captured: record.pending === true ? undefined : mergeCaptured(captureOutcomes),
    grantKey: record.grantKey,
    enabled: locked.disabled !== true,
    lockEntry,
  };
}

/** Places the nodes of a graph in the store as it lies now. */
export function toModuleGraph({ root, nodes }: StoredGraph, store: StorePaths): ModuleGraph {
  const placed = Object.entries(nodes).map(([key, { name, version, at, dependencies }]) => {
    const place = 'pack' in at ? { pack: store.pack(at.pack) } : { dir: 'linked' in at ? at.linked : store.files(at.treeSha256) };
    return [key, { name, version, ...place, dependencies }] as const;
  });
  return { root, nodes: Object.fromEntries(placed) };
}
