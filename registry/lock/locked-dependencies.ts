import { isDashError } from '../../format/index.ts';
import type { BroughtDependencies } from '../inspect/inspect.ts';
import { ROOT, type Needs } from '../resolve/dependencies.ts';
import { manifestNeeds } from '../resolve/dependencies.ts';
import { readNeeds } from '../resolve/read-needs.ts';
import { type StagedDependency, stagePackOnce } from '../store/dependency-store.ts';
import { eachLimited } from '../store/each-limited.ts';
import type { Workshop } from '../workshop.ts';
import { type EdgeTarget, type Satisfies, wrongEdge } from './assert-edges.ts';
import { lockedRelease } from './locked-release.ts';
import type { LockRoot } from './lock-entry.ts';
import { type ClaimedLock, lockTampered } from './read-lockfile.ts';

const DOWNLOADS = 12;

/**
 * Brings what the lock pins below one package, and checks the graph that it claims against the manifests in the archives.
 *
 * @throws {DashError} LOCK_TAMPERED, and whatever fetching throws
 */
export async function lockedDependencies(name: string, root: LockRoot, needs: Needs, claimed: ClaimedLock, workshop: Workshop): Promise<BroughtDependencies> {
  const { default: semver } = await import('semver');
  const satisfies: Satisfies = (version, range) =>
    semver.validRange(range, { loose: true }) === null || semver.satisfies(version, range, { loose: true, includePrerelease: true });
  const graph = new Map(Object.entries(root.graph));
  assertReachable(name, graph, claimed);

  const keys = [...graph.keys()].filter((key) => key !== ROOT);
  const dependencies = await eachLimited(keys, DOWNLOADS, async (key): Promise<StagedDependency> => {
    const release = await lockedRelease(key, claimed, workshop);
    return { key, release, pack: await stagePackOnce(release, workshop), dependencies: graph.get(key) ?? {} };
  });

  const targets = new Map<string, EdgeTarget>(dependencies.map(({ key, release }) => [key, release]));
  assertEdges(ROOT, needs);
  for (const dependency of dependencies) {
    const inside = readNeeds(dependency.pack.manifest ?? '{}');
    // a registry may say something else than the archive; what it says counted when the graph was made
    if (wrongIn(dependency.key, inside) !== undefined) assertEdges(dependency.key, (await publishedNeeds(dependency, workshop)) ?? inside);
  }
  return { direct: graph.get(ROOT) ?? {}, dependencies, diagnostics: [] };

  function assertEdges(key: string, wanted: Needs): void {
    const wrong = wrongIn(key, wanted);
    if (wrong === undefined) return;
    throw lockTampered(
      claimed,
      ['roots', name, 'graph', key],
      `\`${claimed.path}\` gives \`${wanted.name}@${wanted.version}\` other dependencies than its manifest: ${wrong}`,
    );
  }

  function wrongIn(key: string, wanted: Needs): string | undefined {
    const edges = new Map<string, EdgeTarget>();
    for (const [as, target] of Object.entries(graph.get(key) ?? {})) {
      const found = targets.get(target);
      if (found !== undefined) edges.set(as, found);
    }
    return wrongEdge(wanted, edges, satisfies);
  }
}

/** Every node is reached from the package, and every edge ends at a node: nothing is smuggled in, nothing dangles. */
function assertReachable(name: string, graph: ReadonlyMap<string, Readonly<Record<string, string>>>, claimed: ClaimedLock): void {
  const reached = new Set([ROOT]);
  for (const key of reached) {
    for (const [as, target] of Object.entries(graph.get(key) ?? {})) {
      if (!graph.has(target) || target === ROOT) {
        throw lockTampered(claimed, ['roots', name, 'graph', key], `the graph of \`${name}\` in \`${claimed.path}\` has no \`${target}\` for \`${as}\``);
      }
      reached.add(target);
    }
  }
  const stray = [...graph.keys()].find((key) => !reached.has(key));
  if (stray !== undefined)
    throw lockTampered(claimed, ['roots', name, 'graph', stray], `nothing in \`${name}\` needs \`${stray}\`, which \`${claimed.path}\` gives it`);
}

async function publishedNeeds({ release }: StagedDependency, { resolver }: Workshop): Promise<Needs | undefined> {
  try {
    return manifestNeeds(await resolver.packuments.get(release.name), release.version);
  } catch (error) {
    if (isDashError(error)) return undefined;
    throw error;
  }
}
