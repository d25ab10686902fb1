import { statSync } from 'node:fs';

import type { Generation } from './generation.ts';
import type { StatePaths, StorePaths } from './store-paths.ts';
import { findDamage, isUntouchedSince, objectsOf, pathOf } from './stored-object.ts';

/**
 * Finds the packages of a generation of which something in the store is missing or changed. What no file system call has
 * touched since the generation was written is not read again; `dash verify` reads everything.
 */
export async function damagedPackages(generation: Generation, scope: StatePaths, paths: StorePaths): Promise<Set<string>> {
  const writtenMs = statSync(scope.generation(generation.number)).mtimeMs;
  // written by a clock that was ahead: what came after it looks older
  const sinceMs = writtenMs > Date.now() ? -Infinity : writtenMs;
  const damaged = new Map<string, boolean>();
  const names = new Set<string>();
  for (const record of Object.values(generation.packages)) {
    for (const object of objectsOf([record])) {
      const key = pathOf(object, paths);
      const isDamaged = damaged.get(key) ?? (!isUntouchedSince(object, sinceMs, paths) && (await findDamage(object, paths)) !== undefined);
      damaged.set(key, isDamaged);
      if (isDamaged) names.add(record.name);
    }
  }
  return names;
}
