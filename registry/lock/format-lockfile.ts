import type { Lockfile } from './lockfile.ts';
import { sortedJson } from '../../format/index.ts';

export const LOCK_VERSION = 1;

/** Writes a lock: equal locks are equal bytes. Apart from reading one, which needs schemas. */
export function formatLockfile(lockfile: Lockfile): string {
  return sortedJson(lockfile);
}
