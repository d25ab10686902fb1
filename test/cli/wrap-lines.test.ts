import { visibleWidth } from '@earendil-works/pi-tui';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { wrapLines } from '../../cli/output/wrap-lines.ts';

it.each([
  ['short', 10, 'short'],
  ['  it will read ./a and ./b', 14, '  it will read\n    ./a and\n    ./b'],
  ['    reach a.example  [net:a.example]', 22, '    reach a.example\n      [net:a.example]'],
  ['one\n  two three four', 12, 'one\n  two three\n    four'],
  ['  \u001B[1mbold words\u001B[22m here', 12, '  \u001B[1mbold words\u001B[22m\n    here'],
  ['abcdefghijklmnopqrstuvwxyz', 16, 'abcdefghijklmnop\n  qrstuvwxyz'],
  ['  to read 語語語語語語語語', 16, '  to read\n    語語語語語語\n    語語'],
])('%j in %i columns is %j', (text, columns, wrapped) => {
  expect(wrapLines(text, columns)).toBe(wrapped);
});

it('loses nothing but spaces, fills no line beyond the width, and begins none that it makes in the first column', () => {
  const words = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', ' ', '—', '語', 'Ｗ', '👩‍🚀', 'e\u0301'), maxLength: 40 }), { maxLength: 6 });
  fc.assert(
    fc.property(words, fc.integer({ min: 14, max: 60 }), (parts, columns) => {
      const line = `x${parts.join(' ')}`;
      const [first = '', ...others] = wrapLines(line, columns).split('\n');
      expect([first, ...others].join('').replaceAll(' ', '')).toBe(line.replaceAll(' ', ''));
      for (const one of others) expect(one).toMatch(/^ {2}[^ ]/u);
      // a terminal breaks what is wider, and goes on in the first column
      for (const one of [first, ...others]) expect(visibleWidth(one)).toBeLessThanOrEqual(columns);
    }),
  );
});
