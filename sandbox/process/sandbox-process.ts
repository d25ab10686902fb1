import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import type { Duplex, Readable, Writable } from 'node:stream';
import { DashError } from '../../format/index.ts';
import { parseChildMessage, type ChildMessage, type HostMessage, type ToGuest } from '../protocol.ts';
import { processTree } from '../os-layer/index.ts';
import { type Engine, guardAgainstInspectorSignal } from './layers.ts';
import { GUEST_MEMORY_MIB, MAX_GUEST_LINE, MAX_RSS_MIB } from './limits.ts';
import { encodeHostMessage } from './host-pipe.ts';
import { readLines } from './lines.ts';
import { spawnSandboxProcess } from './spawn-process.ts';
import { tellLine } from './tell-line.ts';

/** Who listens to a sandbox process. Text from the guest is unread and hostile. */
export interface ProcessListener {
  /** Whose code runs there, for what is said of its end; a process that is kept ready is nobody's. */
  readonly package?: string;
  guest(text: string): void;
  /** The guest's thread waits: `reply` must be called once, whatever happens. */
  ask(text: string, reply: (text: string) => void): void;
  stuck(ms: number): void;
  /** So much of a processor the guest took since the last time. */
  worked?(ms: number): void;
  /** Called once, whichever way the process ended. `undefined` when we ended it ourselves. */
  ended(error: DashError | undefined): void;
}

const ABORTED = 128 + constants.signals.SIGABRT;

/** One child process. It has no environment, no files, and lives no longer than the agent. */
export class SandboxProcess implements Disposable {
  readonly #child: ChildProcess;
  readonly #input: Writable;
  #listener: ProcessListener;
  readonly #watchdog: NodeJS.Timeout;
  #opened: PromiseWithResolvers<ChildMessage & { kind: 'opened' }> | undefined;
  #resting: PromiseWithResolvers<number> | undefined;
  #ended = false;
  #residentMiB = 0;
  #cause: DashError | undefined;

