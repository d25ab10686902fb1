import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';

import type { CompiledPackage } from '../../format/index.ts';
import { ignoreMissing } from './file-errors.ts';
import type { StorePaths } from './store-paths.ts';

/** A file that was compiled and is missing or changed. */
export interface DamagedFile {
  readonly path: string;
  /** The bundle it belongs to. A new time on it makes the next install look at what was compiled. */
  readonly bundle: string;
}

/**
 * Hashes what was compiled from a package again, and gives the first file that is not what was captured. A code cache may
 * be missing, and one of another V8 is never read.
 */
export async function findDamagedFile({ entries }: CompiledPackage, paths: StorePaths): Promise<DamagedFile | undefined> {
  for (const { code, map, cache } of entries) {
    const bundle = paths.compiled(code, 'js');
    const files = [
      { path: bundle, hash: code, mayBeMissing: false },
      { path: paths.compiled(map, 'map'), hash: map, mayBeMissing: false },
      ...(cache?.v8 === process.versions.v8 ? [{ path: paths.compiled(cache.sha256, 'cache'), hash: cache.sha256, mayBeMissing: true }] : []),
    ];
    for (const { path, hash, mayBeMissing } of files) {
      const bytes = await readFile(path).catch(ignoreMissing);
      const isWhole = bytes === undefined ? mayBeMissing : createHash('sha256').update(bytes).digest('hex') === hash;
      if (!isWhole) return { path, bundle };
    }
  }
  return undefined;
}

/** Tells whether everything a package needs to run was compiled and is still there, without reading it. */
export function isCompiledHere({ entries }: CompiledPackage, paths: StorePaths): boolean {
  return entries.every(({ code }) => existsSync(paths.compiled(code, 'js')));
}
