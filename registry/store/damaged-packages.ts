import { statSync } from 'node:fs';

import { findDamage, isUntouchedSince } from './check-tree.ts';
import type { Generation, PackageRecord } from './generation.ts';
import type { StatePaths, StorePaths } from './store-paths.ts';

/**
 * Finds the packages of a generation of which something in the store is missing or changed. What no file system call has
 * touched since the generation was written is not read again; `dash verify` reads everything.
 */
export async function damagedPackages(generation: Generation, scope: StatePaths, paths: StorePaths): Promise<Set<string>> {
  const sinceMs = statSync(scope.generation(generation.number)).mtimeMs;
  const damaged = new Map<string, boolean>();
  const names = new Set<string>();
  for (const record of Object.values(generation.packages)) {
    for (const treeSha256 of treesOf(record)) {
      const isDamaged = damaged.get(treeSha256) ?? (!isUntouchedSince(treeSha256, sinceMs, paths) && (await findDamage(treeSha256, paths)) !== undefined);
      damaged.set(treeSha256, isDamaged);
      if (isDamaged) names.add(record.name);
    }
  }
  return names;
}

/** Everything in the store that a package needs. */
export function treesOf({ graph }: PackageRecord): string[] {
  return Object.values(graph.nodes).flatMap(({ at }) => ('treeSha256' in at ? [at.treeSha256] : []));
}
