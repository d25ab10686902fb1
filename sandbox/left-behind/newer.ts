import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';

const MAX_FILES = 2_000;

/**
 * Whether nothing of a file or directory is as old as a moment. The kernel keeps the time of a change: no program can set
 * it.
 */
export async function isAllNewerThan(path: string, momentMs: number): Promise<boolean> {
  const pending = [path];
  for (let files = 0; files < MAX_FILES; files++) {
    const each = pending.pop();
    if (each === undefined) return true;
    const stats = await lstat(each).catch(() => undefined);
    if (stats === undefined || stats.ctimeMs <= momentMs) return false;
    if (stats.isDirectory()) for (const name of await readdir(each).catch(() => [])) pending.push(join(each, name));
  }
  return false;
}
