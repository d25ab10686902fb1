import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, watch } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { BIN } from '../../scripts/demo/stage.ts';
import { assertInvariant, stateOf, surroundingsOf } from './invariant.ts';
import { ACTIONS, copySite, done, makeSite, removeSite, type Site, startFixtureRegistry } from './site.ts';
import { IS_FULL, SEED } from './sweep.ts';

describe('Ctrl-C', () => {
  it.each(ACTIONS)('at random moments of $name leaves the old state or the new one', async (action) => {
    const registry = await startFixtureRegistry();
    const prepared = await makeSite(registry.url);
    await action.prepare(prepared, registry);
    const whole = await copySite(prepared);
    await done(whole, ...action.args);
    const [before, after] = [await stateOf(prepared), await stateOf(whole)];
    for (let at = 0; at < (IS_FULL ? 40 : 4); at++) {
      const site = await copySite(prepared);
      // the n-th time that something happens in the home: no clock, and another moment for every run
      const { exitCode, stdout } = await interrupted(site, action.args, 1 + ((at * 7 + SEED * 3) % 60));
      // killed by it only when it came while the process was ending
      expect([0, 130, 9, null]).toContain(exitCode);
      if (exitCode === 130) expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'INTERRUPTED' } });
      await assertInvariant(site, { before, after, surroundings: surroundingsOf(prepared), exitCode, output: stdout, args: action.args });
      await removeSite(site);
    }
  });
});

async function interrupted(
  { dashHome, workspace, env }: Site,
  args: readonly string[],
  event: number,
): Promise<{ readonly exitCode: number | null; readonly stdout: string }> {
  const child = spawn(process.execPath, [BIN, ...args, '--json'], { cwd: workspace, env, stdio: ['ignore', 'pipe', 'ignore'] });
  let stdout = '';
  child.stdout.on('data', (chunk) => (stdout += chunk));
  let seen = 0;
  const watchers = ['', 'state', 'store/v1', 'store/v1/tmp']
    .map((dir) => join(dashHome, dir))
    .filter((dir) => existsSync(dir))
    .map((dir) => watch(dir, { recursive: true }, () => ++seen === event && child.kill('SIGINT')));
  const [exitCode] = await once(child, 'close');
  for (const watcher of watchers) watcher.close();
  return { exitCode, stdout };
}
