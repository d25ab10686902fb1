import { lstatSync, readlinkSync } from 'node:fs';
import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Places } from '../../format/index.ts';
import { linkedSecretsOf, UnguardableTree, type Limits, type Mount, type Profile, type RunAs } from '../os-layer/index.ts';
import { executorsOf, otherNames, type TreeScan } from '../left-behind/index.ts';
import type { Repository } from './repository.ts';

export interface ShellProfileRequest {
  readonly places: Places;
  readonly scan: TreeScan;
  readonly repository: Repository | undefined;
  /** The tree that was scanned: the workspace, or the working tree around it. */
  readonly root: string;
  readonly environment: Readonly<Record<string, string>>;
  /** A directory of the host that is `/tmp` for all commands of one agent. */
  readonly scratch: string;
  readonly runAs: RunAs;
  readonly signal: AbortSignal;
}

const LIMITS: Limits = { dataMiB: 16_384, fileMiB: 8_192, cpuSeconds: 7_200, openFiles: 8_192 };
/** Bubblewrap takes 9,000 words. */
const MAX_MOUNTS = 2_000;

/**
 * What a command of the host sees: the machine read-only without anybody's files, the toolchains of its PATH, and the
 * workspace to work in, where secrets are hidden and what runs later is sealed. Directories on the way to a cover are
 * mounts of their own, so that they cannot be renamed away from under it.
 *
 * @throws {UnguardableTree} when more would have to be covered than can be
 */
export async function shellProfile(request: ShellProfileRequest): Promise<Profile> {
  const { places, environment, scratch, runAs } = request;
  const mounts = [
    ...(await machineView(places, environment['PATH'] ?? '')),
    ...temporary(scratch),
    ...(await treeMounts(request)),
    ...(await gitMounts(request.repository)),
  ];
  const byPath = new Map(mounts.map((mount) => [mount.path, mount]));
  if (byPath.size > MAX_MOUNTS) throw new UnguardableTree(`more than ${MAX_MOUNTS} files and directories would have to be guarded`);
  return { mounts: [...byPath.values()], cwd: places.workspace, environment, runAs, limits: LIMITS };
}

/** What lies at the root of the disk and is not the machine's: people's files, and what lives as long as a boot. */
const NOT_THE_MACHINE = new Set(['proc', 'dev', 'tmp', 'run', 'home', 'root', 'Users', 'mnt', 'media', 'lost+found', 'boot']);
/** Secrets of the machine, and its records: an agent that runs as root could read them. */
const MACHINE_SECRETS = [
  '/etc/shadow',
  '/etc/shadow-',
  '/etc/gshadow',
  '/etc/gshadow-',
  '/etc/sudoers',
  '/etc/sudoers.d',
  '/etc/ssl/private',
  '/etc/ssh',
  '/etc/krb5.keytab',
  '/etc/NetworkManager',
  '/etc/wireguard',
  '/etc/openvpn',
  '/etc/kubernetes',
  '/etc/rancher',
  '/etc/docker',
  '/etc/ppp',
  '/etc/letsencrypt',
  '/etc/mysql',
  '/etc/postgresql',
  '/var/spool',
  '/var/mail',
  '/var/backups',
  '/var/log',
  '/var/cache/debconf',
  '/var/lib/private',
  '/var/lib/kubelet',
  '/var/lib/docker',
];

async function machineView({ home, workspace, dashHome }: Places, path: string): Promise<readonly Mount[]> {
  const mounts: Mount[] = [];
  for (const name of await readdir('/')) {
    if (!NOT_THE_MACHINE.has(name)) mounts.push(...asItIs(join('/', name)));
  }
  for (const secret of MACHINE_SECRETS) mounts.push(...hidden(secret));
  mounts.push({ kind: 'scratch', path: '/run', sizeMiB: 64 }, { kind: 'scratch', path: '/dev/shm', sizeMiB: 1_024 });
  mounts.push({ kind: 'scratch', path: home, sizeMiB: 1_024 });
  // Of the home of Dash not even the names: wherever it lies, and whatever lies over it.
  if (dashHome !== undefined && !isWithin(home, dashHome) && !isWithin('/tmp', dashHome)) mounts.push(...hidden(dashHome));
  const toolchains = await toolchainsOf(path, [home, '/tmp', '/run', '/mnt', '/media', '/root', '/home'], home);
  return [
    ...mounts,
    ...toolchains.filter((place) => !isWithin(workspace, place) && !isWithin(place, workspace)).map((place): Mount => ({ kind: 'read', path: place })),
  ];
}

function asItIs(path: string): readonly Mount[] {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return [];
  return stats.isSymbolicLink() ? [{ kind: 'link', path, target: readlinkSync(path) }] : [{ kind: 'read', path }];
}

function hidden(path: string): readonly Mount[] {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined || stats.isSymbolicLink()) return [];
  return [{ kind: stats.isDirectory() ? 'hidden-directory' : 'hidden-file', path }];
}

/** The host's directory under its own name, too: what the host keeps in it for a command is found by both. */
function temporary(scratch: string): readonly Mount[] {
  return [
    { kind: 'write', path: '/tmp', from: scratch },
    { kind: 'write', path: '/var/tmp', from: scratch },
    { kind: 'write', path: scratch },
  ];
}

