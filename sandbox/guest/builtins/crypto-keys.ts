import { callWithKeys, keepKey, keyWire } from '../globals/native-keys.ts';
import { bytesToLatin1, latin1ToBytes } from '../globals/native-work.ts';
import { CryptoKey } from '../globals/subtle-crypto.ts';
import { argumentError } from './system-error.ts';

type Data = string | ArrayBufferView | ArrayBuffer;
type Encoding = BufferEncoding | 'buffer';
type Bytes = Uint8Array<ArrayBuffer>;
type Callback<T extends unknown[]> = (error: Error | null, ...values: T) => void;

/** A key as the sandbox process gives it. */
interface KeyValue {
  readonly type: 'secret' | 'private' | 'public';
  readonly bytes: Bytes;
  readonly kind?: string;
  readonly details?: object;
}

interface EcdhKeys {
  readonly privateKey: Bytes;
  readonly publicKey: Bytes;
}

interface PairOptions {
  readonly publicKeyEncoding?: object;
  readonly privateKeyEncoding?: object;
  readonly [option: string]: unknown;
}

const BY_RUNTIME = Symbol('by the runtime');
const customPromisify = Symbol.for('nodejs.util.promisify.custom');

export class KeyObject {
  readonly #type: KeyValue['type'];
  readonly #kind: string | undefined;
  readonly #details: object | undefined;
  readonly #size: number | undefined;

  constructor(made: symbol, value: KeyValue) {
    if (made !== BY_RUNTIME) throw Object.assign(new TypeError(`The argument 'type' is invalid. Received ${String(made)}`), { code: 'ERR_INVALID_ARG_VALUE' });
    const { type, bytes, kind, details } = value;
    this.#type = type;
    this.#kind = kind;
    this.#details = details;
    this.#size = type === 'secret' ? bytes.length : undefined;
    keepKey(this, { $: 'key', type, v: bytesToLatin1(bytes) });
  }

  static from(key: unknown): KeyObject {
    if (!(key instanceof CryptoKey)) throw argumentError('key', 'an instance of CryptoKey', key);
    const { type, v } = keyWire(key);
    const bytes = latin1ToBytes(v);
    if (type === 'secret') return new KeyObject(BY_RUNTIME, { type, bytes });
    return type === 'private' ? createPrivateKey({ key: bytes, format: 'der', type: 'pkcs8' }) : createPublicKey({ key: bytes, format: 'der', type: 'spki' });
  }

  get type(): string {
    return this.#type;
  }

  get asymmetricKeyType(): string | undefined {
    return this.#kind;
  }

  get asymmetricKeyDetails(): object | undefined {
    return this.#details === undefined ? undefined : { ...this.#details };
  }

  get symmetricKeySize(): number | undefined {
    return this.#size;
  }

