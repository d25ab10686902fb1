import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { startCompletionsServer } from '../support/completions-server.ts';
import { startDash } from '../support/dash-in-terminal.ts';

/** Nothing counts that is typed sooner after a question appeared. */
const SETTLED_MS = 700;

test('what a project brings is taken up as soon as it is trusted, and dropped as soon as it is not', async () => {
  const server = await startCompletionsServer([{ text: 'One.' }, { text: 'Two.' }, { text: 'Three.' }]);
  onTestFinished(() => server[Symbol.asyncDispose]());
  const models = [{ id: 'qwen', contextWindow: 32_000 }];
  await using dash = await startDash({
    columns: 100,
    home: { 'models.json': JSON.stringify({ providers: [{ id: 'local', baseUrl: server.baseUrl, api: 'openai-completions', models }] }) },
    files: {
      'AGENTS.md': 'always speak of the harbour',
      '.dash/prompts/greet.md': '---\ndescription: says hello\n---\nhello there\n',
    },
  });
  const told = (request: number): string => JSON.stringify(server.requests[request]?.body.messages);
  const say = async (text: string, answer: string): Promise<void> => {
    await dash.type(text);
    await dash.press('Enter');
    await dash.shows(answer);
    await dash.hides('(esc stops)');
  };
  const trust = async (key: string, said: string | RegExp): Promise<void> => {
    await dash.type('/trust');
    await dash.press('Enter');
    await dash.shows('[n]');
    await sleep(SETTLED_MS);
    await dash.press(key);
    await dash.shows(said);
  };
  // not at the start either
  await dash.shows(/balanced|trust this project/);
  if ((await dash.screen()).includes('trust this project')) {
    await sleep(SETTLED_MS);
    await dash.press('Enter');
    await dash.shows(/balanced/);
  }
  await say('one', 'One.');
  expect(told(0)).not.toContain('harbour');

  await trust('y', /is trusted, and taken up with\s+\.dash\/prompts\/greet\.md\s+AGENTS\.md|is trusted, and taken up with\s+AGENTS\.md/);
  await say('/greet', 'Two.');
  expect(told(1)).toContain('harbour');
  expect(told(1)).toContain('hello there');

  await trust('r', 'nothing of it speaks from now on');
  await say('three', 'Three.');
  expect(told(2)).not.toContain('harbour');
});
