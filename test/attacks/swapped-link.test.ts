import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { findProjectFiles, mayRead, readContextFiles } from '../../host/prompt/project-files.ts';

/** Puts a link to a key in the place of a file, and the file back, until it is ended. */
const SWAPPING = `
const fs = require('fs');
for (let times = 0; ; times += 1) {
  fs.symlinkSync('../.ssh/id_rsa', 'link');
  fs.renameSync('link', 'AGENTS.md');
  fs.writeFileSync('file', 'fine');
  fs.renameSync('file', 'AGENTS.md');
  if (times === 0) process.stdout.write('swapping');
}`;

test('a file of a trusted project that is swapped for a link while it is read gives no key away', async () => {
  const home = await realpath(await mkdtemp(join(tmpdir(), 'dash-swapped-')));
  onTestFinished(() => rm(home, { recursive: true, force: true }));
  const root = join(home, 'repo');
  await mkdir(join(root, '.git'), { recursive: true });
  await mkdir(join(home, '.ssh'));
  await Promise.all([writeFile(join(home, '.ssh/id_rsa'), 'a key'), writeFile(join(root, 'AGENTS.md'), 'fine')]);
  const project = await findProjectFiles({ cwd: root, home, dashHome: join(home, '.dash') });

  const program = spawn(process.execPath, ['-e', SWAPPING], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(program, 'exit');
  onTestFinished(async () => {
    program.kill('SIGKILL');
    await ended;
  });
  await once(program.stdout, 'data');

  // the control: looked at, and then read
  const path = join(root, 'AGENTS.md');
  let rounds = 0;
  for (let read = ''; read !== 'a key'; rounds += 1) read = (await mayRead(path, project)) ? await readFile(path, 'utf8') : '';

  const found = new Set<string>();
  for (let round = 0; round < Math.max(2_000, 5 * rounds); round += 1) for (const { content } of await readContextFiles(project)) found.add(content);
  expect([...found].filter((content) => content !== 'fine')).toEqual([]);
});
