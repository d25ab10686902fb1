import type { GuestLink } from '../link.ts';
import { askNative, bytesToLatin1, runNative } from '../globals/native-work.ts';
import { viewBytes } from '../globals/text-encoding.ts';
import { createRandomSource, createWebCrypto, uuidOf } from '../globals/web-crypto.ts';
import { createCiphers } from './crypto-ciphers.ts';
import { createKeys, secretBytes } from './crypto-keys.ts';
import { digestOnce, RunningHash } from './hashing.ts';
import { argumentError, outOfRange } from './system-error.ts';

type Data = string | ArrayBufferView | ArrayBuffer;
type ScryptOptions = Readonly<Record<string, number>>;
type RandomCallback<T> = (error: Error | null, value: T) => void;

/** Makes `crypto`: hashes, HMAC, keys from passwords, random values, comparison here; ciphers and what has keys beside it. */
export function createCrypto(link: Pick<GuestLink, 'requestSync'>, stream: typeof import('node:stream')) {
  const random = createRandomSource(link);

  /** `Hash` and `Hmac` at once: they differ in what they are made from. */
  class Digest extends stream.Transform {
    readonly #state: RunningHash;
    #finished = false;

    constructor(state: RunningHash) {
      super();
      this.#state = state;
    }

    update(data: Data, encoding?: BufferEncoding): this {
      if (this.#finished) throw Object.assign(new Error('Digest already called'), { code: 'ERR_CRYPTO_HASH_FINALIZED' });
      this.#state.update(bytesOf(data, encoding));
      return this;
    }

    digest(encoding?: string): Buffer | string {
      if (this.#finished) throw Object.assign(new Error('Digest already called'), { code: 'ERR_CRYPTO_HASH_FINALIZED' });
      this.#finished = true;
      return encode(this.#state.digest(), encoding);
    }

    protected copyState(): RunningHash {
      if (this.#finished) throw Object.assign(new Error('Digest already called'), { code: 'ERR_CRYPTO_HASH_FINALIZED' });
      return this.#state.copy();
    }

    override _transform(chunk: Data, encoding: BufferEncoding, done: () => void): void {
      this.#state.update(bytesOf(chunk, encoding));
      done();
    }

    override _flush(done: (error: null, digest: Buffer | string) => void): void {
      done(null, this.digest());
    }
  }
  class Hash extends Digest {
    copy(): Hash {
      return new Hash(this.copyState());
    }
  }
  class Hmac extends Digest {}

  const createHash = (algorithm: string, { outputLength }: { outputLength?: number } = {}) =>
    new Hash(new RunningHash({ kind: 'hash', algorithm: nameOf(algorithm, 'algorithm'), ...(outputLength !== undefined && { outputLength }) }));
  const createHmac = (algorithm: string, key: unknown) =>
    new Hmac(new RunningHash({ kind: 'hmac', algorithm: nameOf(algorithm, 'hmac'), key: bytesToLatin1(secretBytes(key, bytesOf)) }));
  const randomBytes = (size: number, callback?: RandomCallback<Buffer>) => {
    if (typeof size !== 'number') throw argumentError('size', 'of type number', size);
    if (!(size >= 0 && size <= 2 ** 31 - 1)) throw outOfRange('size', '>= 0 && <= 2147483647', size);
    const bytes = Buffer.from(random(size));
    if (callback === undefined) return bytes;
    queueMicrotask(() => callback(null, bytes));
    return undefined;
  };
  const randomFillSync = <T extends ArrayBufferView>(view: T, offset = 0, size = view.byteLength - offset): T => {
    viewBytes(view).set(random(size), offset);
    return view;
  };
  const randomInt = (...args: unknown[]) => {
    const callback = args.find((value): value is RandomCallback<number> => typeof value === 'function');
    const numbers = args.filter((value): value is number => typeof value === 'number');
    const [min, max] = numbers.length > 1 ? [numbers[0] ?? 0, numbers[1] ?? 0] : [0, numbers[0] ?? 0];
    if (!Number.isSafeInteger(min) || !Number.isSafeInteger(max) || max <= min || max - min > 2 ** 48 - 1) {
      throw Object.assign(new RangeError(`The value of "max" is out of range. It must be greater than the value of "min" (${min}). Received ${max}`), {
        code: 'ERR_OUT_OF_RANGE',
      });
    }
    const value = min + uniform(max - min, random);
    if (callback === undefined) return value;
    queueMicrotask(() => callback(null, value));
    return undefined;
  };
  const timingSafeEqual = (a: ArrayBufferView, b: ArrayBufferView) => {
    for (const [name, given] of [
      ['buf1', a],
      ['buf2', b],
    ] as const)
      if (!ArrayBuffer.isView(given) && !((given as unknown) instanceof ArrayBuffer))
        throw argumentError(name, 'an instance of ArrayBuffer, Buffer, TypedArray, or DataView', given);
    const [left, right] = [viewBytes(a), viewBytes(b)];
    if (left.length !== right.length)
      throw Object.assign(new RangeError('Input buffers must have the same byte length'), { code: 'ERR_CRYPTO_TIMING_SAFE_EQUAL_LENGTH' });
    let difference = 0;
    for (const [index, byte] of left.entries()) difference |= byte ^ (right[index] ?? 0);
    return difference === 0;
  };
  const webcrypto = createWebCrypto(random);
  const derived = (how: object, password: Data) => Buffer.from(runNative({ do: 'derive', how }, bytesOf(password)).buffer);
  const pbkdf2Sync = (password: Data, salt: Data, iterations: number, length: number, digest: string) =>
    derived({ kind: 'pbkdf2', salt: bytesToLatin1(bytesOf(salt)), iterations, length, digest }, password);
  const scryptSync = (password: Data, salt: Data, length: number, options: ScryptOptions = {}) =>
    derived({ kind: 'scrypt', salt: bytesToLatin1(bytesOf(salt)), length, options }, password);
  const hkdfSync = (digest: string, key: Data, salt: Data, info: Data, length: number) =>
    derived({ kind: 'hkdf', salt: bytesToLatin1(bytesOf(salt)), info: bytesToLatin1(bytesOf(info)), length, digest }, key).buffer;
  return Object.assign(createKeys(stream, bytesOf, random), {
    ...createCiphers(stream, { bytesOf, secretBytes: (key) => secretBytes(key, bytesOf) }),
    createHash,
    createHmac,
    hash: (algorithm: string, data: Data, encoding = 'hex') => encode(digestOnce(nameOf(algorithm, 'algorithm'), bytesOf(data)), encoding),
    getHashes: () => askNative({ do: 'hashes' }).split(' '),
    Hash,
    Hmac,
    pbkdf2Sync,
    pbkdf2: withCallback(pbkdf2Sync),
    scryptSync,
    scrypt: withCallback(scryptSync),
    hkdfSync,
    hkdf: withCallback(hkdfSync),
    randomBytes,
    pseudoRandomBytes: randomBytes,
    randomFillSync,
    randomFill<T extends ArrayBufferView>(view: T, ...rest: unknown[]) {
      const callback = rest.pop() as RandomCallback<T>;
      randomFillSync(view, ...(rest as [number?, number?]));
      queueMicrotask(() => callback(null, view));
    },
    randomInt,
    randomUUID: () => uuidOf(random(16)),
    timingSafeEqual,
    webcrypto,
    subtle: webcrypto.subtle,
    getRandomValues: webcrypto.getRandomValues,
  });
}

/** Node's form of a function that is slow: the callback comes last, in a later turn. */
function withCallback<A extends unknown[], R>(run: (...args: A) => R) {
  return (...args: [...A, (error: Error | null, value?: R) => void]): void => {
    const callback = args.pop() as (error: Error | null, value?: R) => void;
    setImmediate(() => {
      let value: R;
      try {
        value = run(...(args as unknown as A));
      } catch (error) {
        return callback(error as Error);
      }
      callback(null, value);
    });
  };
}

function nameOf(algorithm: unknown, argument: string): string {
  if (typeof algorithm !== 'string') throw argumentError(argument, 'of type string', algorithm);
  return algorithm;
}

/** An even choice below `range`: values that would favour small results are drawn again. */
function uniform(range: number, random: (size: number) => Uint8Array): number {
  const limit = 2 ** 48 - (2 ** 48 % range);
  for (;;) {
    const value = random(6).reduce((sum, byte) => sum * 256 + byte, 0);
    if (value < limit) return value % range;
  }
}

function bytesOf(data: Data, encoding: BufferEncoding = 'utf8'): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data, encoding);
  if (ArrayBuffer.isView(data) || data instanceof ArrayBuffer) return viewBytes(data);
  throw argumentError('data', 'of type string or an instance of Buffer, TypedArray, or DataView', data);
}

function encode(digest: Uint8Array, encoding: string | undefined): Buffer | string {
  const buffer = Buffer.from(digest);
  return encoding === undefined || encoding === 'buffer' ? buffer : buffer.toString(encoding as BufferEncoding);
}
