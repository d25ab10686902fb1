import { readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

/** The branch that is checked out where `cwd` lies, or the beginning of the commit; no git is run for it. */
export async function gitBranch(cwd: string): Promise<string | undefined> {
  const directory = await gitDirectory(cwd);
  if (directory === undefined) return undefined;
  const head = (await readFile(join(directory, 'HEAD'), 'utf8').catch(() => '')).slice(0, MAX_HEAD).trim();
  const branch = /^ref: refs\/heads\/(.+)$/.exec(head)?.[1];
  return branch ?? (/^[0-9a-f]{40,64}$/.test(head) ? head.slice(0, 8) : undefined);
}

const MAX_HEAD = 512;

async function gitDirectory(from: string): Promise<string | undefined> {
  for (let directory = from; ; directory = dirname(directory)) {
    const path = join(directory, '.git');
    const found = await stat(path).catch(() => undefined);
    if (found?.isDirectory() === true) return path;
    // of a worktree or a submodule: a file that says where
    const link = found?.isFile() === true ? /^gitdir: (.+)$/m.exec((await readFile(path, 'utf8')).slice(0, MAX_HEAD))?.[1] : undefined;
    if (link !== undefined) return resolve(directory, link.trim());
    if (dirname(directory) === directory) return undefined;
  }
}
