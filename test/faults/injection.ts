import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { BIN } from '../../scripts/demo/stage.ts';

/** A system call of one thread of `dash`, counted from the moment its modules begin to load. */
export interface Point {
  readonly thread: 'main' | 'worker';
  readonly syscall: string;
  /** The n-th call of this name on this thread. */
  readonly when: number;
  /** The call as strace wrote it when it was recorded. */
  readonly text: string;
}

export interface Injection {
  readonly thread: Point['thread'];
  readonly syscall: string;
  readonly when: number;
  /** What happens instead, e.g. `signal=KILL` or `error=ENOSPC`. */
  readonly effect: string;
}

export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** What strace saw of the injected calls; empty when the point was never reached. */
  readonly injected: readonly string[];
}

export interface DashRun {
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

/** Every call that can change what is on a disk. */
const MUTATING =
  'openat,mkdir,mkdirat,rename,renameat,renameat2,unlink,unlinkat,rmdir,link,linkat,symlink,symlinkat,' +
  'write,writev,pwrite64,pwritev,fsync,fdatasync,ftruncate,fallocate,chmod,fchmod,fchmodat,utimensat,copy_file_range';

const GATE = fileURLToPath(new URL('gate.mjs', import.meta.url));

/** Says why nothing can be injected here, `undefined` where it can. */
export async function whyNotInjected(): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'strace runs on Linux';
  if (spawnSync('strace', ['-V']).error !== undefined) return 'there is no strace';
  const sleeper = spawn('sleep', ['600'], { stdio: 'ignore' });
  try {
    const { done } = await attach({ tid: sleeper.pid ?? 0, args: [], read: () => undefined });
    sleeper.kill('SIGKILL');
    await done;
    return undefined;
  } catch (error) {
    return `strace may not attach here: ${String(error).trim()}`;
  } finally {
    sleeper.kill('SIGKILL');
  }
}

/** For the name of what is skipped. */
export function because(reason: string | undefined): string {
  return reason === undefined ? '' : ` (skipped: ${reason})`;
}

/** Runs `dash` to its end and lists its changing calls on paths below `root`. */
export async function record(run: DashRun, root: string): Promise<readonly Point[]> {
  const points: Point[] = [];
  const { code, stderr } = await traced(run, (ids) =>
    (['main', 'worker'] as const).map((thread) => ({
      tid: ids[thread],
      args: ['-e', `trace=${MUTATING}`],
      read: (log) => points.push(...pointsOf(log, thread, root)),
    })),
  );
  if (code !== 0) throw new Error(`${run.args.join(' ')} ended with ${code}: ${stderr}`);
  return points;
}

/** Runs `dash` with one fault in it. */
export async function inject({ thread, syscall, when, effect }: Injection, run: DashRun): Promise<Outcome> {
  const injected: string[] = [];
  const outcome = await traced(run, (ids) => [
    {
      tid: ids[thread],
      args: ['-e', `trace=${syscall}`, '-e', `inject=${syscall}:${effect}:when=${when}`],
      read: (log) => injected.push(...injectedIn(log)),
    },
  ]);
  return { ...outcome, injected };
}

function injectedIn(log: string): string[] {
  return log.split('\n').filter((line) => /\(INJECTED(: args)?\)$/.test(line));
}

interface Tracer {
  readonly tid: number;
  readonly args: readonly string[];
  readonly read: (log: string) => void;
}

async function traced(
  { args, cwd, env }: DashRun,
  tracers: (ids: { readonly main: number; readonly worker: number }) => readonly Tracer[],
): Promise<Omit<Outcome, 'injected'>> {
  const child = spawn(process.execPath, ['--import', GATE, BIN, ...args], {
    cwd,
    env: { ...env, UV_THREADPOOL_SIZE: '1' },
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
  });
  const closed = once(child, 'close');
  const [stdout, stderr] = [collected(child.stdout), collected(child.stderr)];
  const ids = await announced(child);
  const running = await Promise.all(tracers(ids).map((tracer) => attach(tracer)));
  child.stdin?.on('error', () => undefined).end('x');
  // libuv's own pipes are no disk, and a process whose wake-up call was eaten waits for ever: the fault missed, and it ends
  const guard = setInterval(() => {
    if (running.some(({ log }) => injectedIn(readFileSync(log, 'utf8')).some((line) => !line.includes(env['DASH_HOME'] ?? '/')))) child.kill('SIGKILL');
  }, 250);
  const [code, signal] = await closed;
  clearInterval(guard);
  for (const { done, log, read } of running) {
    await done;
    read(readFileSync(log, 'utf8'));
    rmSync(log);
  }
  return { code, signal, stdout: stdout(), stderr: stderr() };
}

async function announced(child: ChildProcess): Promise<{ readonly main: number; readonly worker: number }> {
  const channel = child.stdio[3];
  if (channel === null || channel === undefined || !('read' in channel)) throw new Error('no channel');
  for await (const chunk of channel) {
    const ids: unknown = JSON.parse(String(chunk));
    if (typeof ids === 'object' && ids !== null && 'main' in ids && 'worker' in ids && typeof ids.main === 'number' && typeof ids.worker === 'number')
      return { main: ids.main, worker: ids.worker };
  }
  throw new Error('dash ended before it began');
}

async function attach({ tid, args, read }: Tracer) {
  const log = join(tmpdir(), `dash-strace-${randomUUID()}`);
  const strace = spawn('strace', ['-y', '-s', '0', '-o', log, ...args, '-p', String(tid)], { stdio: ['ignore', 'ignore', 'pipe'] });
  const done = once(strace, 'close');
  let said = '';
  // as strace says it; what ends before says why
  await new Promise<void>((resolve, reject) => {
    strace.stderr.on('data', (chunk) => {
      said += chunk;
      if (said.includes('attached')) resolve();
    });
    strace.on('close', () => reject(new Error(`strace: ${said}`)));
  });
  return { done, log, read };
}

function pointsOf(log: string, thread: Point['thread'], root: string): Point[] {
  const counts = new Map<string, number>();
  return log.split('\n').flatMap((text) => {
    const syscall = /^(\w+)\(/.exec(text)?.[1];
    if (syscall === undefined) return [];
    const when = (counts.get(syscall) ?? 0) + 1;
    counts.set(syscall, when);
    const isReading = syscall === 'openat' && !/O_CREAT|O_WRONLY|O_RDWR/.test(text);
    return text.includes(root) && !isReading ? [{ thread, syscall, when, text }] : [];
  });
}

function collected(stream: NodeJS.ReadableStream | null): () => string {
  let text = '';
  stream?.on('data', (chunk) => (text += chunk));
  return () => text;
}
