import type { KeyObject, webcrypto } from 'node:crypto';

/**
 * What the sandbox process does with keys for its guest: signatures, ciphers, pairs of keys, shared secrets. Keys are values:
 * they come with each order, as bytes, and nothing of them stays here. An order names one of these calls and its arguments,
 * in JSON with {@link Wire} for what JSON does not know; nothing in any of them reads a file or leaves the process.
 */
export type Wire = null | boolean | number | string | readonly Wire[] | { readonly [key: string]: Wire };

type Json = Readonly<Record<string, unknown>>;
type Keys = { readonly publicKey: KeyObject; readonly privateKey: KeyObject };

const crypto = (): typeof import('node:crypto') => process.getBuiltinModule('crypto');
const MAX_DEPTH = 8;

/** Runs one call. @throws Node's own error */
export async function callWithKeys(call: string, args: readonly Wire[]): Promise<string> {
  // Each reads its arguments as Node's own function does, which says what is wrong with them.
  const perform = Object.hasOwn(CALLS, call) ? (CALLS[call] as (...args: unknown[]) => unknown) : undefined;
  if (perform === undefined) throw new Error('there is no such call');
  return JSON.stringify(toWire(await perform(...(await Promise.all(args.map((arg) => fromWire(arg)))))));
}

const CALLS: Readonly<Record<string, (...args: never[]) => unknown>> = {
  sign: (algorithm: string | null, data: Buffer, key: never) => crypto().sign(algorithm, data, key),
  verify: (algorithm: string | null, data: Buffer, key: never, signature: Buffer) => crypto().verify(algorithm, data, key, signature),
  publicEncrypt: (key: never, data: Buffer) => crypto().publicEncrypt(key, data),
  privateDecrypt: (key: never, data: Buffer) => crypto().privateDecrypt(key, data),
  privateEncrypt: (key: never, data: Buffer) => crypto().privateEncrypt(key, data),
  publicDecrypt: (key: never, data: Buffer) => crypto().publicDecrypt(key, data),
  privateKey: (input: never) => describe(crypto().createPrivateKey(input)),
  publicKey: (input: never) => describe(crypto().createPublicKey(input)),
  exportKey: (key: KeyObject, options: never) => key.export(options),
  diffieHellman: (keys: Keys) => crypto().diffieHellman(keys),
  // Not the synchronous form: while a large prime is looked for this process has other work, too.
  generateKeyPair: async (type: never, options: object) => {
    const pair = await new Promise<Keys>((resolve, reject) => {
      const done = (error: Error | null, publicKey: KeyObject, privateKey: KeyObject) => (error === null ? resolve({ publicKey, privateKey }) : reject(error));
      (crypto().generateKeyPair as unknown as (...args: unknown[]) => void)(type, options, done);
    });
    return { publicKey: describe(pair.publicKey), privateKey: describe(pair.privateKey) };
  },
  ecdhKeys: (curve: string, privateKey: Buffer | null) => {
    const ecdh = crypto().createECDH(curve);
    if (privateKey === null) ecdh.generateKeys();
    else ecdh.setPrivateKey(privateKey);
    return { privateKey: ecdh.getPrivateKey(), publicKey: ecdh.getPublicKey() };
  },
  ecdhSecret: (curve: string, privateKey: Buffer, other: Buffer) => {
    const ecdh = crypto().createECDH(curve);
    ecdh.setPrivateKey(privateKey);
    return ecdh.computeSecret(other);
  },
  ecdhConvert: (key: Buffer, curve: string, format: never) => crypto().ECDH.convertKey(key, curve, undefined, undefined, format),
  constants: () => crypto().constants,
  ciphers: () => crypto().getCiphers(),
  curves: () => crypto().getCurves(),
  cipherInfo: (cipher: string | number, options: Json) => crypto().getCipherInfo(cipher as string, options) ?? null,
  subtleImport: async (format: never, data: never, algorithm: never, usages: never[]) =>
    kept(await crypto().subtle.importKey(format, data, algorithm, isExportable(algorithm), usages), data),
  subtleGenerate: async (algorithm: never, usages: never[]) => {
    const made = (await crypto().subtle.generateKey(algorithm, true, usages)) as webcrypto.CryptoKey | webcrypto.CryptoKeyPair;
    return 'publicKey' in made ? { publicKey: await kept(made.publicKey), privateKey: await kept(made.privateKey) } : kept(made);
  },
  subtleExport: (format: never, key: webcrypto.CryptoKey) => crypto().subtle.exportKey(format, key),
  subtleEncrypt: (algorithm: never, key: webcrypto.CryptoKey, data: Buffer) => crypto().subtle.encrypt(algorithm, key, data),
  subtleDecrypt: (algorithm: never, key: webcrypto.CryptoKey, data: Buffer) => crypto().subtle.decrypt(algorithm, key, data),
  subtleSign: (algorithm: never, key: webcrypto.CryptoKey, data: Buffer) => crypto().subtle.sign(algorithm, key, data),
  subtleVerify: (algorithm: never, key: webcrypto.CryptoKey, signature: Buffer, data: Buffer) => crypto().subtle.verify(algorithm, key, signature, data),
  subtleDeriveBits: (algorithm: never, key: webcrypto.CryptoKey, length: number) => crypto().subtle.deriveBits(algorithm, key, length),
  subtleWrap: (format: never, key: webcrypto.CryptoKey, wrapping: webcrypto.CryptoKey, algorithm: never) =>
    crypto().subtle.wrapKey(format, key, wrapping, algorithm),
  subtleUnwrap: async (format: never, wrapped: Buffer, unwrapping: webcrypto.CryptoKey, algorithm: never, made: never, usages: never[]) =>
    kept(await crypto().subtle.unwrapKey(format, wrapped, unwrapping, algorithm, made, true, usages)),
  subtleDeriveKey: async (algorithm: never, key: webcrypto.CryptoKey, derived: never, usages: never[]) =>
    kept(await crypto().subtle.deriveKey(algorithm, key, derived, isExportable(derived), usages)),
};

