import { existsSync } from 'node:fs';
import { realpath } from 'node:fs/promises';

import {
  formatPackageId,
  type CaptureOutcome,
  type CompiledPackage,
  type ModuleGraph,
  type PermissionRequest,
  type Registrations,
  type Resources,
} from '../format/index.ts';
import type { InspectedSkill } from './inspect/inspect-ports.ts';
import type { LockEntry, Source } from './lock/lock-entry.ts';
import { packageIdOf } from './package-source.ts';
import { ignoreMissing } from './store/file-errors.ts';
import { type PackageRecord, readCurrent, type StoredGraph } from './store/generation.ts';
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
  readonly resources: Resources;
  readonly skills: readonly InspectedSkill[];
  readonly permissions: readonly PermissionRequest[];
  readonly optionalPermissions: readonly PermissionRequest[];
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
  const ofProject = dir === undefined ? [] : await readScope(dashHome, { kind: 'project', dir });
  const names = new Set(ofProject.map(({ name }) => name));
  const ofUser = await readScope(dashHome, { kind: 'user' });
  return [...ofProject, ...ofUser.filter(({ name }) => !names.has(name))];
}

async function readScope(dashHome: string, scope: Scope): Promise<InstalledPackage[]> {
  const store = storePaths(dashHome);
  const generation = await readCurrent(scopePaths(dashHome, scope));
  if (generation === undefined) return [];
  return Object.values(generation.packages).map((record) => {
    const root = generation.lock.roots[record.name];
    const lockEntry = root === undefined ? undefined : generation.lock.packages[root.id];
    if (lockEntry === undefined) throw new Error(`generation ${generation.number} has no lock entry for ${record.name}`);
    return toInstalled(record, { scope: scope.kind, lockEntry, store });
  });
}

export function toInstalled(
  record: PackageRecord,
  { scope, lockEntry, store }: { readonly scope: 'user' | 'project'; readonly lockEntry: LockEntry; readonly store: StorePaths },
): InstalledPackage {
  const graph = toModuleGraph(record.graph, store);
  const root = graph.nodes[graph.root];
  if (root === undefined) throw new Error(`the graph of ${record.name} has no root`);
  return {
    id: formatPackageId(packageIdOf(record.name, record.source)),
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
    resources: record.resources,
    skills: record.skills,
    permissions: record.permissions,
    optionalPermissions: record.optionalPermissions,
    compiled: record.compiled,
    captureOutcomes: record.captureOutcomes,
    captured: mergeCaptured(record.captureOutcomes),
    grantKey: record.grantKey,
    enabled: record.enabled,
    lockEntry,
  };
}

function toModuleGraph({ root, nodes }: StoredGraph, store: StorePaths): ModuleGraph {
  const placed = Object.entries(nodes).map(([key, { name, version, at, dependencies }]) => {
    const dir = 'linked' in at ? at.linked : store.files(at.treeSha256);
    return [key, { name, version, dir, dependencies }] as const;
  });
  return { root, nodes: Object.fromEntries(placed) };
}

/**
 * Joins what the entries registered; `undefined` as long as one waits for a grant to register anything. An entry that
 * fails offers nothing, and takes nothing from the others. Each was captured by itself and counts its handlers from 0; the package counts
 * them through, in the order of its entries.
 */
export function mergeCaptured(outcomes: readonly CaptureOutcome[]): Registrations | undefined {
  const parts: Registrations[] = [];
  for (const outcome of outcomes) {
    if (outcome.kind === 'deferred') return undefined;
    if (outcome.kind === 'ok') parts.push(outcome.registrations);
  }
  return {
    tools: parts.flatMap(({ tools }) => tools),
    commands: parts.flatMap(({ commands }) => commands),
    events: parts.flatMap(({ events }) => events).map(({ event }, handler) => ({ event, handler })),
    flags: parts.flatMap(({ flags }) => flags),
    shortcuts: parts.flatMap(({ shortcuts }) => shortcuts),
    providers: parts.flatMap(({ providers }) => providers),
  };
}
