import { visibleWidth } from '@earendil-works/pi-tui';
import fc from 'fast-check';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import { endOfPiece } from '../../../host/modes/interactive/blocks/answer-block.ts';
import { toolTitle } from '../../../host/modes/interactive/blocks/tool-title.ts';
import { Palette } from '../../../host/modes/interactive/theme.ts';
import { firstTheme } from '../../../host/modes/interactive/themes.ts';
import { Transcript } from '../../../host/modes/interactive/transcript.ts';
import type { AgentMessage } from '../../../host/loop/transcript.ts';

const NO_USAGE = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, totalTokens: 0, cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, total: 0 } };
const user = (text: string): AgentMessage => ({ role: 'user', content: text, timestamp: 1 });
const answer = (text: string): AgentMessage => ({
  role: 'assistant',
  content: [{ type: 'text', text }],
  api: 'a',
  provider: 'p',
  model: 'm',
  usage: NO_USAGE,
  stopReason: 'stop',
  timestamp: 1,
});
const palette = new Palette(firstTheme(), 'full');
const transcriptOf = (messages: readonly AgentMessage[]): Transcript => {
  const transcript = new Transcript(palette, () => undefined);
  for (const message of messages) {
    transcript.follow({ type: 'message_start', message });
    transcript.follow({ type: 'message_end', message });
  }
  return transcript;
};
const linesOf = (transcript: Transcript, width: number): string[] => transcript.parts.flatMap((part) => part.render(width));

const word = fc.oneof(
  fc.string({ unit: fc.constantFrom(...'abcdefgh'), minLength: 1, maxLength: 30 }),
  fc.constantFrom('漢字漢字', '👩‍💻', 'e\u0301e\u0301', 'ｗｉｄｅ', '🇩🇪'),
);

test('what people and models say is laid out, not cut: every word is there, and no line is too wide', () => {
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 40 }), fc.integer({ min: 8, max: 120 }), (words, width) => {
      const text = words.join(' ');
      for (const message of [user(text), answer(text)]) {
        const lines = linesOf(transcriptOf([message]), width);
        for (const line of lines) expect(visibleWidth(line)).toBeLessThanOrEqual(width);
        const shown = stripVTControlCharacters(lines.join('')).replaceAll(/[\s>]/g, '');
        expect(shown).toBe(words.join(''));
      }
    }),
    { numRuns: 150 },
  );
});

const markdown = fc.array(
  fc.constantFrom(
    'a paragraph of words',
    '# a heading',
    '- one\n- two\n  - nested',
    '1. first\n\n   more of it\n\n2. second',
    '```ts\nconst a = 1;\n\nconst b = 2;\n```',
    '~~~~\n```\nno end of it\n```\n~~~~',
    '> said\n>\n> by others',
    '| a | b |\n|---|---|\n| 1 | 2 |',
    '    code by its indentation',
    '---',
    '**bold',
  ),
  { minLength: 1, maxLength: 10 },
);

test('an answer that grows ends as it would have been drawn at once', () => {
  fc.assert(
    fc.property(markdown, fc.integer({ min: 1, max: 40 }), (blocks, step) => {
      const text = blocks.join('\n\n');
      const grown = new Transcript(palette, () => undefined);
      const start = answer('');
      grown.follow({ type: 'message_start', message: start });
      for (let end = step; end < text.length + step; end += step) {
        const message = answer(text.slice(0, end));
        if (message.role !== 'assistant') return;
        grown.follow({ type: 'message_update', message, assistantMessageEvent: { type: 'text_delta', contentIndex: 0, delta: '', partial: message } });
        linesOf(grown, 60);
      }
      grown.follow({ type: 'message_end', message: answer(text) });
      expect(linesOf(grown, 60)).toEqual(linesOf(transcriptOf([answer(text)]), 60));
    }),
    { numRuns: 150 },
  );
});

describe('where a piece of an answer ends', () => {
  test.each([
    ['one\n\ntwo\n', 5],
    ['one\n\n', undefined],
    ['one\n\ntwo', undefined],
    ['```\na\n\nb\n```\n\nafter\n', 14],
    ['```\na\n\nb\n', undefined],
    ['- a\n\n- b\n\nafter\n', 10],
    ['- a\n\n  more\n\nafter\n', 13],
  ] as const)('%j', (text, end) => {
    expect(endOfPiece(text, 0)).toBe(end);
  });
});

test('a call is told in one line, however long its arguments are', () => {
  expect(toolTitle('bash', { command: 'git status\ngit log' })).toEqual({ verb: 'bash', object: 'git status …' });
  expect(toolTitle('read', { path: 'a.ts', offset: 10, limit: 5 })).toEqual({ verb: 'read', object: 'a.ts:10-14' });
  expect(toolTitle('grep', { pattern: 'x', path: 'src' })).toEqual({ verb: 'grep', object: 'x in src' });
  expect(toolTitle('weather', { place: 'Lisbon' })).toEqual({ verb: 'weather', object: 'Lisbon' });
  expect(toolTitle('weather', { place: 'Lisbon', days: 2 })).toEqual({ verb: 'weather', object: '{"place":"Lisbon","days":2}' });
  expect(toolTitle('weather', {})).toEqual({ verb: 'weather', object: '' });
});

test('what is far above is forgotten, so that a day does not fill the memory', () => {
  const transcript = new Transcript(palette, () => undefined);
  for (let index = 0; index < 5000; index += 1) transcript.notice(`notice ${index}`, 'info');
  transcript.trim();
  expect(transcript.parts.length).toBeLessThanOrEqual(2000);
  expect(linesOf(transcript, 40).at(-1)).toContain('notice 4999');
});

test('a request that fails in passing is told once, with what is done about it', () => {
  const failed = { ...answer(''), stopReason: 'error', errorMessage: 'overloaded' } as AgentMessage;
  const transcript = transcriptOf([failed]);
  const shown = (): string => stripVTControlCharacters(linesOf(transcript, 60).join('\n'));
  expect(shown()).toContain('error: overloaded');
  transcript.follow({ type: 'auto_retry_start', attempt: 1, maxAttempts: 3, delayMs: 2000, errorMessage: 'overloaded' });
  expect(shown().split('overloaded')).toHaveLength(2);
  expect(shown()).toContain('again in 2 s');
});
