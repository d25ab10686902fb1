import type { LockEntry } from '../lock/lock-entry.ts';
import { npmSource, stagePack } from '../fetch/stage.ts';
import { type DependencyGraph, ROOT } from '../resolve/dependencies.ts';
import { toRelease } from '../resolve/npm.ts';
import type { Release } from '../resolve/resolution.ts';
import { assertIsRelease } from '../verify/verify.ts';
import type { Workshop } from '../workshop.ts';
import { eachLimited } from './each-limited.ts';
import type { Pack } from './pack.ts';
import type { Tree } from './staging.ts';

/** One dependency of a root, brought here. */
export interface StagedDependency {
  readonly key: string;
  readonly release: Release;
  readonly pack: Pack;
  readonly dependencies: Readonly<Record<string, string>>;
}

const DOWNLOADS = 12;

/**
 * Brings every node of a graph here; equal archives once. Dependency code is kept in packs: only the bundler reads it.
 *
 * @throws {DashError} INTEGRITY_MISSING, INTEGRITY_MISMATCH, HOSTILE_PACKAGE, REGISTRY_ERROR …
 */
export async function stageDependencies(graph: DependencyGraph, workshop: Workshop): Promise<StagedDependency[]> {
  const nodes = [...graph.nodes.values()].filter(({ key }) => key !== ROOT);
  return eachLimited(nodes, DOWNLOADS, async ({ key, manifest, dependencies }) => {
    if (manifest === undefined) throw new Error(`${key} has no manifest`);
    const release = await toRelease(manifest, workshop.resolver);
    return { key, release, pack: await stagePackOnce(release, workshop), dependencies: Object.fromEntries(dependencies) };
  });
}

/** Brings one release here, unless another node or package has; checks for every node that it is what it is called. */
export async function stagePackOnce(release: Release, workshop: Workshop): Promise<Pack> {
  const { packs } = workshop;
  const pack = packs.get(release.integrity) ?? stagePack(release, workshop);
  packs.set(release.integrity, pack);
  const { manifest } = await pack;
  // one archive may be claimed under two names
  await assertIsRelease(manifest, release);
  return pack;
}

/** How the lock pins a release. */
export function lockRelease(release: Release, { treeSha256, files }: Pick<Tree, 'treeSha256' | 'files'>): LockEntry {
  const { name, version, publishedAt, publisher, hasInstallScript } = release;
  return {
    name,
    version,
    source: npmSource(release),
    treeSha256,
    files: files.length,
    ...(publishedAt !== undefined && { publishedAt }),
    ...(publisher !== undefined && { publisher }),
    ...(hasInstallScript && { hasInstallScript }),
  };
}
