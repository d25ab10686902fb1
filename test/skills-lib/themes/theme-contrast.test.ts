import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkColorNames, checkContrast, parseTheme } from '../../../skills-lib/index.ts';

const low = (colors: Record<string, string | number>) => checkContrast({ name: 't', colors }, 't.json').map(({ message }) => message);

describe('contrast of a theme', () => {
  it.each([
    [{ userMessageText: '#777777', userMessageBg: '#ffffff' }, '4.5'],
    [{ userMessageText: '#767676', userMessageBg: '#ffffff' }, undefined],
    [{ userMessageText: 232, userMessageBg: 231 }, undefined],
    [{ userMessageText: 244, userMessageBg: 245 }, '1.1'],
    [{ userMessageText: '', userMessageBg: '#ffffff' }, undefined],
    [{ userMessageText: 7, userMessageBg: '#ffffff' }, undefined],
    // a dark theme and a light one
    [{ text: '#808080', userMessageBg: '#202020' }, undefined],
    [{ text: '#333333', userMessageBg: '#202020' }, '1.7'],
    [{ text: '#333333', userMessageBg: '#eeeeee' }, undefined],
    [{ syntaxComment: '#cccccc', userMessageBg: '#eeeeee' }, '1.6'],
    // where it paints nothing, most texts say for what it is
    [{ text: '#eeeeee', muted: '#aaaaaa', error: '#440000' }, '1.2'],
    [{ text: '#111111', muted: '#444444', error: '#ffcccc' }, '1.4'],
  ])('of %j', (colors, ratio) => {
    expect(low(colors).length).toBe(ratio === undefined ? 0 : 1);
    if (ratio !== undefined) expect(low(colors)[0]).toContain(`contrast of ${ratio}`);
  });

  it('finds nothing in the theme that `dash create` makes', () => {
    for (const kind of ['theme', 'package']) {
      const text = readFileSync(join(import.meta.dirname, `../../../starter-templates/${kind}/themes/{{short}}.json`), 'utf8');
      const theme = parseTheme(text, 't.json');
      expect([...checkContrast(theme, 't.json'), ...checkColorNames(theme, 't.json')]).toEqual([]);
    }
  });
});
