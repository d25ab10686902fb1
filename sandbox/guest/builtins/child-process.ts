import type { GuestLink } from '../link.ts';
import { base64ToBytes, bytesToBase64 } from '../globals/base64.ts';
import { argumentError, systemError, unsupported } from './system-error.ts';

interface SpawnOptions {
  readonly cwd?: string | URL;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly input?: string | Uint8Array;
  readonly timeout?: number;
  readonly maxBuffer?: number;
  readonly killSignal?: string | number;
  readonly shell?: boolean | string;
  readonly encoding?: string | null;
  readonly signal?: AbortSignal;
  readonly stdio?: unknown;
}

/** The broker's answer to `exec.run`. */
interface RunAnswer extends Ending {
  readonly stdout: { readonly base64: string };
  readonly stderr: { readonly base64: string };
}

interface Ending {
  readonly code: number | null;
  readonly signal: string | null;
  /** That the host ended it, and why. */
  readonly stopped?: string;
}

/** What the broker says of a program that runs. */
type ProgramEvent =
  | { readonly kind: 'started' }
  | { readonly kind: 'output'; readonly stream: 'stdout' | 'stderr'; readonly base64: string }
  | ({ readonly kind: 'ended' } & Ending);

interface Invocation {
  readonly file: string;
  readonly args: readonly string[];
  readonly options: SpawnOptions;
}

type ExecCallback = (error: Error | null, stdout: string | Buffer, stderr: string | Buffer) => void;

const customPromisify = Symbol.for('nodejs.util.promisify.custom');

/** What Node keeps of the output of `exec`, `execFile` and the synchronous calls. */
const DEFAULT_MAX_BUFFER = 1024 * 1024;
/** How a synchronous call says why its program was ended. */
const CODES: Readonly<Record<string, string>> = { timeout: 'ETIMEDOUT', output: 'ENOBUFS', storage: 'EDQUOT' };

/**
 * Makes `child_process` over the broker: a program is a subscription that says its output as it comes, and is written
 * to and signalled by its number; the synchronous calls are one request.
 */
