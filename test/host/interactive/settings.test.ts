import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { runInteractive } from '../../../host/modes/interactive/index.ts';
import { ask, startTestHost } from '../../support/in-test-host.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

/** What a terminal of eighty columns was sent while the agent answered once. */
async function shown(settings: object, answer: string, keybindings: object = {}): Promise<string> {
  const dashHome = await temporaryDirectory();
  await writeFile(join(dashHome, 'keybindings.json'), JSON.stringify(keybindings));
  await writeFile(join(dashHome, 'settings.json'), JSON.stringify(settings));
  await using world = await startTestHost({ turns: [{ text: answer }] }, [], { dashHome }, { begin: false });
  const output = Object.assign(new PassThrough(), { columns: 80, rows: 40 });
  let text = '';
  output.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const left = new AbortController();
  const running = runInteractive(world.host, { input: new PassThrough(), output, env: { NO_COLOR: '1' }, signal: left.signal });
  await ask(world.host, 'go');
  await expect.poll(() => text, { timeout: 30_000 }).toContain('const a = 1');
  left.abort();
  await running;
  return text;
}

const CODE = 'see\n\n```js\nconst a = 1;\n```\n';
const PROGRESS = '\u001B]9;4;3';

it('a terminal is told that the agent works where the user wants that, and code is indented as they say', async () => {
  const usual = await shown({}, CODE);
  expect(usual).toMatch(/[^ ] {3}const a = 1;/);
  expect(usual).not.toContain(PROGRESS);
  const wanted = await shown({ terminal: { progress: true }, markdown: { codeBlockIndent: '      ' } }, CODE);
  expect(wanted).toMatch(/[^ ] {7}const a = 1;/);
  expect(wanted.indexOf(PROGRESS)).toBeGreaterThan(-1);
  expect(wanted.lastIndexOf('\u001B]9;4;0')).toBeGreaterThan(wanted.indexOf(PROGRESS));
});

it('what is wrong with a file of the user is a warning, and says so once', async () => {
  const text = await shown({}, CODE, { 'app.nowhere': 'f5' });
  expect(text).toContain('app.nowhere');
  expect(text.match(/warning: /g)).toHaveLength(1);
});
