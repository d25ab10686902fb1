import { describe, expect, test } from 'vitest';
import { startDash } from '../../support/dash-in-terminal.ts';

const READY = /balanced/;

describe.each([{ columns: 80 }, { columns: 40 }])('at $columns columns', ({ columns }) => {
  const golden = (name: string): string => `./golden/${name}.${columns}.txt`;

  test('a prompt with a tool call is answered, and leaving gives the terminal back', async () => {
    await using dash = await startDash({
      columns,
      script: {
        turns: [
          {
            thinking: 'a file of two lines will do',
            text: '# A greeting\n\nI write **one** file with `write`:\n\n- two lines\n- no more',
            toolCalls: [{ name: 'write', arguments: { path: 'greeting.txt', content: 'hello\nworld\n' } }],
          },
          { text: 'It is there.' },
        ],
      },
    });
    await dash.shows(READY);
    await dash.type('write a greeting');
    await dash.press('Enter');
    await dash.shows('It is there.');
    await dash.hides('(esc stops)');
    await expect(await dash.golden()).toMatchFileSnapshot(golden('prompt'));
    await dash.press('C-d');
    await dash.shows(/ended with 0\n(?:.*\n)*?icanon$/m);
  });
});