  export(options: { readonly format?: string } = {}): unknown {
    const exported = callWithKeys('exportKey', this, this.#type === 'secret' && options.format === undefined ? { format: 'buffer' } : options);
    return exported instanceof Uint8Array ? Buffer.from(exported.buffer) : exported;
  }

  equals(other: unknown): boolean {
    if (!(other instanceof KeyObject)) throw argumentError('otherKeyObject', 'an instance of KeyObject', other);
    const [mine, theirs] = [keyWire(this), keyWire(other)];
    return mine.type === theirs.type && mine.v === theirs.v;
  }

  get [Symbol.toStringTag](): string {
    return 'KeyObject';
  }
}

class SecretKeyObject extends KeyObject {}
class PrivateKeyObject extends KeyObject {}
class PublicKeyObject extends KeyObject {}

/** The bytes of a secret, however it is held. */
export function secretBytes(key: unknown, bytesOf: (data: Data) => Uint8Array): Uint8Array {
  if (key instanceof KeyObject || key instanceof CryptoKey) return latin1ToBytes(keyWire(key).v);
  return bytesOf(key as Data);
}

function createPrivateKey(key: unknown): KeyObject {
  return toKeyObject(callWithKeys('privateKey', key) as KeyValue);
}

function createPublicKey(key: unknown): KeyObject {
  return toKeyObject(callWithKeys('publicKey', key) as KeyValue);
}

function toKeyObject(value: KeyValue): KeyObject {
  const Kind = value.type === 'secret' ? SecretKeyObject : value.type === 'private' ? PrivateKeyObject : PublicKeyObject;
  return new Kind(BY_RUNTIME, value);
}

/** Makes the part of `crypto` that deals with key objects: signatures, pairs, encryption with them, shared secrets. */
export function createKeys(
  stream: typeof import('node:stream'),
  bytesOf: (data: Data, encoding?: BufferEncoding) => Uint8Array,
  random: (size: number) => Uint8Array,
) {
  let constants: unknown;
  const buffer = (bytes: unknown): Buffer => Buffer.from((bytes as Bytes).buffer);
  const encoded = (bytes: unknown, encoding?: Encoding): Buffer | string =>
    encoding === undefined || encoding === 'buffer' ? buffer(bytes) : buffer(bytes).toString(encoding);
  const createSecretKey = (key: Data, encoding?: BufferEncoding): KeyObject => {
    const bytes = bytesOf(key, encoding);
    return toKeyObject({ type: 'secret', bytes: bytes.slice() as Bytes });
  };

  /** `Sign` and `Verify` at once: what is signed is gathered, and signed when the key is there. */
  class Signing extends stream.Writable {
    readonly #parts: Uint8Array[] = [];
    protected readonly algorithm: string;

    constructor(algorithm: string) {
      super();
      if (typeof algorithm !== 'string') throw argumentError('algorithm', 'of type string', algorithm);
      // an unknown one is said at once
      callWithKeys('verify', algorithm, new Uint8Array(), PROBE, new Uint8Array());
      this.algorithm = algorithm;
    }

    update(data: Data, encoding?: BufferEncoding): this {
      this.#parts.push(bytesOf(data, encoding).slice());
      return this;
    }

    protected gathered(): Uint8Array {
      return Buffer.concat(this.#parts);
    }

    override _write(chunk: Data, encoding: BufferEncoding, done: () => void): void {
      this.update(chunk, encoding);
      done();
    }
  }
  class Sign extends Signing {
    sign(key: unknown, encoding?: Encoding): Buffer | string {
      return encoded(callWithKeys('sign', this.algorithm, this.gathered(), key), encoding);
    }
  }
  class Verify extends Signing {
    verify(key: unknown, signature: Data, encoding?: BufferEncoding): boolean {
      return callWithKeys('verify', this.algorithm, this.gathered(), key, bytesOf(signature, encoding)) as boolean;
    }
  }

  const sign = (algorithm: string | null | undefined, data: Data, key: unknown): Buffer => buffer(callWithKeys('sign', algorithm ?? null, bytesOf(data), key));
  const verify = (algorithm: string | null | undefined, data: Data, key: unknown, signature: Data): boolean =>
    callWithKeys('verify', algorithm ?? null, bytesOf(data), key, bytesOf(signature)) as boolean;

  const generateKeyPairSync = (type: string, { publicKeyEncoding, privateKeyEncoding, ...options }: PairOptions = {}) => {
    const made = callWithKeys('generateKeyPair', type, options) as { readonly publicKey: KeyValue; readonly privateKey: KeyValue };
    const [publicKey, privateKey] = [toKeyObject(made.publicKey), toKeyObject(made.privateKey)];
    return {
      publicKey: publicKeyEncoding === undefined ? publicKey : publicKey.export(publicKeyEncoding),
      privateKey: privateKeyEncoding === undefined ? privateKey : privateKey.export(privateKeyEncoding),
    };
  };
  const generateKeyPair = Object.assign(
    (type: string, options: PairOptions, callback: Callback<[publicKey: unknown, privateKey: unknown] | []>): void =>
      later(
        () => generateKeyPairSync(type, options),
        (error, pair) => (pair === undefined ? callback(error) : callback(error, pair.publicKey, pair.privateKey)),
      ),
    { [customPromisify]: async (type: string, options: PairOptions) => generateKeyPairSync(type, options) },
  );
  const generateKeySync = (type: 'hmac' | 'aes', { length }: { readonly length: number }): KeyObject => {
    if (type === 'aes' && ![128, 192, 256].includes(length))
      throw Object.assign(new TypeError(`The property 'options.length' must be one of: 128, 192, 256. Received ${length}`), { code: 'ERR_INVALID_ARG_VALUE' });
    return createSecretKey(random(Math.floor(length / 8)));
  };
  const withKey =
    (call: string) =>
    (key: unknown, data: Data): Buffer =>
      buffer(callWithKeys(call, key, bytesOf(data)));

  class ECDH {
    readonly #curve: string;
    #keys: EcdhKeys | undefined;

    constructor(curve: string) {
      if (typeof curve !== 'string') throw argumentError('curve', 'of type string', curve);
      if (!(callWithKeys('curves') as string[]).includes(curve))
        throw Object.assign(new TypeError('Invalid EC curve name'), { code: 'ERR_CRYPTO_INVALID_CURVE' });
      this.#curve = curve;
    }

    static convertKey(key: Data, curve: string, inputEncoding?: BufferEncoding, outputEncoding?: Encoding, format = 'uncompressed'): Buffer | string {
      return encoded(callWithKeys('ecdhConvert', bytesOf(key, inputEncoding), curve, format), outputEncoding);
    }

    generateKeys(encoding?: Encoding, format = 'uncompressed'): Buffer | string {
      this.#keys = callWithKeys('ecdhKeys', this.#curve, null) as EcdhKeys;
      return this.getPublicKey(encoding, format);
    }

    computeSecret(other: Data, inputEncoding?: BufferEncoding, outputEncoding?: Encoding): Buffer | string {
      return encoded(callWithKeys('ecdhSecret', this.#curve, this.#made().privateKey, bytesOf(other, inputEncoding)), outputEncoding);
    }

    getPrivateKey(encoding?: Encoding): Buffer | string {
      return encoded(this.#made().privateKey.slice(), encoding);
    }

    getPublicKey(encoding?: Encoding, format = 'uncompressed'): Buffer | string {
      return ECDH.convertKey(this.#made().publicKey, this.#curve, undefined, encoding, format);
    }

    setPrivateKey(key: Data, encoding?: BufferEncoding): void {
      this.#keys = callWithKeys('ecdhKeys', this.#curve, bytesOf(key, encoding)) as EcdhKeys;
    }

    #made(): EcdhKeys {
      if (this.#keys === undefined) throw Object.assign(new Error('Failed to get ECDH private key'), { code: 'ERR_CRYPTO_ECDH_INVALID_KEY_PAIR' });
      return this.#keys;
    }
  }

  return {
    get constants(): unknown {
      return (constants ??= callWithKeys('constants'));
    },
    KeyObject,
    createSecretKey,
    createPrivateKey,
    createPublicKey,
    Sign,
    Verify,
    createSign: (algorithm: string) => new Sign(algorithm),
    createVerify: (algorithm: string) => new Verify(algorithm),
    sign: (algorithm: string | null | undefined, data: Data, key: unknown, callback?: Callback<[Buffer] | []>) =>
      callback === undefined ? sign(algorithm, data, key) : later(() => sign(algorithm, data, key), callback as Callback<unknown[]>),
    verify: (algorithm: string | null | undefined, data: Data, key: unknown, signature: Data, callback?: Callback<[boolean] | []>) =>
      callback === undefined ? verify(algorithm, data, key, signature) : later(() => verify(algorithm, data, key, signature), callback as Callback<unknown[]>),
    generateKeyPairSync,
    generateKeyPair,
    generateKeySync,
    generateKey: (type: 'hmac' | 'aes', options: { readonly length: number }, callback: Callback<[KeyObject] | []>) =>
      later(() => generateKeySync(type, options), callback as Callback<unknown[]>),
    publicEncrypt: withKey('publicEncrypt'),
    privateDecrypt: withKey('privateDecrypt'),
    privateEncrypt: withKey('privateEncrypt'),
    publicDecrypt: withKey('publicDecrypt'),
    diffieHellman: (keys: object) => buffer(callWithKeys('diffieHellman', keys)),
    ECDH,
    createECDH: (curve: string) => new ECDH(curve),
    getCiphers: () => callWithKeys('ciphers') as string[],
    getCurves: () => callWithKeys('curves') as string[],
    getCipherInfo: (cipher: string | number, options: object = {}) => callWithKeys('cipherInfo', cipher, options) ?? undefined,
  };
}

/** A public key of nobody's, to hear what is wrong with the name of an algorithm. */
const PROBE =
  '-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt\n6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==\n-----END PUBLIC KEY-----\n';

/** Node's form of what is slow: the callback is called in a later turn. */
function later<T>(run: () => T, callback: (error: Error | null, value?: T) => void): void {
  setImmediate(() => {
    let value: T;
    try {
      value = run();
    } catch (error) {
      return callback(error as Error);
    }
    callback(null, value);
  });
}
