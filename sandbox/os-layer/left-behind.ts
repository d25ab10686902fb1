import { cp, lstat, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { mayEndProtected, type Places } from '../../format/index.ts';
import type { Profile } from './profile.ts';

const MAX_ENTRIES = 300_000;

/** Names that run later or hold secrets, as they were before a program ran, where it may write. */
export type ProtectedNames = ReadonlySet<string>;

/**
 * Gives every protected name in what the program may write. What was there is covered by a mount; what is not there
 * cannot be, so it is looked for before and after.
 */
export async function protectedNames({ mounts }: Profile, { data, tmp }: Places): Promise<ProtectedNames> {
  const found = new Set<string>();
  const covered = new Set(mounts.map(({ path }) => path));
  // In its own directories a package may give files any name.
  const pending = mounts.flatMap(({ path, kind }) => (kind === 'write' && path !== data && path !== tmp ? [path] : []));
  let entries = 0;
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    for (const entry of await readdir(directory, { withFileTypes: true }).catch(() => [])) {
      if (++entries > MAX_ENTRIES) return found;
      const path = join(directory, entry.name);
      if (mayEndProtected('fs:write', entry.name)) found.add(path);
      // A directory that is a mount of its own begins there, or may not be written.
      else if (entry.isDirectory() && !covered.has(path)) pending.push(path);
    }
  }
  return found;
}

/**
 * Takes a file or directory out of the way of the tools that would run it, to `directory`, where the user finds it.
 *
 * @returns where it is now; `undefined` where it is gone
 */
export async function setAside(path: string, directory: string): Promise<string | undefined> {
  const place = join(directory, new Date().toISOString().replaceAll(/[:.]/g, '-'), basename(dirname(path)), basename(path));
  await mkdir(dirname(place), { recursive: true, mode: 0o700 });
  try {
    await lstat(path);
    await move(path, place);
    return place;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** A rename, or a copy where the two lie on different disks. */
export async function move(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
    await cp(from, to, { recursive: true, verbatimSymlinks: true });
    await rm(from, { recursive: true });
  }
}
