import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

import { DashError } from './dash-error.ts';

/**
 * Makes a directory and those above it. Node's own recursive `mkdir` never comes back from a file system that makes no
 * directories (`/proc/1/x`), and says ENOENT where the disk said EIO.
 *
 * @throws {DashError} DISK_ERROR where there can be no directory; otherwise what the file system throws
 */
export function makeDirectory(path: string, mode = 0o777): void {
  if (isMade(path, mode)) return;
  const parent = dirname(path);
  if (parent !== path) makeDirectory(parent, mode);
  if (parent !== path && isMade(path, mode)) return;
  throw new DashError('DISK_ERROR', `there can be no directory \`${path}\`: its file system does not make any`, {
    hint: 'choose another place; `DASH_HOME` moves everything',
  });
}

/** Whoever made it; `false` when there is nothing above it. */
function isMade(path: string, mode: number): boolean {
  // mostly it is there, and an error takes longer to make than a directory
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return true;
  try {
    mkdirSync(path, mode);
    return true;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') return false;
    if (code === 'EEXIST' && statSync(path).isDirectory()) return true;
    throw error;
  }
}
