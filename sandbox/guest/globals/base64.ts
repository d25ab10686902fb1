import { decodeNative, encodeNative, WORTH_ASKING } from './native-work.ts';

// V8 without Node has no base64 of its own, and `Uint8Array.fromBase64` is not there yet in this version.

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const valueOf = new Int8Array(128).fill(-1);
for (let index = 0; index < 64; index++) valueOf[alphabet.charCodeAt(index)] = index;

/** Writes bytes as base64 with padding. */
export function bytesToBase64(bytes: Uint8Array): string {
  if (bytes.length > WORTH_ASKING) return encodeNative(bytes, 'base64');
  const parts: string[] = [];
  let text = '';
  for (let index = 0; index < bytes.length; index += 3) {
    const left = bytes.length - index;
    const first = bytes[index] ?? 0;
    const second = bytes[index + 1] ?? 0;
    const third = bytes[index + 2] ?? 0;
    text +=
      alphabet.charAt(first >> 2) +
      alphabet.charAt(((first & 3) << 4) | (second >> 4)) +
      (left > 1 ? alphabet.charAt(((second & 15) << 2) | (third >> 6)) : '=') +
      (left > 2 ? alphabet.charAt(third & 63) : '=');
    if (text.length > 8192) {
      parts.push(text);
      text = '';
    }
  }
  parts.push(text);
  return parts.join('');
}

/** Reads the base64 that the parent sends. */
export function base64ToBytes(text: string): Uint8Array<ArrayBuffer> {
  if (text.length > WORTH_ASKING) return decodeNative(text, 'base64');
  let length = text.length;
  while (length > 0 && text.charCodeAt(length - 1) === 61) length--;
  const bytes = new Uint8Array(Math.floor((length * 3) / 4));
  let written = 0;
  let bits = 0;
  let held = 0;
  for (let index = 0; index < length; index++) {
    const value = valueOf[text.charCodeAt(index)] ?? -1;
    if (value < 0) break;
    held = (held << 6) | value;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[written++] = (held >> bits) & 255;
    }
  }
  return written === bytes.length ? bytes : bytes.slice(0, written);
}

/** The web function: bytes as characters up to U+00FF. */
export function btoa(text: string): string {
  const given = String(text);
  const bytes = new Uint8Array(given.length);
  for (let index = 0; index < given.length; index++) {
    const code = given.charCodeAt(index);
    if (code > 255) throw new DOMException('Invalid character', 'InvalidCharacterError');
    bytes[index] = code;
  }
  return bytesToBase64(bytes);
}

/** The web function: white space is skipped, anything else outside the alphabet is an error. */
export function atob(text: string): string {
  const given = String(text).replaceAll(/[\t\n\f\r ]/g, '');
  const unpadded = given.length % 4 === 0 ? given.replace(/={1,2}$/, '') : given;
  if (/[^A-Za-z0-9+/]/.test(unpadded) || unpadded.length % 4 === 1)
    throw new DOMException('The string to be decoded is not correctly encoded.', 'InvalidCharacterError');
  const parts: string[] = [];
  const bytes = base64ToBytes(unpadded);
  for (let index = 0; index < bytes.length; index += 4096) parts.push(String.fromCharCode(...bytes.subarray(index, index + 4096)));
  return parts.join('');
}
