import { digestOnce, RunningHash } from '../builtins/hashing.ts';
import { bytesToLatin1, runNative } from './native-work.ts';
import { viewBytes } from './text-encoding.ts';

type Bytes = ArrayBuffer | ArrayBufferView;
type Algorithm = string | { readonly name: string; readonly [parameter: string]: unknown };

/** Bytes of keys, out of reach of whoever holds the key: one that is not extractable stays so. */
const secrets = new WeakMap<CryptoKey, Uint8Array<ArrayBuffer>>();

class CryptoKey {
  readonly type = 'secret';
  readonly algorithm: object;
  readonly extractable: boolean;
  readonly usages: readonly string[];

  constructor(algorithm: object, extractable: boolean, usages: readonly string[], bytes: Uint8Array<ArrayBuffer>) {
    this.algorithm = algorithm;
    this.extractable = extractable;
    this.usages = [...usages];
    secrets.set(this, bytes);
  }

  get [Symbol.toStringTag](): string {
    return 'CryptoKey';
  }
}

const hashes = new Map([
  ['SHA-1', { name: 'sha1', blockBytes: 64 }],
  ['SHA-256', { name: 'sha256', blockBytes: 64 }],
  ['SHA-384', { name: 'sha384', blockBytes: 128 }],
  ['SHA-512', { name: 'sha512', blockBytes: 128 }],
]);

/** Makes `crypto.subtle`: digests, HMAC, and bits from a password. Ciphers and pairs of keys throw UNSUPPORTED_API. */
export function createSubtle(random: (size: number) => Uint8Array) {
  const subtle: Record<string, (...args: never[]) => Promise<unknown>> = {
    digest: async (algorithm: Algorithm, data: Bytes) => digestOnce(hashOf(algorithm).name, viewBytes(data)).buffer,

    importKey: async (format: string, data: Bytes, algorithm: Algorithm, extractable: boolean, usages: readonly string[]) => {
      const name = nameOf(algorithm);
      if (format !== 'raw' || !['HMAC', 'PBKDF2', 'HKDF'].includes(name)) throw refusal(`importKey of ${name} as \`${format}\``);
      const bytes = viewBytes(data).slice();
      return new CryptoKey(name === 'HMAC' ? keyed(algorithm, bytes.length) : { name }, extractable, usages, bytes);
    },

    generateKey: async (algorithm: Algorithm, extractable: boolean, usages: readonly string[]) => {
      if (nameOf(algorithm) !== 'HMAC') throw refusal(`generateKey of ${nameOf(algorithm)}`);
      const { length } = algorithm as { length?: number };
      const size = length === undefined ? hashOf(hashIn(algorithm)).blockBytes : Math.ceil(length / 8);
      return new CryptoKey(keyed(algorithm, size), extractable, usages, random(size).slice());
    },

    exportKey: async (format: string, key: CryptoKey) => {
      if (format !== 'raw') throw refusal(`exportKey as \`${format}\``);
      if (!key.extractable) throw new DOMException('key is not extractable', 'InvalidAccessError');
      return secretOf(key).slice().buffer;
    },

    sign: async (algorithm: Algorithm, key: CryptoKey, data: Bytes) => sign(algorithm, key, data, 'sign').buffer,

    verify: async (algorithm: Algorithm, key: CryptoKey, signature: Bytes, data: Bytes) => {
      const [expected, given] = [sign(algorithm, key, data, 'verify'), viewBytes(signature)];
      return expected.length === given.length && expected.reduce((difference, byte, index) => difference | (byte ^ (given[index] ?? 0)), 0) === 0;
    },

    deriveBits: async (algorithm: Algorithm, key: CryptoKey, length: number) => {
      assertUsage(key, 'deriveBits');
      const { salt, info, iterations } = algorithm as unknown as { salt: Bytes; info: Bytes; iterations: number };
      const shared = { salt: bytesToLatin1(viewBytes(salt)), length: length / 8, digest: hashOf(hashIn(algorithm)).name };
      switch (nameOf(algorithm)) {
        case 'PBKDF2':
          return runNative({ do: 'derive', how: { kind: 'pbkdf2', ...shared, iterations } }, secretOf(key)).buffer;
        case 'HKDF':
          return runNative({ do: 'derive', how: { kind: 'hkdf', ...shared, info: bytesToLatin1(viewBytes(info)) } }, secretOf(key)).buffer;
        default:
          throw refusal(`deriveBits of ${nameOf(algorithm)}`);
      }
    },
  };
  for (const name of ['encrypt', 'decrypt', 'deriveKey', 'wrapKey', 'unwrapKey']) subtle[name] = async () => Promise.reject(refusal(name));
  return subtle;
}

function sign(algorithm: Algorithm, key: CryptoKey, data: Bytes, usage: string): Uint8Array<ArrayBuffer> {
  if (nameOf(algorithm) !== 'HMAC') throw refusal(`${usage} with ${nameOf(algorithm)}`);
  assertUsage(key, usage);
  const { name } = hashOf(hashIn(key.algorithm as { name: string }));
  return new RunningHash({ kind: 'hmac', algorithm: name, key: bytesToLatin1(secretOf(key)) }).update(viewBytes(data)).digest();
}

function secretOf(key: CryptoKey): Uint8Array<ArrayBuffer> {
  const bytes = secrets.get(key);
  if (bytes === undefined) throw new TypeError('the key is not a CryptoKey');
  return bytes;
}

function assertUsage(key: CryptoKey, usage: string): void {
  if (!key.usages.includes(usage)) throw new DOMException(`The requested operation is not valid for the provided key: \`${usage}\``, 'InvalidAccessError');
}

function keyed(algorithm: Algorithm, bytes: number): object {
  return { name: 'HMAC', length: bytes * 8, hash: { name: nameOf(hashIn(algorithm)) } };
}

function hashIn(algorithm: Algorithm): Algorithm {
  return (algorithm as { hash?: Algorithm }).hash ?? '';
}

function hashOf(algorithm: Algorithm): { readonly name: string; readonly blockBytes: number } {
  const hash = hashes.get(nameOf(algorithm));
  if (hash === undefined) throw new DOMException(`Unrecognized algorithm name: ${nameOf(algorithm)}`, 'NotSupportedError');
  return hash;
}

function nameOf(algorithm: Algorithm): string {
  return (typeof algorithm === 'string' ? algorithm : algorithm.name).toUpperCase();
}

function refusal(what: string): Error {
  return Object.assign(
    new Error(`crypto.subtle.${what} is not available in the sandbox; use a library written in JavaScript, such as \`@noble/ciphers\` or \`@noble/curves\``),
    {
      code: 'UNSUPPORTED_API',
    },
  );
}
