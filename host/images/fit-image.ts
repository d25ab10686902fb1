import type { ImageContent } from '../model/messages.ts';
import { type ImageSize, imageSize, orientationOf } from './image-size.ts';

/** What every provider takes, which is what pi sends too: pixels a side, and bytes as they are sent (base64). */
export const LIMITS = { side: 2000, sentBytes: 4.5 * 1024 * 1024 };
/** An image is decoded in memory, four bytes a pixel: a small file can be a very large image. */
const MAX_PIXELS = 64_000_000;
/** Of JPEG, in turn, until it fits. */
const QUALITIES = [80, 60, 40];

/** What a model is sent in the place of an image. */
export type Fitted =
  | { readonly kind: 'as it is' }
  | { readonly kind: 'smaller'; readonly image: ImageContent; readonly note: string }
  | { readonly kind: 'left out'; readonly why: string };

/** Makes an image fit for every provider. `resize`: whether it may be made smaller. */
export async function fitImage({ data, mimeType }: ImageContent, { resize }: { readonly resize: boolean }): Promise<Fitted> {
  const size = sizeIn(data);
  if (size === undefined) return { kind: 'left out', why: `it says it is ${mimeType}, and is no PNG, JPEG, GIF or WebP` };
  const { width, height } = size;
  const isWithin = width <= LIMITS.side && height <= LIMITS.side && data.length <= LIMITS.sentBytes;
  if (isWithin && size.mimeType === mimeType) return { kind: 'as it is' };
  if (isWithin) return { kind: 'smaller', image: { type: 'image', data, mimeType: size.mimeType }, note: `it is ${size.mimeType}` };
  const large = `${width} × ${height} pixels and ${data.length} bytes are more than the ${LIMITS.side} × ${LIMITS.side} and ${LIMITS.sentBytes} that models take`;
  if (!resize) return { kind: 'left out', why: `${large}, and \`images.resize\` is off` };
  // what says no size may have any
  if (width === 0 || height === 0) return { kind: 'left out', why: `its size cannot be read, and its ${data.length} bytes are more than models take` };
  if (width * height > MAX_PIXELS) return { kind: 'left out', why: `${large}, and too many to make it smaller here` };
  return shrink(Buffer.from(data, 'base64'), size, large);
}

/** The head is enough, mostly: a photograph may begin with a picture of itself, and its author may put anything there. */
function sizeIn(data: string): ImageSize | undefined {
  const size = imageSize(Buffer.from(data.slice(0, HEAD), 'base64'));
  const isSeen = size === undefined || size.width > 0 || data.length <= HEAD;
  return isSeen ? size : imageSize(Buffer.from(data, 'base64'));
}

/** Base64, a multiple of four. */
const HEAD = 350_000;

async function shrink(bytes: Buffer, { mimeType, width, height }: ImageSize, large: string): Promise<Fitted> {
  const { default: photon } = await import('@silvia-odwyer/photon-node');
  const orientation = mimeType === 'image/jpeg' ? orientationOf(bytes) : 1;
  // letters stay sharp in PNG, photographs are small in JPEG
  const qualities = mimeType === 'image/jpeg' ? QUALITIES : [undefined, ...QUALITIES];
  let whole: PhotonImage;
  try {
    whole = photon.PhotonImage.new_from_byteslice(bytes);
  } catch {
    return { kind: 'left out', why: `${large}, and it cannot be decoded` };
  }
  try {
    for (let side: number = LIMITS.side; side >= 250; side = Math.floor(side * 0.75)) {
      const small = scaled(photon, whole, side, orientation);
      try {
        for (const quality of qualities) {
          const data = Buffer.from(quality === undefined ? small.get_bytes() : small.get_bytes_jpeg(quality)).toString('base64');
          if (data.length > LIMITS.sentBytes) continue;
          const image = { type: 'image', data, mimeType: quality === undefined ? 'image/png' : 'image/jpeg' } as const;
          return { kind: 'smaller', image, note: `${small.get_width()} × ${small.get_height()} pixels, of ${width} × ${height}` };
        }
      } finally {
        small.free();
      }
    }
  } finally {
    whole.free();
  }
  return { kind: 'left out', why: large };
}

type Photon = typeof import('@silvia-odwyer/photon-node');
type PhotonImage = InstanceType<Photon['PhotonImage']>;

/** Fits the image into a square, and turns it upright: what is encoded anew says no more how it lies. */
function scaled(photon: Photon, whole: PhotonImage, side: number, orientation: number): PhotonImage {
  const scale = Math.min(1, side / Math.max(whole.get_width(), whole.get_height()));
  const pixels = (length: number): number => Math.max(1, Math.round(length * scale));
  const small = photon.resize(whole, pixels(whole.get_width()), pixels(whole.get_height()), photon.SamplingFilter.Triangle);
  if (orientation === 1) return small;
  const [width, height] = [small.get_width(), small.get_height()];
  const upright = turned(small.get_raw_pixels(), width, height, orientation);
  small.free();
  return orientation < 5 ? new photon.PhotonImage(upright, width, height) : new photon.PhotonImage(upright, height, width);
}

/** Pixels (RGBA) in another order. Photon's own `rotate` loses some. */
function turned(source: Uint8Array, width: number, height: number, orientation: number): Uint8Array {
  const from = new Uint32Array(source.buffer, source.byteOffset, width * height);
  const to = new Uint32Array(width * height);
  const [wide, high] = orientation < 5 ? [width, height] : [height, width];
  const [right, bottom] = [width - 1, height - 1];
  for (let y = 0; y < high; y += 1) {
    for (let x = 0; x < wide; x += 1) {
      // a photograph that lies on its side has its columns as rows
      let [column, row] = orientation < 5 ? [x, y] : [y, x];
      if ([2, 3, 7, 8].includes(orientation)) column = right - column;
      if ([3, 4, 6, 7].includes(orientation)) row = bottom - row;
      to[y * wide + x] = from[row * width + column] ?? 0;
    }
  }
  return new Uint8Array(to.buffer);
}
