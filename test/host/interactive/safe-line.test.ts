import { visibleWidth } from '@earendil-works/pi-tui';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { safeLine } from '../../../host/modes/interactive/safe-line.ts';

const ESC = '\u001B';

test.each([
  ['colours stay', `${ESC}[1;38;2;1;2;3mred${ESC}[0m`, `${ESC}[1;38;2;1;2;3mred${ESC}[0m${ESC}[0m`],
  ['moving the cursor', `a${ESC}[2J${ESC}[Hb`, 'ab'],
  ['a title', `${ESC}]0;owned\u0007a`, 'a'],
  ['the clipboard', `${ESC}]52;c;aGk=${ESC}\\a`, 'a'],
  ['a string without an end', `a${ESC}]0;owned`, 'a'],
  ['eight-bit control sequences', 'a\u009B2Jb\u009D0;x\u009Cc', 'abc'],
  ['a reset of the terminal', `${ESC}cabc`, 'abc'],
  ['what rings and what goes back', 'a\u0007b\bc\rd\ne', 'abcde'],
  ['what turns text around', 'a\u202Eb\u2066c', 'abc'],
  ['what nobody sees', 'a\u200Bb\u{E0041}c\uFEFF', 'abc'],
  ['a tab', 'a\tb', 'a   b'],
  ['an unpaired surrogate', 'a\uD800b', 'ab'],
  ['a joined emoji stays', '👩‍💻', '👩‍💻'],
])('%s', (_, line, expected) => {
  expect(safeLine(line, 80)).toBe(expected);
});

test('a link stays where its text shows the host that it leads to', () => {
  const link = (address: string, text: string): string => `${ESC}]8;;${address}${ESC}\\${text}${ESC}]8;;${ESC}\\`;
  expect(safeLine(link('https://example.com/a', 'example.com/a'), 80)).toContain('https://example.com/a');
  expect(safeLine(link('https://evil.example/a', 'https://bank.example'), 80)).not.toContain('evil');
  expect(safeLine(link('file:///etc/passwd', '/etc/passwd'), 80)).toBe('/etc/passwd');
  expect(safeLine(link('https://bank.example@evil.example', 'bank.example evil.example'), 80)).not.toContain(']8;;h');
});

const piece = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom('漢字', 'ｆｕｌｌ', '👨‍👩‍👧‍👦', '🇩🇪', 'e\u0301', 'ก็', '\t', '\u200D', '❤️', '한글', 'नि'),
  fc.constantFrom(
    `${ESC}[31m`,
    `${ESC}[0m`,
    `${ESC}[2K`,
    `${ESC}]8;;https://a.b${ESC}\\a.b${ESC}]8;;${ESC}\\`,
    `${ESC}]0;t\u0007`,
    `${ESC}P`,
    ESC,
    '\u009B',
    `${ESC}[`,
  ),
);

test.each([
  ['https://github.co/login', 'https://github.com/login'],
  ['https://github.co/login', 'github.com'],
  ['https://evil.example', 'https://bank.example/?to=evil.example'],
  ['https://evil.example', 'bank.example/evil.example'],
  ['https://evil.example', 'https://evil.example@bank.example'],
  ['https://evil.example', 'evil.example@bank.example'],
  ['https://evil.example', 'https://not-evil.example'],
  ['https://evil.example', 'https://bank.example/://evil.example'],
])('a link to %s does not stay where it reads as another one: %s', (address, text) => {
  expect(safeLine(`${ESC}]8;;${address}${ESC}\\${text}${ESC}]8;;${ESC}\\`, 80)).toBe(text);
});

test.each(['example.com', 'see (https://example.com/a), as ever', 'at example.com.', '<example.com>', 'https://EXAMPLE.com'])(
  'and does where it is named: %s',
  (text) => {
    expect(safeLine(`${ESC}]8;;https://example.com/a${ESC}\\${text}${ESC}]8;;${ESC}\\`, 80)).toContain('https://example.com/a');
  },
);

test('no line is wider than the terminal, and nothing but colours and links reaches it', () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), fc.integer({ min: 1, max: 120 }), (pieces, width) => {
      const line = safeLine(pieces.join(''), width);
      expect(visibleWidth(line)).toBeLessThanOrEqual(width);
      const rest = line.replaceAll(/\u001B\[[\d;:]*m|\u001B\]8;;[^\u001B]*\u001B\\/g, '');
      expect(rest).not.toMatch(/(?!\u200D)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
    }),
    { numRuns: 2000 },
  );
});
