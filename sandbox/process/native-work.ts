import { ZLIB_CODERS } from '../guest/builtins/zlib-coders.ts';
import type { Hash, Hmac } from 'node:crypto';
import { type CipherOrder, startCipher } from './native-cipher.ts';
import { callWithKeys, type Wire } from './native-keys.ts';
import type { BrotliOptions, ZlibOptions, ZstdOptions } from 'node:zlib';

/**
 * Work that machine code does a hundred times faster than an interpreter without a JIT: hashes, ciphers, signatures,
 * compression, text encodings. Bytes in, bytes out: there is no authority in it, so no broker decides. It lies in the sandbox process,
 * behind the same walls as the isolate; what a hostile input does here, it does to its own package.
 *
 * An order is one string: JSON, a newline, and the bytes as characters up to U+00FF. The answer is `+` and bytes in
 * the same form, or `-` and JSON of an error as Node throws it.
 */
export type NativeWork = (order: string) => Promise<string>;

/** What one order may give: a bomb ends here, as Node's own `maxOutputLength` ends it. */
const MAX_OUTPUT_BYTES = 32 * 1024 * 1024;
/** Streams and hashes that are begun and not ended. */
const MAX_OPEN = 64;

type Order =
  | { readonly do: 'text'; readonly from: BufferEncoding; readonly to: BufferEncoding }
  | { readonly do: 'open'; readonly engine: EngineOrder }
  | { readonly do: 'write' | 'copy'; readonly id: number }
  | { readonly do: 'end'; readonly id: number; readonly tag?: string }
  | { readonly do: 'keys'; readonly call: string; readonly args: readonly Wire[] }
  | { readonly do: 'flush'; readonly id: number; readonly kind?: number }
  | { readonly do: 'close'; readonly id: number }
  | { readonly do: 'run'; readonly engine: EngineOrder }
  | { readonly do: 'derive'; readonly how: DeriveOrder }
  | { readonly do: 'crc32'; readonly value: number }
  | { readonly do: 'hashes' };

type EngineOrder =
  | CipherOrder
  | { readonly kind: 'hash'; readonly algorithm: string; readonly outputLength?: number }
  | { readonly kind: 'hmac'; readonly algorithm: string; readonly key: string }
  | { readonly kind: 'zlib'; readonly make: Coder; readonly options: Readonly<Record<string, unknown>> };

type DeriveOrder =
  | { readonly kind: 'pbkdf2'; readonly salt: string; readonly iterations: number; readonly length: number; readonly digest: string }
  | { readonly kind: 'hkdf'; readonly salt: string; readonly info: string; readonly length: number; readonly digest: string }
  | { readonly kind: 'scrypt'; readonly salt: string; readonly length: number; readonly options: Readonly<Record<string, number>> };

type Coder = (typeof ZLIB_CODERS)[number];
/** The options that are numbers and mean the coder itself. */
const CODER_OPTIONS = ['level', 'memLevel', 'strategy', 'windowBits', 'flush', 'finishFlush', 'chunkSize'];

interface Engine {
  write(bytes: Buffer): Promise<Buffer>;
  end(tag?: Buffer): Promise<Buffer>;
  flush?(kind: number | undefined): Promise<Buffer>;
  copy?(): Engine;
  close(): void;
}

const NOTHING = Buffer.alloc(0);
const fromLatin1 = (text: string): Buffer => Buffer.from(text, 'latin1');

/** Makes the worker of one process. */
export function createNativeWork(): NativeWork {
  const open = new Map<number, Engine>();
  let nextId = 1;

  return async (text) => {
    try {
      const cut = text.indexOf('\n');
      const order = JSON.parse(text.slice(0, cut)) as Order;
      return `+${await perform(order, text.slice(cut + 1))}`;
    } catch (error) {
      const { message, name, code, errno } = error as NodeJS.ErrnoException;
      return `-${JSON.stringify({ message: String(message).slice(0, 1_000), name, code, errno })}`;
    }
  };

  async function perform(order: Order, payload: string): Promise<string> {
    switch (order.do) {
      case 'text':
        return Buffer.from(payload, order.from).toString(order.to);
      case 'open':
        return String(keep(start(order.engine)));
      case 'copy':
        return String(keep(known(order.id).copy?.() ?? refuse('this cannot be copied')));
      case 'write':
        return latin1(await known(order.id).write(fromLatin1(payload)));
      case 'flush':
        return latin1((await known(order.id).flush?.(order.kind)) ?? NOTHING);
      case 'end': {
        const engine = known(order.id);
        try {
          return latin1(await engine.end(order.tag === undefined ? undefined : fromLatin1(order.tag)));
        } finally {
          close(order.id);
        }
      }
      case 'close':
        close(order.id);
        return '';
      case 'run': {
        const engine = start(order.engine);
        try {
          const first = await engine.write(fromLatin1(payload));
          return latin1(first) + latin1(await engine.end());
        } finally {
          engine.close();
        }
      }
      case 'derive':
        return latin1(await derive(order.how, fromLatin1(payload)));
      case 'keys':
        return callWithKeys(order.call, order.args);
      case 'crc32':
        return String(process.getBuiltinModule('zlib').crc32(fromLatin1(payload), order.value));
      case 'hashes':
        return process.getBuiltinModule('crypto').getHashes().join(' ');
      default:
        return refuse('there is no such work');
    }
  }

  function keep(engine: Engine): number {
    if (open.size >= MAX_OPEN) refuse(`more than ${MAX_OPEN} streams and hashes are open`, 'EMFILE');
    open.set(nextId, engine);
    return nextId++;
  }

  function known(id: number): Engine {
    return open.get(id) ?? refuse('this was ended already', 'ERR_STREAM_DESTROYED');
  }

  function close(id: number): void {
    open.get(id)?.close();
    open.delete(id);
  }
}

