import { spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const DASH = join(import.meta.dirname, '../../bin/dash.js');
const EXTENSION = `export default (dash) => dash.registerCommand('greet', { description: 'greets', handler: () => undefined });`;

async function place() {
  const base = await temporaryDirectory();
  const [home, project] = [join(base, '.dash'), join(base, 'code/shop')];
  const write = async (path: string, text: string): Promise<void> => {
    await mkdir(join(base, path, '..'), { recursive: true });
    await writeFile(join(base, path), text);
  };
  await write('script.json', '{"turns": [{"text": "ok"}], "repeat": true}');
  await mkdir(join(project, '.git'), { recursive: true });
  const dashIn = (cwd: string, ...args: string[]): string => {
    const env = { PATH: process.env['PATH'], HOME: base, DASH_HOME: home };
    const { stdout, stderr, status } = spawnSync(process.execPath, [DASH, ...args], { cwd, env, encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
    return stdout + stderr;
  };
  const dash = (...args: string[]): string => dashIn(project, ...args);
  const asking = ['-p', 'hi', '--model', `scripted:${join(base, 'script.json')}`];
  const ask = (...args: string[]): string => dash(...asking, ...args);
  const askAtHome = (...args: string[]): string => dashIn(base, ...asking, ...args);
  return { home, project, write, dash, ask, askAtHome };
}

it('what lies in `extensions/` of the home runs once it was installed, linked, and is named until then', async () => {
  const { home, write, dash, ask } = await place();
  await write('.dash/extensions/greet.ts', EXTENSION);
  await write('.dash/extensions/part/index.ts', EXTENSION);
  await write('.dash/extensions/part/more.ts', 'export const more = 1;');
  expect(ask()).toContain(`2 extensions in ${join(home, 'extensions')} are not loaded: \`dash install ${join(home, 'extensions')}\` asks you about them`);
  expect(ask('--no-extensions')).toBe('ok\n');
  dash('install', join(home, 'extensions'));
  expect(ask()).toBe('ok\n');
  expect(dash('list')).toMatch(/-extensions +0\.0\.0 +2 extensions/);
});

it('is named once where the home is what one works in', async () => {
  const { home, write, askAtHome } = await place();
  await write('.dash/extensions/greet.ts', EXTENSION);
  const said = askAtHome('--trust-project');
  expect(said.match(/dash install[^`]*/g)).toEqual([`dash install ${join(home, 'extensions')}`]);
});

it('that of a project is named once the project is trusted, and stands beside the one of the home', async () => {
  const { home, write, dash, ask } = await place();
  await write('.dash/extensions/greet.ts', EXTENSION);
  await write('code/shop/.dash/extensions/greet.ts', EXTENSION);
  dash('install', join(home, 'extensions'));
  expect(ask()).toMatch(/^ok\ninfo: `\.dash\/extensions\/greet\.ts` of this project is not read/);
  expect(ask('--trust-project')).toContain('is not loaded: `dash install --local ./.dash/extensions` asks you about it');
  dash('install', '--local', './.dash/extensions');
  expect(dash('list')).toMatch(/shop-extensions.*project/);
  expect(
    dash('list')
      .split('\n')
      .filter((line) => line.includes('-extensions')),
  ).toHaveLength(2);
  expect(ask('--trust-project')).toBe('ok\n');
});