/** Keys of passwords cannot be extractable: of those the guest keeps what it gave. */
function isExportable(algorithm: string | { readonly name?: unknown }): boolean {
  const name = String(typeof algorithm === 'string' ? algorithm : algorithm.name).toUpperCase();
  return name !== 'PBKDF2' && name !== 'HKDF';
}

/** A key of Node's as a value. */
function describe(key: KeyObject): Json {
  const bytes = key.type === 'secret' ? key.export() : key.export({ format: 'der', type: key.type === 'private' ? 'pkcs8' : 'spki' } as never);
  return { type: key.type, bytes, kind: key.asymmetricKeyType, details: key.asymmetricKeyDetails, size: key.symmetricKeySize };
}

/** A key of WebCrypto as a value. */
async function kept(key: webcrypto.CryptoKey, given?: Buffer): Promise<Json> {
  const { type, algorithm, usages } = key;
  const format = FORMATS[type];
  const bytes = key.extractable ? Buffer.from(await crypto().subtle.exportKey(format, key)) : given;
  return { type, algorithm: { ...algorithm }, usages, format, bytes };
}

const FORMATS = { secret: 'raw', private: 'pkcs8', public: 'spki' } as const;

/** Bytes, large numbers and keys have `$`; what else has one comes from nobody of ours. */
async function fromWire(value: Wire, depth = 0): Promise<unknown> {
  if (typeof value !== 'object' || value === null) return value;
  if (depth > MAX_DEPTH) throw new Error('the arguments are nested too deeply');
  if (Array.isArray(value)) return Promise.all(value.map((item: Wire) => fromWire(item, depth + 1)));
  const object = value as Readonly<Record<string, Wire>>;
  switch (object['$']) {
    case 'bytes':
      return Buffer.from(textOf(object['v']), 'latin1');
    case 'bigint':
      return BigInt(textOf(object['v']));
    case 'key':
      return nodeKey(textOf(object['type']), Buffer.from(textOf(object['v']), 'latin1'));
    case 'webkey':
      return webKey(object, depth);
    default: {
      const entries = await Promise.all(Object.entries(object).map(async ([key, child]) => [key, await fromWire(child, depth + 1)] as const));
      return Object.fromEntries(entries);
    }
  }
}

function textOf(value: Wire | undefined): string {
  if (typeof value !== 'string') throw new TypeError('a value of the order is no text');
  return value;
}

function nodeKey(type: string, bytes: Buffer): KeyObject {
  switch (type) {
    case 'secret':
      return crypto().createSecretKey(bytes);
    case 'private':
      return crypto().createPrivateKey({ key: bytes, format: 'der', type: 'pkcs8' });
    default:
      return crypto().createPublicKey({ key: bytes, format: 'der', type: 'spki' });
  }
}

async function webKey({ type, algorithm, usages, v }: Readonly<Record<string, Wire>>, depth: number): Promise<webcrypto.CryptoKey> {
  const format = Object.hasOwn(FORMATS, textOf(type)) ? FORMATS[type as keyof typeof FORMATS] : 'raw';
  const how = (await fromWire(algorithm ?? null, depth + 1)) as never;
  return crypto().subtle.importKey(format, Buffer.from(textOf(v), 'latin1'), how, isExportable(how), usages as never);
}

function toWire(value: unknown): Wire {
  if (value === undefined) return null;
  if (typeof value === 'bigint') return { $: 'bigint', v: value.toString() };
  if (value instanceof ArrayBuffer) return { $: 'bytes', v: Buffer.from(value).toString('latin1') };
  if (ArrayBuffer.isView(value)) return { $: 'bytes', v: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('latin1') };
  if (Array.isArray(value)) return value.map(toWire);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).flatMap(([key, child]) => (child === undefined ? [] : [[key, toWire(child)]])));
  return value as Wire;
}