export function createChildProcess(link: GuestLink, { EventEmitter }: typeof import('node:events'), stream: typeof import('node:stream')) {
  const running = new Map<number, ChildProcess>();
  let lastPid = 100_000;

  class ChildProcess extends EventEmitter {
    // The guest cannot see process ids of the machine: this number only means something to kill() and process.kill().
    readonly pid = ++lastPid;
    readonly spawnfile: string;
    readonly spawnargs: readonly string[];
    readonly stdin: import('node:stream').Writable | null;
    readonly stdout: import('node:stream').Readable | null;
    readonly stderr: import('node:stream').Readable | null;
    readonly stdio: readonly unknown[];
    readonly connected = false;
    exitCode: number | null = null;
    signalCode: string | null = null;
    killed = false;
    readonly #invocation: Invocation;
    readonly #pipes: readonly string[];
    /** Resolves with whether it runs: what is written before waits for that. */
    readonly #started = Promise.withResolvers<boolean>();
    #subscription: { close(): void } | undefined;
    #ended = false;

    constructor(invocation: Invocation) {
      super();
      const { file, args, options } = invocation;
      this.#invocation = invocation;
      this.spawnfile = file;
      this.spawnargs = [file, ...args];
      const pipes = stdioOf(options.stdio);
      this.#pipes = pipes;
      this.stdout = pipes[1] === 'pipe' ? new stream.Readable({ read() {} }) : null;
      this.stderr = pipes[2] === 'pipe' ? new stream.Readable({ read() {} }) : null;
      this.stdin = pipes[0] === 'pipe' ? this.#createInput() : null;
      this.stdio = [this.stdin, this.stdout, this.stderr];
      running.set(this.pid, this);
      if (options.signal?.aborted) queueMicrotask(() => this.#failAborted(options.signal));
      else options.signal?.addEventListener('abort', () => this.#failAborted(options.signal), { once: true });
      this.#subscription = link.subscribe(
        'exec.start',
        { id: this.pid, ...runParams(invocation) },
        {
          event: (value) => this.#hear(value as ProgramEvent),
          error: (error) => this.#fail(spawnError(error, invocation)),
        },
      );
    }

    #createInput(): import('node:stream').Writable {
      return new stream.Writable({
        write: (chunk: Uint8Array, _encoding, done) => this.#send({ bytes: { base64: bytesToBase64(chunk) }, end: false }, done),
        final: (done) => this.#send({ end: true }, done),
        // Whoever destroys it means the end of the input, too.
        destroy: (error, done) => this.#send({ end: true }, () => done(error)),
      });
    }

    #send(params: object, done: (error?: Error | null) => void): void {
      void this.#started.promise.then(async (runs) => {
        try {
          if (runs && !this.#ended) await link.request('exec.write', { id: this.pid, ...params });
          done();
        } catch (error) {
          // A program that ended does not read: nobody has to handle that who only wrote too much.
          done(this.#ended || (error as NodeJS.ErrnoException).code === 'EPIPE' ? null : (error as Error));
        }
      });
    }

    #hear(event: ProgramEvent): void {
      switch (event.kind) {
        case 'started':
          this.emit('spawn');
          this.#started.resolve(true);
          if (this.#pipes[0] !== 'pipe') void link.request('exec.write', { id: this.pid, end: true }).catch(() => undefined);
          return;
        case 'output': {
          const bytes = toBuffer(event.base64);
          const index = event.stream === 'stdout' ? 1 : 2;
          if (this.#pipes[index] === 'inherit') link.log(index === 1 ? 'info' : 'error', bytes.toString());
          this[event.stream]?.push(bytes);
          return;
        }
        case 'ended':
          return this.#end(event);
      }
    }

    #end({ code, signal, stopped }: Ending): void {
      if (this.#ended) return;
      this.#finish();
      const ending = stopped === 'timeout' ? { code: null, signal: killSignalOf(this.#invocation.options) } : { code, signal };
      this.exitCode = ending.code;
      this.signalCode = ending.signal;
      this.#emitEnd(stopped);
    }

    #emitEnd(stopped?: string): void {
      if (stopped === 'output') this.emit('overflow');
      if (stopped === 'timeout') this.killed = true;
      if (stopped === 'processes' || stopped === 'memory' || stopped === 'storage')
        link.log('error', `${this.spawnfile} was ended: more ${stopped} than a program may use`);
      this.emit('exit', this.exitCode, this.signalCode);
      void Promise.all([finish(this.stdout), finish(this.stderr)]).then(() => this.emit('close', this.exitCode, this.signalCode));
    }

    /** Nothing is heard of it any more, and its number is free. */
    #finish(): void {
      this.#ended = true;
      this.#started.resolve(false);
      running.delete(this.pid);
      this.#subscription?.close();
    }

    #fail(error: Error): void {
      if (this.#ended) return;
      // The host ended it while it ran: it dies as by a signal.
      if ((error as NodeJS.ErrnoException).code === 'ABORT_ERR') {
        this.#finish();
        this.signalCode = 'SIGKILL';
        return this.#emitEnd();
      }
      this.#finish();
      this.stdout?.push(null);
      this.stderr?.push(null);
      // Outside the promise: an `error` that nobody listens to must be heard.
      setImmediate(() => {
        this.emit('error', error);
        this.emit('close', -2, null);
      });
    }

    #failAborted(signal: AbortSignal | undefined): void {
      if (this.exitCode !== null || this.killed) return;
      this.kill(this.#invocation.options.killSignal);
      this.emit('error', Object.assign(new Error('The operation was aborted', { cause: signal?.reason }), { name: 'AbortError', code: 'ABORT_ERR' }));
    }

    kill(signal: string | number = 'SIGTERM'): boolean {
      if (this.#ended || !running.has(this.pid)) return false;
      if (signal === 0) return true;
      this.killed = true;
      const name = signalName(signal);
      void this.#started.promise.then(async (runs) => {
        if (runs && !this.#ended) await link.request('exec.signal', { id: this.pid, signal: name }).catch(() => undefined);
      });
      return true;
    }

    ref(): this {
      return this;
    }

    unref(): this {
      return this;
    }

    disconnect(): never {
      throw unsupported('child.disconnect()', 'programs have no message channel');
    }

    send(): never {
      throw unsupported('child.send()', 'write to stdin instead');
    }
  }

  const spawn = (file: string, args?: readonly string[] | SpawnOptions, options?: SpawnOptions) => new ChildProcess(invocationOf(file, args, options));

  const spawnSync = (file: string, args?: readonly string[] | SpawnOptions, options?: SpawnOptions) => {
    const invocation = invocationOf(file, args, options);
    const { encoding, stdio } = invocation.options;
    const pipes = stdioOf(stdio);
    try {
      const answer = link.requestSync('exec.run', { ...runParams(invocation, DEFAULT_MAX_BUFFER), ...inputOf(invocation.options) }) as RunAnswer;
      const [out, err] = [toBuffer(answer.stdout.base64), toBuffer(answer.stderr.base64)];
      if (pipes[1] === 'inherit' && out.length > 0) link.log('info', out.toString());
      if (pipes[2] === 'inherit' && err.length > 0) link.log('error', err.toString());
      const stdout = pipes[1] === 'pipe' ? decoded(out, encoding) : null;
      const stderr = pipes[2] === 'pipe' ? decoded(err, encoding) : null;
      const result = { pid: ++lastPid, output: [null, stdout, stderr], stdout, stderr };
      if (answer.stopped === undefined) return { ...result, status: answer.code, signal: answer.signal };
      const error = spawnError(systemError(CODES[answer.stopped] ?? 'ENOMEM', { syscall: `spawnSync ${file}` }), invocation, 'spawnSync');
      return { ...result, status: null, signal: killSignalOf(invocation.options), error };
    } catch (error) {
      return { pid: 0, output: null, stdout: null, stderr: null, status: null, signal: null, error: spawnError(error, invocation, 'spawnSync') };
    }
  };

  const checked = (result: ReturnType<typeof spawnSync>, command: string) => {
    if (result.error !== undefined) throw Object.assign(result.error, { ...result, error: result.error });
    if (result.status === 0) return result.stdout;
    const words = result.stderr === null ? '' : String(result.stderr);
    throw Object.assign(new Error(`Command failed: ${command}${words === '' ? '' : `\n${words}`}`), result);
  };

  const execFileSync = (file: string, args?: readonly string[] | SpawnOptions, options?: SpawnOptions) => {
    const invocation = invocationOf(file, args, options);
    return checked(spawnSync(file, invocation.args, invocation.options), [file, ...invocation.args].join(' '));
  };

  const execSync = (command: string, options: SpawnOptions = {}) => checked(spawnSync(command, [], { ...options, shell: options.shell ?? true }), command);

  const gather = ({ file, args, options }: Invocation, command: string, callback: ExecCallback | undefined) => {
    const child = spawn(file, args, { maxBuffer: DEFAULT_MAX_BUFFER, ...options, stdio: 'pipe' });
    const chunks: [Buffer[], Buffer[]] = [[], []];
    child.stdout?.on('data', (chunk: Buffer) => chunks[0].push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => chunks[1].push(chunk));
    let failure: Error | undefined;
    child.on('error', (error: Error) => (failure = error));
    child.on('overflow', () => {
      failure = Object.assign(new RangeError('stdout maxBuffer length exceeded'), { code: 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER', cmd: command });
    });
    child.on('close', (code: number | null, signal: string | null) => {
      const [stdout, stderr] = chunks.map((parts) => decoded(Buffer.concat(parts), options.encoding === undefined ? 'utf8' : options.encoding)) as [
        string | Buffer,
        string | Buffer,
      ];
      if (failure === undefined && code !== 0) {
        failure = Object.assign(new Error(`Command failed: ${command}\n${String(stderr)}`), {
          code,
          killed: child.killed,
          signal,
          cmd: command,
          stdout,
          stderr,
        });
      }
      callback?.(failure ?? null, stdout, stderr);
    });
    return child;
  };

  const execFile = (file: string, ...rest: unknown[]) => {
    const callback = rest.findLast((value): value is ExecCallback => typeof value === 'function');
    const [args, options] = rest.filter((value) => typeof value !== 'function');
    const invocation = invocationOf(file, args as readonly string[], options as SpawnOptions);
    return gather(invocation, [file, ...invocation.args].join(' '), callback);
  };

  const exec = (command: string, ...rest: unknown[]) => {
    const callback = rest.findLast((value): value is ExecCallback => typeof value === 'function');
    const options = (rest.find((value) => typeof value === 'object' && value !== null) ?? {}) as SpawnOptions;
    return gather(invocationOf(command, [], { ...options, shell: options.shell ?? true }), command, callback);
  };

  // Node's promisified forms resolve with both outputs, and the error carries them too.
  for (const [name, call] of [
    ['exec', exec],
    ['execFile', execFile],
  ] as const) {
    const promised = (file: string, ...rest: unknown[]) => {
      let child: ChildProcess | undefined;
      const promise = new Promise((resolve, reject) => {
        child = call(file, ...rest, (error: Error | null, stdout: unknown, stderr: unknown) =>
          error === null ? resolve({ stdout, stderr }) : reject(Object.assign(error, { stdout, stderr })),
        );
      });
      return Object.assign(promise, { child });
    };
    Object.defineProperty(promised, 'name', { value: name });
    Object.defineProperty(call, customPromisify, { value: promised });
  }

  /** For `process.kill`: only programs that this package started have a number here. */
  const killByPid = (pid: number, signal?: string | number): boolean => {
    const child = running.get(Math.abs(pid));
    if (child === undefined) throw systemError('ESRCH', { syscall: 'kill' });
    return child.kill(signal);
  };

  const members = { ChildProcess, spawn, spawnSync, exec, execSync, execFile, execFileSync };
  Object.defineProperty(members, 'killByPid', { value: killByPid });
  return members;
}

function invocationOf(file: unknown, args: readonly string[] | SpawnOptions | undefined | null, options: SpawnOptions | undefined | null): Invocation {
  if (typeof file !== 'string') throw argumentError('file', 'of type string', file);
  const list = Array.isArray(args) ? args.map(String) : [];
  const given = Array.isArray(args) || args === undefined || args === null ? (options ?? {}) : (args as SpawnOptions);
  return { file, args: list, options: given };
}

function runParams({ file, args, options }: Invocation, defaultMaxBuffer?: number): object {
  const maxBuffer = options.maxBuffer ?? defaultMaxBuffer;
  return {
    file,
    args,
    shell: options.shell !== undefined && options.shell !== false,
    ...(options.cwd === undefined ? {} : { cwd: typeof options.cwd === 'string' ? options.cwd : decodeURIComponent(options.cwd.pathname) }),
    ...(options.env === undefined ? {} : { env: Object.fromEntries(Object.entries(options.env).filter(([, value]) => value !== undefined)) }),
    ...(options.timeout === undefined || options.timeout === 0 ? {} : { timeoutMs: options.timeout }),
    ...(maxBuffer === undefined || !Number.isFinite(maxBuffer) ? {} : { maxBuffer }),
  };
}

function inputOf({ input }: SpawnOptions): object {
  if (input === undefined) return {};
  return { input: typeof input === 'string' ? { text: input } : { base64: bytesToBase64(input) } };
}

function killSignalOf({ killSignal }: SpawnOptions): string {
  return killSignal === undefined ? 'SIGTERM' : signalName(killSignal);
}

/** Numbers as on Linux; what has none of these goes as SIGTERM. */
function signalName(signal: string | number): string {
  if (typeof signal === 'string') return signal;
  return SIGNALS[signal] ?? 'SIGTERM';
}

const SIGNALS: Readonly<Record<number, string>> = { 1: 'SIGHUP', 2: 'SIGINT', 3: 'SIGQUIT', 9: 'SIGKILL', 10: 'SIGUSR1', 12: 'SIGUSR2', 15: 'SIGTERM' };

function spawnError(error: unknown, { file, args }: Invocation, call = 'spawn'): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  if (code === undefined) return error;
  const details = { code, syscall: `${call} ${file}`, path: file, spawnargs: args };
  if (code === 'ENOENT' || code === 'ENOTDIR') return Object.assign(new Error(`${call} ${file} ${code}`), { errno: code === 'ENOENT' ? -2 : -20, ...details });
  return Object.assign(error, code === 'PERMISSION_DENIED' ? { ...details, code: 'EACCES', errno: -13 } : details);
}

function stdioOf(stdio: unknown): string[] {
  const list = Array.isArray(stdio) ? stdio : [stdio, stdio, stdio];
  return [0, 1, 2].map((index) => {
    const way: unknown = list[index] ?? 'pipe';
    return way === 'overlapped' ? 'pipe' : typeof way === 'string' ? way : 'inherit';
  });
}

function toBuffer(base64: string): Buffer {
  const bytes = base64ToBytes(base64);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function decoded(bytes: Buffer, encoding: string | null | undefined): string | Buffer {
  return encoding === undefined || encoding === null || encoding === 'buffer' ? bytes : bytes.toString(encoding as BufferEncoding);
}

/** Resolves when the output was read; output that nobody reads does not hold back `close`. */
function finish(output: import('node:stream').Readable | null): Promise<void> {
  if (output === null || output.destroyed) return Promise.resolve();
  output.push(null);
  if (output.listenerCount('data') === 0 && output.listenerCount('readable') === 0 && !output.readableFlowing) {
    output.resume();
  }
  return new Promise((resolve) => output.once('close', resolve));
}
