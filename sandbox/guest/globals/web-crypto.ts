import type { GuestLink } from '../link.ts';
import { base64ToBytes } from './base64.ts';
import { createSubtle } from './subtle-crypto.ts';
import { viewBytes } from './text-encoding.ts';

/** Makes a reader of random bytes from the parent: V8 alone has only `Math.random`, which is no source for keys. */
export function createRandomSource(link: Pick<GuestLink, 'requestSync'>): (size: number) => Uint8Array {
  let pool = new Uint8Array();
  let used = 0;
  const ask = (size: number) => base64ToBytes(asBase64(link.requestSync('crypto.random', { size })));
  return (size) => {
    if (size > 256) return ask(size);
    if (used + size > pool.length) {
      pool = ask(1024);
      used = 0;
    }
    const bytes = pool.slice(used, used + size);
    // What was handed out must not lie in the heap a second time.
    pool.fill(0, used, used + size);
    used += size;
    return bytes;
  };
}

/** Makes the `crypto` global: random values, and what {@link createSubtle} has. */
export function createWebCrypto(random: (size: number) => Uint8Array) {
  return {
    subtle: createSubtle(),
    getRandomValues<T extends ArrayBufferView>(view: T): T {
      if (!ArrayBuffer.isView(view) || view instanceof Float32Array || view instanceof Float64Array || view instanceof DataView) {
        throw new DOMException('The data argument must be an integer-type TypedArray', 'TypeMismatchError');
      }
      if (view.byteLength > 65_536) throw new DOMException(`The requested length exceeds 65,536 bytes`, 'QuotaExceededError');
      viewBytes(view).set(random(view.byteLength));
      return view;
    },
    randomUUID: () => uuidOf(random(16)),
  };
}

/** Formats sixteen random bytes as a version 4 UUID. */
export function uuidOf(bytes: Uint8Array): string {
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

function asBase64(answer: unknown): string {
  if (typeof answer === 'object' && answer !== null && 'base64' in answer && typeof answer.base64 === 'string') return answer.base64;
  throw new Error('the broker answered without bytes');
}
