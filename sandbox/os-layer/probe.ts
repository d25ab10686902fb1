import { readlinkSync } from 'node:fs';
import { access, chown, constants, mkdir, mkdtemp, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parsePermissionSet } from '../../format/index.ts';
import type { Tools } from './bubblewrap-arguments.ts';
import { confine, type LiveLayer } from './confine.ts';
import { packageProfile, whoRuns } from './package-profile.ts';
import { startProgram } from './running-program.ts';
import type { Machine } from './system-calls.ts';

/** Whether this machine confines programs, found out by doing it. */
export type OsLayer = LiveLayer | { readonly kind: 'absent'; readonly reason: string; readonly hint?: string };

let probed: Promise<OsLayer> | undefined;

/** Probes once in the life of this process. */
export function osLayer(): Promise<OsLayer> {
  // A disk without room for a canary is a machine that cannot show that it confines.
  probed ??= probeLayer().catch((error: unknown) => ({
    kind: 'absent',
    reason: `the probe failed: ${error instanceof Error ? error.message : String(error)}`,
  }));
  return probed;
}

/**
 * Runs a canary under the very profile that programs of packages get, and looks at what it could do. Versions and
 * settings of the kernel are not asked: only effects count.
 */
export async function probeLayer(): Promise<OsLayer> {
  if (process.platform !== 'linux') return { kind: 'absent', reason: `programs are not confined on ${process.platform} yet` };
  const machine = MACHINES[process.arch];
  if (machine === undefined) return { kind: 'absent', reason: `there is no system call filter for ${process.arch}` };
  const tools = await findTools();
  if (typeof tools === 'string')
    return { kind: 'absent', reason: `\`${tools}\` is not installed`, hint: 'install `bubblewrap` and `util-linux` with your package manager' };
  const failed = await runCanary({ tools, machine });
  if (failed === undefined) return { kind: 'live', tools, machine };
  return { kind: 'absent', reason: failed, hint: 'bubblewrap needs user namespaces: a container or AppArmor may forbid them' };
}

const MACHINES: Readonly<Partial<Record<string, Machine>>> = { x64: 'x64', arm64: 'arm64' };

/** The system's own directories: what builds the walls is not looked up on a PATH. */
const DIRECTORIES = ['/usr/bin', '/bin', '/usr/sbin', '/sbin', '/run/current-system/sw/bin'];

async function findTools(): Promise<Tools | string> {
  const [bubblewrap, prlimit, setpriv, nsenter] = await Promise.all(['bwrap', 'prlimit', 'setpriv', 'nsenter'].map(find));
  if (bubblewrap === undefined) return 'bwrap';
  if (prlimit === undefined) return 'prlimit';
  return setpriv === undefined ? 'setpriv' : { bubblewrap, prlimit, setpriv, ...(nsenter !== undefined && { nsenter }) };
}

async function find(name: string): Promise<string | undefined> {
  for (const directory of DIRECTORIES) {
    const path = join(directory, name);
    const runs = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (runs) return path;
  }
  return undefined;
}

