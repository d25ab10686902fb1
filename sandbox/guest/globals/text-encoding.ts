import { decodeNative, encodeNative, WORTH_ASKING } from './native-work.ts';

// Own code: `fast-text-encoding` drops lone surrogates and has neither `stream` nor `fatal`,
// which streamed bodies and `TextDecoderStream` need.

/** Writes text as UTF-8; a lone surrogate becomes U+FFFD. */
export function encodeUtf8(text: string): Uint8Array<ArrayBuffer> {
  if (text.length > WORTH_ASKING) return decodeNative(text, 'utf8');
  const bytes = new Uint8Array(text.length * 3);
  const { written } = encodeUtf8Into(text, bytes);
  return bytes.slice(0, written);
}

/** Reads UTF-8, every malformed sequence as U+FFFD, keeping a byte order mark. */
export function decodeUtf8(bytes: Uint8Array): string {
  if (bytes.length > WORTH_ASKING) return encodeNative(bytes, 'utf8');
  return new Utf8Reader(false).read(bytes, false);
}

function encodeUtf8Into(text: string, bytes: Uint8Array): { read: number; written: number } {
  let read = 0;
  let written = 0;
  while (read < text.length) {
    let point = text.codePointAt(read) ?? 0;
    const units = point > 0xffff ? 2 : 1;
    if (point >= 0xd800 && point <= 0xdfff) point = 0xfffd;
    const size = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    if (written + size > bytes.length) break;
    if (size === 1) {
      bytes[written] = point;
    } else {
      for (let place = size - 1; place > 0; place--) {
        bytes[written + place] = 0x80 | (point & 0x3f);
        point >>= 6;
      }
      bytes[written] = ((0xf00 >> size) & 0xff) | point;
    }
    written += size;
    read += units;
  }
  return { read, written };
}

/** The WHATWG decoder as a state machine: what a chunk leaves unfinished waits for the next. */
class Utf8Reader {
  readonly #fatal: boolean;
  #point = 0;
  #needed = 0;
  #lower = 0x80;
  #upper = 0xbf;

  constructor(fatal: boolean) {
    this.#fatal = fatal;
  }

