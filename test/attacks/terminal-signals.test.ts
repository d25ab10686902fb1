import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { extensionOf, isAlive, openFixture, until } from '../support/sandbox-fixture.ts';

/** A terminal sends Ctrl-C to the whole foreground group. A package that dies of it counts as one that crashed. */
const groupOf = (pid: number): number => Number(execFileSync('ps', ['-o', 'pgid=', '-p', String(pid)], { encoding: 'utf8' }));

test('a sandbox process is not in the group of the agent, and ends with its package all the same', async () => {
  await using fixture = await openFixture({ files: { 'index.ts': extensionOf({ sleep: `await new Promise(() => {})` }) } });
  await fixture.extension.wake();
  const pid = fixture.extension.pid ?? 0;
  expect(pid).toBeGreaterThan(0);
  expect(groupOf(pid)).toBe(pid);
  expect(groupOf(pid)).not.toBe(groupOf(process.pid));
  fixture.extension.kill();
  await until(async () => !(await isAlive(pid)));
});
