import { resetCapabilitiesCache, setCapabilities, visibleWidth } from '@earendil-works/pi-tui';
import { afterEach, expect, test } from 'vitest';
import { ImageBlock, rowsAbove } from '../../../host/modes/interactive/blocks/image-block.ts';
import { Palette } from '../../../host/modes/interactive/theme.ts';
import { firstTheme } from '../../../host/modes/interactive/themes.ts';

const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const palette = new Palette(firstTheme(), 'none');
const kitty = { images: 'kitty', trueColor: true, hyperlinks: false } as const;
afterEach(resetCapabilitiesCache);

test('an image is drawn over the rows that are kept for it, from the last of them', () => {
  setCapabilities(kitty);
  const lines = new ImageBlock({ type: 'image', data: PNG, mimeType: 'image/png' }, palette).render(80);
  const last = lines.at(-1) ?? '';
  expect(lines.slice(0, -1).every((line) => line === '')).toBe(true);
  expect(rowsAbove(last)).toBe(lines.length - 1);
  expect(last).toContain(PNG);
});

test('where the terminal shows none, a line says what it is', () => {
  setCapabilities({ ...kitty, images: null });
  expect(new ImageBlock({ type: 'image', data: PNG, mimeType: 'image/png' }, palette).render(80)).toEqual(['   [png 1×1]']);
});

test('what is no image reaches no terminal', () => {
  setCapabilities(kitty);
  for (const image of [
    { data: `${PNG}\u001B\\\u001B]0;owned\u0007`, mimeType: 'image/png' },
    { data: 'nothing', mimeType: 'image/png' },
    { data: PNG, mimeType: 'image/\u001B[2J' },
  ]) {
    const lines = new ImageBlock({ type: 'image', ...image }, palette).render(20);
    expect(lines.join('')).not.toContain('\u001B');
    expect(lines.every((line) => visibleWidth(line) <= 20)).toBe(true);
  }
});
