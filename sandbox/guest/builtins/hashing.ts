import { hmac } from '@noble/hashes/hmac.js';
import { md5, ripemd160, sha1 } from '@noble/hashes/legacy.js';
import { sha224, sha256, sha384, sha512 } from '@noble/hashes/sha2.js';

const algorithms = new Map([
  ['md5', md5],
  ['rmd160', ripemd160],
  ['ripemd160', ripemd160],
  ['sha1', sha1],
  ['sha224', sha224],
  ['sha256', sha256],
  ['sha384', sha384],
  ['sha512', sha512],
]);

/** What a digest is made with, step by step. */
export interface RunningHash {
  update(data: Uint8Array): RunningHash;
  digest(): Uint8Array;
  clone(): RunningHash;
}

/** A hash or keyed hash in progress, or `undefined` for an algorithm that is not here. */
export function startHash(algorithm: string, key?: Uint8Array): RunningHash | undefined {
  const hash = algorithms.get(algorithm.toLowerCase().replace(/^(sha|rsa-sha)-?/, 'sha'));
  if (hash === undefined) return undefined;
  return key === undefined ? hash.create() : hmac.create(hash, key);
}

/** The names that `crypto.getHashes()` lists. */
export const hashNames: readonly string[] = [...algorithms.keys()];
