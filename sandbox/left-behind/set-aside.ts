import type { PathLike, Stats } from 'node:fs';
import { chmod, cp, lstat, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/**
 * Takes a file or directory out of the way of the tools that would run it, to `directory`, where the user finds it.
 *
 * @param exact its path, where a string cannot say it: names are bytes, and need not be UTF-8
 * @returns where it is now; `undefined` where it is gone
 */
export async function setAside(path: string, directory: string, exact: PathLike = path): Promise<string | undefined> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  // Two files of one name, in directories of one name, may be found in the same moment.
  const own = await mkdtemp(join(directory, `${new Date().toISOString().replaceAll(/[:.]/g, '-')}-`));
  const place = join(own, basename(dirname(path)), basename(path));
  await mkdir(dirname(place), { recursive: true, mode: 0o700 });
  try {
    await unlock(path, await lstat(exact));
    await move(exact, place);
    return place;
  } catch (error) {
    await rm(own, { recursive: true, force: true });
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** What a program took away from the user it cannot keep from being put aside: the directory, and the one around it. */
async function unlock(path: string, stats: Stats): Promise<void> {
  const around = await lstat(dirname(path)).catch(() => undefined);
  if (around !== undefined && (around.mode & 0o300) !== 0o300) await chmod(dirname(path), around.mode | 0o700).catch(() => undefined);
  if (stats.isDirectory() && (stats.mode & 0o700) !== 0o700) await chmod(path, stats.mode | 0o700).catch(() => undefined);
}

/** A rename, or a copy where the two lie on different disks. */
export async function move(from: PathLike, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
    // There is nothing in a pipe or a socket that could be kept. Names that are not UTF-8 are told by nobody's copy.
    const isKept = async (path: PathLike): Promise<boolean> => {
      const stats = await lstat(path);
      return stats.isFile() || stats.isDirectory() || stats.isSymbolicLink();
    };
    if (typeof from === 'string' && (await isKept(from))) await cp(from, to, { recursive: true, verbatimSymlinks: true, filter: isKept });
    await rm(from, { recursive: true, force: true });
  }
}
