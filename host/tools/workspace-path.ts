import { realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';

/** The absolute path a model means: `~` is the home directory, `@` in front is how some models name files. */
export function absolutePath(cwd: string, path: string): string {
  const plain = path.replace(/^@/, '');
  if (plain === '~' || plain.startsWith('~/')) return join(homedir(), plain.slice(1));
  return resolve(cwd, plain);
}

/** The path with every link on the way to it resolved, also where the last parts do not exist yet. */
export function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(realPath(parent), basename(path));
  }
}

/** Tells whether `path` is `directory` or lies below it; both are real paths. */
export function isWithin(directory: string, path: string): boolean {
  const way = relative(directory, path);
  return way === '' || (way !== '..' && !way.startsWith('../') && !isAbsolute(way));
}
