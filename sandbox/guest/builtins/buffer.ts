import { decodeNative, encodeNative, WORTH_ASKING } from '../globals/native-work.ts';
import { decodeUtf8 } from '../globals/text-encoding.ts';
import { argumentError, outOfRange } from './system-error.ts';
import { completeModule } from './throwing-members.ts';

type BufferClass = typeof Buffer;

/** Makes `buffer`: the npm package, with the encoding `base64url` that it lacks, and large texts at the speed of machine code. */
export function createBuffer(): Record<string, unknown> {
  const library: { Buffer: BufferClass } & Record<string, unknown> = require('buffer/');
  completeEncodings(library.Buffer);
  takeNumbersFromNode(library.Buffer);
  return completeModule('buffer', { ...library, Blob, File, atob, btoa, isUtf8, isAscii });
}

/** Reading and writing of numbers: the library lets pass what Node refuses, and refuses without a code. */
function takeNumbersFromNode(Buffer: BufferClass): void {
  const node = require('node-source:internal/buffer') as { addBufferPrototypeMethods(prototype: object): void };
  const prototype = {};
  node.addBufferPrototypeMethods(prototype);
  for (const [name, value] of Object.entries(prototype))
    if (/^(?:read|write)(?:U?[iI]nt|Big|Float|Double)/.test(name)) Object.defineProperty(Buffer.prototype, name, { value, writable: true, configurable: true });
}

const encodings = new Map([
  ['utf8', 'utf8'],
  ['utf-8', 'utf8'],
  ['hex', 'hex'],
  ['base64', 'base64'],
  ['base64url', 'base64url'],
  ['latin1', 'latin1'],
  ['binary', 'latin1'],
] as const);
type Encoding = typeof encodings extends Map<unknown, infer E> ? E : never;

function encodingOf(given: unknown): Encoding | undefined {
  if (given === undefined) return 'utf8';
  return typeof given === 'string' ? (encodings as ReadonlyMap<string, Encoding>).get(given.toLowerCase()) : undefined;
}

function completeEncodings(Buffer: BufferClass): void {
  const { from, byteLength, isEncoding } = Buffer as unknown as Record<'from' | 'byteLength' | 'isEncoding', (...args: unknown[]) => unknown>;
  const { toString, write } = Buffer.prototype as unknown as Record<'toString' | 'write', (...args: unknown[]) => unknown>;
  const isUrl = (encoding: unknown) => encodingOf(encoding) === 'base64url';
  // Its base64 reader takes both alphabets; only its writer knows one.
  const known = (args: unknown[]) => args.map((arg, index) => (index > 0 && isUrl(arg) ? 'base64' : arg));
  const define = (target: object, name: string, value: unknown) => Object.defineProperty(target, name, { value, writable: true, configurable: true });
  define(Buffer, 'from', (...args: unknown[]) => {
    const [text, given] = args;
    const encoding = typeof text === 'string' && text.length > WORTH_ASKING ? encodingOf(given) : undefined;
    if (encoding !== undefined) return Reflect.apply(from, Buffer, [decodeNative(String(text), encoding).buffer]);
    if (typeof text === 'string' && typeof given === 'string') {
      if (!isUrl(given) && !isEncoding(given)) throw Object.assign(new TypeError(`Unknown encoding: ${given}`), { code: 'ERR_UNKNOWN_ENCODING' });
      if (encodingOf(given) === 'hex') return Reflect.apply(from, Buffer, [/^(?:[\da-f]{2})*/i.exec(text)?.[0] ?? '', 'hex']);
    }
    if (typeof text === 'number' || text === null || text === undefined)
      throw argumentError('first', 'of type string or an instance of Buffer, ArrayBuffer, or Array or an Array-like Object', text);
    return Reflect.apply(from, Buffer, known(args));
  });
  for (const name of ['alloc', 'allocUnsafe', 'allocUnsafeSlow'] as const) {
    const allocate = Buffer[name] as (...args: unknown[]) => unknown;
    define(Buffer, name, (...args: unknown[]) => {
      const [size] = args;
      if (typeof size !== 'number') throw argumentError('size', 'of type number', size);
      if (!(size >= 0 && size <= Number.MAX_SAFE_INTEGER)) throw outOfRange('size', `>= 0 && <= ${Number.MAX_SAFE_INTEGER}`, size);
      return Reflect.apply(allocate, Buffer, args);
    });
  }
  define(Buffer, 'copyBytesFrom', (view: Uint8Array, offset = 0, length = view.length - offset) => {
    const part = view.subarray(offset, offset + length);
    return Buffer.from(new Uint8Array(part.buffer, part.byteOffset, part.byteLength).slice().buffer);
  });
  define(Buffer, 'byteLength', (...args: unknown[]) => {
    const [text, given] = args;
    const encoding = encodingOf(given);
    // what the padding says, whatever the text is
    if (typeof text === 'string' && (encoding === 'base64' || encoding === 'base64url')) return (text.replace(/={1,2}$/, '').length * 3) >>> 2;
    return Reflect.apply(byteLength, Buffer, args);
  });
  define(Buffer, 'isEncoding', (encoding: unknown) => isUrl(encoding) || isEncoding(encoding));
  define(Buffer.prototype, 'write', function (this: Buffer, ...args: unknown[]) {
    return Reflect.apply(write, this, known(args));
  });
  for (const encoding of ['ascii', 'base64', 'base64url', 'latin1', 'hex', 'ucs2', 'utf8'] as const)
    define(Buffer.prototype, `${encoding}Slice`, function (this: Uint8Array<ArrayBuffer>, start?: number, end?: number) {
      return Buffer.from(this.buffer, this.byteOffset, this.length).toString(encoding, start, end);
    });
  define(Buffer.prototype, 'toString', function (this: Buffer, ...args: unknown[]) {
    const [given, start, end] = args;
    const encoding = this.length > WORTH_ASKING ? encodingOf(given) : undefined;
    if (encoding !== undefined) return encodeNative(rangeOf(this, start, end), encoding);
    if (encodingOf(given) === 'utf8') return decodeUtf8(rangeOf(this, start, end));
    if (!isUrl(given)) return Reflect.apply(toString, this, args);
    return String(Reflect.apply(toString, this, ['base64', ...args.slice(1)]))
      .replaceAll('+', '-')
      .replaceAll('/', '_')
      .replace(/=+$/, '');
  });
}

/** What Node makes of the bounds of `toString`: they never count from the end. */
function rangeOf(bytes: Uint8Array, start: unknown, end: unknown): Uint8Array {
  const bound = (value: unknown, otherwise: number) => (value === undefined ? otherwise : Math.min(Math.max(Math.trunc(Number(value)) || 0, 0), bytes.length));
  const from = bound(start, 0);
  return new Uint8Array(bytes.buffer, bytes.byteOffset + from, Math.max(bound(end, bytes.length) - from, 0));
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

function isAscii(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte < 128);
}
