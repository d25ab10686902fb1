import type { GuestLink } from '../../link.ts';
import type { OpenFile, OpenFiles } from './open-files.ts';
import { runAsync } from './operation.ts';
import { toBytes, toPath, type Operations, type PathLike } from './operations.ts';

interface StreamOptions {
  readonly flags?: string;
  readonly encoding?: BufferEncoding | null;
  readonly fd?: number | { readonly fd: number };
  readonly mode?: number;
  readonly autoClose?: boolean;
  readonly emitClose?: boolean;
  readonly start?: number;
  readonly end?: number;
  readonly highWaterMark?: number;
  readonly signal?: AbortSignal;
}

type Done = (error?: Error | null) => void;

/** Makes the stream classes of fs over open files. */
export function createFileStreams(link: GuestLink, operations: Operations, files: OpenFiles, stream: typeof import('node:stream')) {
  const opened = (path: PathLike | undefined, options: StreamOptions, flags: string) => {
    const fd = typeof options.fd === 'object' ? options.fd.fd : options.fd;
    if (fd !== undefined) return Promise.resolve(files.get(fd, 'read'));
    return runAsync(link, operations.open(path ?? '', options.flags ?? flags, options.mode));
  };
  const closing = (file: OpenFile | undefined, options: StreamOptions) => {
    if (file !== undefined && options.autoClose !== false) files.close(file.fd);
  };

  class ReadStream extends stream.Readable {
    readonly path: string | undefined;
    bytesRead = 0;
    #file: OpenFile | undefined;
    #position: number | undefined;
    readonly #options: StreamOptions;
    readonly #path: PathLike | undefined;

    constructor(path: PathLike | undefined, given: StreamOptions | BufferEncoding = {}) {
      const options: StreamOptions = typeof given === 'string' ? { encoding: given } : (given ?? {});
      super({ highWaterMark: options.highWaterMark ?? 65_536, encoding: options.encoding ?? undefined, signal: options.signal });
      this.#options = options;
      this.#path = path;
      this.path = path === undefined ? undefined : toPath(path, 'path');
      this.#position = options.start;
    }

    get pending(): boolean {
      return this.#file === undefined;
    }

    override _construct(done: Done): void {
      opened(this.#path, this.#options, 'r').then((file) => {
        this.#file = file;
        done();
        this.emit('open', file.fd);
        this.emit('ready');
      }, done);
    }

    override _read(size: number): void {
      const left = this.#options.end === undefined ? size : Math.min(size, this.#options.end + 1 - (this.#options.start ?? 0) - this.bytesRead);
      if (this.#file === undefined || left <= 0) {
        this.push(null);
        return;
      }
      runAsync(link, this.#file.read(left, this.#position)).then(
        (bytes) => {
          if (this.#position !== undefined) this.#position += bytes.length;
          this.bytesRead += bytes.length;
          this.push(bytes.length === 0 ? null : Buffer.from(bytes));
        },
        (error: Error) => this.destroy(error),
      );
    }

    override _destroy(error: Error | null, done: Done): void {
      closing(this.#file, this.#options);
      this.#file = undefined;
      done(error);
    }

    close(done?: Done): void {
      if (done !== undefined) this.once('close', () => done());
      this.destroy();
    }
  }

  class WriteStream extends stream.Writable {
    readonly path: string | undefined;
    bytesWritten = 0;
    #file: OpenFile | undefined;
    #position: number | undefined;
    readonly #options: StreamOptions;
    readonly #path: PathLike | undefined;

    constructor(path: PathLike | undefined, given: StreamOptions | BufferEncoding = {}) {
      const options: StreamOptions = typeof given === 'string' ? { encoding: given } : (given ?? {});
      super({ highWaterMark: options.highWaterMark, decodeStrings: true, defaultEncoding: options.encoding ?? 'utf8', signal: options.signal });
      this.#options = options;
      this.#path = path;
      this.path = path === undefined ? undefined : toPath(path, 'path');
      this.#position = options.start;
    }

    get pending(): boolean {
      return this.#file === undefined;
    }

    override _construct(done: Done): void {
      opened(this.#path, this.#options, 'w').then((file) => {
        this.#file = file;
        done();
        this.emit('open', file.fd);
        this.emit('ready');
      }, done);
    }

    override _write(chunk: string | Buffer, encoding: BufferEncoding, done: Done): void {
      const file = this.#file;
      if (file === undefined) {
        done(new Error('the stream is not open'));
        return;
      }
      runAsync(link, file.write(toBytes(chunk, encoding), this.#position)).then((written) => {
        if (this.#position !== undefined) this.#position += written;
        this.bytesWritten += written;
        done();
      }, done);
    }

    override _destroy(error: Error | null, done: Done): void {
      closing(this.#file, this.#options);
      this.#file = undefined;
      done(error);
    }

    close(done?: Done): void {
      if (done !== undefined) this.once('close', () => done());
      this.end();
    }
  }

  return { ReadStream, WriteStream };
}
