import type { Dirent } from 'node:fs';
import { lstat, readdir, readlink, realpath } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { isProtectedRead, isProtectedWrite, mayEndProtected, type Places } from '../../format/index.ts';
import { UnguardableTree } from '../os-layer/index.ts';

/**
 * How a name in the workspace is guarded while a command runs.
 *
 * - `hidden`: it holds secrets; it can be neither read nor written.
 * - `sealed`: what is in it runs later; it can be read.
 * - `watched`: a file that git may have to write, so nothing lies over it; it is looked at afterwards.
 * - `open`: it was sealed, and somebody allowed this one command to write it.
 */
export type Guard = 'hidden' | 'sealed' | 'watched' | 'open';

export interface GuardedName {
  readonly guard: Guard;
  readonly kind: 'file' | 'directory' | 'link' | 'other';
}

/** The names of a tree that matter, at one moment. */
export interface TreeScan {
  readonly guarded: ReadonlyMap<string, GuardedName>;
  /** Symbolic links that lead out of the tree, with what they say. */
  readonly leaving: ReadonlyMap<string, string>;
  /** Sockets, pipes and devices. */
  readonly special: ReadonlySet<string>;
  /** Directories that cannot be listed. */
  readonly closed: ReadonlySet<string>;
  /** What makes git take a directory for a repository without a working tree: the directory, or its `HEAD`. */
  readonly bare: ReadonlySet<string>;
  /** What links with the name of a secret lead to in here: the target's own name does not say it. */
  readonly secretTargets: ReadonlySet<string>;
  /** What matters and has a name that is not UTF-8, with its bytes: no path that is a string leads to it. */
  readonly unnamed: ReadonlyMap<string, Buffer>;
}

export interface TreeRules {
  /** What is looked through. */
  readonly roots: readonly string[];
  readonly places: Places;
  /** Directories that links may lead to. */
  readonly within: readonly string[];
  /** What has a mount of its own: it is not entered from above. */
  readonly covered: readonly string[];
  /**
   * Whether files that git may have to write have no cover, so that what was there is looked at again. Otherwise all that
   * was there is covered, but links: nothing can lie over one.
   */
  readonly watches: boolean;
  /** The `.git` of the workspace itself, which has rules of its own. */
  readonly ownGit: string | undefined;
  /** Directories of git that can be written but for their executors. */
  readonly gitDirectories: readonly string[];
  /** What the configuration of git names. */
  readonly named: readonly string[];
}

/** More entries than this cannot be looked through around every command. */
export const MAX_ENTRIES = 300_000;
const DIRECTORIES_AT_ONCE = 32;

/** Files that projects keep in git and that colleagues change: a cover over them would make `checkout` lie. */
const KEPT_IN_GIT =
  /^(\.gitattributes|\.gitmodules|\.pre-commit-config\.yaml|package\.json|.*\.config\.[cm]?[jt]s|(gnu)?makefile|\.?justfile|setup\.py|conftest\.py|\.gitlab-ci\.yml|\.cursorrules|\.windsurfrules|\.clinerules|\.roomodes|copilot-instructions\.md|\.pnpmfile\.cjs|\.mocharc\..*|\.eslintrc.*|\.?lefthook\.ya?ml|(site|user)customize\.py|build\.rs|rakefile|taskfile\.ya?ml|\.?mise\.toml|cmakelists\.txt|dockerfile|\.devcontainer\.json|(agents?|claude|gemini|system|append_system|skill)\.md|agents\.override\.md|claude\.local\.md|\.yarnrc|\.pnp\.cjs|\.pnp\.loader\.mjs|bunfig\.toml|\.(prettier|babel|stylelint|lintstaged)rc\..*|(gulp|grunt)file\..*|.*\.conf\.[cm]?[jt]s|\.dir-locals\.el|\.nvim\.lua|\.lvimrc|\.gdbinit|\.lldbinit|\.rprofile|\.ghci|\.iex\.exs|\.irbrc|\.pryrc|\.rspec|\.pylintrc|noxfile\.py|.*\.code-workspace|\.gitpod\.yml|\.travis\.yml|jenkinsfile|azure-pipelines\.yml|bitbucket-pipelines\.yml|\.drone\.yml|\.woodpecker\.ya?ml)$/i;