/** Programs of the user's own that a PATH names, in places that are otherwise empty. */
async function toolchainsOf(path: string, emptied: readonly string[], home: string): Promise<readonly string[]> {
  const found = new Set<string>();
  for (const directory of new Set(path.split(':'))) {
    const real = await realpath(directory).catch(() => undefined);
    if (real === undefined || !emptied.some((place) => isWithin(place, real)) || isWithin(real, home)) continue;
    found.add(await installationOf(real, home));
    for (const [name, companion] of COMPANIONS) if (real === join(home, name)) found.add(join(home, companion));
    for (const entry of (await readdir(real, { withFileTypes: true }).catch(() => [])).slice(0, 1_000)) {
      if (!entry.isSymbolicLink()) continue;
      const target = await realpath(join(real, entry.name)).catch(() => undefined);
      if (target === undefined || isWithin(real, target) || !emptied.some((place) => isWithin(place, target))) continue;
      found.add(await packageAround(target, home));
    }
  }
  const there = await Promise.all(
    [...found].map((place) =>
      lstat(place).then(
        () => [place],
        () => [],
      ),
    ),
  );
  return there.flat();
}

/** Shims whose programs lie elsewhere. */
const COMPANIONS: readonly (readonly [string, string])[] = [
  ['.cargo/bin', '.rustup'],
  ['.pyenv/shims', '.pyenv'],
  ['.volta/bin', '.volta'],
  ['.asdf/shims', '.asdf'],
  ['.local/share/mise/shims', '.local/share/mise/installs'],
];

/** `…/bin` with a `lib` beside it is an installation, unless it is the user's own collection. */
async function installationOf(directory: string, home: string): Promise<string> {
  const prefix = dirname(directory);
  const isPersonal = isWithin(prefix, home) || prefix === join(home, '.local') || prefix === '/tmp';
  const hasLibraries = !isPersonal && basename(directory) === 'bin' && (await stat(join(prefix, 'lib')).catch(() => undefined))?.isDirectory() === true;
  return hasLibraries ? prefix : directory;
}

/** A program that a link leads to comes with the package it lies in, and that with the packages beside it. */
async function packageAround(program: string, home: string): Promise<string> {
  const modules = program.indexOf('/node_modules/');
  if (modules >= 0) return program.slice(0, modules + '/node_modules'.length);
  for (let directory = dirname(program); !isWithin(directory, home) && directory !== '/tmp'; directory = dirname(directory)) {
    if ((await stat(join(directory, 'package.json')).catch(() => undefined)) !== undefined) return directory;
    if (directory === dirname(directory)) break;
  }
  const installation = await installationOf(dirname(program), home);
  return installation === dirname(program) ? program : installation;
}

async function treeMounts({ places, scan, root, signal }: ShellProfileRequest): Promise<readonly Mount[]> {
  const { workspace } = places;
  // The working tree around a workspace is there to be looked at: without it git would take its files for deleted.
  const mounts: Mount[] = [...(root === workspace ? [] : [{ kind: 'read', path: root } as const]), { kind: 'write', path: workspace }];
  const linked = { hidden: new Set(await linkedSecretsOf(places.home)), sealed: new Set<string>() };
  const cover = (path: string, guard: 'hidden' | 'sealed', isDirectory: boolean): void => {
    const isWritable = isWithin(workspace, path);
    if (guard === 'hidden') mounts.push({ kind: isDirectory ? 'hidden-directory' : 'hidden-file', path });
    else if (isWritable) mounts.push({ kind: 'read', path });
    if (isWritable) mounts.push(...pins(workspace, path));
  };
  for (const [path, { guard, kind }] of scan.guarded) {
    if (guard === 'watched' || guard === 'open' || kind === 'link' || kind === 'other') continue;
    cover(path, guard, kind === 'directory');
    if (kind === 'directory') continue;
    const stats = await lstat(path, { bigint: true }).catch(() => undefined);
    if (stats !== undefined && stats.nlink > 1n) linked[guard].add(`${stats.dev}:${stats.ino}`);
  }
  for (const guard of ['sealed', 'hidden'] as const) for (const path of await otherNames(root, linked[guard], scan, signal)) cover(path, guard, false);
  return mounts;
}

/** The directories between the workspace and something that is covered. */
function pins(workspace: string, path: string): readonly Mount[] {
  const pinned: Mount[] = [];
  for (let directory = dirname(path); isWithin(workspace, directory) && directory !== workspace; directory = dirname(directory))
    pinned.push({ kind: 'write', path: directory });
  return pinned;
}

async function gitMounts(repository: Repository | undefined): Promise<readonly Mount[]> {
  if (repository === undefined) return [];
  const { entry, gitDir, commonDir } = repository;
  const mounts: Mount[] = entry === gitDir ? [] : [{ kind: 'read', path: entry }];
  // First the repository, then what is sealed in it, then the part of a linked worktree, which lies in a sealed place.
  for (const directory of new Set([commonDir, gitDir])) {
    mounts.push({ kind: 'write', path: directory });
    for (const path of await executorsOf(directory)) mounts.push({ kind: 'read', path }, ...pins(directory, path));
  }
  return mounts;
}

function isWithin(directory: string, path: string): boolean {
  return path === directory || path.startsWith(directory === '/' ? '/' : `${directory}/`);
}
