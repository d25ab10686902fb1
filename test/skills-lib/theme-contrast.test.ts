import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkContrast, parseTheme } from '../../skills-lib/index.ts';

const low = (colors: Record<string, string | number>) => checkContrast({ name: 't', colors }, 't.json').map(({ message }) => message);

describe('contrast of a theme', () => {
  it.each([
    [{ userMessageText: '#777777', userMessageBg: '#ffffff' }, '4.5'],
    [{ userMessageText: '#767676', userMessageBg: '#ffffff' }, undefined],
    [{ userMessageText: 232, userMessageBg: 231 }, undefined],
    [{ userMessageText: 244, userMessageBg: 245 }, '1.1'],
    [{ userMessageText: '', userMessageBg: '#ffffff' }, undefined],
    [{ userMessageText: 7, userMessageBg: '#ffffff' }, undefined],
    [{ text: '#808080' }, undefined],
  ])('of %j', (colors, ratio) => {
    expect(low(colors).length).toBe(ratio === undefined ? 0 : 1);
    if (ratio !== undefined) expect(low(colors)[0]).toContain(`contrast of ${ratio}`);
  });

  it('finds nothing in the theme that `dash create` makes', () => {
    for (const kind of ['theme', 'package']) {
      const text = readFileSync(join(import.meta.dirname, `../../starter-templates/${kind}/themes/{{short}}.json`), 'utf8');
      expect(checkContrast(parseTheme(text, 't.json'), 't.json')).toEqual([]);
    }
  });
});
