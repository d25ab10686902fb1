import type { Mount, Profile } from './profile.ts';

/** A program with its arguments; the program is an absolute path. */
export interface CommandLine {
  readonly program: string;
  readonly args: readonly string[];
}

/** Where the tools lie that build the confinement. */
export interface Tools {
  readonly bubblewrap: string;
  readonly prlimit: string;
  readonly setpriv: string;
  /** Where it is: what gives a program its one way out. */
  readonly nsenter?: string;
}

/** The words for a confined program, and what must be handed to it by descriptor. */
export interface ConfinedCommand extends CommandLine {
  /** Descriptor on which bubblewrap says the process id of what it started. */
  readonly status: number;
  /** Contents of the descriptors that follow, in this order; bubblewrap reads and closes them. */
  readonly descriptors: readonly Buffer[];
  /** Descriptor on which it says that everything stands, and waits for a line before the program begins. */
  readonly gate?: number;
}

/**
 * Says a profile in bubblewrap's words. Pure: the same profile is the same call, and the probe tests the very words
 * that programs run under.
 *
 * @param kept how many descriptors it gets that begins at once; without it, it is a program with the usual three, which
 * waits at its {@link ConfinedCommand.gate}
 */
export function bubblewrapArguments(command: CommandLine, profile: Profile, filter: Buffer, tools: Tools, kept?: number): ConfinedCommand {
  const descriptors: Buffer[] = [];
  const gate = kept === undefined ? STANDARD_STREAMS : undefined;
  const status = kept ?? STANDARD_STREAMS + 1;
  const descriptor = (content: Buffer): string => String(status + descriptors.push(content));
  const { dataMiB, fileMiB, cpuSeconds, openFiles } = profile.limits;
  const mounts = profile.mounts.toSorted((a, b) => compareBytes(a.path, b.path));
  const frozen = mounts.filter(({ kind }) => kind === 'hidden-directory' || kind === 'empty');

  const words = [
    ...namespaces(profile),
    // A SIGKILL of the agent leaves nobody behind.
    '--die-with-parent',
    '--new-session',
    '--json-status-fd',
    String(status),
    '--seccomp',
    descriptor(filter),
    '--clearenv',
    ...Object.entries(profile.environment).flatMap(([name, value]) => ['--setenv', name, value]),
    '--proc',
    '/proc',
    // Who is uid 0 could write there: plain bubblewrap leaves it as it is.
    '--ro-bind',
    '/proc/sys',
    '/proc/sys',
    '--dev',
    '/dev',
    ...mounts.flatMap((mount) => mountArguments(mount, descriptor)),
    // Only now: mounts below them needed a place.
    ...frozen.flatMap(({ path }) => ['--remount-ro', path]),
    '--remount-ro',
    '/',
    '--chdir',
    profile.cwd,
  ];
  const args = [
    `--data=${dataMiB * 1_048_576}`,
    `--fsize=${fileMiB * 1_048_576}`,
    `--cpu=${cpuSeconds}`,
    `--nofile=${openFiles}`,
    '--core=0',
    '--',
    tools.bubblewrap,
    // By descriptor: the environment is nothing for everybody's process list.
    '--args',
    descriptor(Buffer.from(words.map((word) => `${word}\0`).join(''))),
    '--',
    ...becoming(profile, tools),
    ...(gate === undefined ? [] : ['/bin/sh', '-c', GATE, 'sh']),
    command.program,
    ...command.args,
  ];
  return { program: tools.prlimit, args, status, descriptors, ...(gate !== undefined && { gate }) };
}

/**
 * Bubblewrap binds the life of what it starts to its own only when all mounts are made, and a wait of its own ends as well
 * when nobody is there any more: a program whose agent dies before that would run on. So the first thing that runs in here
 * says that it does, and begins when it is told to; whom nobody tells it ends.
 */
const STANDARD_STREAMS = 3;
const GATE = `echo >&${STANDARD_STREAMS} && read -r _ <&${STANDARD_STREAMS} && exec "$@" ${STANDARD_STREAMS}>&-`;

function namespaces({ runAs }: Profile): readonly string[] {
  const own = ['--unshare-ipc', '--unshare-pid', '--unshare-net', '--unshare-uts', '--unshare-cgroup-try', '--hostname', 'sandbox'];
  if (runAs.kind === 'self') return ['--unshare-user', ...own, '--cap-drop', 'ALL'];
  // Without a user namespace: only so can root become somebody else. `setpriv` gives these two back, too.
  return [...own, '--cap-drop', 'ALL', '--cap-add', 'CAP_SETUID', '--cap-add', 'CAP_SETGID'];
}

function becoming({ runAs }: Profile, { setpriv }: Tools): readonly string[] {
  if (runAs.kind === 'self') return [];
  return [setpriv, `--reuid=${runAs.uid}`, `--regid=${runAs.gid}`, '--clear-groups', '--inh-caps=-all', '--'];
}

function mountArguments(mount: Mount, descriptor: (content: Buffer) => string): readonly string[] {
  switch (mount.kind) {
    case 'read':
      return ['--ro-bind', mount.from ?? mount.path, mount.path];
    case 'write':
      return ['--bind', mount.from ?? mount.path, mount.path];
    case 'scratch':
      return ['--perms', '1777', '--size', String(mount.sizeMiB * 1_048_576), '--tmpfs', mount.path];
    case 'empty':
      return ['--perms', '0755', '--tmpfs', mount.path];
    case 'hidden-directory':
      // Can be passed through, to what is mounted below it, and not be listed.
      return ['--perms', '0111', '--tmpfs', mount.path];
    case 'hidden-file':
      // Bubblewrap mounts without devices: opening one is EACCES, for everybody and in every mode.
      return ['--ro-bind', '/dev/null', mount.path];
    case 'link':
      return ['--symlink', mount.target, mount.path];
    case 'text':
      return ['--perms', '0444', '--ro-bind-data', descriptor(Buffer.from(mount.text)), mount.path];
  }
}

/** Parents come before what lies in them; `/a-b` and `/a/b` may stand in any order. */
function compareBytes(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
