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
  /** Directories that git would take for a repository without a working tree. */
  readonly bare: ReadonlySet<string>;
}

export interface TreeRules {
  readonly root: string;
  readonly places: Places;
  /** The `.git` of the workspace itself, which has rules of its own. */
  readonly ownGit: string | undefined;
  /** What the configuration of git names. */
  readonly named: readonly string[];
  /** Most names in the tree. Default {@link MAX_ENTRIES}. */
  readonly maxEntries?: number;
}

/** More entries than this cannot be looked through around every command. */
const MAX_ENTRIES = 300_000;
const DIRECTORIES_AT_ONCE = 32;

/** Files that projects keep in git and that colleagues change: a cover over them would make `checkout` lie. */
const KEPT_IN_GIT =
  /^(\.gitattributes|\.gitmodules|\.pre-commit-config\.yaml|package\.json|.*\.config\.[cm]?[jt]s|(gnu)?makefile|\.?justfile|setup\.py|conftest\.py|\.gitlab-ci\.yml|\.cursorrules|\.windsurfrules|\.clinerules|\.roomodes|copilot-instructions\.md|\.pnpmfile\.cjs|\.mocharc\..*|\.eslintrc.*|\.?lefthook\.ya?ml|(site|user)customize\.py|build\.rs|rakefile|taskfile\.ya?ml|\.?mise\.toml|cmakelists\.txt|dockerfile|\.devcontainer\.json|(agents?|claude|gemini|system|append_system|skill)\.md|agents\.override\.md|claude\.local\.md)$/i;
/** Directories of such files; every file in one is watched. */
const KEPT_DIRECTORIES = /\/(\.github\/(workflows|actions)|\.circleci)$/i;

/** Looks through a tree. Links are not followed; what is sealed or hidden is not entered: nothing can change in there. */
export async function scanTree(rules: TreeRules, signal: AbortSignal): Promise<TreeScan> {
  const { root, maxEntries = MAX_ENTRIES } = rules;
  const guarded = new Map<string, GuardedName>();
  const leaving = new Map<string, string>();
  const special = new Set<string>();
  const bare = new Set<string>();
  const hiddenTargets = new Set<string>();
  let entries = 0;

  const look = async ({ path: directory, inside }: Place): Promise<readonly Place[]> => {
    const found = await readdir(directory, { withFileTypes: true }).catch(() => []);
    entries += found.length;
    if (entries > maxEntries) throw new UnguardableTree(`more than ${maxEntries} files lie in \`${root}\``);
    const names = new Set(found.map(({ name }) => name));
    if (directory !== root && names.has('HEAD') && names.has('objects') && names.has('refs')) {
      bare.add(directory);
      guarded.set(directory, { guard: 'sealed', kind: 'directory' });
      return [];
    }
    const next: Place[] = [];
    for (const entry of found) {
      const path = join(directory, entry.name);
      if (path === rules.ownGit) continue;
      const kind = entry.isFile() ? 'file' : entry.isDirectory() ? 'directory' : entry.isSymbolicLink() ? 'link' : 'other';
      if (kind === 'other') special.add(path);
      if (kind === 'link') {
        const target = await leavesTo(path, root);
        if (target !== undefined) leaving.set(path, target);
      }
      const guard = guardOf(path, entry.name, kind, inside, rules);
      if (guard === 'hidden' && kind === 'link') await hideTarget(path);
      // Nothing can lie over a link: it is looked at afterwards, and what it leads to has a name of its own.
      if (guard !== undefined && guard !== 'enter') guarded.set(path, { guard: kind === 'link' ? 'watched' : guard, kind });
      if (kind === 'directory' && (guard === undefined || guard === 'enter')) next.push({ path, inside: inside || guard === 'enter' });
    }
    return next;
  };

  /** `.env -> settings/local`: what the link says of its target, the target's name does not. */
  const hideTarget = async (link: string): Promise<void> => {
    const target = await realpath(link).catch(() => undefined);
    if (target === undefined || !target.startsWith(`${root}/`)) return;
    const stats = await lstat(target).catch(() => undefined);
    if (stats?.isFile() === true) hiddenTargets.add(target);
  };

  const pending: Place[] = [{ path: root, inside: false }];
  while (pending.length > 0) {
    signal.throwIfAborted();
    const batch = pending.splice(0, DIRECTORIES_AT_ONCE);
    for (const inside of await Promise.all(batch.map(look))) pending.push(...inside);
  }
  for (const target of hiddenTargets) guarded.set(target, { guard: 'hidden', kind: 'file' });
  return { guarded, leaving, special, bare };
}

interface Place {
  readonly path: string;
  /** Whether every file in here is watched. */
  readonly inside: boolean;
}

function guardOf(path: string, name: string, kind: GuardedName['kind'], inside: boolean, { places, named }: TreeRules): Guard | 'enter' | undefined {
  if (named.some((each) => path === each || path.startsWith(`${each}/`))) return 'sealed';
  const isSuspect = inside || mayEndProtected('fs:write', name) || mayEndProtected('fs:read', name);
  if (!isSuspect && path !== places.dashHome) return undefined;
  if (isProtectedRead(path, places)) return 'hidden';
  if (kind === 'directory' && (inside || KEPT_DIRECTORIES.test(path))) return 'enter';
  if (inside) return 'watched';
  if (!isProtectedWrite(path, places)) return undefined;
  return KEPT_IN_GIT.test(name) && kind !== 'directory' ? 'watched' : 'sealed';
}

async function leavesTo(path: string, root: string): Promise<string | undefined> {
  const text = await readlink(path).catch(() => undefined);
  if (text === undefined) return undefined;
  const target = await realpath(path).catch(() => resolve(dirname(path), text));
  return target === root || target.startsWith(`${root}/`) ? undefined : text;
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
