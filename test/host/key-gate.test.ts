import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { createKeyGate, createKeyJudge, settledKeys } from '../../host/modes/key-gate.ts';

const KEYS = ['n', 'o', 's'];

describe('keys while a question is open', () => {
  test.each<[string, readonly [number, string][], string | undefined]>([
    ['one letter after half a second counts', [[500, 'o']], 'o'],
    ['in capitals, too', [[600, 'O']], 'o'],
    ['typed before anybody could read it, it does not', [[499, 'o']], undefined],
    ['typed in a stream of keys, it does not', [[300, 'h'], [700, 'e'], [1100, 'o']], undefined], // prettier-ignore
    ['after the stream has ended, it does', [[300, 'h'], [700, 'e'], [1200, 'o']], 'o'], // prettier-ignore
    ['several at once are a paste', [[900, 'oo']], undefined],
    ['a bracketed paste of one letter', [[900, '\u001B[200~o\u001B[201~']], undefined],
    ['what follows a paste at once', [[900, '\u001B[200~yes'], [910, 'o']], undefined], // prettier-ignore
    ['a letter that stands for nothing', [[900, 'y']], undefined],
    ['a letter that looks like one', [[900, 'о']], undefined],
    ['an arrow', [[900, '\u001B[A']], undefined],
  ])('%s', (_, typed, answer) => {
    let now = 0;
    const judge = createKeyJudge(KEYS, () => now);
    const answers = typed.map(([at, keys]) => {
      now = at;
      return judge(keys);
    });
    expect(answers.find(({ kind }) => kind !== 'ignored')).toEqual(answer === undefined ? undefined : { kind: 'answered', key: answer });
  });

  test.each(['\r', '\n', '\u001B', '\u0003', '\u0004'])('%j dismisses the question', (key) => {
    let now = 0;
    const judge = createKeyJudge(KEYS, () => now);
    now = 500;
    expect(judge(key)).toEqual({ kind: 'dismissed' });
  });

  test('pass to nobody else, and before and after to everybody', async () => {
    let now = 0;
    const source = new PassThrough();
    using gate = createKeyGate(source, new PassThrough(), () => now);
    const heard: string[] = [];
    gate.input.on('data', (keys) => heard.push(String(keys)));
    source.write('before');
    await expect.poll(() => heard).toEqual(['before']);

    const answer = gate.ask(KEYS, new AbortController().signal);
    source.write('o');
    await expect.poll(() => source.readableLength).toBe(0);
    now = 1000;
    source.write('s');
    expect(await answer).toBe('s');
    source.write('after');
    await expect.poll(() => heard).toEqual(['before', 'after']);
  });

  test('an abort and the end of the input dismiss it', async () => {
    const source = new PassThrough();
    using gate = createKeyGate(source, new PassThrough());
    const controller = new AbortController();
    const aborted = gate.ask(KEYS, controller.signal);
    controller.abort();
    expect(await aborted).toBeUndefined();
    const ended = gate.ask(KEYS, new AbortController().signal);
    source.end();
    expect(await ended).toBeUndefined();
  });
});

test('a prompt that grants something gets keys that were pressed, not what was typed ahead or pasted', async () => {
  let now = 0;
  const source = new PassThrough();
  using settled = settledKeys(source, () => now);
  const heard: string[] = [];
  settled.keys.on('data', (keys) => heard.push(String(keys)));
  for (const [at, keys] of [
    [100, 'i'],
    [700, 'ii'],
    [1300, '\u001B[200~i\u001B[201~'],
    [1400, 'i'],
    [2000, 't'],
    [2100, 'i'],
  ] as const) {
    // prettier-ignore
    now = at;
    source.write(keys);
  }
  source.end();
  await expect.poll(() => settled.keys.readableEnded).toBe(true);
  expect(heard).toEqual(['t']);
});
