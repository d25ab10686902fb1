import { PhotonImage } from '@silvia-odwyer/photon-node';
import { describe, expect, it } from 'vitest';
import { fitImage, LIMITS } from '../../host/images/fit-image.ts';
import { imageSize, orientationOf } from '../../host/images/image-size.ts';

/** Red on the left, green on the right; the upper half is brighter. */
function picture(width: number, height: number): PhotonImage {
  const pixels = new Uint8Array(width * height * 4);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) pixels.set([x < width / 2 ? 200 : 0, x < width / 2 ? 0 : 200, y < height / 2 ? 200 : 0, 255], (y * width + x) * 4);
  }
  return new PhotonImage(pixels, width, height);
}
const png = (width: number, height: number): Buffer => Buffer.from(picture(width, height).get_bytes());
const jpeg = (width: number, height: number): Buffer => Buffer.from(picture(width, height).get_bytes_jpeg(90));
const image = (bytes: Buffer, mimeType = 'image/png') => ({ type: 'image' as const, data: bytes.toString('base64'), mimeType });

/** A photograph that says how it lies. */
function lying(bytes: Buffer, orientation: number): Buffer {
  const exif = Buffer.from(
    '457869660000' + '4d4d002a00000008' + '0001' + '0112000300000001' + `00${orientation.toString(16).padStart(2, '0')}0000` + '00000000',
    'hex',
  );
  const length = Buffer.alloc(2);
  length.writeUInt16BE(exif.length + 2);
  return Buffer.concat([bytes.subarray(0, 2), Buffer.from([0xff, 0xe1]), length, exif, bytes.subarray(2)]);
}

describe('the size of an image', () => {
  it.each<[string, Buffer, object | undefined]>([
    ['PNG', png(7, 5), { mimeType: 'image/png', width: 7, height: 5 }],
    ['JPEG', jpeg(7, 5), { mimeType: 'image/jpeg', width: 7, height: 5 }],
    ['JPEG with more before it', lying(jpeg(9, 4), 6), { mimeType: 'image/jpeg', width: 9, height: 4 }],
    ['WebP', Buffer.from(picture(6, 3).get_bytes_webp()), { mimeType: 'image/webp', width: 6, height: 3 }],
    ['GIF', Buffer.from('4749463839610a000300', 'hex'), { mimeType: 'image/gif', width: 10, height: 3 }],
    [
      'lossy WebP',
      Buffer.concat([Buffer.from('RIFF\0\0\0\0WEBPVP8 ', 'latin1'), Buffer.alloc(10), Buffer.from([8, 0, 4, 0])]),
      { mimeType: 'image/webp', width: 8, height: 4 },
    ],
    [
      'extended WebP',
      Buffer.concat([Buffer.from('RIFF\0\0\0\0WEBPVP8X', 'latin1'), Buffer.alloc(8), Buffer.from([9, 0, 0, 4, 0, 0])]),
      { mimeType: 'image/webp', width: 10, height: 5 },
    ],
    ['text', Buffer.from('no image'), undefined],
    ['nothing', Buffer.alloc(0), undefined],
    ['a JPEG that is cut off', jpeg(7, 5).subarray(0, 12), { mimeType: 'image/jpeg', width: 0, height: 0 }],
    ['a PNG that is cut off', png(7, 5).subarray(0, 12), { mimeType: 'image/png', width: 0, height: 0 }],
  ])('is read from %s', (_, bytes, expected) => {
    expect(imageSize(bytes)).toEqual(expected);
  });
});

