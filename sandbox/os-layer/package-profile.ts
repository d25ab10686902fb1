import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { PermissionSet, Places } from '../../format/index.ts';
import type { Limits, Mount, Profile, RunAs } from './profile.ts';
import { projectGrants } from './project-grants.ts';
import { systemView, USER } from './system-view.ts';

export interface ProfileRequest {
  readonly granted: PermissionSet;
  readonly places: Places;
  /** The program, by the names under which it was found: a link and what it leads to. */
  readonly programs: readonly string[];
  readonly cwd: string;
  /** Beyond the names that every program gets. */
  readonly environment: Readonly<Record<string, string>>;
  readonly runAs: RunAs;
  readonly signal: AbortSignal;
}

const LIMITS: Limits = { dataMiB: 4_096, fileMiB: 2_048, cpuSeconds: 1_800, openFiles: 4_096 };

/**
 * What a program of a package sees: the system, the program's own files, and what the package was granted.
 *
 * @throws {UnguardableTree} when what was granted is too large to guard
 */
export async function packageProfile({ granted, places, programs, cwd, environment, runAs, signal }: ProfileRequest): Promise<Profile> {
  const grants = await projectGrants(granted, places, signal);
  const system = await systemView(places.home, runAs);
  const toolchains = await toolchainsOf(programs, places.home);
  const byPath = new Map<string, Mount>([...system, ...toolchains, ...grants].map((mount) => [mount.path, mount]));
  const mounts = [...byPath.values()];
  // Somewhere it must stand: where nothing of its directory is granted, in one that holds nothing.
  if (!mounts.some(({ kind, path }) => kind !== 'link' && covers(path, cwd))) mounts.push({ kind: 'empty', path: cwd });
  else if (!grants.some(({ path }) => covers(path, cwd))) mounts.push({ kind: 'empty', path: cwd });
  return {
    mounts,
    cwd,
    environment: {
      HOME: places.home,
      TMPDIR: places.tmp,
      USER,
      LOGNAME: USER,
      SHELL: '/bin/sh',
      LANG: 'C.UTF-8',
      ...NOT_A_LOGIN,
      ...environment,
      PATH: [...new Set([...programs.map(dirname), ...STANDARD_PATH])].join(':'),
    },
    runAs,
    limits: LIMITS,
  };
}

/**
 * Node's pipes are sockets, and bash takes an input that is one for a remote login: it would run the start file of the
 * user, if it did not know that there is a shell around it.
 */
export const NOT_A_LOGIN = { SHLVL: '1' } as const;

const STANDARD_PATH = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** Whether the files of the workspace exist for a program that runs there. */
export function sees(profile: Profile, path: string): boolean {
  return profile.mounts.some((mount) => (mount.kind === 'read' || mount.kind === 'write') && covers(mount.path, path));
}

/**
 * Programs outside of the system's directories bring their installation along: `…/bin/node` needs `…/lib`. Where the
 * directory around `bin` is no installation of its own (`~/.local`), only the program itself is there.
 */
async function toolchainsOf(programs: readonly string[], home: string): Promise<readonly Mount[]> {
  const mounts: Mount[] = [];
  for (const program of programs) {
    if (/^\/(usr|bin|sbin|nix\/store|gnu\/store)\//.test(program)) continue;
    const prefix = dirname(dirname(program));
    const isPersonal = covers(prefix, home) || prefix === join(home, '.local');
    const isInstallation = basename(dirname(program)) === 'bin' && !isPersonal && (await isDirectory(join(prefix, 'lib')));
    mounts.push({ kind: 'read', path: isInstallation ? prefix : program });
  }
  return mounts;
}

function covers(directory: string, path: string): boolean {
  return path === directory || path.startsWith(directory === '/' ? '/' : `${directory}/`);
}

function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
}

/** An agent that runs as root runs nothing of a package as root, unless the workspace is root's own. */
export async function whoRuns(workspace: string): Promise<RunAs> {
  if (process.getuid?.() !== 0) return { kind: 'self' };
  const { uid, gid } = await stat(workspace);
  return uid === 0 ? { kind: 'self' } : { kind: 'user', uid, gid };
}
