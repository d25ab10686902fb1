import { Markdown } from '@earendil-works/pi-tui';
import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import { fenced } from '../../host/modes/acp/show-tool.ts';
import { AnswerBlock } from '../../host/modes/interactive/blocks/answer-block.ts';
import { Painter } from '../../host/modes/interactive/painter.ts';
import { StreamTerminal } from '../../host/modes/interactive/terminal.ts';
import { Palette } from '../../host/modes/interactive/theme.ts';
import { firstTheme } from '../../host/modes/interactive/themes.ts';
import { SmallTerminal } from '../support/small-terminal.ts';

/** A model says what it is told to say, and a session that holds it is opened again: neither may end the screen. */
const palette = new Palette(firstTheme(), 'full');
const MANY = 200_000;

describe('text of anybody', () => {
  test.each(['> ', '- ', '1. '])('that nests `%s` deeper than a parser has a stack for is shown as it was written', (mark) => {
    const text = `${mark.repeat(5_000)}the end`;
    expect(() => new Markdown(text, 1, 0, palette.markdown).render(80)).toThrow(RangeError);
    const block = new AnswerBlock(palette);
    block.setText(text, false);
    const shown = block.render(80).map((line) => stripVTControlCharacters(line));
    expect(shown.join(' ').replaceAll(/\s+/g, ' ').trim()).toBe(text);
    expect(shown.every((line) => line.length <= 80)).toBe(true);
  });

  test('is fenced however often a backtick stands in it', () => {
    const text = '`a'.repeat(MANY);
    expect(() => Math.max(...Array.from(text.matchAll(/`+/g), ([run]) => run.length))).toThrow(RangeError);
    expect(fenced(text)).toBe(`\`\`\`\n${text}\n\`\`\``);
    expect(fenced('a ```` b')).toMatch(/^`````\n/);
  });

  test('is painted however many lines it has', () => {
    const output = new SmallTerminal(20, 5);
    const terminal = new StreamTerminal({ input: new PassThrough(), output, lost: () => undefined });
    const lines = Array.from({ length: MANY }, (_, index) => `line ${index}`);
    const painter = new Painter(terminal, { components: () => [{ render: () => lines, invalidate: () => undefined }], focused: undefined });
    painter.start();
    try {
      painter.renderNow(true);
      expect(output.screen).toContain(`line ${MANY - 1}`);
    } finally {
      painter.stop();
    }
  });
});
