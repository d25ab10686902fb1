import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { temporaryDirectory } from './temporary-directory.ts';

/** A git repository made on the spot. */
export interface GitRepository {
  readonly dir: string;
  /** Writes the files, commits everything and gives the commit. */
  commit(files: Readonly<Record<string, string>>): string;
  git(...args: readonly string[]): string;
  /** Runs git with this on its standard input. */
  pipe(input: string | Buffer, ...args: readonly string[]): string;
}

export async function makeGitRepository(files: Readonly<Record<string, string>>, dir?: string): Promise<GitRepository> {
  const root = dir ?? join(await temporaryDirectory(), 'repository');
  const env = {
    ...process.env,
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'ada',
    GIT_AUTHOR_EMAIL: 'ada@example.com',
    GIT_COMMITTER_NAME: 'ada',
    GIT_COMMITTER_EMAIL: 'ada@example.com',
  };
  const pipe = (input: string | Buffer | undefined, ...args: readonly string[]) =>
    execFileSync('git', args, { cwd: root, env, input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] }).trim();
  mkdirSync(root, { recursive: true });
  pipe(undefined, 'init', '--quiet', '--initial-branch=main');
  const repository: GitRepository = {
    dir: root,
    git: (...args) => pipe(undefined, ...args),
    pipe,
    commit(changed) {
      for (const [path, text] of Object.entries(changed)) {
        mkdirSync(dirname(join(root, path)), { recursive: true });
        writeFileSync(join(root, path), text);
      }
      pipe(undefined, 'add', '--all');
      pipe(undefined, 'commit', '--quiet', '--allow-empty', '--message', 'change');
      return pipe(undefined, 'rev-parse', 'HEAD');
    },
  };
  repository.commit(files);
  return repository;
}
