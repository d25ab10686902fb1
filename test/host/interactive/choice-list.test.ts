import { stripVTControlCharacters } from 'node:util';
import { visibleWidth } from '@earendil-works/pi-tui';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ChoiceList, type Listed } from '../../../host/modes/interactive/choice-list.ts';
import { Palette } from '../../../host/modes/interactive/theme.ts';
import { firstTheme } from '../../../host/modes/interactive/themes.ts';

const palette = new Palette(firstTheme(), 'full');
const UP = '\u001B[A';
const DOWN = '\u001B[B';
const PAGE_DOWN = '\u001B[6~';

function open(choices: readonly Listed[], rows = 10): { readonly list: ChoiceList<Listed>; readonly chosen: Listed[] } {
  const chosen: Listed[] = [];
  return { list: new ChoiceList({ choices, rows, palette, chosen: (one) => chosen.push(one), left: () => undefined }), chosen };
}

const seen = (list: ChoiceList<Listed>, width: number): string[] => list.render(width).map((line) => stripVTControlCharacters(line).trimEnd());

/** Letters, wide ones, pictures of several characters, and marks that take no room of their own. */
const text = fc.string({
  unit: fc.constantFrom('a', 'b ', '日', '한', '🙂', '👨‍👩‍👧', 'é', 'e\u0301', 'o\u0323\u0302', '…', '\t', '\n', 'ﾊﾟ', '🇩🇪'),
  maxLength: 60,
});
const choice = fc.record({ label: text, description: fc.option(text, { nil: undefined }) }, { requiredKeys: ['label'] });

test('no line is wider than the screen, whatever is in the list and wherever the mark is', () => {
  fc.assert(
    fc.property(fc.array(choice, { maxLength: 12 }), fc.integer({ min: 4, max: 120 }), fc.nat(12), (choices, width, down) => {
      const { list } = open(choices as Listed[], 5);
      for (let pressed = 0; pressed < down; pressed += 1) list.handleInput(DOWN);
      for (const line of list.render(width)) expect(visibleWidth(line)).toBeLessThanOrEqual(width);
    }),
  );
});

test('what is cut ends in `…`, and of the marked one all of it stands below', () => {
  const { list } = open([
    { label: 'first', description: 'a description that is much longer than what is left of a line of forty' },
    { label: 'second', description: '漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字' },
  ]);
  expect(seen(list, 40)).toEqual([
    '→ first   a description that is much lo…',
    '  second  漢字漢字漢字漢字漢字漢字漢字…',
    '  a description that is much longer',
    '  than what is left of a line of forty',
  ]);
  list.handleInput(DOWN);
  expect(seen(list, 40).slice(2).join('').replaceAll(' ', '')).toBe('漢字'.repeat(10));
  expect(seen(list, 100)).toEqual(['  first   a description that is much longer than what is left of a line of forty', `→ second  ${'漢字'.repeat(10)}`]);
});

test('a long name leaves room for what is said of it; where there is none, the marked one says it below', () => {
  const label = 'a name that takes the whole of a narrow terminal';
  const { list } = open([{ label, description: 'why' }]);
  expect(seen(list, 80)).toEqual([`→ ${label.slice(0, 45)}…  why`.replace(/ …/, '…'), `  ${label}`]);
  expect(seen(list, 24)[0]).toMatch(/^→ a name that takes.*…$/);
  expect(seen(list, 24).join(' ')).toContain('why');
});

test('the mark goes round by steps, and stops at the ends by pages', () => {
  const { list, chosen } = open(
    Array.from({ length: 12 }, (_, index) => ({ label: `${index + 1}` })),
    5,
  );
  list.handleInput(UP);
  expect(list.marked?.label).toBe('12');
  list.handleInput(PAGE_DOWN);
  expect(list.marked?.label).toBe('12');
  list.handleInput(DOWN);
  list.handleInput(PAGE_DOWN);
  expect(seen(list, 40)).toEqual(['  4', '  5', '→ 6', '  7', '  8', '  6 of 12']);
  list.narrow([]);
  list.handleInput('\r');
  expect(seen(list, 40)).toEqual(['  nothing is called so']);
  expect(chosen).toEqual([]);
});