/** Directories of such files; every file in one is watched. */
const KEPT_DIRECTORIES =
  /\/(\.(github|gitea|forgejo)\/(workflows|actions|instructions|prompts)|\.circleci|\.buildkite|\.woodpecker|\.storybook|\.cargo|\.mvn|\.githooks)$/i;

/**
 * Looks through trees. Links are not followed; what is sealed or hidden is not entered: nothing can change in there.
 *
 * @param maxEntries most names. Without it a program that makes more could end the looking.
 * @throws {UnguardableTree} where there are more
 */
export async function scanTree(rules: TreeRules, signal: AbortSignal, maxEntries = Infinity): Promise<TreeScan> {
  const roots = new Set(rules.roots);
  const covered = new Set(rules.covered);
  const guarded = new Map<string, GuardedName>();
  const leaving = new Map<string, string>();
  const special = new Set<string>();
  const closed = new Set<string>();
  const bare = new Set<string>();
  const secretTargets = new Set<string>();
  const unnamed = new Map<string, Buffer>();
  let entries = 0;

  const look = async ({ path: directory, inside }: Place): Promise<readonly Place[]> => {
    const found = await list(directory);
    if (found === undefined) {
      // Who knows a name in there can still reach it.
      closed.add(directory);
      guarded.set(directory, { guard: 'sealed', kind: 'directory' });
      return [];
    }
    entries += found.length;
    if (entries > maxEntries) throw new UnguardableTree(`more than ${maxEntries} files lie in \`${rules.roots[0]}\``);
    const isBare = isGitDirectory(new Set(found.map(({ name }) => name)));
    if (isBare && !roots.has(directory)) {
      bare.add(directory);
      guarded.set(directory, { guard: 'sealed', kind: 'directory' });
      return [];
    }
    // A root cannot be put aside as a whole; without its `HEAD` it is no repository.
    if (isBare) {
      bare.add(join(directory, 'HEAD'));
      guarded.set(join(directory, 'HEAD'), { guard: 'sealed', kind: 'file' });
    }
    const next: Place[] = [];
    for (const entry of found) {
      const path = join(directory, entry.name);
      if (path === rules.ownGit) continue;
      const kind = entry.isFile() ? 'file' : entry.isDirectory() ? 'directory' : entry.isSymbolicLink() ? 'link' : 'other';
      if (kind === 'other') special.add(path);
      if (kind === 'link') {
        const target = await leavesTo(path, rules.within);
        if (target !== undefined) leaving.set(path, target);
      }
      const guard = guardOf(path, entry.name, kind, inside, rules);
      if (entry.name.includes(NOT_UTF_8)) {
        const exact = kind === 'directory' || guard !== undefined ? await namesLike(directory, entry.name) : [];
        for (const bytes of exact) unnamed.set(`${path} (${bytes.toString('latin1')})`, bytes);
        continue;
      }
      if (guard === 'hidden' && kind === 'link') await noteTarget(path);
      // Nothing can lie over a link: it is looked at afterwards, and what it leads to has a name of its own.
      if (guard !== undefined && guard !== 'enter') guarded.set(path, { guard: kind === 'link' ? 'watched' : guard, kind });
      const isEntered = kind === 'directory' && (guard === undefined || guard === 'enter') && !covered.has(path);
      if (isEntered) next.push({ path, inside: inside || guard === 'enter' });
    }
    return next;
  };

  const noteTarget = async (link: string): Promise<void> => {
    const target = await realpath(link).catch(() => undefined);
    if (target === undefined || !rules.roots.some((root) => isBelow(root, target))) return;
    const stats = await lstat(target).catch(() => undefined);
    if (stats?.isFile() === true) secretTargets.add(target);
  };

  const pending: Place[] = rules.roots.map((path) => ({ path, inside: false }));
  while (pending.length > 0) {
    signal.throwIfAborted();
    const batch = pending.splice(0, DIRECTORIES_AT_ONCE);
    // one by one: as arguments of a call, what a program can make in one directory would be too many
    for (const inside of await Promise.all(batch.map(look))) for (const place of inside) pending.push(place);
  }
  return { guarded, leaving, special, closed, bare, secretTargets, unnamed };
}

