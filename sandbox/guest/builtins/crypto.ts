import type { GuestLink } from '../link.ts';
import { viewBytes } from '../globals/text-encoding.ts';
import { createRandomSource, createWebCrypto, uuidOf } from '../globals/web-crypto.ts';
import { hashNames, startHash, type RunningHash } from './hashing.ts';
import { argumentError } from './system-error.ts';

type Data = string | ArrayBufferView | ArrayBuffer;
type RandomCallback<T> = (error: Error | null, value: T) => void;

/** Makes the part of `crypto` that needs no keys: hashes, HMAC, random values, comparison. */
export function createCrypto(link: Pick<GuestLink, 'requestSync'>, stream: typeof import('node:stream')) {
  const random = createRandomSource(link);

  class Hash extends stream.Transform {
    readonly #state: RunningHash;
    readonly #algorithm: string;
    #finished = false;

    constructor(algorithm: string, key?: Uint8Array, state = startHash(algorithm, key)) {
      super();
      if (state === undefined) throw Object.assign(new Error(`Digest method not supported: ${algorithm}`), { code: 'ERR_CRYPTO_INVALID_DIGEST' });
      this.#state = state;
      this.#algorithm = algorithm;
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

    copy(): Hash {
      return new Hash(this.#algorithm, undefined, this.#state.clone());
    }

    override _transform(chunk: Uint8Array, _encoding: string, done: () => void): void {
      this.#state.update(chunk);
      done();
    }

    override _flush(done: (error: null, digest: Buffer | string) => void): void {
      done(null, this.digest());
    }
  }

  const randomBytes = (size: number, callback?: RandomCallback<Buffer>) => {
    if (typeof size !== 'number' || !(size >= 0 && size <= 2 ** 31 - 1)) throw argumentError('size', 'of type number', size);
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
    const [left, right] = [viewBytes(a), viewBytes(b)];
    if (left.length !== right.length)
      throw Object.assign(new RangeError('Input buffers must have the same byte length'), { code: 'ERR_CRYPTO_TIMING_SAFE_EQUAL_LENGTH' });
    let difference = 0;
    for (const [index, byte] of left.entries()) difference |= byte ^ (right[index] ?? 0);
    return difference === 0;
  };
  const webcrypto = createWebCrypto(random, (algorithm, data) => startHash(algorithm)?.update(data).digest());
  return {
    createHash: (algorithm: string) => new Hash(algorithm),
    createHmac: (algorithm: string, key: Data) => new Hash(algorithm, bytesOf(key)),
    hash: (algorithm: string, data: Data, encoding = 'hex') => new Hash(algorithm).update(data).digest(encoding),
    getHashes: () => [...hashNames],
    Hash,
    Hmac: Hash,
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
  };
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
