import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { runJson, runPrint } from '../../host/index.ts';
import { startTestHost } from '../support/in-test-host.ts';
import { says } from '../support/in-test-package.ts';

/** Text of packages and models on a terminal: OSC 52 writes the clipboard, CSI moves the cursor, bidi turns words round. */
const HOSTILE = 'seen \u001B]52;c;ZXZpbA==\u0007\u001B[2J\u009B31m\u202Eevil\u061C\u{E0041}';
const UNSAFE = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u061C\u202A-\u202E\u{E0000}-\u{E007F}]/u; // oxlint-disable-line no-control-regex -- what must not be there

async function shown(mode: 'print' | 'json', isTerminal: boolean): Promise<{ readonly output: string; readonly errors: string }> {
  await using world = await startTestHost({ turns: [{ toolCalls: [{ name: 'warn' }] }, { text: HOSTILE }] }, [
    {
      name: 'loud',
      granted: ['session:read'],
      extension: ({ ui }) => ({
        tools: {
          warn: () => {
            ui.notify(HOSTILE, 'warning');
            return says('warned');
          },
        },
        on: [
          [
            'turn_start',
            () => {
              throw new Error(HOSTILE);
            },
          ],
        ],
      }),
    },
  ]);
  const [output, errors] = [Object.assign(new PassThrough(), { isTTY: isTerminal }), new PassThrough()];
  const texts = Promise.all([text(output), text(errors)]);
  await (mode === 'print' ? runPrint : runJson)(world.host, { prompt: 'go', output, errors });
  output.end();
  errors.end();
  const [first, second] = await texts;
  return { output: first, errors: second };
}

test('control: the text is unsafe, and a pipe gets the answer as it is', async () => {
  expect(HOSTILE).toMatch(UNSAFE);
  expect((await shown('print', false)).output).toBe(`${HOSTILE}\n`);
});

test('on a terminal the answer cannot command it, and what goes to stderr never can', async () => {
  const { output, errors } = await shown('print', true);
  expect(output).toContain('seen');
  expect(output).not.toMatch(UNSAFE);
  expect(errors).toContain('seen');
  expect(errors).not.toMatch(UNSAFE);
});

test('nor can notices beside the records', async () => {
  const { errors } = await shown('json', false);
  expect(errors).toContain('seen');
  expect(errors).not.toMatch(UNSAFE);
});
