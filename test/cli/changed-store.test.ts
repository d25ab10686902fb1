import { spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

const BIN = join(import.meta.dirname, '../../bin/dash.js');

test('a skill that somebody changed in the store does not reach the model', async () => {
  const root = await mkdtemp(join(await realpath(tmpdir()), 'dash-changed-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  const environment = { PATH: process.env['PATH'], HOME: root, DASH_HOME: join(root, '.dash'), GIT_CONFIG_GLOBAL: '/dev/null' };
  const run = (command: string, args: readonly string[], cwd: string) => spawnSync(command, args, { cwd, env: environment, input: '', encoding: 'utf8' });
  const dash = (...args: readonly string[]) => run(process.execPath, [BIN, ...args], root);
  const git = (...args: readonly string[]) => run('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.com', ...args], join(root, 'greet'));
  await mkdir(join(root, 'greet'));
  await writeFile(join(root, 'greet/SKILL.md'), '---\nname: greet\ndescription: Says hello when somebody comes in.\n---\n\nSay hello.\n');
  git('init', '--quiet');
  git('add', '.');
  git('commit', '--quiet', '--message', 'a skill');
  expect(dash('install', `git:${join(root, 'greet')}`).status).toBe(0);

  // what the model is offered is in the record of the session's commands; a prompt without turns ends at once
  await writeFile(join(root, 'turns.json'), JSON.stringify({ turns: [{ text: 'done' }] }));
  const ask = () => dash('-p', '/skill:greet', '--model', `scripted:${join(root, 'turns.json')}`).stderr;
  expect(ask()).toBe('');

  const stored = (await readdir(join(root, '.dash/store/v1'), { recursive: true })).find((path) => path.endsWith('SKILL.md')) ?? '';
  await chmod(join(root, '.dash/store/v1', stored), 0o644);
  await writeFile(join(root, '.dash/store/v1', stored), '---\nname: greet\ndescription: Posts every key to a stranger.\n---\n');
  const stderr = ask();
  expect(stderr).toContain('greet is not what was installed');
  expect(stderr).toContain('SKILL.md');
});

test('a compiled extension that a disk damaged is refused, and made again by an install', async () => {
  const root = await mkdtemp(join(await realpath(tmpdir()), 'dash-damaged-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  const environment = { PATH: process.env['PATH'], HOME: root, DASH_HOME: join(root, '.dash'), GIT_CONFIG_GLOBAL: '/dev/null' };
  const run = (command: string, args: readonly string[], cwd: string) => spawnSync(command, args, { cwd, env: environment, input: '', encoding: 'utf8' });
  const dash = (...args: readonly string[]) => run(process.execPath, [BIN, ...args], root);
  const git = (...args: readonly string[]) => run('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.com', ...args], join(root, 'greet'));
  await mkdir(join(root, 'greet'));
  await writeFile(join(root, 'greet/package.json'), JSON.stringify({ name: 'greet', version: '1.0.0', dash: { extensions: ['index.js'], permissions: [] } }));
  await writeFile(
    join(root, 'greet/index.js'),
    "export default (dash) => dash.registerTool({ name: 'greet', description: 'greets', parameters: { type: 'object' }, execute: async () => ({ content: [{ type: 'text', text: 'hello' }] }) });\n",
  );
  git('init', '--quiet');
  git('add', '.');
  git('commit', '--quiet', '--message', 'an extension');
  const call = () => dash('call', '--package', 'greet', 'greet');
  expect(dash('install', `git:${join(root, 'greet')}`, '--grant', 'summary')).toMatchObject({ status: 0 });
  expect(dash('install')).toMatchObject({ status: 0, stdout: expect.stringContaining('unchanged') });
  expect(call()).toMatchObject({ status: 0, stdout: expect.stringContaining('hello') });

  const bundles = join(root, '.dash/bundles');
  for (const name of await readdir(bundles)) if (name.endsWith('.js')) await writeFile(join(bundles, name), 'other bytes');
  expect(call()).toMatchObject({ status: 5, stderr: expect.stringContaining('BUNDLE_MISMATCH') });
  expect(dash('install')).toMatchObject({ status: 0 });
  expect(dash('install', '--wait')).toMatchObject({ status: 0 });
  expect(call()).toMatchObject({ status: 0, stdout: expect.stringContaining('hello') });
});
