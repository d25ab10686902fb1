import type { GuestLink } from '../link.ts';
import { systemErrors } from './system-error.ts';

const signals = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGTRAP: 5,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGSEGV: 11,
  SIGUSR2: 12,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
  SIGCHLD: 17,
  SIGCONT: 18,
  SIGSTOP: 19,
  SIGTSTP: 20,
} as const;

/** The constants of `os`, which the `constants` module repeats. */
export const osConstants = {
  signals,
  errno: Object.fromEntries(Object.entries(systemErrors).map(([code, [errno]]) => [code, -errno])),
  priority: { PRIORITY_LOW: 19, PRIORITY_BELOW_NORMAL: 10, PRIORITY_NORMAL: 0, PRIORITY_ABOVE_NORMAL: -7, PRIORITY_HIGH: -14, PRIORITY_HIGHEST: -20 },
  dlopen: {},
  UV_UDP_REUSEADDR: 4,
};

/** Makes `os`: where things are is told, what machine it is stays with the host. */
export function createOs({ facts }: Pick<GuestLink, 'facts'>) {
  const windows = facts.platform === 'win32';
  const started = Date.now();
  const user = facts.env['USER'] ?? facts.env['LOGNAME'] ?? 'user';
  return {
    EOL: windows ? '\r\n' : '\n',
    devNull: windows ? '\\\\.\\nul' : '/dev/null',
    constants: osConstants,
    homedir: () => facts.home,
    tmpdir: () => facts.tmp,
    platform: () => facts.platform,
    arch: () => facts.arch,
    machine: () => ({ x64: 'x86_64', arm64: facts.platform === 'darwin' ? 'arm64' : 'aarch64' })[facts.arch] ?? facts.arch,
    type: () => ({ darwin: 'Darwin', win32: 'Windows_NT' })[facts.platform] ?? 'Linux',
    release: () => '0.0.0',
    version: () => 'sandbox',
    hostname: () => 'sandbox',
    endianness: () => 'LE',
    // One isolate has one thread, and that is what there is to plan with.
    cpus: () => [{ model: 'sandbox', speed: 0, times: { user: 0, nice: 0, sys: 0, idle: 0, irq: 0 } }],
    availableParallelism: () => 1,
    uptime: () => (Date.now() - started) / 1000,
    loadavg: () => [0, 0, 0],
    networkInterfaces: () => ({}),
    userInfo: () => ({ username: user, homedir: facts.home, shell: facts.env['SHELL'] ?? null, uid: 1000, gid: 1000 }),
  };
}
