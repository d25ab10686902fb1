import { imageSize } from './image-size.ts';

/** More pixels than that a side no terminal shows, and more of them all together are not decoded for it. */
const MAX_SIDE = 1600;
const MAX_PIXELS = 16_000_000;

/** An image as PNG, which is what Kitty's protocol takes; of a moving one its first picture. `undefined`: it cannot be read. */
export async function toPng(bytes: Buffer): Promise<Buffer | undefined> {
  const size = imageSize(bytes);
  if (size === undefined || size.width === 0 || size.height === 0 || size.width * size.height > MAX_PIXELS) return undefined;
  const { default: photon } = await import('@silvia-odwyer/photon-node');
  let whole: InstanceType<typeof photon.PhotonImage>;
  try {
    whole = photon.PhotonImage.new_from_byteslice(bytes);
  } catch {
    return undefined;
  }
  const scale = Math.min(1, MAX_SIDE / Math.max(whole.get_width(), whole.get_height()));
  const pixels = (length: number): number => Math.max(1, Math.round(length * scale));
  try {
    if (scale === 1) return Buffer.from(whole.get_bytes());
    const small = photon.resize(whole, pixels(whole.get_width()), pixels(whole.get_height()), photon.SamplingFilter.Triangle);
    try {
      return Buffer.from(small.get_bytes());
    } finally {
      small.free();
    }
  } finally {
    whole.free();
  }
}
