import { spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const DASH = join(import.meta.dirname, '../../bin/dash.js');
/** One pixel. */
const PNG = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');

async function place() {
  const base = await temporaryDirectory();
  await mkdir(join(base, 'work'));
  const write = (name: string, content: string | Buffer): Promise<void> => writeFile(join(base, 'work', name), content);
  await write('script.json', '{"turns": [{"text": "ok"}]}');
  const ask = (...words: string[]) => {
    const env = { PATH: process.env['PATH'], HOME: base, DASH_HOME: join(base, '.dash') };
    const { stdout, stderr, status } = spawnSync(process.execPath, [DASH, '--mode', 'json', '--model', 'scripted:script.json', ...words], {
      cwd: join(base, 'work'),
      env,
      encoding: 'utf8',
      input: '',
    });
    const events = stdout.split('\n').filter((line) => line !== '');
    const said = events.map((line) => JSON.parse(line)).find(({ type, message }) => type === 'message_end' && message.role === 'user');
    return { status, stderr, content: said?.message.content };
  };
  return { write, ask };
}

it('`@file` puts a text into the prompt and an image beside it, by what they are', async () => {
  const { write, ask } = await place();
  await write('notes.md', 'remember the milk');
  await write('photo.txt', PNG);
  const { status, content } = ask('what is this?', '@notes.md', '@photo.txt');
  expect(status).toBe(0);
  expect(content).toMatchObject([
    {
      type: 'text',
      text: expect.stringMatching(/^what is this\?\n\n<file path=".*notes\.md">\nremember the milk\n<\/file>\n\n<file path=".*photo\.txt">an image<\/file>$/),
    },
    { type: 'image', mimeType: 'image/png', data: PNG.toString('base64') },
  ]);
});

it('refuses what is neither, and what is not there', async () => {
  const { write, ask } = await place();
  await write('program', Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 0]));
  expect(ask('look', '@program')).toMatchObject({ status: 2, stderr: expect.stringContaining('is neither text nor an image') });
  expect(ask('look', '@nothing')).toMatchObject({ status: 2, stderr: expect.stringContaining('cannot be read') });
});
