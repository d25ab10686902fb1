import { spawn, type ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import { type Duplex, PassThrough, type Writable } from 'node:stream';
import type { ConfinedCommand } from './bubblewrap-arguments.ts';
import { childrenOf, processTree, residentMiB } from './process-tree.ts';
import { spawnConfined } from './spawn-confined.ts';

/** How a program is started: inside a confinement, or as it is. */
export type Launch =
  | {
      readonly kind: 'confined';
      readonly confinement: ConfinedCommand;
      /** What must have happened with its process before it begins. When it fails, the program begins without. */
      readonly prepare?: (pid: number) => Promise<void>;
    }
  | {
      readonly kind: 'plain';
      readonly program: string;
      readonly args: readonly string[];
      readonly cwd: string;
      readonly environment: Readonly<Record<string, string>>;
    };

export interface ProgramOptions {
  /** Called with each piece of output, in order. */
  readonly onOutput: (stream: 'stdout' | 'stderr', bytes: Buffer) => void;
  /** Ends the program with everything it started. */
  readonly signal: AbortSignal;
  readonly timeoutMs?: number;
  /** Of both streams together. Default {@link MAX_OUTPUT_BYTES}. */
  readonly maxOutputBytes?: number;
  /** Of the program and all it started. Default {@link MAX_PROCESSES}. */
  readonly maxProcesses?: number;
}

/** How a program ended. `stopped` says that it was us, and why. */
export interface Ending {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stopped?: 'aborted' | 'timeout' | 'output' | 'processes' | 'memory';
}

export interface RunningProgram {
  readonly stdin: Writable;
  /** Rejects when it could not be started. */
  readonly ended: Promise<Ending>;
  /** Sends a signal to the program itself, not to what it started. */
  send(signal: NodeJS.Signals): void;
}

export const MAX_OUTPUT_BYTES = 32 * 1024 * 1024;
/** Totals of all processes of one program. */
export const MAX_PROCESSES = 256;
export const MAX_TOTAL_MIB = 4_096;
const WATCH_EVERY_MS = 100;

/** Starts a program. Its process group, and where it is confined its whole pid namespace, end with it. */
export function startProgram(launch: Launch, options: ProgramOptions): RunningProgram {
  let spawned: Spawned;
  try {
    spawned = launch.kind === 'confined' ? spawnStatus(launch) : spawnPlain(launch);
  } catch (error) {
    // Words that no program takes, or more than the kernel does: it could not be started, like one that is not there.
    return { stdin: new PassThrough(), ended: Promise.reject(error as Error), send: () => undefined };
  }
  const { child, confinedPid } = spawned;
  const { promise, resolve, reject } = Promise.withResolvers<Ending>();
  let stopped: Ending['stopped'];
  let sent: string | undefined;

  const stop = (why: NonNullable<Ending['stopped']>): void => {
    stopped ??= why;
    endAll(child, launch.kind);
  };
  let bytes = 0;
  const { maxOutputBytes = MAX_OUTPUT_BYTES } = options;
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.on('data', (chunk: Buffer) => {
      if (stopped === 'output') return;
      const left = maxOutputBytes - bytes;
      bytes += chunk.length;
      if (left > 0) options.onOutput(name, chunk.length > left ? chunk.subarray(0, left) : chunk);
      if (chunk.length > left) stop('output');
    });
  }
  const deadline = options.timeoutMs === undefined ? undefined : setTimeout(() => stop('timeout'), options.timeoutMs);
  const { maxProcesses = MAX_PROCESSES } = options;
  const watchdog = setInterval(() => watch(child.pid, maxProcesses, stop), WATCH_EVERY_MS);
  const onAbort = (): void => stop('aborted');
  if (options.signal.aborted) onAbort();
  options.signal.addEventListener('abort', onAbort, { once: true });
  const settle = (): void => {
    clearTimeout(deadline);
    clearInterval(watchdog);
    options.signal.removeEventListener('abort', onAbort);
  };

  child.stdin?.on('error', () => undefined); // it ended without reading all of it
  child.on('error', (error) => {
    settle();
    reject(error);
  });
  child.on('exit', () => {
    settle();
    // The program is gone; what it left in its group, and holds its output open, goes with it. A namespace has ended
    // already: its process 1 waits for nobody else.
    if (launch.kind === 'plain') endAll(child, launch.kind);
  });
  child.on('close', (code, signal) => resolve({ ...endingOf(code, signal, sent), ...(stopped !== undefined && { stopped }) }));

  return {
    stdin: child.stdin as Writable,
    ended: promise,
    send: (signal) => {
      sent = signal;
      const target = launch.kind === 'plain' ? child.pid : programIn(confinedPid());
      // Between its start and the first look at it there is nobody to take a signal but all of it.
      if (target === undefined) return endAll(child, launch.kind);
      sendTo(target, signal);
    },
  };
}

interface Spawned {
  readonly child: ChildProcess;
  /** Process id, outside, of what is process 1 inside. */
  readonly confinedPid: () => number | undefined;
}

function spawnStatus({ confinement, prepare }: Launch & { kind: 'confined' }): Spawned {
  const child = spawnConfined(confinement, ['pipe', 'pipe', 'pipe']);
  let status = '';
  const confinedPid = (): number | undefined => Number(/"child-pid":\s*(\d+)/.exec(status)?.[1]) || undefined;
  const gate = confinement.gate === undefined ? undefined : (child.stdio[confinement.gate] as Duplex | null | undefined);
  gate?.on('error', () => undefined); // it ended while it waited
  const open = (): void => void gate?.end('\n');
  const isNamed = Promise.withResolvers<number>();
  child.stdio[confinement.status]?.on('data', (chunk: Buffer) => {
    status += chunk.toString();
    const pid = confinedPid();
    if (pid !== undefined) isNamed.resolve(pid);
  });
  gate?.once('data', () => void isNamed.promise.then((pid) => prepare?.(pid)).then(open, open));
  return { child, confinedPid };
}

function spawnPlain({ program, args, cwd, environment }: Launch & { kind: 'plain' }): Spawned {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true, cwd, env: { ...environment } });
  return { child, confinedPid: () => undefined };
}

/** Process 1 of the namespace is bubblewrap's; its first child is the program, or becomes it. */
function programIn(first: number | undefined): number | undefined {
  return first === undefined ? undefined : childrenOf(first)[0];
}

function endAll({ pid }: ChildProcess, kind: Launch['kind']): void {
  if (pid === undefined) return;
  // Unconfined programs may have left the group: whoever still descends from it is ended by name.
  const tree = kind === 'plain' ? processTree(pid).slice(1) : [];
  for (const target of [-pid, ...tree]) {
    sendTo(target, 'SIGKILL');
  }
}

/** Whom there is nobody left to be, or who became another user, is not ours to signal. */
function sendTo(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ESRCH' && code !== 'EPERM') throw error;
  }
}

function watch(pid: number | undefined, maxProcesses: number, stop: (why: 'processes' | 'memory') => void): void {
  if (pid === undefined) return;
  const tree = processTree(pid);
  if (tree.length > maxProcesses) return stop('processes');
  if (tree.reduce((sum, each) => sum + residentMiB(each), 0) > MAX_TOTAL_MIB) stop('memory');
}

/** Bubblewrap and shells say a death by signal as 128 and its number: it is told apart where we sent the signal. */
function endingOf(code: number | null, signal: string | null, sent: string | undefined): Ending {
  const number = sent === undefined ? undefined : constants.signals[sent as NodeJS.Signals];
  if (number !== undefined && code === 128 + number) return { code: null, signal: sent ?? null };
  return { code, signal };
}
