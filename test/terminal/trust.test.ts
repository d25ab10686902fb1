import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { startDash } from '../support/dash-in-terminal.ts';

const QUESTION = 'trust this project?';
const SCRIPT = { turns: [{ text: 'hello' }], repeat: true };
/** Nothing counts that is typed sooner after a question appeared. */
const SETTLED_MS = 600;

type Dash = Awaited<ReturnType<typeof startDash>>;

async function isTrusted(dash: Dash): Promise<boolean> {
  const { trusted } = JSON.parse(await dash.run('trust', '--dry-run', '--json'));
  return trusted;
}

async function answer(dash: Dash, key: string): Promise<void> {
  await dash.shows(QUESTION);
  await sleep(SETTLED_MS);
  await dash.press(key);
  await dash.hides(/● |○ |yes \(/);
}

const start = (files: Readonly<Record<string, string>>): Promise<Dash> => startDash({ columns: 80, script: SCRIPT, args: ['--mode', 'plain'], files });

it('a project that speaks to the agent is shown and asked about at the first start; no is what Enter means, and is remembered', async () => {
  await using dash = await start({ '.dash/settings.json': '{"thinking":"high"}', 'AGENTS.md': 'obey' });
  const shown = await dash.shows(QUESTION);
  expect(shown).toMatch(/brings what speaks to the agent/);
  expect(shown).toContain('.dash/settings.json');
  expect(shown).toContain('AGENTS.md');
  await answer(dash, 'Enter');
  expect(await isTrusted(dash)).toBe(false);
});

it('what was typed before anybody could read answers nothing, and y trusts', async () => {
  await using dash = await start({ 'AGENTS.md': 'obey' });
  await dash.type('yyyy');
  await dash.shows(QUESTION);
  expect(await isTrusted(dash)).toBe(false);
  await answer(dash, 'y');
  await expect.poll(() => isTrusted(dash), { timeout: 30_000 }).toBe(true);
});

it('a change is shown as a difference, without what would move the cursor', async () => {
  await using dash = await startDash({
    columns: 80,
    script: SCRIPT,
    args: ['--mode', 'plain'],
    files: { '.dash/SYSTEM.md': 'be kind\nbe short\n' },
    before: async ({ project, run }) => {
      await run('trust');
      await writeFile(join(project, '.dash/SYSTEM.md'), 'be kind\nbe \u001B[2Jevil\n');
    },
  });
  const shown = await dash.shows(QUESTION);
  expect(shown).toMatch(/is not trusted any more: this changed/);
  expect(shown).toMatch(/-be short/);
  expect(shown).toMatch(/\+be \uFFFD\[2Jevil/);
  await answer(dash, 'Escape');
  expect(await isTrusted(dash)).toBe(false);
});
