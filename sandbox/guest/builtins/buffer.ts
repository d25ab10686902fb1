import { completeModule } from './throwing-members.ts';

type BufferClass = typeof Buffer;

/** Makes `buffer`: the npm package, with the encoding `base64url` that it lacks. */
export function createBuffer(): Record<string, unknown> {
  const library: { Buffer: BufferClass } & Record<string, unknown> = require('buffer/');
  addBase64Url(library.Buffer);
  return completeModule('buffer', { ...library, Blob, File, atob, btoa, isUtf8, isAscii });
}

function addBase64Url(Buffer: BufferClass): void {
  const { from, byteLength, isEncoding } = Buffer as unknown as Record<'from' | 'byteLength' | 'isEncoding', (...args: unknown[]) => unknown>;
  const { toString, write } = Buffer.prototype as unknown as Record<'toString' | 'write', (...args: unknown[]) => unknown>;
  const isUrl = (encoding: unknown) => typeof encoding === 'string' && encoding.toLowerCase() === 'base64url';
  // Its base64 reader takes both alphabets; only its writer knows one.
  const known = (args: unknown[]) => args.map((arg, index) => (index > 0 && isUrl(arg) ? 'base64' : arg));
  const define = (target: object, name: string, value: unknown) => Object.defineProperty(target, name, { value, writable: true, configurable: true });
  define(Buffer, 'from', (...args: unknown[]) => Reflect.apply(from, Buffer, known(args)));
  define(Buffer, 'byteLength', (...args: unknown[]) => Reflect.apply(byteLength, Buffer, known(args)));
  define(Buffer, 'isEncoding', (encoding: unknown) => isUrl(encoding) || isEncoding(encoding));
  define(Buffer.prototype, 'write', function (this: Buffer, ...args: unknown[]) {
    return Reflect.apply(write, this, known(args));
  });
  define(Buffer.prototype, 'toString', function (this: Buffer, ...args: unknown[]) {
    if (!isUrl(args[0])) return Reflect.apply(toString, this, args);
    return String(Reflect.apply(toString, this, ['base64', ...args.slice(1)]))
      .replaceAll('+', '-')
      .replaceAll('/', '_')
      .replace(/=+$/, '');
  });
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
