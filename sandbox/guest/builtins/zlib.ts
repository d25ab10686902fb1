import { ZLIB_CODERS } from './zlib-coders.ts';
import { askNative, bytesToLatin1, runNative } from '../globals/native-work.ts';
import { viewBytes } from '../globals/text-encoding.ts';
import { argumentError } from './system-error.ts';
import { type Coder, openCoder, PIECE } from './zlib-coder.ts';

type Data = string | ArrayBuffer | ArrayBufferView;
type Options = Readonly<Record<string, unknown>> & { readonly maxOutputLength?: number; readonly dictionary?: Data; readonly finishFlush?: number };
type Callback = (error: Error | null, result?: Buffer) => void;

/** What one call may give; a stream has no such end, as nobody holds all of it. */
const MAX_RESULT_BYTES = 32 * 1024 * 1024;

/** Makes `zlib` over Node's own, which runs beside the isolate (process/native-work.ts). */
export function createZlib(stream: typeof import('node:stream')): Record<string, unknown> {
  const members: Record<string, unknown> = {
    crc32: (data: Data, value = 0) => Number(askNative({ do: 'crc32', value }, bytesToLatin1(bytesOf(data)))),
  };
  for (const make of ZLIB_CODERS) {
    const run = (data: Data, options: Options = {}) => codeOnce(make, bytesOf(data), options);
    const name = make.charAt(0).toLowerCase() + make.slice(1);
    const type = createCoder(stream, make);
    members[make] = Object.defineProperty(callable(type) as object, 'name', { value: make });
    members[`create${make}`] = (options?: Options) => new type(options);
    members[`${name}Sync`] = run;
    members[name] = (data: Data, ...rest: unknown[]) => {
      const callback = rest.pop() as Callback;
      const [options] = rest as [Options?];
      if (typeof callback !== 'function') throw argumentError('callback', 'of type function', callback);
      const bytes = bytesOf(data).slice(); // they may be changed before the next turn
      setImmediate(() => {
        let result: Buffer;
        try {
          result = codeOnce(make, bytes, options ?? {});
        } catch (error) {
          return callback(error as Error);
        }
        callback(null, result);
      });
    };
  }
  return members;
}

function codeOnce(make: string, bytes: Uint8Array, options: Options): Buffer {
  const engine = engineOf(make, options);
  const limit = Math.min(options.maxOutputLength ?? MAX_RESULT_BYTES, MAX_RESULT_BYTES);
  const parts: Uint8Array[] = [];
  let size = 0;
  const take = (part: Uint8Array) => {
    size += part.length;
    if (size > limit) throw Object.assign(new RangeError(`Cannot create a Buffer larger than ${limit} bytes`), { code: 'ERR_BUFFER_TOO_LARGE' });
    parts.push(part);
  };
  if (bytes.length <= PIECE) {
    take(runNative({ do: 'run', engine }, bytes));
  } else {
    const coder = openCoder(engine);
    try {
      coder.write(bytes, take);
      take(coder.end());
    } finally {
      coder.close();
    }
  }
  return Buffer.concat(parts, size);
}

function engineOf(make: string, { dictionary, ...options }: Options): object {
  return { kind: 'zlib', make, options: { ...options, ...(dictionary !== undefined && { dictionary: bytesToLatin1(bytesOf(dictionary)) }) } };
}

function createCoder(stream: typeof import('node:stream'), make: string) {
  return class extends stream.Transform {
    readonly #engine: object;
    #coder: Coder | undefined;
    bytesWritten = 0;

    constructor(options: Options = {}) {
      super(options as object);
      this.#engine = engineOf(make, options);
    }

    override _transform(chunk: Data, encoding: BufferEncoding, done: (error?: Error) => void): void {
      this.#step(done, (coder) => {
        const bytes = typeof chunk === 'string' ? Buffer.from(chunk, encoding) : viewBytes(chunk);
        coder.write(bytes, (part) => this.#give(part));
        this.bytesWritten += bytes.length;
      });
    }

    override _flush(done: (error?: Error) => void): void {
      this.#step(done, (coder) => this.#give(coder.end()));
    }

    override _destroy(error: Error | null, done: (error: Error | null) => void): void {
      this.#coder?.close();
      done(error);
    }

    /** Gives out what the coder holds back; the stream goes on. */
    flush(...args: (number | (() => void))[]): void {
      const callback = args.find((arg): arg is () => void => typeof arg === 'function');
      const kind = args.find((arg): arg is number => typeof arg === 'number');
      this.#step(
        (error) => (error === undefined ? callback?.() : this.destroy(error)),
        (coder) => this.#give(coder.flush(kind)),
      );
    }

    close(callback?: () => void): void {
      if (callback !== undefined) this.once('close', callback);
      this.destroy();
    }

    #give(bytes: Uint8Array<ArrayBuffer>): void {
      if (bytes.length > 0) this.push(Buffer.from(bytes.buffer));
    }

    #step(done: (error?: Error) => void, run: (coder: Coder) => void): void {
      try {
        run((this.#coder ??= openCoder(this.#engine)));
      } catch (error) {
        return done(error as Error);
      }
      done();
    }
  };
}

/** Node's coders are made with `new` and without. */
function callable(type: new (options?: Options) => object): unknown {
  const coder = function (options?: Options): object {
    return Reflect.construct(type, [options], new.target ?? type) as object;
  };
  Object.defineProperty(coder, 'prototype', { value: type.prototype });
  Object.defineProperty(type.prototype, 'constructor', { value: coder, writable: true, configurable: true });
  return coder;
}

function bytesOf(data: unknown): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data);
  if (ArrayBuffer.isView(data) || data instanceof ArrayBuffer) return viewBytes(data);
  throw argumentError('buffer', 'of type string or an instance of Buffer, TypedArray, DataView, or ArrayBuffer', data);
}
