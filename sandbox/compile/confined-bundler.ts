import { spawn, type ChildProcess, type ChildProcessByStdio } from 'node:child_process';
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import { dirname } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { DashError } from '../../format/index.ts';
import { CHILD_ENVIRONMENT, guardAgainstInspectorSignal } from '../process/layers.ts';
import { readLines } from '../process/lines.ts';
import { programPath } from '../process/runtime-files.ts';
import { type BundlerAnswer, type BundleReply, type BundleRequest, MAX_ANSWER_BYTES } from './bundler.ts';

const COMPILE_TIMEOUT_MS = 60_000;
/** esbuild lives for seconds: it collects garbage less often than a program that stays, until there is much of it. */
const ESBUILD_MEMORY = { GOGC: '400', GOMEMLIMIT: '512MiB' };
/** How long a process waits for the next package of an install. */
const IDLE_MS = 2_000;

/**
 * A compile process: it can read the packages it was started for, and esbuild, and nothing else. It runs no code of any
 * package, so several may share one: starting Node, esbuild and their compilers takes longer than most bundles.
 */
export class ConfinedBundler implements Disposable {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #waiting = new Map<number, PromiseWithResolvers<BundleReply>>();
  #nextId = 1;
  #errors = '';
  #idle: NodeJS.Timeout | undefined;
  #ended = false;
  readonly #idleMs: number;

  /**
   * @param readable paths as `--allow-fs-read` takes them @param idleMs how long it waits for the next package; default 2 s
   * @throws {DashError} COMPILE_FAILED when a path has a `*` in it, but for the one that ends it
   */
  constructor(readable: readonly string[], idleMs = IDLE_MS) {
    this.#idleMs = idleMs;
    this.#child = spawnBundler(readable);
    this.#child.stdin.on('error', ignore); // the exit tells
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-4_000);
    });
    readLines(
      this.#child.stdout,
      MAX_ANSWER_BYTES,
      (line) => this.#answer(line),
      () => this.#end('it wrote too much'),
    );
    this.#child.on('error', (error) => this.#end(error.message));
    this.#child.on('close', () => this.#end(this.#errors.trim() || 'it ended by itself'));
    this.#rest();
  }

  get isBusy(): boolean {
    return this.#waiting.size > 0;
  }

  get hasEnded(): boolean {
    return this.#ended;
  }

  /** @throws {DashError} COMPILE_FAILED when the process fails; the signal's reason when it is aborted */
  async bundle(request: BundleRequest, signal?: AbortSignal): Promise<BundleReply> {
    signal?.throwIfAborted();
    const id = this.#nextId++;
    const waiting = Promise.withResolvers<BundleReply>();
    const onAbort = (): void => waiting.reject(signal?.reason);
    const deadline = setTimeout(() => this.#end(`it took longer than ${COMPILE_TIMEOUT_MS} ms`), COMPILE_TIMEOUT_MS);
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#waiting.set(id, waiting);
    this.#work();
    if (this.#ended) waiting.reject(compileFailed('it has ended'));
    else this.#child.stdin.write(`${JSON.stringify({ id, ...request })}\n`);
    try {
      return await waiting.promise;
    } finally {
      clearTimeout(deadline);
      signal?.removeEventListener('abort', onAbort);
      this.#waiting.delete(id);
      // what nobody waits for any more is not worth its processor
      if (signal?.aborted === true) this.#end('it was aborted');
      if (this.#waiting.size === 0) this.#rest();
    }
  }

  [Symbol.dispose](): void {
    this.#end('it was closed');
  }

  #answer(line: string): void {
    try {
      const answer = JSON.parse(line) as BundlerAnswer;
      const waiting = this.#waiting.get(answer.id);
      if ('reply' in answer) waiting?.resolve(answer.reply);
      else waiting?.reject(compileFailed(answer.error));
    } catch {
      this.#end('its answer cannot be read');
    }
  }

  #end(reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#idle);
    this.#child.kill('SIGKILL');
    for (const { reject } of this.#waiting.values()) reject(compileFailed(reason));
  }

  /** Nobody waits for it: it ends with us, or a little later. */
  #rest(): void {
    if (this.#ended) return;
    for (const handle of handlesOf(this.#child)) handle.unref();
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.#end('nobody needed it'), this.#idleMs).unref();
  }

  #work(): void {
    clearTimeout(this.#idle);
    for (const handle of handlesOf(this.#child)) handle.ref();
  }
}

function spawnBundler(readable: readonly string[]): ChildProcessByStdio<Writable, Readable, Readable> {
  for (const path of readable) assertNoPattern(path.replace(/\/\*$/, ''));
  guardAgainstInspectorSignal();
  const program = programPath('bundler-process');
  const esbuild = createRequire(import.meta.url).resolve('esbuild');
  const modules = dirname(dirname(dirname(esbuild)));
  const allowed = [program, `${modules}/esbuild/*`, `${modules}/@esbuild/*`, ...readable];
  return spawn(
    process.execPath,
    [
      '--permission',
      ...allowed.map((path) => `--allow-fs-read=${path}`),
      // esbuild is a program of its own. It is given no path to read: the bundler loads every file itself.
      '--allow-child-process',
      '--disable-sigusr1',
      '--no-warnings',
      program,
      esbuild,
    ],
    { cwd: '/', env: { ...CHILD_ENVIRONMENT, ESBUILD_WORKER_THREADS: '0', ...ESBUILD_MEMORY }, stdio: ['pipe', 'pipe', 'pipe'] },
  );
}

/** Node reads a `*` anywhere as "whatever begins like this": the process could read what lies beside its package. */
function assertNoPattern(path: string): void {
  if (path.includes('*'))
    throw new DashError('COMPILE_FAILED', `\`${path}\` has a \`*\` in it, which cannot be told apart from a pattern where its compile process is confined`, {
      hint: 'rename that directory',
    });
}

function handlesOf(child: ChildProcessByStdio<Writable, Readable, Readable>): readonly Pick<ChildProcess, 'ref' | 'unref'>[] {
  return [child, ...[child.stdin, child.stdout, child.stderr].map((stream) => stream as unknown as Socket)];
}

function compileFailed(reason: string): DashError {
  return new DashError('COMPILE_FAILED', `the compile process failed: ${reason}`, { hint: 'run `dash doctor`' });
}

function ignore(): void {
  // whoever waits for an answer is told why there is none
}