  read(bytes: Uint8Array, more: boolean): string {
    const parts: string[] = [];
    let units: number[] = [];
    let index = 0;
    while (index < bytes.length) {
      if (units.length > 4000) {
        parts.push(String.fromCharCode.apply(undefined, units));
        units = [];
      }
      const byte = bytes[index] ?? 0;
      if (this.#needed === 0) {
        index++;
        if (byte < 0x80) units.push(byte);
        else if (byte >= 0xc2 && byte <= 0xdf) this.#expect(1, byte & 0x1f);
        else if (byte >= 0xe0 && byte <= 0xef) this.#expect(2, byte & 0xf, byte === 0xe0 ? 0xa0 : 0x80, byte === 0xed ? 0x9f : 0xbf);
        else if (byte >= 0xf0 && byte <= 0xf4) this.#expect(3, byte & 7, byte === 0xf0 ? 0x90 : 0x80, byte === 0xf4 ? 0x8f : 0xbf);
        else units.push(this.#malformed());
        continue;
      }
      if (byte < this.#lower || byte > this.#upper) {
        units.push(this.#malformed());
        continue;
      }
      index++;
      this.#lower = 0x80;
      this.#upper = 0xbf;
      this.#point = (this.#point << 6) | (byte & 0x3f);
      if (--this.#needed > 0) continue;
      if (this.#point > 0xffff) units.push(0xd800 + ((this.#point - 0x10000) >> 10), 0xdc00 + ((this.#point - 0x10000) & 0x3ff));
      else units.push(this.#point);
    }
    if (!more && this.#needed > 0) units.push(this.#malformed());
    parts.push(String.fromCharCode.apply(undefined, units));
    return parts.join('');
  }

  #expect(needed: number, point: number, lower = 0x80, upper = 0xbf): void {
    this.#needed = needed;
    this.#point = point;
    this.#lower = lower;
    this.#upper = upper;
  }

  #malformed(): number {
    this.#expect(0, 0);
    if (this.#fatal) throw Object.assign(new TypeError('The encoded data was not valid for encoding utf-8'), { code: 'ERR_ENCODING_INVALID_ENCODED_DATA' });
    return 0xfffd;
  }
}

interface UnitReader {
  read(bytes: Uint8Array, more: boolean): string;
}

class Utf16Reader implements UnitReader {
  #odd: number | undefined;

  read(bytes: Uint8Array, more: boolean): string {
    let text = '';
    for (const byte of bytes) {
      if (this.#odd === undefined) {
        this.#odd = byte;
      } else {
        text += String.fromCharCode(this.#odd | (byte << 8));
        this.#odd = undefined;
      }
    }
    if (!more && this.#odd !== undefined) {
      this.#odd = undefined;
      text += '\ufffd';
    }
    return text.toWellFormed();
  }
}

// What windows-1252 (the web's meaning of "latin1") has in 0x80–0x9f.
const windows1252 =
  '\u20ac\x81\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\x8d\u017d\x8f\x90\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\x9d\u017e\u0178';

class Windows1252Reader implements UnitReader {
  read(bytes: Uint8Array): string {
    let text = '';
    for (const byte of bytes) text += byte >= 0x80 && byte <= 0x9f ? windows1252.charAt(byte - 0x80) : String.fromCharCode(byte);
    return text;
  }
}

const encodings = new Map<string, 'utf-8' | 'utf-16le' | 'windows-1252'>([
  ['utf-8', 'utf-8'],
  ['utf8', 'utf-8'],
  ['unicode-1-1-utf-8', 'utf-8'],
  ['utf-16le', 'utf-16le'],
  ['utf-16', 'utf-16le'],
  ['ucs-2', 'utf-16le'],
  ['unicode', 'utf-16le'],
  ['windows-1252', 'windows-1252'],
  ['latin1', 'windows-1252'],
  ['iso-8859-1', 'windows-1252'],
  ['ascii', 'windows-1252'],
  ['us-ascii', 'windows-1252'],
]);

/** The WHATWG class. */
export class TextEncoder {
  readonly encoding = 'utf-8';

  encode(text: string = ''): Uint8Array<ArrayBuffer> {
    return encodeUtf8(String(text));
  }

  encodeInto(text: string, bytes: Uint8Array): { read: number; written: number } {
    return encodeUtf8Into(text, bytes);
  }
}

/** The WHATWG class for UTF-8, UTF-16LE and windows-1252; other encodings throw as in a Node without ICU. */
export class TextDecoder {
  readonly encoding: string;
  readonly fatal: boolean;
  readonly ignoreBOM: boolean;
  #reader: UnitReader | undefined;
  #started = false;

  constructor(label: string = 'utf-8', options: { fatal?: boolean; ignoreBOM?: boolean } = {}) {
    const encoding = encodings.get(String(label).trim().toLowerCase());
    if (encoding === undefined) {
      throw Object.assign(new RangeError(`The "${label}" encoding is not supported`), { code: 'ERR_ENCODING_NOT_SUPPORTED' });
    }
    this.encoding = encoding;
    this.fatal = options.fatal === true;
    this.ignoreBOM = options.ignoreBOM === true;
  }

  decode(input?: ArrayBuffer | ArrayBufferView, options: { stream?: boolean } = {}): string {
    const more = options.stream === true;
    const bytes = input === undefined ? new Uint8Array() : viewBytes(input);
    let text: string;
    try {
      if (this.#reader === undefined && !more && !this.fatal && this.encoding === 'utf-8') {
        text = decodeUtf8(bytes);
      } else {
        this.#reader ??= this.#newReader();
        text = this.#reader.read(bytes, more);
      }
    } catch (error) {
      this.#reader = undefined;
      throw error;
    }
    if (!this.#started && text !== '') {
      this.#started = true;
      if (!this.ignoreBOM && this.encoding !== 'windows-1252' && text.charCodeAt(0) === 0xfeff) text = text.slice(1);
    }
    if (!more) {
      this.#reader = undefined;
      this.#started = false;
    }
    return text;
  }

  #newReader(): UnitReader {
    if (this.encoding === 'utf-16le') return new Utf16Reader();
    return this.encoding === 'utf-8' ? new Utf8Reader(this.fatal) : new Windows1252Reader();
  }
}

/** The bytes behind any buffer or view, without a copy. */
export function viewBytes(input: ArrayBufferLike | ArrayBufferView): Uint8Array {
  if (ArrayBuffer.isView(input)) return new Uint8Array(input.buffer, input.byteOffset, input.byteLength);
  return new Uint8Array(input);
}
