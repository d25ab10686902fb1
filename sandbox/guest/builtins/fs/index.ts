import type { GuestLink } from '../../link.ts';
import { argumentError } from '../system-error.ts';
import { constants } from './constants.ts';
import { Dirent, Stats } from './entries.ts';
import { OpenFiles, type OpenFile } from './open-files.ts';
import { runAsync, runSync, type Operation } from './operation.ts';
import { createOperations, toBytes, toPath, type FileData, type PathLike } from './operations.ts';
import { createFileStreams } from './streams.ts';
import { createWatching } from './watching.ts';

type Callback = (error: Error | null, ...results: unknown[]) => void;
type AnyOperation = (...args: never[]) => Operation<unknown>;

/** Makes `fs` with `fs.promises`: every operation in its three forms over one broker capability. */
export function createFs(link: GuestLink, builtin: (name: string) => unknown): Record<string, unknown> {
  const files = new OpenFiles();
  const operations = createOperations(link.facts.cwd, files);
  const { open, opendir, writeFile, appendFile, ...simple } = operations;
  const fs: Record<string, unknown> = { constants, F_OK: constants.F_OK, R_OK: constants.R_OK, W_OK: constants.W_OK, X_OK: constants.X_OK, Stats, Dirent };
  const promises: Record<string, unknown> = { constants };

  const withCallback =
    (start: (...args: never[]) => Promise<unknown>) =>
    (...args: unknown[]) => {
      const callback = args.pop();
      if (typeof callback !== 'function') throw argumentError('cb', 'of type function', callback);
      start(...(args as never[])).then(
        (value) => later(callback as Callback, null, value),
        (error: Error) => later(callback as Callback, error),
      );
    };
  const define = (name: string, operation: AnyOperation, onlySync = (value: unknown) => value) => {
    const asynchronous = async (...args: never[]) => runAsync(link, operation(...args), signalOf(args));
    fs[`${name}Sync`] = (...args: never[]) => onlySync(runSync(link, operation(...args)));
    fs[name] = withCallback(asynchronous);
    promises[name] = asynchronous;
  };

  for (const [name, operation] of Object.entries(simple)) define(name, operation as AnyOperation);
  for (const name of ['fstat', 'ftruncate', 'fsync', 'fdatasync', 'close']) delete promises[name];
  Object.assign(fs['realpathSync'] as object, { native: fs['realpathSync'] });
  Object.assign(fs['realpath'] as object, { native: fs['realpath'] });

  for (const [name, operation] of [
    ['writeFile', writeFile],
    ['appendFile', appendFile],
  ] as const) {
    define(name, operation as AnyOperation);
    promises[name] = async (sink: PathLike | number, data: unknown, options?: { encoding?: string; flag?: string; signal?: AbortSignal }) =>
      runAsync(link, operation(sink, await collect(data), options), options?.signal);
  }

  define('open', open as AnyOperation, (file) => (file as OpenFile).fd);
  fs['open'] = withCallback(async (...args: Parameters<typeof open>) => (await runAsync(link, open(...args))).fd);
  promises['open'] = async (...args: Parameters<typeof open>) => new FileHandle(await runAsync(link, open(...args)));
  define('opendir', opendir as AnyOperation);
  fs['opendirSync'] = (path: PathLike, options?: { recursive?: boolean }) => new Dir(toPath(path, 'path'), runSync(link, opendir(path, options)));
  promises['opendir'] = async (path: PathLike, options?: { recursive?: boolean }) =>
    new Dir(toPath(path, 'path'), await runAsync(link, opendir(path, options)));
  fs['opendir'] = withCallback(promises['opendir'] as (...args: never[]) => Promise<unknown>);

  fs['existsSync'] = (path: PathLike) => succeeds(() => runSync(link, operations.access(path)));
  fs['exists'] = (path: PathLike, callback: (exists: boolean) => void) => {
    runAsync(link, operations.access(path)).then(
      () => later(callback, true),
      () => later(callback, false),
    );
  };
  promises['access'] = (path: PathLike, mode?: number) => runAsync(link, operations.access(path, mode)).then(() => undefined);

  function* readInto(file: OpenFile, args: readonly unknown[]): Operation<{ bytesRead: number; buffer: Uint8Array }> {
    const { buffer, offset, length, position } = readArguments(args);
    const bytes = yield* file.read(length, position);
    buffer.set(bytes, offset);
    return { bytesRead: bytes.length, buffer };
  }
  function* writeFrom(file: OpenFile, args: readonly unknown[]): Operation<{ bytesWritten: number; buffer: unknown }> {
    const [data] = args;
    const { bytes, position } = writeArguments(args);
    return { bytesWritten: yield* file.write(bytes, position), buffer: data };
  }
  fs['readSync'] = (fd: number, ...args: unknown[]) => runSync(link, readInto(files.get(fd, 'read'), args)).bytesRead;
  fs['writeSync'] = (fd: number, ...args: unknown[]) => runSync(link, writeFrom(files.get(fd, 'write'), args)).bytesWritten;
  const [custom, promised] = [Symbol.for('nodejs.util.promisify.custom'), async <T>(operation: () => Operation<T>) => runAsync(link, operation())];
  fs['read'] = Object.assign(
    (fd: number, ...args: unknown[]) => {
      const callback = args.pop() as Callback;
      promised(() => readInto(files.get(fd, 'read'), args)).then(
        ({ bytesRead, buffer }) => later(callback, null, bytesRead, buffer),
        (error: Error) => later(callback, error),
      );
    },
    { [custom]: (fd: number, ...args: unknown[]) => promised(() => readInto(files.get(fd, 'read'), args)) },
  );
  fs['write'] = Object.assign(
    (fd: number, ...args: unknown[]) => {
      const callback = args.pop() as Callback;
      promised(() => writeFrom(files.get(fd, 'write'), args)).then(
        ({ bytesWritten, buffer }) => later(callback, null, bytesWritten, buffer),
        (error: Error) => later(callback, error),
      );
    },
    { [custom]: (fd: number, ...args: unknown[]) => promised(() => writeFrom(files.get(fd, 'write'), args)) },
  );

  const lazyStreams = once(() => createFileStreams(link, operations, files, builtin('stream') as typeof import('node:stream')));
  const lazyWatching = once(() => createWatching(link, operations, builtin('events') as typeof import('node:events')));
  type StreamArguments = ConstructorParameters<ReturnType<typeof lazyStreams>['ReadStream']>;
  fs['createReadStream'] = (...args: StreamArguments) => new (lazyStreams().ReadStream)(...args);
  fs['createWriteStream'] = (...args: StreamArguments) => new (lazyStreams().WriteStream)(...args);
  getter(fs, 'ReadStream', () => lazyStreams().ReadStream);
  getter(fs, 'WriteStream', () => lazyStreams().WriteStream);
  getter(fs, 'FSWatcher', () => lazyWatching().FSWatcher);
  fs['watch'] = (...args: Parameters<ReturnType<typeof lazyWatching>['watch']>) => lazyWatching().watch(...args);
  fs['watchFile'] = (...args: Parameters<ReturnType<typeof lazyWatching>['watchFile']>) => lazyWatching().watchFile(...args);
  fs['unwatchFile'] = (...args: Parameters<ReturnType<typeof lazyWatching>['unwatchFile']>) => lazyWatching().unwatchFile(...args);
  promises['watch'] = (...args: Parameters<ReturnType<typeof lazyWatching>['watchEvents']>) => lazyWatching().watchEvents(...args);

  /** Node's class, of `fs.promises.open`. */
  class FileHandle {
    readonly #file: OpenFile;
    #closed = false;

    constructor(file: OpenFile) {
      this.#file = file;
    }

    get fd(): number {
      return this.#closed ? -1 : this.#file.fd;
    }

    async read(...args: unknown[]) {
      return runAsync(link, readInto(files.get(this.fd, 'read'), args));
    }

    async write(...args: unknown[]) {
      return runAsync(link, writeFrom(files.get(this.fd, 'write'), args));
    }

    async readFile(options?: { encoding?: string } | string) {
      return runAsync(link, operations.readFile(this.fd, options));
    }

    async writeFile(data: FileData, options?: { encoding?: string } | string) {
      return runAsync(link, writeFile(this.fd, data, options));
    }

    async appendFile(data: FileData, options?: { encoding?: string } | string) {
      return runAsync(link, appendFile(this.fd, data, options));
    }

    async stat(options?: { bigint?: boolean }) {
      return runAsync(link, operations.fstat(this.fd, options));
    }

    async truncate(length = 0) {
      return runAsync(link, operations.ftruncate(this.fd, length));
    }

    async chmod(mode: number | string) {
      return runAsync(link, operations.chmod(this.#file.target, mode));
    }

    async utimes(atime: number | Date, mtime: number | Date) {
      return runAsync(link, operations.utimes(this.#file.target, atime, mtime));
    }

    async sync() {
      return runAsync(link, operations.fsync(this.fd));
    }

    async datasync() {
      return runAsync(link, operations.fdatasync(this.fd));
    }

    createReadStream(options: object = {}) {
      return new (lazyStreams().ReadStream)(undefined, { ...options, fd: this.fd });
    }

    createWriteStream(options: object = {}) {
      return new (lazyStreams().WriteStream)(undefined, { ...options, fd: this.fd });
    }

    async *readLines() {
      const text = String(await this.readFile('utf8'));
      const lines = text.split(/\r\n|\n|\r/);
      if (lines.at(-1) === '') lines.pop();
      yield* lines;
    }

    async close() {
      if (this.#closed) return;
      files.close(this.#file.fd);
      this.#closed = true;
    }

    async [Symbol.asyncDispose]() {
      await this.close();
    }
  }

  fs['promises'] = promises;
  return fs;
}

/** Node's class, of `opendir`: the listing is taken when it is opened. */
class Dir {
  readonly path: string;
  readonly #entries: Dirent[];
  #closed = false;

  constructor(path: string, entries: Dirent[]) {
    this.path = path;
    this.#entries = [...entries];
  }

  readSync(): Dirent | null {
    if (this.#closed) throw Object.assign(new Error('Directory handle was closed'), { code: 'ERR_DIR_CLOSED' });
    return this.#entries.shift() ?? null;
  }

  async read(): Promise<Dirent | null> {
    return this.readSync();
  }

  closeSync(): void {
    this.#closed = true;
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Dirent> {
    for (let entry = this.readSync(); entry !== null; entry = this.readSync()) yield entry;
    this.#closed = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
  }
}

interface ReadArguments {
  readonly buffer: Uint8Array;
  readonly offset: number;
  readonly length: number;
  readonly position: number | null;
}

function readArguments([first, second, length, position]: readonly unknown[]): ReadArguments {
  const options = asOptions(ArrayBuffer.isView(first) ? second : first);
  const given = ArrayBuffer.isView(first) ? first : (options['buffer'] ?? Buffer.alloc(16_384));
  if (!ArrayBuffer.isView(given)) throw argumentError('buffer', 'an instance of Buffer, TypedArray, or DataView', given);
  const buffer = given instanceof Uint8Array ? given : new Uint8Array(given.buffer, given.byteOffset, given.byteLength);
  const offset = numberOr(typeof second === 'number' ? second : options['offset'], 0);
  return { buffer, offset, length: numberOr(length ?? options['length'], buffer.byteLength - offset), position: positionOf(position ?? options['position']) };
}

function writeArguments([data, second, third, fourth]: readonly unknown[]): { bytes: Uint8Array; position: number | null } {
  if (typeof data === 'string') return { bytes: toBytes(data, typeof third === 'string' ? third : 'utf8'), position: positionOf(second) };
  const bytes = toBytes(data as FileData, undefined);
  const options = asOptions(second);
  const offset = numberOr(typeof second === 'number' ? second : options['offset'], 0);
  const length = numberOr(third ?? options['length'], bytes.length - offset);
  return { bytes: bytes.subarray(offset, offset + length), position: positionOf(fourth ?? options['position']) };
}

function asOptions(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !ArrayBuffer.isView(value) ? (value as Record<string, unknown>) : {};
}

function numberOr(value: unknown, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise;
}

function positionOf(value: unknown): number | null {
  if (typeof value === 'bigint') return value < 0n ? null : Number(value);
  return typeof value === 'number' && value >= 0 ? value : null;
}

/** Reads data that comes in pieces, which only the promise form takes. */
async function collect(data: unknown): Promise<FileData> {
  if (typeof data !== 'object' || data === null || ArrayBuffer.isView(data) || data instanceof ArrayBuffer) return data as FileData;
  if (!(Symbol.asyncIterator in data) && !(Symbol.iterator in data)) return data as unknown as FileData;
  const chunks: Uint8Array[] = [];
  for await (const chunk of data as AsyncIterable<FileData>) chunks.push(toBytes(chunk, 'utf8'));
  return Buffer.concat(chunks);
}

function signalOf(args: readonly unknown[]): AbortSignal | undefined {
  const last = args.at(-1);
  if (typeof last !== 'object' || last === null || !('signal' in last)) return undefined;
  return last.signal as AbortSignal | undefined;
}

function succeeds(call: () => void): boolean {
  try {
    call();
    return true;
  } catch {
    return false;
  }
}

/** Callbacks run outside the promise, so that what they throw is not swallowed as its rejection. */
function later<A extends unknown[]>(callback: (...args: A) => void, ...args: A): void {
  queueMicrotask(() => callback(...args));
}

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}

function getter(target: object, name: string, get: () => unknown): void {
  Object.defineProperty(target, name, { get, enumerable: true, configurable: true });
}