/** Gives what went wrong, in words; nothing when the canary could do what it may, and no more. */
async function runCanary(layer: Omit<LiveLayer, 'kind'>): Promise<string | undefined> {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'dash-canary-')));
  try {
    const at = (name: string): string => join(root, name);
    const places = { workspace: at('workspace'), home: at('home'), data: at('data'), tmp: at('tmp'), dashHome: at('home/.dash') };
    const owner = await stat(process.cwd()).catch(() => undefined);
    for (const place of [...Object.values(places), at('workspace/.git')]) await mkdir(place, { recursive: true });
    for (const file of ['workspace/open.txt', 'workspace/.env', 'workspace/.git/config', 'home/secret']) await writeFile(at(file), 'canary');
    // What an agent that runs as root does for the user's files is tried here, too.
    if (process.getuid?.() === 0 && owner !== undefined && owner.uid !== 0) {
      for (const path of [root, places.workspace, places.data, places.tmp, at('workspace/.git')]) await chown(path, owner.uid, owner.gid);
    }
    const profile = await packageProfile({
      granted: parsePermissionSet(['fs:read', 'fs:write', 'fs:read:data:/', 'fs:write:data:/']),
      places,
      programs: [],
      cwd: places.workspace,
      environment: {},
      runAs: await whoRuns(places.workspace),
      signal: new AbortController().signal,
    });
    const output = { stdout: '', stderr: '' };
    const command = {
      program: '/bin/sh',
      args: ['-c', CANARY, 'canary', at('home/secret'), ...NAMESPACES.map((name) => readlinkSync(`/proc/self/ns/${name}`))],
    };
    const program = startProgram(
      { kind: 'confined', confinement: confine(command, profile, layer) },
      { onOutput: (stream, bytes) => (output[stream] += bytes.toString()), signal: AbortSignal.timeout(CANARY_TIMEOUT_MS) },
    );
    program.stdin.end();
    const { code, stopped } = await program.ended;
    if (stopped !== undefined) return 'a confined program did not end in time';
    if (code !== 0) return output.stderr.trim().split('\n')[0] || `a confined program ended with ${code}`;
    const missing = output.stdout
      .trim()
      .split('\n')
      .filter((line) => line.endsWith('=no'));
    if (missing.length > 0) return `confinement does not hold: ${missing.map((line) => line.slice(0, -3)).join(', ')}`;
    return output.stdout.endsWith('done\n') ? undefined : 'a confined program did not run to its end';
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

const CANARY_TIMEOUT_MS = 10_000;
const NAMESPACES = ['pid', 'net', 'ipc', 'uts', 'mnt'] as const;

/** One line for each effect that has to be there (`must`) or has not (`mustnot`); only the shell and what it needs. */
const CANARY = `
must() { name=$1; shift; if "$@" 2>/dev/null; then echo "$name=yes"; else echo "$name=no"; fi; }
mustnot() { name=$1; shift; if "$@" 2>/dev/null; then echo "$name=no"; else echo "$name=yes"; fi; }
reads() { line=; read -r line < "$1" || [ -n "$line" ]; }
writes() { true >> "$1"; }
status() { while read -r key value; do [ "$key" = "$1:" ] && [ "$value" = "$2" ] && return 0; done < /proc/self/status; return 1; }
apart() { [ "$(readlink /proc/self/ns/$1)" != "$2" ]; }
descriptors='for each in /proc/$$/fd/*; do case $each in */0|*/1|*/2) ;; *) [ -e "$each" ] && [ "$(readlink "$each")" != /dev/null ] && exit 0;; esac; done; exit 1'
wired() { while read -r name rest; do case $name in lo:*|Inter-*|face*) ;; *) return 0;; esac; done < /proc/net/dev; return 1; }
must 'reads what is granted' reads open.txt
must 'writes what is granted' writes new.txt
mustnot 'secrets are hidden' reads .env
mustnot '.git is read-only' writes .git/config
mustnot 'the home directory is hidden' reads "$1"
mustnot '/proc/sys is read-only' writes /proc/sys/kernel/hostname
mustnot 'the system is read-only' writes /usr/.canary
must 'no capabilities' status CapEff 0000000000000000
must 'no new privileges' status NoNewPrivs 1
must 'system call filter' status Seccomp 2
mustnot 'no new namespaces' unshare -U true
mustnot 'no descriptors' sh -c "$descriptors"
mustnot 'no network' wired
must 'no core dumps' [ "$(ulimit -c)" = 0 ]
must 'a limit of open files' [ "$(ulimit -n)" -le 4096 ]
must 'own pid namespace' apart pid "$2"
must 'own net namespace' apart net "$3"
must 'own ipc namespace' apart ipc "$4"
must 'own uts namespace' apart uts "$5"
must 'own mnt namespace' apart mnt "$6"
echo done
`;
