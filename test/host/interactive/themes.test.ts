import { describe, expect, test } from 'vitest';
import { firstTheme, kindOfBackground, OWN_THEMES } from '../../../host/modes/interactive/themes.ts';
import { colorDepth, Palette } from '../../../host/modes/interactive/theme.ts';
import { checkColorNames, checkContrast, parseTheme, THEME_COLORS } from '../../../skills-lib/index.ts';

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
