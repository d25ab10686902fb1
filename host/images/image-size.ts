/** What an image is, read from its first bytes: names and claims about it say nothing of what a provider will be sent. */
export interface ImageSize {
  readonly mimeType: 'image/png' | 'image/jpeg' | 'image/gif' | 'image/webp';
  /** Pixels; 0 where the size is not where it should be. */
  readonly width: number;
  readonly height: number;
}

/** Reads kind and size; `undefined` is no image that models are sent. */
export function imageSize(bytes: Buffer): ImageSize | undefined {
  const head = bytes.toString('latin1', 0, 16);
  if (head.startsWith('\x89PNG\r\n\x1a\n')) return { mimeType: 'image/png', ...at(bytes, 24, () => [bytes.readUInt32BE(16), bytes.readUInt32BE(20)]) };
  if (/^GIF8[79]a/.test(head)) return { mimeType: 'image/gif', ...at(bytes, 10, () => [bytes.readUInt16LE(6), bytes.readUInt16LE(8)]) };
  if (head.startsWith('\xff\xd8\xff')) return { mimeType: 'image/jpeg', ...jpegSize(bytes) };
  if (/^RIFF....WEBP/s.test(head)) return { mimeType: 'image/webp', ...webpSize(bytes) };
  return undefined;
}

type Pixels = Pick<ImageSize, 'width' | 'height'>;
const UNKNOWN: Pixels = { width: 0, height: 0 };

function at(bytes: Buffer, needed: number, read: () => readonly [number, number]): Pixels {
  if (bytes.length < needed) return UNKNOWN;
  const [width, height] = read();
  return { width, height };
}

/** The size stands in the start of frame, after segments of any length. */
function jpegSize(bytes: Buffer): Pixels {
  let offset = 2;
  while (offset + 9 <= bytes.length && bytes[offset] === 0xff) {
    const marker = bytes[offset + 1] ?? 0;
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) return { width: bytes.readUInt16BE(offset + 7), height: bytes.readUInt16BE(offset + 5) };
    // a byte that fills up, or a marker without a segment
    offset += marker === 0xff ? 1 : marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7) ? 2 : 2 + bytes.readUInt16BE(offset + 2);
  }
  return UNKNOWN;
}

function webpSize(bytes: Buffer): Pixels {
  switch (bytes.toString('latin1', 12, 16)) {
    case 'VP8X':
      return at(bytes, 30, () => [bytes.readUIntLE(24, 3) + 1, bytes.readUIntLE(27, 3) + 1]);
    case 'VP8L':
      return at(bytes, 25, () => [(bytes.readUInt32LE(21) & 0x3fff) + 1, ((bytes.readUInt32LE(21) >>> 14) & 0x3fff) + 1]);
    case 'VP8 ':
      return at(bytes, 30, () => [bytes.readUInt16LE(26) & 0x3fff, bytes.readUInt16LE(28) & 0x3fff]);
    default:
      return UNKNOWN;
  }
}

/** How a photograph lies (EXIF), from 1 (as it should) to 8; of other images 1. */
export function orientationOf(bytes: Buffer): number {
  const start = bytes.subarray(0, 65_536).indexOf('Exif\0\0', 0, 'latin1');
  if (start === -1 || start + 14 > bytes.length) return 1;
  const tiff = bytes.subarray(start + 6);
  const isLittle = tiff.toString('latin1', 0, 2) === 'II';
  const short = (offset: number): number => (offset + 2 > tiff.length ? 0 : isLittle ? tiff.readUInt16LE(offset) : tiff.readUInt16BE(offset));
  const directory = isLittle ? tiff.readUInt32LE(4) : tiff.readUInt32BE(4);
  for (let entry = 0; entry < short(directory); entry += 1) {
    const offset = directory + 2 + entry * 12;
    if (short(offset) === 0x0112) return Math.min(8, Math.max(1, short(offset + 8)));
  }
  return 1;
}
