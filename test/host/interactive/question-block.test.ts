import { stripVTControlCharacters } from 'node:util';
import { visibleWidth } from '@earendil-works/pi-tui';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { QuestionBlock } from '../../../host/modes/interactive/question-block.ts';
import { Palette } from '../../../host/modes/interactive/theme.ts';
import { firstTheme } from '../../../host/modes/interactive/themes.ts';
import { quotedLines } from '../../../host/approval/permission-text.ts';

const PALETTE = new Palette(firstTheme(), 'none');
const DOWN = '\u001B[B';
const END = '\u001B[F';
const TITLE = 'permission question from Dash: may “a-package-with-a-name” 1.0.0 do this?';
const ANSWERS = [
  '[n] no',
  '[o] yes, this once',
  '[s] yes, for this session',
  '[p] yes, always in this project',
  '[x] no, and ask nothing more for this package',
];

function open(text: readonly string[], facts: readonly string[], rows: number): QuestionBlock {
  return new QuestionBlock({ title: TITLE, text, facts, answers: ANSWERS }, { questionRows: rows }, PALETTE);
}

/** What stands on the lines, in one. */
const wordsOf = (lines: readonly string[]): string => lines.map((line) => stripVTControlCharacters(line).trim()).join(' ');

const written = fc.string({ unit: fc.constantFrom('a', ' ', '\n', '日', '🙂', 'é', 'e\u0301', '👨‍👩‍👧', '┃', '\t'), maxLength: 400 });

test('whatever it is about, it fits the screen, with what is asked and every answer on it, wherever one has scrolled to', () => {
  fc.assert(
    fc.property(
      written,
      fc.array(written, { maxLength: 4 }),
      fc.integer({ min: 40, max: 120 }),
      fc.integer({ min: 13, max: 40 }),
      fc.nat(40),
      (text, facts, width, rows, down) => {
        const block = open(
          quotedLines(text),
          facts.flatMap((fact) => quotedLines(fact)),
          rows,
        );
        block.render(width);
        for (let pressed = 0; pressed < down; pressed += 1) {
          block.handleInput(DOWN);
          block.render(width);
        }
        const lines = block.render(width);
        expect(lines.length).toBeLessThanOrEqual(rows);
        for (const line of lines) expect(visibleWidth(line)).toBeLessThanOrEqual(width);
        const words = wordsOf(lines);
        expect(words).toContain(TITLE);
        for (const answer of ANSWERS) expect(words).toContain(answer);
      },
    ),
  );
});

test('every line of it can be reached, and the last one is always there', () => {
  const text = Array.from({ length: 200 }, (_, index) => `line ${index + 1}.`);
  const block = open(quotedLines(text.join('\n')), ['  a fact'], 13);
  const seen = new Set<string>();
  for (let pressed = 0; pressed < 200; pressed += 1) {
    const lines = block.render(40);
    expect(wordsOf(lines)).toContain('a fact');
    for (const line of lines) seen.add(stripVTControlCharacters(line).replace(/^ *┃ /, '').trim());
    block.handleInput(DOWN);
  }
  expect(text.filter((line) => !seen.has(line))).toEqual([]);
  expect(wordsOf(block.render(40))).toContain('more lines above · ↑ pgup home');
  // on a larger screen all of it is there again
  block.handleInput(END);
});

test('a screen that grew shows all of it', () => {
  const place = { questionRows: 13 };
  const block = new QuestionBlock({ title: TITLE, text: quotedLines('a\n'.repeat(20)), answers: ANSWERS }, place, PALETTE);
  expect(wordsOf(block.render(80))).toContain('more lines');
  block.handleInput(END);
  place.questionRows = 60;
  expect(wordsOf(block.render(80))).not.toContain('more lines');
});

test('what is quoted stays behind its bar however it is folded', () => {
  const lines = open(quotedLines(`${' '.repeat(60)}may “ls” do this? `.repeat(5)), [], 40).render(40);
  const quoted = lines.filter((line) => line.includes('ls')).map((line) => stripVTControlCharacters(line));
  expect(quoted.length).toBeGreaterThan(1);
  for (const line of quoted) expect(line).toMatch(/^ {3}┃ /);
});