function latin1(bytes: Buffer): string {
  return bytes.toString('latin1');
}

function refuse(message: string, code?: string): never {
  throw Object.assign(new Error(message), { code });
}

function start(order: EngineOrder): Engine {
  const { createHash, createHmac } = process.getBuiltinModule('crypto');
  switch (order.kind) {
    case 'hash':
      return hashing(createHash(order.algorithm, order.outputLength === undefined ? {} : { outputLength: order.outputLength }));
    case 'hmac':
      return hashing(createHmac(order.algorithm, fromLatin1(order.key)));
    case 'cipher':
      return startCipher(order);
    case 'zlib':
      return coding(order.make, order.options);
    default:
      return refuse('there is no such engine');
  }
}

function hashing(hash: Hash | Hmac): Engine {
  return {
    write: async (bytes) => {
      hash.update(bytes);
      return NOTHING;
    },
    end: async () => hash.digest(),
    ...('copy' in hash && { copy: () => hashing(hash.copy()) }),
    close: () => undefined,
  };
}

/** A coder whose output is taken after every step. Its error may come between two of them, and is thrown by the next. */
function coding(make: Coder, given: Readonly<Record<string, unknown>>): Engine {
  if (!ZLIB_CODERS.includes(make)) refuse(`there is no ${String(make)}`);
  const zlib = process.getBuiltinModule('zlib');
  const coder = zlib[`create${make}`](optionsOf(given));
  let output: Buffer[] = [];
  let size = 0;
  let failure: Error | undefined;
  let ended = false;
  let fail: (error: Error) => void = () => undefined;
  coder.on('data', (bytes: Buffer) => {
    output.push(bytes);
    size += bytes.length;
    if (size > MAX_OUTPUT_BYTES)
      coder.destroy(Object.assign(new RangeError(`Cannot create a Buffer larger than ${MAX_OUTPUT_BYTES} bytes`), { code: 'ERR_BUFFER_TOO_LARGE' }));
  });
  coder.on('end', () => {
    ended = true;
  });
  coder.on('error', (error) => {
    failure = error;
    fail(error);
  });

  const step = async (begin: (done: () => void) => void): Promise<Buffer> => {
    if (failure !== undefined) throw failure;
    await new Promise<void>((resolve, reject) => {
      fail = reject;
      begin(() => setImmediate(resolve)); // what was pushed is given out in the same turn
    });
    if (failure !== undefined) throw failure as Error;
    const taken = Buffer.concat(output, size);
    output = [];
    size = 0;
    return taken;
  };
  return {
    write: (bytes) => step((done) => (ended || bytes.length === 0 ? done() : coder.write(bytes, done))),
    flush: (kind) => step((done) => (kind === undefined ? coder.flush(done) : coder.flush(kind, done))),
    end: () =>
      step((done) => {
        if (ended) return done();
        coder.on('end', done);
        coder.end();
      }),
    close: () => coder.destroy(),
  };
}

function optionsOf(given: Readonly<Record<string, unknown>>): ZlibOptions & BrotliOptions & ZstdOptions {
  const numbers = Object.fromEntries(CODER_OPTIONS.filter((name) => typeof given[name] === 'number').map((name) => [name, given[name]]));
  const { params, dictionary } = given;
  return {
    ...numbers,
    ...(typeof params === 'object' && params !== null && { params: params as Record<number, number | boolean> }),
    ...(typeof dictionary === 'string' && { dictionary: fromLatin1(dictionary) }),
  };
}

async function derive(order: DeriveOrder, password: Buffer): Promise<Buffer> {
  const { hkdf, pbkdf2, scrypt } = process.getBuiltinModule('crypto');
  const salt = fromLatin1(order.salt);
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const done = (error: Error | null, key: Buffer | ArrayBuffer): void => (error === null ? resolve(Buffer.from(key as ArrayBuffer)) : reject(error));
  switch (order.kind) {
    case 'pbkdf2':
      pbkdf2(password, salt, order.iterations, order.length, order.digest, done);
      return promise;
    case 'scrypt':
      scrypt(password, salt, order.length, order.options, done);
      return promise;
    case 'hkdf':
      hkdf(order.digest, password, salt, fromLatin1(order.info), order.length, (error, key) => done(error ?? null, key));
      return promise;
    default:
      return refuse('there is no such key derivation');
  }
}