  constructor(entryScript: string, listener: ProcessListener, engine: Engine = 'jitless') {
    guardAgainstInspectorSignal();
    this.#listener = listener;
    this.#child = spawnSandboxProcess(entryScript, engine);
    this.#input = this.#child.stdio[3] as Duplex;
    const output = this.#child.stdio[4] as Readable;

    this.#input.on('error', () => this.kill());
    output.on('error', () => this.kill());
    // A multi-byte character counts as one for the guest and as up to four bytes here.
    readLines(
      output,
      MAX_GUEST_LINE * 4,
      (line) => this.#line(line),
      () => this.#fail('SANDBOX_BUDGET', 'a message of the package is too large'),
    );
    this.#child.on('error', (error) =>
      this.#end(new DashError('SANDBOX_UNAVAILABLE', `the sandbox process could not be started: ${error.message}`, { hint: 'run `dash doctor`' })),
    );
    this.#child.on('exit', (code, signal) => this.#end(this.#ownEnd(code, signal)));
    this.#watchdog = setInterval(() => this.#watchMemory(), 250);
    this.#watchdog.unref();
  }

  /** Of the process that was started: where it is confined, the one that runs the package is the last of its descendants. */
  get pid(): number | undefined {
    return this.#ended ? undefined : this.#child.pid;
  }

  /** Whoever takes over a process that was prepared for nobody in particular. */
  set listener(listener: ProcessListener) {
    this.#listener = listener;
  }

  /** Has the isolate made and our own runtime run in it. Comes before {@link open}, and needs no waiting. */
  prepare(message: Omit<HostMessage & { kind: 'prepare' }, 'kind'>): void {
    this.#send({ kind: 'prepare', ...message });
  }

  /** Hands over the package's scripts. Nothing of it runs yet. @throws {DashError} when the isolate cannot be made */
  open(message: Omit<HostMessage & { kind: 'open' }, 'kind'>): Promise<ChildMessage & { kind: 'opened' }> {
    // Ended while its package was on the way to it: nobody would ever answer.
    if (this.#ended) return Promise.reject(this.#cause ?? new DashError('SANDBOX_DIED', 'the sandbox process was ended'));
    this.#opened = Promise.withResolvers();
    this.#send({ kind: 'open', ...message });
    return this.#opened.promise;
  }

  /** How many timers wait, once nothing runs. @throws {DashError} when the process ended meanwhile */
  rest(): Promise<number> {
    this.#resting ??= Promise.withResolvers();
    this.#send({ kind: 'rest' });
    return this.#resting.promise;
  }

  /** Resident memory in MiB as it was last seen; 0 where there is no `/proc`. */
  get residentMiB(): number {
    return this.#residentMiB;
  }

  tell(message: ToGuest): void {
    if (!this.#ended) this.#input.write(tellLine(message));
  }

  /** Lets the agent's event loop end although the process lives (it ends with its pipe). */
  unref(): void {
    this.#child.unref();
    for (const stream of [this.#child.stdio[3], this.#child.stdio[4]]) {
      (stream as Duplex & { unref?: () => void }).unref?.();
    }
  }

  ref(): void {
    this.#child.ref();
    for (const stream of [this.#child.stdio[3], this.#child.stdio[4]]) {
      (stream as Duplex & { ref?: () => void }).ref?.();
    }
  }

  /** SIGKILL: a wedged isolate answers to nothing else. `cause` is what pending work is told. */
  kill(cause?: DashError): void {
    this.#cause ??= cause;
    this.#child.kill('SIGKILL');
    this.#end(this.#cause);
  }

  [Symbol.dispose](): void {
    this.kill();
  }

  #line(line: string): void {
    if (this.#ended) return;
    const body = line.slice(1);
    switch (line[0]) {
      case 'g':
        return this.#listener.guest(body);
      case 's': {
        const space = body.indexOf(' ');
        const id = Number(body.slice(0, space));
        if (space === -1 || !Number.isSafeInteger(id)) return this.#fail('SANDBOX_BUDGET', 'an unreadable request');
        return this.#listener.ask(body.slice(space + 1), (text) => this.#send({ kind: 'reply', id, text }));
      }
      case 'c':
        return this.#childMessage(body);
      default:
        return this.#fail('SANDBOX_BUDGET', 'an unreadable line');
    }
  }

  #childMessage(body: string): void {
    const parsed = parseChildMessage(body);
    if (!parsed.ok) return this.#fail('SANDBOX_BUDGET', `an unreadable line: ${parsed.reason}`);
    const message = parsed.value;
    switch (message.kind) {
      case 'opened':
        return this.#opened?.resolve(message);
      case 'resting':
        this.#resting?.resolve(message.timers);
        this.#resting = undefined;
        return;
      case 'stuck':
        return this.#listener.stuck(message.ms);
      case 'worked':
        return this.#listener.worked?.(message.ms);
      case 'dead':
        if (message.reason === 'load') return this.#fail('COMPILE_FAILED', `the bundle does not load: ${message.message.slice(0, 500)}`);
        if (message.reason === 'flood') return this.#fail('SANDBOX_BUDGET', message.message.slice(0, 500));
        return this.#fail('MEMORY_LIMIT', `the package used more memory than it may (${GUEST_MEMORY_MIB} MiB)`);
    }
  }

  #send(message: HostMessage): void {
    if (this.#ended) return;
    const pieces = encodeHostMessage(message);
    if (pieces.length > 1) this.#input.cork();
    for (const piece of pieces) this.#input.write(piece);
    if (pieces.length > 1) this.#input.uncork();
  }

  #fail(code: 'SANDBOX_BUDGET' | 'MEMORY_LIMIT' | 'COMPILE_FAILED', message: string): void {
    this.kill(this.#failure(code, message));
  }

  #failure(code: 'SANDBOX_BUDGET' | 'MEMORY_LIMIT' | 'COMPILE_FAILED' | 'SANDBOX_DIED', message: string): DashError {
    const { package: name } = this.#listener;
    return new DashError(code, name === undefined ? message : `${name}: ${message}`);
  }

  #ownEnd(code: number | null, signal: NodeJS.Signals | null): DashError {
    // What the kernel refuses in one piece, no watchdog sees coming. Confined, a signal arrives as the exit code of its parent.
    if (signal === 'SIGABRT' || code === ABORTED) return this.#failure('MEMORY_LIMIT', 'the sandbox process aborted, as it does when it gets no more memory');
    return this.#failure('SANDBOX_DIED', `the sandbox process ended by itself (${signal ?? `exit code ${code}`})`);
  }

  /** What V8 does not count (array buffers, wasm, native strings) shows up in the resident set only. */
  #watchMemory(): void {
    const { pid } = this.#child;
    if (this.#ended || pid === undefined) return;
    // Confined, it is the child of what confines it.
    const pages = processTree(pid).reduce((sum, each) => sum + residentPages(each), 0);
    this.#residentMiB = (pages * 4_096) / 1_048_576;
    if (this.#residentMiB > MAX_RSS_MIB) this.#fail('MEMORY_LIMIT', `the package used more than ${MAX_RSS_MIB} MiB`);
  }

  #end(error: DashError | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    clearInterval(this.#watchdog);
    const reason = error ?? new DashError('SANDBOX_DIED', 'the sandbox process was ended');
    this.#opened?.reject(reason);
    this.#resting?.reject(reason);
    this.#listener.ended(this.#cause ?? error);
  }
}

/** 0 where there is no `/proc`, or the process is just ending. */
function residentPages(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
  } catch {
    return 0;
  }
}
