import { lstat, readFile, realpath } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import type { RunGit } from './run-git.ts';

/** The repository that a workspace belongs to, and what of it git runs. */
export interface Repository {
  /** Root of the working tree. */
  readonly top: string;
  /** The `.git` in it, a directory or a file. */
  readonly entry: string;
  readonly gitDir: string;
  /** Where branches and objects are; another directory than `gitDir` in a linked worktree. */
  readonly commonDir: string;
  /** Files and directories that its configuration, or the user's, names to be run or read as configuration. */
  readonly named: readonly string[];
  /** Who commits, for programs that do not see the user's configuration. */
  readonly identity: Readonly<Record<string, string>>;
  /** The patterns that the user ignores everywhere. */
  readonly ignored: string;
}

/** Finds the repository around a directory; none where a `.git` leads to a place that does not know of it. */
export async function findRepository(workspace: string, home: string, git: RunGit): Promise<Repository | undefined> {
  const entry = await findEntry(workspace, home);
  if (entry === undefined) return undefined;
  const top = dirname(entry);
  const places = await readPlaces(entry);
  if (places === undefined) return undefined;
  const settings = await readSettings(top, git);
  const values = (name: string): string | undefined => settings.findLast(([key]) => key === name)?.[1];
  const name = values('user.name');
  const email = values('user.email');
  return {
    top,
    entry,
    ...places,
    named: namedPaths(settings, top, places.commonDir, home),
    identity: {
      ...(name === undefined ? {} : { GIT_AUTHOR_NAME: name, GIT_COMMITTER_NAME: name }),
      ...(email === undefined ? {} : { GIT_AUTHOR_EMAIL: email, GIT_COMMITTER_EMAIL: email }),
    },
    ignored: (await readText(resolve(top, (values('core.excludesfile') ?? '~/.config/git/ignore').replace(/^~(?=\/)/, home)))) ?? '',
  };
}

/** A repository of the whole home directory, or of the disk, is not one of the workspace. */
async function findEntry(workspace: string, home: string): Promise<string | undefined> {
  for (let directory = workspace; ; directory = dirname(directory)) {
    const isTooWide = directory === home || home.startsWith(directory === '/' ? '/' : `${directory}/`);
    if (isTooWide && directory !== workspace) return undefined;
    const entry = join(directory, '.git');
    if ((await lstat(entry).catch(() => undefined)) !== undefined) return entry;
    if (directory === dirname(directory)) return undefined;
  }
}

async function readPlaces(entry: string): Promise<Pick<Repository, 'gitDir' | 'commonDir'> | undefined> {
  const stats = await lstat(entry);
  if (stats.isDirectory()) {
    const common = (await readText(join(entry, 'commondir')))?.trim();
    // Somebody else's configuration under this roof: git would take it, we do not.
    return common === undefined || common === '.' ? { gitDir: entry, commonDir: entry } : undefined;
  }
  if (!stats.isFile()) return undefined;
  const [, pointer] = /^gitdir: (.+?)\s*$/.exec((await readText(entry)) ?? '') ?? [];
  if (pointer === undefined) return undefined;
  const gitDir = await realpath(resolve(dirname(entry), pointer)).catch(() => undefined);
  if (gitDir === undefined || !(await pointsBack(gitDir, entry))) return undefined;
  const common = (await readText(join(gitDir, 'commondir')))?.trim();
  if (common === undefined) return { gitDir, commonDir: gitDir };
  const commonDir = await realpath(resolve(gitDir, common)).catch(() => undefined);
  return commonDir === undefined ? undefined : { gitDir, commonDir };
}

/** A `.git` file that came with an archive may name any repository of the user's: only one that knows of it is its own. */
async function pointsBack(gitDir: string, entry: string): Promise<boolean> {
  const worktree = (await readText(join(gitDir, 'gitdir')))?.trim();
  if (worktree !== undefined) return (await realpath(worktree).catch(() => undefined)) === entry;
  const [, named] = /^\s*worktree\s*=\s*"?([^"\n]+?)"?\s*$/m.exec((await readText(join(gitDir, 'config'))) ?? '') ?? [];
  if (named === undefined) return false;
  return (await realpath(resolve(gitDir, named)).catch(() => undefined)) === dirname(entry);
}

async function readSettings(top: string, git: RunGit): Promise<readonly (readonly [string, string])[]> {
  const answer = await git(['config', '--includes', '--list', '-z'], top);
  return (answer ?? '').split('\0').flatMap((record) => {
    const [key = '', ...value] = record.split('\n');
    return key === '' ? [] : [[key, value.join('\n')] as const];
  });
}

/** Settings whose value is a program, a line for a shell, or more configuration. */
const NAMES_FILES =
  /^(core\.(hookspath|attributesfile|excludesfile|fsmonitor|sshcommand|editor|pager|askpass|gitproxy)|include\.path|includeif\..*\.path|filter\..*|merge\..*\.driver|diff\..*|(difftool|mergetool|guitool|browser|man)\..*|alias\..*|gpg\..*|credential\..*|interactive\..*|sequence\..*|pager\..*|trailer\..*|hook\..*|tar\..*|remote\..*\.(uploadpack|receivepack|vcs))$/;

/** Words of those settings that mean something in the working tree, whether it is there yet or not. */
function namedPaths(settings: readonly (readonly [string, string])[], top: string, commonDir: string, home: string): readonly string[] {
  const found = new Set<string>();
  for (const [key, value] of settings) {
    if (!NAMES_FILES.test(key)) continue;
    for (const word of value.split(/[\s"'=;|&()]+/)) {
      const plain = word.replace(/^!/, '');
      if (plain === '' || plain.startsWith('-')) continue;
      // A path of an included file is relative to the file that includes it.
      const bases = plain.startsWith('~/') ? [home] : [top, commonDir];
      for (const base of bases) {
        const path = isAbsolute(plain) ? resolve(plain) : resolve(base, plain.replace(/^~\//, ''));
        const isInTree = path.startsWith(`${top}/`) && path !== join(top, '.git') && !path.startsWith(`${join(top, '.git')}/`);
        // One bare word is more often the name of a program than a file: a path has a slash, or is a setting for paths.
        if (isInTree && (plain.includes('/') || /path$|file$/.test(key))) found.add(path);
      }
    }
  }
  return [...found];
}

async function readText(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined);
}
