import photon from '@silvia-odwyer/photon-node';
import { encodeITerm2, encodeKitty, resetCapabilitiesCache, setCapabilities, visibleWidth } from '@earendil-works/pi-tui';
import fc from 'fast-check';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ImageBlock, rowsAbove } from '../../../host/modes/interactive/blocks/image-block.ts';
import { safeLine } from '../../../host/modes/interactive/safe-line.ts';
import { Palette } from '../../../host/modes/interactive/theme.ts';
import { firstTheme } from '../../../host/modes/interactive/themes.ts';

const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const GIF = 'R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7';
const palette = new Palette(firstTheme(), 'none');
const can = (images: 'kitty' | 'iterm2' | null): void => setCapabilities({ images, trueColor: true, hyperlinks: false });
afterEach(resetCapabilitiesCache);

const samples: Record<string, string> = { png: PNG, gif: GIF };
beforeAll(() => {
  const whole = new photon.PhotonImage(new Uint8Array(40 * 30 * 4).fill(200), 40, 30);
  samples['jpeg'] = Buffer.from(whole.get_bytes_jpeg(80)).toString('base64');
  samples['webp'] = Buffer.from(whole.get_bytes_webp()).toString('base64');
  whole.free();
});

/** A block, and its lines once nothing more comes. */
async function shown(data: string, mimeType: string, width = 80): Promise<readonly string[]> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const block = new ImageBlock({ type: 'image', data, mimeType }, palette, resolve);
  const first = block.render(width);
  if (first.length > 1 || first[0]?.includes('\u001B') === true) return first;
  await Promise.race([promise, new Promise((go) => setTimeout(go, 10_000))]);
  return block.render(width);
}

describe.each(['kitty', 'iterm2'] as const)('a terminal with the images of %s', (protocol) => {
  test.each(['png', 'jpeg', 'gif', 'webp'])('shows %s over the rows that are kept for it, from the last of them', async (kind) => {
    can(protocol);
    // what its author calls it matters to nobody
    const lines = await shown(samples[kind] ?? '', 'image/whatever');
    const last = lines.at(-1) ?? '';
    expect(lines.slice(0, -1).every((line) => line === '')).toBe(true);
    expect(rowsAbove(last)).toBe(lines.length - 1);
    expect(lines.length).toBeLessThanOrEqual(16);
    const [, sent = ''] =
      (protocol === 'kitty' ? /\u001B_G[^;]*;([A-Za-z0-9+/=]*)\u001B\\/ : /\u001B\]1337;File=[a-z0-9=;]*:([A-Za-z0-9+/=]*)\u0007/).exec(last) ?? [];
    const begin = Buffer.from(sent, 'base64').toString('latin1', 0, 4);
    expect(begin).toBe(protocol === 'kitty' || kind === 'png' ? '\u0089PNG' : { jpeg: '\u00FF\u00D8\u00FF\u00E0', gif: 'GIF8', webp: 'RIFF' }[kind]);
    expect(sent === samples[kind]).toBe(protocol === 'iterm2' || kind === 'png');
  });

  test('is sent nothing of what is no image, or breaks off', async () => {
    can(protocol);
    // the arm of control: pi-tui's own encoders take whatever they are given
    const copies = `${PNG}\u0007\u001B]52;c;eA==\u0007`;
    for (const encode of [encodeITerm2, encodeKitty]) expect(encode(copies)).toContain('\u001B]52;');
    for (const [data, mimeType] of [
      [`${PNG}\u001B\\\u001B]0;owned\u0007`, 'image/png'],
      [copies, 'image/png'],
      ['nothing', 'image/png'],
      [Buffer.from('plain text').toString('base64'), 'image/\u001B[2J'],
    ] as const) {
      const block = new ImageBlock({ type: 'image', data, mimeType }, palette, () => undefined);
      const lines = block.render(20);
      expect(lines.join('')).not.toContain('\u001B');
      expect(lines).toHaveLength(1);
      expect(lines.every((line) => visibleWidth(line) <= 20)).toBe(true);
    }
  });

  test('gets sequences of ours alone, whatever an image says it is', () => {
    can(protocol);
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), fc.boolean(), (tail, mimeType, isReal) => {
        const data = isReal ? `${PNG}${tail}` : Buffer.from(tail, 'latin1').toString('base64');
        const line = new ImageBlock({ type: 'image', data, mimeType }, palette, () => undefined).render(60).at(-1) ?? '';
        expect(line).toMatch(
          /^(?: {3}\[[^\u001B\u0007]*|\u001B7(?:\u001B\[\d+A)?\u001B\[3C(?:\u001B_G[a-zA-Z0-9=,]*;[A-Za-z0-9+/=]*\u001B\\)+\u001B8|\u001B7(?:\u001B\[\d+A)?\u001B\[3C\u001B\]1337;File=[a-z0-9=;]*:[A-Za-z0-9+/=]*\u0007\u001B8)$/u,
        );
      }),
    );
  });
});

test('where the terminal shows none, a line says what it is and how large', async () => {
  can(null);
  const line = (kind: string): readonly string[] =>
    new ImageBlock({ type: 'image', data: samples[kind] ?? '', mimeType: '' }, palette, () => undefined).render(80);
  expect(line('png')).toEqual(['   [png 1×1, 72 bytes]']);
  expect(line('gif')).toEqual(['   [gif 1×1, 42 bytes]']);
  expect(line('jpeg')).toEqual([expect.stringMatching(/^ {3}\[jpeg 40×30, \d+ bytes\]$/)]);
  expect(line('webp')).toEqual([expect.stringMatching(/^ {3}\[webp 40×30, \d+ bytes\]$/)]);
});

test('one that cannot be decoded stays a line', async () => {
  can('kitty');
  const broken = `${Buffer.from('GIF89a\u0010\u0000\u0010\u0000broken', 'latin1').toString('base64')}`;
  expect(await shown(broken, 'image/gif')).toEqual([expect.stringContaining('[gif 16×16')]);
});

test('what a package draws shows no image by itself: its sequences stay at the border', () => {
  const kitty = `\u001B_Gf=100,a=T;${PNG}\u001B\\`;
  const iterm = `\u001B]1337;File=inline=1:${PNG}\u0007`;
  expect(safeLine(`a${kitty}b${iterm}c`, 80)).toBe('abc');
});
