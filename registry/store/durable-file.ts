import { randomUUID } from 'node:crypto';
import { lstatSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

import { makeDirectory } from '../../format/index.ts';
import { ignoreMissing, isErrno } from './file-errors.ts';

/** Replaces a file so that a reader, and a machine that loses power, sees the old bytes or the new ones. */
export async function writeDurably(path: string, data: string | Buffer, { mode = 0o644 }: { readonly mode?: number } = {}): Promise<void> {
  // whose it is: `leftovers.ts` removes those of processes that are gone
  const temporary = `${path}.${process.pid}-${randomUUID()}.tmp`;
  makeDirectory(dirname(path));
  try {
    const file = await open(temporary, 'wx', mode);
    try {
      await file.writeFile(data);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    // on a disk that refuses this too, the first failure is the one to tell
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
  await syncDirectory(dirname(path));
}

/**
 * Replaces a small file whole, but not durably: for what is derived, and may be lost. At once, for such files are many, and
 * a turn through the thread pool for each step would take longer than the step.
 */
export function replaceFile(
  path: string,
  data: string,
  { mode = 0o644, directoryMode = 0o777 }: { readonly mode?: number; readonly directoryMode?: number } = {},
): void {
  const temporary = `${path}.${process.pid}-${randomUUID()}.tmp`;
  makeDirectory(dirname(path), directoryMode);
  try {
    writeFileSync(temporary, data, { flag: 'wx', mode });
    renameSync(temporary, path);
  } catch (error) {
    try {
      rmSync(temporary, { force: true });
    } catch {
      // the disk does not even take that; what is left is cleared away by the next command
    }
    throw error;
  }
}

export async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    // asked first, for an error takes as long to make as ten files to read
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return undefined;
    // one small file, and the promises of `fs` would load half of Node's streams for it
    return readFileSync(path, 'utf8');
  } catch (error) {
    return ignoreMissing(error);
  }
}

/** Makes the names in a directory survive a power cut. Windows cannot and need not. */
export async function syncDirectory(dir: string): Promise<void> {
  try {
    const handle = await open(dir, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (!isErrno(error, 'EISDIR', 'EPERM', 'EINVAL') || process.platform !== 'win32') throw error;
  }
}
