import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startCompletionsServer, type WireAnswer } from '../support/completions-server.ts';
import { startDash } from '../support/dash-in-terminal.ts';

const READY = /balanced/;

describe.each([{ columns: 80 }, { columns: 40 }])('at $columns columns', ({ columns }) => {
  const golden = (name: string): string => `./golden/${name}.${columns}.txt`;
  /** Dash with models that a server on loopback speaks for. */
  const withServer = async (answers: readonly WireAnswer[], ids: readonly string[] = ['qwen']) => {
    const server = await startCompletionsServer(answers);
    onTestFinished(() => server[Symbol.asyncDispose]());
    const models = ids.map((id) => ({ id, contextWindow: 32_000 }));
    const home = { 'models.json': JSON.stringify({ providers: [{ id: 'local', baseUrl: server.baseUrl, api: 'openai-completions', models }] }) };
    return startDash({ columns, home });
  };

  test('a first start without a key says how to get a model', async () => {
    await using dash = await startDash({ columns });
    await dash.shows(READY);
    await expect(await dash.golden()).toMatchFileSnapshot(golden('first-run'));
    await dash.type('hello');
    await dash.press('Enter');
    await dash.shows('no model is chosen');
    // What could not be sent stays where it was typed.
    expect(await dash.screen()).toMatch(/^ hello/m);
  });

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

  test('what is typed while the agent works steers it or follows, and can be taken back', async () => {
    const release = Promise.withResolvers<void>();
    await using dash = await withServer([
      { text: 'I am counting the files now.', pause: { after: 3, until: release.promise } },
      { text: 'Steered.' },
      { text: 'Followed.' },
    ]);
    await dash.shows(READY);
    await dash.type('count the files');
    await dash.press('Enter');
    await dash.shows('I am');
    await dash.type('only those in src');
    await dash.press('Enter');
    await dash.shows('steers: only those in src');
    await dash.type('then tell me the largest');
    await dash.press('M-Enter');
    await dash.shows('follows: then tell me the largest');
    await expect(await dash.golden()).toMatchFileSnapshot(golden('steer'));
    await dash.press('M-Up');
    await dash.hides('steers:');
    await dash.press('Enter');
    await dash.shows(/steers: only those in src …/);
    release.resolve();
    await dash.shows('Steered.');
    await dash.hides('(esc stops)');
  });

  test('escape stops the agent, and what waited is in the editor again', async () => {
    await using dash = await withServer([{ text: 'This takes long.', hang: true }]);
    await dash.shows(READY);
    await dash.type('begin');
    await dash.press('Enter');
    await dash.shows('working');
    await dash.type('and go on');
    await dash.press('Enter');
    await dash.shows('steers: and go on');
    await dash.press('Escape');
    await dash.shows('stopped');
    await dash.hides('working');
    await expect(await dash.golden()).toMatchFileSnapshot(golden('abort'));
  });

  test('escape twice goes back in the session, and what is said there is another branch', async () => {
    await using dash = await startDash({ columns, script: { turns: [{ text: 'One.' }, { text: 'Two.' }, { text: 'Three.' }] } });
    await dash.shows(READY);
    for (const [said, answer] of [
      ['first', 'One.'],
      ['second', 'Two.'],
    ] as const) {
      await dash.type(said);
      await dash.press('Enter');
      await dash.shows(answer);
      await dash.hides('working');
    }
    await dash.press('Escape', 'Escape');
    await dash.shows('go to which place?');
    await dash.type('second');
    await dash.shows(/› second/);
    await dash.hides(/first[^]*› second[^]*first/);
    await expect(await dash.golden()).toMatchFileSnapshot(golden('tree-panel'));
    await dash.press('Enter');
    await dash.shows('leave it there');
    await dash.press('Enter');
    await dash.hides('Two.');
    await dash.shows(/^ second/m);
    await dash.type(' thoughts');
    await dash.press('Enter');
    await dash.shows('Three.');
    await dash.hides('working');
    await expect(await dash.golden()).toMatchFileSnapshot(golden('tree'));
  });

  test('places of a session are labelled, found by their labels, and filtered by what they are', async () => {
    await using dash = await startDash({
      columns,
      script: {
        turns: [{ text: 'I look.', toolCalls: [{ name: 'read', arguments: { path: 'a.txt' } }] }, { text: 'It says hello.' }, { text: 'Two.' }],
      },
      files: { 'a.txt': 'hello' },
    });
    await dash.shows(READY);
    for (const [said, answer] of [
      ['first', 'It says hello.'],
      ['second', 'Two.'],
    ] as const) {
      await dash.type(said);
      await dash.press('Enter');
      await dash.shows(answer);
      await dash.hides('working');
    }
    await dash.press('Escape', 'Escape');
    await dash.shows(/· \[read: a\.txt\]/);
    await dash.type('says');
    await dash.shows('1 of 1');
    await dash.press('L');
    await dash.shows('label (empty');
    await dash.type('checkpoint');
    await dash.press('Enter');
    await dash.shows('[checkpoint] It says hello.');
    await dash.press('Escape'); // the search, and the panel stays
    await dash.shows('of 6');
    await expect(await dash.golden()).toMatchFileSnapshot(golden('tree-labels'));
    await dash.press('C-t');
    await dash.hides('[read');
    await dash.press('C-l');
    await dash.shows('1 of 1 · what has a label');
    await dash.press('C-u');
    await dash.shows('of 2 · what you said');
    await dash.press('C-a');
    await dash.shows('[label: checkpoint]');
    await dash.press('C-d');
    await dash.shows(/of 6$/m);
    await dash.press('C-l', 'T');
    await dash.shows(/\[checkpoint\] \d{4}-\d\d-\d\d \d\d:\d\d/);
    await dash.press('L');
    await dash.shows('label (empty');
    await dash.press('C-u', 'Enter');
    await dash.shows('nothing like that');
    await dash.press('Escape');
    await dash.hides('go to which place?');
  });

  test('a fork goes on in a session of its own', async () => {
    await using dash = await startDash({ columns, script: { turns: [{ text: 'One.' }, { text: 'Other.' }] } });
    await dash.shows(READY);
    await dash.type('first');
    await dash.press('Enter');
    await dash.shows('One.');
    await dash.hides('working');
    await dash.type('/fork');
    await dash.press('Enter');
    await dash.shows('go on from before');
    await dash.press('Enter');
    await dash.hides('One.');
    await dash.shows(/^ first/m);
    await dash.press('Enter');
    await dash.shows('Other.');
    await dash.hides('working');
    await expect(await dash.golden()).toMatchFileSnapshot(golden('fork'));
    expect(await dash.run('session', 'list')).toMatch(/first[^]*first/);
  });

  test('another model is chosen from a list, or the next one by a key', async () => {
    await using dash = await withServer([{ text: 'Hello.' }], ['qwen', 'llama', 'mistral']);
    await dash.shows(/qwen/);
    await dash.press('C-l');
    await dash.shows('which model?');
    await dash.type('mis');
    await dash.hides('local/llama');
    await expect(await dash.golden()).toMatchFileSnapshot(golden('model-panel'));
    await dash.press('Enter');
    await dash.hides('which model?');
    await dash.shows(/project · mistral/);
    await dash.press('C-p');
    await dash.shows(/project · qwen/);
  });

  test('a package that breaks goes on with its last good build, and the footer says where', async () => {
    const weather = (body: string): string =>
      `export default function (dash) {\n  dash.registerCommand('weather', { handler: async (_, ctx) => ctx.ui.notify('${body}') });\n}\n`;
    await using dash = await startDash({
      columns,
      script: { turns: [{ text: 'Hello.' }] },
      files: {
        'weather/package.json': JSON.stringify({ name: 'weather', version: '1.0.0', keywords: ['pi-package'], pi: { extensions: ['./index.ts'] } }),
        'weather/index.ts': weather('sunny'),
      },
      before: ({ run }) => run('install', './weather', '--yes', '--grant', 'summary'),
    });
    await dash.shows(READY);
    await dash.type('/weather');
    await dash.press('Enter');
    await dash.shows('sunny');
    await writeFile(join(dash.project, 'weather', 'index.ts'), `${weather('rainy')}}\n`);
    await dash.type('/reload');
    await dash.press('Enter');
    await dash.shows('last good build');
    await dash.shows(/error\s+in\s+index\.ts:4\s*$/);
    await expect(await dash.golden()).toMatchFileSnapshot(golden('reload'));
    await dash.type('/weather');
    await dash.press('Enter');
    await dash.shows(/sunny[^]*sunny/);
  });
});

test('what was denied is said where it happened, and counted in the footer', async () => {
  await using dash = await startDash({
    columns: 80,
    script: { turns: [{ toolCalls: [{ name: 'write', arguments: { path: 'closed/a.txt', content: 'a' } }] }, { text: 'It was not allowed.' }] },
    home: { 'settings.json': JSON.stringify({ permissions: { deny: ['fs:write:./closed/**'] } }) },
  });
  await dash.shows(READY);
  expect(await dash.screen()).not.toContain('denied');
  await dash.type('write it');
  await dash.press('Enter');
  await dash.shows('It was not allowed.');
  expect(await dash.shows(/ · 1 denied/)).toMatch(/not allowed: write/);
});
