import type { GuestLink } from '../link.ts';

type Encoding = 'utf8' | 'latin1' | 'base64' | 'base64url' | 'hex';

/** Below this, asking another thread takes longer than doing it here. */
export const WORTH_ASKING = 1_024;
/** Bytes of one order: a line of the guest has an end. Divides into groups of base64 and of hex. */
const PIECE = 3 * 1024 * 1024;

let native: GuestLink['native'] | undefined;

/** Lets what has no link of its own hand over large inputs. */
export function lendNativeWork(link: GuestLink): void {
  native = link.native;
}

/** Gives one order to the machine code beside the isolate. */
export function runNative(order: object, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return latin1ToBytes(askNative(order, bytesToLatin1(bytes)));
}

/** The same for an answer that is a number or a name. */
export function askNative(order: object, text = ''): string {
  if (native === undefined) throw new Error('there is no native work here');
  return native(order, text);
}

/** Writes bytes in an encoding of Node's `Buffer`. */
export function encodeNative(bytes: Uint8Array, to: Encoding): string {
  let text = '';
  for (const [start, end] of pieces(bytes.length, to === 'utf8' ? (at) => characterStart(bytes, at) : undefined))
    text += askNative({ do: 'text', from: 'latin1', to }, bytesToLatin1(bytes.subarray(start, end)));
  return text;
}

/** Reads text in an encoding of Node's `Buffer`. */
export function decodeNative(text: string, from: Encoding): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for (const [start, end] of pieces(text.length, from === 'utf8' ? (at) => (/[\ud800-\udbff]/.test(text.charAt(at - 1)) ? at - 1 : at) : undefined))
    parts.push(latin1ToBytes(askNative({ do: 'text', from, to: 'latin1' }, text.slice(start, end))));
  const [first = new Uint8Array(), ...rest] = parts;
  if (rest.length === 0) return first;
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

function* pieces(length: number, border: (at: number) => number = (at) => at): Generator<readonly [start: number, end: number]> {
  for (let start = 0; start < length;) {
    const end = start + PIECE >= length ? length : border(start + PIECE);
    yield [start, end];
    start = end;
  }
}

/** Where a character of UTF-8 that lies over the border begins. Where none does, the bytes are malformed and may be cut. */
function characterStart(bytes: Uint8Array, at: number): number {
  for (let start = at; start > at - 4; start--) if (((bytes[start] ?? 0) & 0xc0) !== 0x80) return start;
  return at;
}

/** Bytes as characters up to U+00FF: how they cross to the sandbox process. */
export function bytesToLatin1(bytes: Uint8Array): string {
  if (bytes.length <= 8_192) return String.fromCharCode.apply(undefined, bytes as unknown as number[]);
  const parts: string[] = [];
  for (let index = 0; index < bytes.length; index += 8_192)
    parts.push(String.fromCharCode.apply(undefined, bytes.subarray(index, index + 8_192) as unknown as number[]));
  return parts.join('');
}

export function latin1ToBytes(text: string): Uint8Array<ArrayBuffer> {
  const { length } = text;
  const bytes = new Uint8Array(length);
  for (let index = 0; index < length; index++) bytes[index] = text.charCodeAt(index);
  return bytes;
}
