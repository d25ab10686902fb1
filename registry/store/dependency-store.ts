import type { LockEntry } from '../lock/lock-entry.ts';
import { npmSource, stageRelease } from '../fetch/stage.ts';
import { type DependencyGraph, ROOT } from '../resolve/dependencies.ts';
import { toRelease } from '../resolve/npm.ts';
import type { Release } from '../resolve/resolution.ts';
import { assertIsRelease } from '../verify/verify.ts';
import type { Workshop } from '../workshop.ts';
import { eachLimited } from './each-limited.ts';
import type { Tree } from './staging.ts';

/** One dependency of a root, brought here. */
export interface StagedDependency {
  readonly key: string;
  readonly release: Release;
  readonly tree: Tree;
  readonly dependencies: Readonly<Record<string, string>>;
}

const DOWNLOADS = 12;

/**
 * Brings every node of a graph here; equal archives once. How dependency code is kept is decided here and in `Tree`
 * alone: whoever compiles sees directories.
 *
 * @throws {DashError} INTEGRITY_MISSING, INTEGRITY_MISMATCH, HOSTILE_PACKAGE, REGISTRY_ERROR …
 */
export async function stageDependencies(graph: DependencyGraph, workshop: Workshop): Promise<StagedDependency[]> {
  const trees = new Map<string, Promise<Tree>>();
  const nodes = [...graph.nodes.values()].filter(({ key }) => key !== ROOT);
  return eachLimited(nodes, DOWNLOADS, async ({ key, manifest, dependencies }) => {
    if (manifest === undefined) throw new Error(`${key} has no manifest`);
    const release = await toRelease(manifest, workshop.resolver);
    let tree = trees.get(release.integrity);
    if (tree === undefined) {
      tree = stageRelease(release, workshop);
      trees.set(release.integrity, tree);
    }
    // for every node: one archive may be claimed under two names
    await assertIsRelease(await tree, release);
    return { key, release, tree: await tree, dependencies: Object.fromEntries(dependencies) };
  });
}

/** How the lock pins a release. */
export function lockRelease(release: Release, tree: Tree): LockEntry {
  const { name, version, publishedAt, publisher, hasInstallScript } = release;
  return {
    name,
    version,
    source: npmSource(release),
    treeSha256: tree.treeSha256,
    files: tree.files.length,
    ...(publishedAt !== undefined && { publishedAt }),
    ...(publisher !== undefined && { publisher }),
    ...(hasInstallScript && { hasInstallScript }),
  };
}
