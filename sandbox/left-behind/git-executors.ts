import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** What of a repository runs, or says where what runs lies. The rest is branches and objects. */
const EXECUTORS = new Set(['hooks', 'modules', 'worktrees', 'commondir', 'gitdir']);
/** In `info` lie attributes and excludes, and beside them these, which `git gc` writes. */
const LISTS_OF_GC = new Set(['refs', 'refs.lock', 'rev-cache', 'commit-graph', 'commit-graphs']);

/** What is there of the names in a repository's directory that nothing may write. */
export async function executorsOf(directory: string): Promise<readonly string[]> {
  const names = await readdir(directory).catch(() => []);
  const info = (await readdir(join(directory, 'info')).catch(() => [])).filter((name) => !LISTS_OF_GC.has(name)).map((name) => `info/${name}`);
  return [...names.filter((name) => EXECUTORS.has(name) || /^config\b/.test(name)), ...info].map((name) => join(directory, name));
}
