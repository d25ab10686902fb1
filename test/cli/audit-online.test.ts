import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { BIN, run } from '../../scripts/demo/stage.ts';
import { startNpmRegistry } from '../support/npm-registry.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const DAY_MS = 86_400_000;

test('`dash audit --online` says of packages in a text since when they exist, and passes nothing it could not ask for', async () => {
  const base = await temporaryDirectory();
  const skill = join(base, 'tool');
  await mkdir(skill);
  const text = (names: string) => writeFile(join(skill, 'SKILL.md'), `---\nname: tool\ndescription: Uses a tool.\n---\n\nRun \`npm i ${names}\`.\n`);
  await text('old-thing');
  const registry = await startNpmRegistry(
    { name: 'old-thing', version: '1.0.0' },
    { name: 'old-thing', version: '1.1.0', time: new Date(Date.now() - DAY_MS).toISOString() },
    { name: 'fresh-thing', time: new Date(Date.now() - 2.5 * DAY_MS).toISOString() },
    { name: 'undated-thing', time: null },
  );
  const dash = async (...args: string[]) => {
    const env = { PATH: process.env['PATH'], HOME: base, DASH_HOME: join(base, '.dash') };
    const { stdout, exitCode } = await run(process.execPath, [BIN, 'audit', skill, ...args], { cwd: base, env });
    return { exitCode, stdout };
  };
  const audit = async (...args: string[]) => {
    const { exitCode, stdout } = await dash('--json', '--registry', registry.url, ...args);
    return { exitCode, ...JSON.parse(stdout) };
  };

  expect(await audit()).toMatchObject({ exitCode: 0, verdict: 'pass', notLookedUp: [{ registry: 'npm', name: 'old-thing', line: 6 }] });
  expect((await dash()).stdout).toContain('not looked up, whether they exist: npm:old-thing; `--online` asks the registry');
  expect(registry.requests).toEqual([]);
  expect(await audit('--online')).toMatchObject({ exitCode: 0, verdict: 'pass', notLookedUp: [], findings: [] });
  expect(registry.requests).toEqual(['GET /old-thing']);

  await text('fresh-thing nobodys-thing');
  expect(await audit('--online')).toMatchObject({
    exitCode: 6,
    verdict: 'fail',
    findings: [
      { rule: 'newborn-package', message: expect.stringMatching(/^installs `fresh-thing`, which exists since \d{4}-\d\d-\d\d \(2 days\)$/) },
      { rule: 'missing-package', message: expect.stringContaining('`nobodys-thing`') },
    ],
  });

  await text('undated-thing');
  expect(await audit('--online')).toMatchObject({ exitCode: 6, verdict: 'error', unread: [{ why: expect.stringContaining('does not say since when') }] });
  await text('unasked-thing');
  expect(await audit('--online', '--offline')).toMatchObject({ exitCode: 6, verdict: 'error' });
  registry.override('/unasked-thing', { status: 403, body: '{}' });
  expect(await audit('--online')).toMatchObject({ exitCode: 6, verdict: 'error', findings: [] });
});
