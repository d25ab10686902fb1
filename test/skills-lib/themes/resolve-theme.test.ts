import { describe, expect, it } from 'vitest';
import { checkColorNames, parseTheme, resolveTheme, THEME_COLORS } from '../../../skills-lib/index.ts';

const theme = (name: string) => ({ name, colors: {} });
const catalog = { themes: [theme('dusk'), theme('noon'), theme('light')], builtIn: [theme('dark'), theme('light')] };

describe('the theme of a name', () => {
  it.each([
    ['dusk', 'dark', 'dusk'],
    ['noon/dusk', 'light', 'noon'],
    ['noon/dusk', 'dark', 'dusk'],
    [undefined, 'light', 'light'],
    [undefined, 'dark', 'dark'],
    ['', undefined, 'dark'],
  ] as const)('%j in a %s terminal is %s', (name, appearance, expected) => {
    expect(resolveTheme(name, catalog, appearance)).toEqual({ theme: theme(expected) });
  });

  it('is the one that somebody brings, before a built-in one', () => {
    expect(resolveTheme('light', catalog).theme).toBe(catalog.themes[2]);
  });

  it('that there is not is the built-in one, and says so', () => {
    expect(resolveTheme('dsk', catalog, 'light')).toEqual({
      theme: theme('light'),
      diagnostic: { severity: 'warning', code: 'THEME_NOT_FOUND', message: 'there is no theme `dsk`; did you mean `dusk`?' },
    });
    expect(resolveTheme('x', { themes: [], builtIn: [] }).theme).toBeUndefined();
  });
});

describe('a theme', () => {
  const read = (name: string, colors: object = {}) => parseTheme(JSON.stringify({ name, colors }), 't.json');

  it('has a name that can stand in a list and in settings', () => {
    for (const name of ['a/b', 'a\u001B[31m', 'a\u202Eb', 'a\nb', '', 'x'.repeat(101)]) expect(() => read(name)).toThrow(/\/name/);
    expect(read('Späte Dämmerung 2').name).toBe('Späte Dämmerung 2');
  });

  it('may not send the reader from variable to variable without end', () => {
    const chain = (length: number) => {
      const vars = Object.fromEntries(Array.from({ length }, (_, at) => [`v${at}`, at === length - 1 ? 7 : `v${at + 1}`]));
      return parseTheme(JSON.stringify({ name: 't', vars, colors: { text: 'v0' } }), 't.json');
    };
    expect(chain(100).colors).toMatchObject({ text: 7 });
    expect(() => chain(10_000)).toThrow(/more than 100 variables away/);
  });

  it('takes the colours it leaves out from others, as in pi', () => {
    const { colors } = read('t', { muted: 1, text: 2, selectedBg: 3, thinkingXhigh: 4 });
    expect(colors).toMatchObject({ scrollbarTrack: 1, scrollbarThumb: 2, searchMatchBg: 3, searchMatchText: 2, thinkingMax: 4 });
    expect(read('t', { scrollbarTrack: 7, muted: 1 }).colors).toMatchObject({ scrollbarTrack: 7 });
  });

  it('is told which colours it lacks', () => {
    const all = Object.fromEntries(Object.keys(THEME_COLORS).map((name) => [name, '']));
    expect(checkColorNames(read('t', all), 't.json')).toEqual([]);
    const most = Object.fromEntries(Object.entries(all).filter(([name]) => name !== 'bashMode'));
    expect(checkColorNames(read('t', most), 't.json')).toMatchObject([{ code: 'MISSING_COLOR', message: expect.stringContaining('`bashMode` not set') }]);
  });
});