/** What stands in a string for bytes that are no UTF-8. */
const NOT_UTF_8 = '\ufffd';
/** The kernel takes paths of up to 4,096 bytes, and something has to lie in it. */
const MAX_PATH_BYTES = 3_500;

/** `undefined` where it cannot be looked into: a program may take the right to list away and leave that to enter. */
async function list(directory: string): Promise<readonly Dirent[] | undefined> {
  if (Buffer.byteLength(directory) > MAX_PATH_BYTES) return undefined;
  return readdir(directory, { withFileTypes: true }).catch((error: unknown) =>
    ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '') ? [] : undefined,
  );
}

/** The paths whose names read as this one does. A name may well hold the character itself: then there is no other. */
async function namesLike(directory: string, name: string): Promise<readonly Buffer[]> {
  const names = await readdir(directory, { encoding: 'buffer' }).catch(() => []);
  return names.filter((bytes) => bytes.toString('utf8') === name).map((bytes) => Buffer.concat([Buffer.from(`${directory}/`), bytes]));
}

/** Whether git takes a directory with these names for a repository; a `commondir` says where the rest of it is. */
function isGitDirectory(names: ReadonlySet<string>): boolean {
  return names.has('HEAD') && (names.has('commondir') || (names.has('objects') && names.has('refs')));
}

interface Place {
  readonly path: string;
  /** Whether every file in here is watched. */
  readonly inside: boolean;
}

function guardOf(path: string, name: string, kind: GuardedName['kind'], inside: boolean, { places, named, watches }: TreeRules): Guard | 'enter' | undefined {
  if (named.some((each) => path === each || path.startsWith(`${each}/`))) return 'sealed';
  const isSuspect = inside || mayEndProtected('fs:write', name) || mayEndProtected('fs:read', name);
  if (!isSuspect && path !== places.dashHome) return undefined;
  if (isProtectedRead(path, places)) return 'hidden';
  if (watches && kind === 'directory' && (inside || KEPT_DIRECTORIES.test(path))) return 'enter';
  if (inside) return 'watched';
  if (!isProtectedWrite(path, places)) return undefined;
  return watches && KEPT_IN_GIT.test(name) && kind !== 'directory' ? 'watched' : 'sealed';
}

async function leavesTo(path: string, within: readonly string[]): Promise<string | undefined> {
  const text = await readlink(path).catch(() => undefined);
  if (text === undefined) return undefined;
  const target = await realpath(path).catch(() => resolve(dirname(path), text));
  return within.some((directory) => target === directory || isBelow(directory, target)) ? undefined : text;
}

function isBelow(directory: string, path: string): boolean {
  return path.startsWith(directory === '/' ? '/' : `${directory}/`);
}

/** Other names, in the tree, of the given files: what covers a file must cover all its names. Files as `device:inode`. */
export async function otherNames(root: string, files: ReadonlySet<string>, scan: TreeScan, signal: AbortSignal): Promise<readonly string[]> {
  if (files.size === 0) return [];
  const found: string[] = [];
  const pending = [root];
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    signal.throwIfAborted();
    for (const entry of await readdir(directory, { withFileTypes: true }).catch(() => [])) {
      const path = join(directory, entry.name);
      const guard = scan.guarded.get(path)?.guard;
      if (guard === 'hidden' || guard === 'sealed') continue;
      if (entry.isDirectory()) pending.push(path);
      if (!entry.isFile()) continue;
      const stats = await lstat(path, { bigint: true }).catch(() => undefined);
      if (stats !== undefined && stats.nlink > 1n && files.has(`${stats.dev}:${stats.ino}`)) found.push(path);
    }
  }
  return found;
}
