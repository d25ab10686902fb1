import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { firstTheme, kindOfBackground, OWN_THEMES } from '../../../host/modes/interactive/themes.ts';
import { colorDepth, Palette } from '../../../host/modes/interactive/theme.ts';
import { checkColorNames, checkContrast, parseTheme, THEME_COLORS } from '../../../skills-lib/index.ts';
import { startDash } from '../../support/dash-in-terminal.ts';

const OPTIONAL = new Set(['scrollbarTrack', 'scrollbarThumb', 'searchMatchBg', 'searchMatchText']);

describe('the themes that come with Dash', () => {
  test.each(OWN_THEMES.map((theme) => [theme.name, theme] as const))('`%s` can be read by everybody, and colours everything', (name, theme) => {
    expect(checkContrast(theme, `${name}.json`)).toEqual([]);
    expect(checkColorNames(theme, `${name}.json`)).toEqual([]);
    expect(Object.keys(THEME_COLORS).filter((color) => !(color in theme.colors) && !OPTIONAL.has(color))).toEqual([]);
  });

  test("a theme of pi's is worn as it is", () => {
    const palette = new Palette(firstTheme(), 'full');
    palette.wear(parseTheme(JSON.stringify({ name: 'p', vars: { a: '#010203' }, colors: { accent: 'a', muted: 7, text: '' } }), 'p.json'));
    expect(palette.fg('accent', 'x')).toBe('\u001B[38;2;1;2;3mx\u001B[39m');
    expect(palette.fg('muted', 'x')).toBe('\u001B[38;5;7mx\u001B[39m');
    expect(palette.fg('text', 'x')).toBe('x');
    // what a theme does not name is drawn without a colour
    expect(palette.fg('toolTitle', 'x')).toBe('x');
  });

  test('a terminal gets the colours that it has', () => {
    expect(colorDepth({ NO_COLOR: '1', COLORTERM: 'truecolor' })).toBe('none');
    expect(new Palette(firstTheme(), 'none').bold('x')).toBe('x');
    expect(new Palette(firstTheme(), '256').fg('accent', 'x')).toMatch(/^\u001B\[38;5;\d+mx/);
    expect(kindOfBackground({ r: 250, g: 250, b: 240 })).toBe('light');
    expect(kindOfBackground({ r: 30, g: 30, b: 46 })).toBe('dark');
  });
});

test('a theme is chosen, kept, and changes on the screen when its file is saved', async () => {
  const mine = (muted: string): string => JSON.stringify({ name: 'mine', colors: { muted } });
  await using dash = await startDash({ columns: 80, script: { turns: [{ text: 'Hello.' }] }, home: { 'themes/mine.json': mine('#112233') } });
  await dash.shows(/balanced/);
  await dash.type('/theme');
  await dash.press('Enter');
  await dash.shows('which theme?');
  await dash.type('mine');
  await dash.shows('› mine');
  await dash.press('Enter');
  await dash.showsColored('38;2;17;34;51');
  await expect.poll(async () => JSON.parse(await readFile(join(dash.home, 'settings.json'), 'utf8'))).toMatchObject({ theme: 'mine' });

  await writeFile(join(dash.home, 'themes', 'mine.json'), mine('#445566'));
  await dash.showsColored('38;2;68;85;102');
  // a slip keeps what is worn, and says what is wrong
  await writeFile(join(dash.home, 'themes', 'mine.json'), '{"name": "mine", "colors": {"muted": "nothing"}}');
  await dash.shows('variable `nothing`');
  await dash.showsColored('38;2;68;85;102');
  await writeFile(join(dash.home, 'themes', 'mine.json'), mine('#778899'));
  await dash.showsColored('38;2;119;136;153');
});
