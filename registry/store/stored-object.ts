import { lstatSync } from 'node:fs';

import { findDamage as findTreeDamage, isUntouchedSince as isTreeUntouchedSince } from './check-tree.ts';
import type { PackageRecord } from './generation.ts';
import { readPack } from './pack.ts';
import type { StorePaths } from './store-paths.ts';

/** Something in the store: an unpacked tree, or a pack. */
export interface StoredObject {
  readonly kind: 'tree' | 'pack';
  readonly sha256: string;
}

/** Gives everything in the store that packages need, each once. */
export function objectsOf(records: readonly PackageRecord[]): StoredObject[] {
  const objects = new Map<string, StoredObject>();
  for (const { graph } of records) {
    for (const { at } of Object.values(graph.nodes)) {
      if ('treeSha256' in at) objects.set(`tree ${at.treeSha256}`, { kind: 'tree', sha256: at.treeSha256 });
      if ('pack' in at) objects.set(`pack ${at.pack}`, { kind: 'pack', sha256: at.pack });
    }
  }
  return [...objects.values()];
}

/** Where it lies in the store: a directory, or a file. */
export function pathOf({ kind, sha256 }: StoredObject, paths: StorePaths): string {
  return kind === 'tree' ? paths.tree(sha256) : paths.pack(sha256);
}

/** The file whose times tell that somebody has doubts. */
export function doubtPath({ kind, sha256 }: StoredObject, paths: StorePaths): string {
  return kind === 'tree' ? paths.listing(sha256) : paths.pack(sha256);
}

/** Hashes an object again. Gives the path of the first file that is not what it should be. */
export async function findDamage(object: StoredObject, paths: StorePaths): Promise<string | undefined> {
  if (object.kind === 'tree') return findTreeDamage(object.sha256, paths);
  const path = paths.pack(object.sha256);
  return (await readPack(path, object.sha256)) === undefined ? path : undefined;
}

/** Tells whether nothing in an object can have changed since a moment at which it was whole. See `check-tree.ts`. */
export function isUntouchedSince(object: StoredObject, sinceMs: number, paths: StorePaths): boolean {
  if (object.kind === 'tree') return isTreeUntouchedSince(object.sha256, sinceMs, paths);
  const stats = lstatSync(paths.pack(object.sha256), { throwIfNoEntry: false });
  return stats !== undefined && stats.isFile() && stats.ctimeMs <= sinceMs;
}
