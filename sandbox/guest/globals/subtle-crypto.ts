import { digestOnce } from '../builtins/hashing.ts';
import { callWithKeys, keepKey, keyWire } from './native-keys.ts';
import { bytesToLatin1 } from './native-work.ts';
import { viewBytes } from './text-encoding.ts';

type Bytes = ArrayBuffer | ArrayBufferView;
type Algorithm = string | { readonly name: string; readonly [parameter: string]: unknown };
type Format = 'raw' | 'pkcs8' | 'spki' | 'jwk';

/** A key as the sandbox process gives it. */
interface KeyValue {
  readonly type: 'secret' | 'private' | 'public';
  readonly algorithm: object;
  readonly usages: readonly string[];
  readonly bytes: Uint8Array<ArrayBuffer>;
}

const BY_RUNTIME = Symbol('by the runtime');

export class CryptoKey {
  readonly type: string;
  readonly algorithm: object;
  readonly extractable: boolean;
  readonly usages: readonly string[];

  constructor(made: symbol, value: KeyValue, extractable: boolean) {
    if (made !== BY_RUNTIME) throw Object.assign(new TypeError('Illegal constructor'), { code: 'ERR_ILLEGAL_CONSTRUCTOR' });
    const { type, algorithm, usages, bytes } = value;
    this.type = type;
    this.algorithm = algorithm;
    this.extractable = extractable;
    this.usages = [...usages];
    keepKey(this, { $: 'webkey', type, v: bytesToLatin1(bytes), algorithm: algorithm as never, usages: [...usages] });
    Object.freeze(this);
  }

  get [Symbol.toStringTag](): string {
    return 'CryptoKey';
  }
}

const hashes: Readonly<Record<string, string>> = { 'SHA-1': 'sha1', 'SHA-256': 'sha256', 'SHA-384': 'sha384', 'SHA-512': 'sha512' };

/**
 * Makes `crypto.subtle`: what Node has, done by Node in the sandbox process. A key is a value that stays in this isolate,
 * and out of reach of who holds it unless it is extractable.
 */
export function createSubtle() {
  return {
    digest: async (algorithm: Algorithm, data: Bytes) => {
      const hash = hashes[nameOf(algorithm).toUpperCase()];
      if (hash === undefined) throw new DOMException(`Unrecognized algorithm name: ${nameOf(algorithm)}`, 'NotSupportedError');
      return digestOnce(hash, viewBytes(data)).buffer;
    },

    importKey: async (format: Format, data: Bytes | object, algorithm: Algorithm, extractable: boolean, usages: readonly string[]) =>
      toKey(ask('subtleImport', format, data, algorithm, usages) as KeyValue, extractable),

    generateKey: async (algorithm: Algorithm, extractable: boolean, usages: readonly string[]) => {
      const made = ask('subtleGenerate', algorithm, usages) as KeyValue | { readonly publicKey: KeyValue; readonly privateKey: KeyValue };
      if ('type' in made) return toKey(made, extractable);
      // who may know the public half is everybody
      return { publicKey: toKey(made.publicKey, true), privateKey: toKey(made.privateKey, extractable) };
    },

    exportKey: async (format: Format, key: CryptoKey) => {
      assertExtractable(key);
      const exported = ask('subtleExport', format, key);
      // It went along as one that may be taken out of there; what it says of itself is this one's.
      return exported instanceof Uint8Array ? exported.buffer : { ...(exported as object), ext: key.extractable };
    },

    encrypt: async (algorithm: Algorithm, key: CryptoKey, data: Bytes) => bytesFrom('subtleEncrypt', algorithm, key, data),
    decrypt: async (algorithm: Algorithm, key: CryptoKey, data: Bytes) => bytesFrom('subtleDecrypt', algorithm, key, data),
    sign: async (algorithm: Algorithm, key: CryptoKey, data: Bytes) => bytesFrom('subtleSign', algorithm, key, data),
    verify: async (algorithm: Algorithm, key: CryptoKey, signature: Bytes, data: Bytes) => ask('subtleVerify', algorithm, key, signature, data) as boolean,
    deriveBits: async (algorithm: Algorithm, key: CryptoKey, length: number | null) => bytesFrom('subtleDeriveBits', algorithm, key, length),
    deriveKey: async (algorithm: Algorithm, key: CryptoKey, derived: Algorithm, extractable: boolean, usages: readonly string[]) =>
      toKey(ask('subtleDeriveKey', algorithm, key, derived, usages) as KeyValue, extractable),

    wrapKey: async (format: Format, key: CryptoKey, wrapping: CryptoKey, algorithm: Algorithm) => {
      assertExtractable(key);
      return bytesFrom('subtleWrap', format, key, wrapping, algorithm);
    },

    unwrapKey: async (
      format: Format,
      wrapped: Bytes,
      unwrapping: CryptoKey,
      algorithm: Algorithm,
      keyAlgorithm: Algorithm,
      extractable: boolean,
      usages: readonly string[],
    ) => toKey(ask('subtleUnwrap', format, wrapped, unwrapping, algorithm, keyAlgorithm, usages) as KeyValue, extractable),
  };
}

/** What WebCrypto refuses it refuses with a DOMException; the name is all that is left of one on the way here. */
function ask(call: string, ...args: readonly unknown[]): unknown {
  try {
    return callWithKeys(call, ...args);
  } catch (error) {
    const { message, name } = error as Error;
    throw /^(NotSupported|InvalidAccess|Data|Operation|Syntax|QuotaExceeded)Error$/.test(name) ? new DOMException(message, name) : error;
  }
}

function bytesFrom(call: string, ...args: readonly unknown[]): ArrayBuffer {
  return (ask(call, ...args) as Uint8Array<ArrayBuffer>).buffer;
}

function toKey(value: KeyValue, extractable: boolean): CryptoKey {
  if (value.usages.length === 0 && value.type !== 'public')
    throw new DOMException(`Usages cannot be empty when ${value.type === 'private' ? 'importing a private key' : 'creating a key'}.`, 'SyntaxError');
  return new CryptoKey(BY_RUNTIME, value, extractable);
}

function assertExtractable(key: CryptoKey): void {
  keyWire(key);
  const { name } = key.algorithm as { readonly name: string };
  if (name === 'PBKDF2' || name === 'HKDF') throw new DOMException(`${name} keys are not extractable`, 'NotSupportedError');
  if (!key.extractable) throw new DOMException('key is not extractable', 'InvalidAccessError');
}

function nameOf(algorithm: Algorithm): string {
  return typeof algorithm === 'string' ? algorithm : algorithm.name;
}