describe('an image', () => {
  it('that fits goes out as it is, under its right name', async () => {
    expect(await fitImage(image(png(2000, 10)), { resize: true })).toEqual({ kind: 'as it is' });
    expect(await fitImage(image(jpeg(10, 10), 'image/png'), { resize: false })).toMatchObject({ kind: 'smaller', image: { mimeType: 'image/jpeg' } });
    expect(await fitImage(image(Buffer.from('<svg/>'), 'image/svg+xml'), { resize: true })).toMatchObject({
      kind: 'left out',
      why: expect.stringContaining('image/svg+xml'),
    });
  });

  it('that is too large goes out smaller, with a word on its size, or is left out with both sizes', async () => {
    const large = image(png(2400, 600));
    const fitted = await fitImage(large, { resize: true });
    if (fitted.kind !== 'smaller') throw new Error(`it is ${fitted.kind}`);
    expect(fitted.note).toBe('2000 × 500 pixels, of 2400 × 600');
    expect(imageSize(Buffer.from(fitted.image.data, 'base64'))).toEqual({ mimeType: 'image/png', width: 2000, height: 500 });
    expect(await fitImage(large, { resize: false })).toMatchObject({
      kind: 'left out',
      why: expect.stringMatching(/2400 × 600 pixels .*2000 × 2000.*`images\.resize` is off/),
    });
  });

  it('of too many bytes is encoded until it fits', async () => {
    const noise = new Uint8Array(1600 * 1200 * 4);
    let state = 1;
    for (let index = 0; index < noise.length; index += 1) noise[index] = index % 4 === 3 ? 255 : ((state = (state * 1103515245 + 12345) >>> 0) >>> 16) & 0xff;
    const bytes = Buffer.from(new PhotonImage(noise, 1600, 1200).get_bytes());
    expect(bytes.length).toBeGreaterThan(LIMITS.sentBytes);
    const fitted = await fitImage(image(bytes), { resize: true });
    if (fitted.kind !== 'smaller') throw new Error(`it is ${fitted.kind}`);
    expect(fitted.image.mimeType).toBe('image/jpeg');
    expect(fitted.image.data.length).toBeLessThanOrEqual(LIMITS.sentBytes);
  });

  it('is not decoded where it claims more pixels than there is memory for, and named where it cannot be', async () => {
    const bomb = png(10, 10);
    bomb.writeUInt32BE(60_000, 16);
    bomb.writeUInt32BE(60_000, 20);
    expect(await fitImage(image(bomb), { resize: true })).toMatchObject({ kind: 'left out', why: expect.stringContaining('too many') });
    // the size of a JPEG stands behind as much as its author likes: what is out of sight is a size all the same
    const photograph = jpeg(2200, 1100);
    const filler = Buffer.concat([Buffer.from([0xff, 0xe9, 0xff, 0xff]), Buffer.alloc(65_533)]);
    const behind = (rest: Buffer): Buffer => Buffer.concat([rest.subarray(0, 2), ...Array.from({ length: 60 }, () => filler), rest.subarray(2)]);
    expect(await fitImage(image(behind(photograph), 'image/jpeg'), { resize: true })).toMatchObject({
      kind: 'smaller',
      note: expect.stringContaining('of 2200 × 1100'),
    });
    photograph.writeUInt16BE(20_000, photograph.indexOf('ffc0', 0, 'hex') + 5);
    photograph.writeUInt16BE(20_000, photograph.indexOf('ffc0', 0, 'hex') + 7);
    expect(await fitImage(image(behind(photograph), 'image/jpeg'), { resize: true })).toMatchObject({
      kind: 'left out',
      why: expect.stringContaining('too many'),
    });
    const sizeless = Buffer.concat([behind(photograph).subarray(0, -photograph.length), Buffer.alloc(1000)]);
    expect(await fitImage(image(sizeless, 'image/jpeg'), { resize: true })).toMatchObject({
      kind: 'left out',
      why: expect.stringContaining('its size cannot be read'),
    });
    const broken = png(10, 10);
    broken.writeUInt32BE(3000, 16);
    expect(await fitImage(image(broken), { resize: true })).toMatchObject({ kind: 'left out', why: expect.stringContaining('cannot be decoded') });
  });

  // where red lies once the photograph is upright, as a viewer would show it
  it.each([
    [1, 'left'],
    [2, 'right'],
    [3, 'right'],
    [4, 'left'],
    [5, 'top'],
    [6, 'top'],
    [7, 'bottom'],
    [8, 'bottom'],
  ])('that lies as %i is turned before it is encoded anew', async (orientation, side) => {
    const bytes = lying(jpeg(2200, 1100), orientation);
    expect(orientationOf(bytes)).toBe(orientation);
    const fitted = await fitImage(image(bytes, 'image/jpeg'), { resize: true });
    if (fitted.kind !== 'smaller') throw new Error(`it is ${fitted.kind}`);
    const shown = PhotonImage.new_from_byteslice(Buffer.from(fitted.image.data, 'base64'));
    const [width, height] = [shown.get_width(), shown.get_height()];
    expect([width, height]).toEqual(orientation < 5 ? [2000, 1000] : [1000, 2000]);
    const pixels = shown.get_raw_pixels();
    const at = (x: number, y: number): 'red' | 'green' => {
      const index = (Math.floor(y * height) * width + Math.floor(x * width)) * 4;
      return (pixels[index] ?? 0) > (pixels[index + 1] ?? 0) ? 'red' : 'green';
    };
    const places: Readonly<Record<string, readonly [number, number]>> = { left: [0.25, 0.5], right: [0.75, 0.5], top: [0.5, 0.25], bottom: [0.5, 0.75] };
    const red = Object.entries(places).filter(([name, [x, y]]) => name === side && at(x, y) === 'red');
    expect(red).toHaveLength(1);
  });
});
