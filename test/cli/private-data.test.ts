import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';

const run = promisify(execFile);
const BIN = join(import.meta.dirname, '../../bin/dash.js');

/** Two directories whose packages have one name: `keep` writes into the private directory, `look` reads from it. */
async function world() {
  const root = await mkdtemp(join(await realpath(tmpdir()), 'dash-private-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  for (const dir of ['one', 'two', 'home']) await mkdir(join(root, dir));
  for (const dir of ['one', 'two']) {
    await writeFile(join(root, dir, 'package.json'), JSON.stringify({ name: 'same', version: '1.0.0', dash: { extensions: ['./index.js'] } }));
    await writeFile(
      join(root, dir, 'index.js'),
      `const { readFileSync, writeFileSync } = require('fs'); const { join } = require('path'); const { getAgentDir } = require('@earendil-works/pi-coding-agent');
       const file = () => join(getAgentDir(), 'token');
       module.exports = (pi) => {
         pi.registerTool({ name: 'keep', description: 'd', execute: async () => { writeFileSync(file(), 'secret'); return { content: [] }; } });
         pi.registerTool({ name: 'look', description: 'd', execute: async () => ({ content: [{ type: 'text', text: readFileSync(file(), 'utf8') }] }) });
       };`,
    );
  }
  const dash = async (...args: readonly string[]): Promise<string> => {
    const environment = { PATH: process.env['PATH'], HOME: join(root, 'home'), DASH_HOME: join(root, 'home/.dash') };
    const { stdout } = await run(process.execPath, [BIN, ...args], { cwd: root, env: environment }).catch((error: { readonly stdout: string }) => error);
    return stdout;
  };
  return { root, dash };
}

test('what a package keeps is not there for another one of the same name', async () => {
  const { root, dash } = await world();
  await dash('install', './one');
  await dash('call', 'keep', '--package', 'same');
  expect(await dash('call', 'look', '--package', 'same')).toContain('secret');

  await dash('remove', 'same');
  await dash('install', './two');
  expect(await dash('call', 'look', '--package', 'same')).toContain('ENOENT');

  // `--purge` takes the data of this source; the first one's stays, as it was not purged when it was removed
  expect(await readdir(join(root, 'home/.dash/data'))).toHaveLength(2);
  await dash('remove', 'same', '--purge');
  expect(await readdir(join(root, 'home/.dash/data'))).toHaveLength(1);
  await dash('install', './one');
  expect(await dash('call', 'look', '--package', 'same')).toContain('secret');
});

test('a dry run of `remove` looks the names up and removes nothing', async () => {
  const { dash } = await world();
  await dash('install', './one');
  expect(await dash('remove', 'same', '--dry-run')).toBe('would remove same 1.0.0\n');
  expect(JSON.parse(await dash('remove', 'nothing', '--dry-run', '--json'))).toMatchObject({ error: { code: 'NOT_INSTALLED' } });
  expect(await dash('list')).toContain('same');
});
