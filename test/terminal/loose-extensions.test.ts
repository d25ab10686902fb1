import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { startDash } from '../support/dash-in-terminal.ts';

const QUESTION = 'load these extensions?';
/** Nothing counts that is typed sooner after a question appeared. */
const SETTLED_MS = 600;
const EXTENSION = `export default (dash) => dash.registerCommand('greet', { description: 'greets', handler: () => undefined });`;

/** Plain mode waits for a line. */
const READY = /^>/m;

type Dash = Awaited<ReturnType<typeof startDash>>;

const start = (DASH_HOME?: string): Promise<Dash> =>
  startDash({
    columns: 80,
    script: { turns: [{ text: 'hello' }], repeat: true },
    args: ['--mode', 'plain'],
    home: { 'extensions/greet.ts': EXTENSION },
    env: DASH_HOME === undefined ? {} : { DASH_HOME },
  });

async function answer(dash: Dash, key: string): Promise<void> {
  await dash.shows(QUESTION);
  await sleep(SETTLED_MS);
  await dash.press(key);
  await dash.hides(/● |○ |yes \(/);
}

it('extensions in the home are asked about at the first load, and run after a yes', async () => {
  await using dash = await start();
  expect(await dash.shows(QUESTION)).toContain('greet.ts');
  expect(await dash.run('list')).toContain('nothing is installed');
  await answer(dash, 'y');
  await expect.poll(() => dash.run('list'), { timeout: 30_000 }).toMatch(/1 extension/);
});

it('a no is what Enter means, and holds until something changes there', async () => {
  await using first = await start();
  await answer(first, 'Enter');
  await first.shows(READY);
  expect(await first.run('list')).toContain('nothing is installed');
  await using second = await start(first.home);
  expect(await second.shows(READY)).not.toContain(QUESTION);
  await writeFile(join(first.home, 'extensions/more.ts'), EXTENSION);
  await using third = await start(first.home);
  expect(await third.shows(QUESTION)).toContain('more.ts');
});
