import { access, constants, realpath, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join } from 'node:path';
import type { PermissionSet, Places } from '../../format/index.ts';

/** A program by the name it was found under, and by what that name leads to. */
export interface FoundProgram {
  readonly path: string;
  readonly real: string;
}

/**
 * Finds a program as `execvp` would, but never where the package could have put it: not in the workspace, not in a
 * directory it was granted to write, not where everybody may write.
 *
 * @returns `undefined` when there is none
 */
export async function findProgram(name: string, searchPath: string, granted: PermissionSet, places: Places): Promise<FoundProgram | undefined> {
  const forbidden = forbiddenPlaces(granted, places);
  if (name.includes('/')) return isAbsolute(name) ? at(name, forbidden) : undefined;
  for (const directory of searchPath.split(':')) {
    // A relative entry, or an empty one, is the current directory: the workspace.
    if (!isAbsolute(directory)) continue;
    const found = await at(join(directory, name), forbidden);
    if (found !== undefined) return found;
  }
  return undefined;
}

async function at(path: string, forbidden: readonly string[]): Promise<FoundProgram | undefined> {
  try {
    // The directory by its real path: `/usr/local/current/bin` may lead into the workspace. The name itself stays:
    // some programs are one file under many names.
    const directory = await realpath(dirname(path));
    const named = join(directory, basename(path));
    const real = await realpath(named);
    for (const each of [named, real]) if (forbidden.some((place) => each === place || each.startsWith(`${place}/`))) return undefined;
    for (const each of new Set([directory, dirname(real)])) if (await isWritableByAll(each)) return undefined;
    const stats = await stat(real);
    if (!stats.isFile()) return undefined;
    await access(real, constants.X_OK);
    return { path: named, real };
  } catch {
    return undefined;
  }
}

async function isWritableByAll(path: string): Promise<boolean> {
  return ((await stat(path)).mode & 0o002) !== 0;
}

/** Where the package could have put a program: what it may write, and the workspace, where others write for it. */
function forbiddenPlaces(granted: PermissionSet, { workspace, home, data, tmp }: Places): readonly string[] {
  const roots = { workspace, home, data, tmp, absolute: '/' };
  const written = granted.permissions.flatMap((permission) => {
    if (permission.area !== 'fs:write' || permission.deny) return [];
    const { root, segments } = permission.scope;
    const wild = segments.findIndex((segment) => segment.includes('*'));
    return [join(roots[root], ...(wild < 0 ? segments : segments.slice(0, wild)))];
  });
  return [workspace, data, tmp, ...written];
}
