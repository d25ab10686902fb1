import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { BIN, environment, run } from '../../scripts/demo/stage.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

test('`dash doctor` says what is wrong in settings.json, where, and what is to be done', async () => {
  const home = await temporaryDirectory();
  const dashHome = join(home, '.dash');
  await mkdir(dashHome);
  const about = async (settings: object) => {
    await writeFile(join(dashHome, 'settings.json'), JSON.stringify(settings));
    const { stdout, exitCode } = await run(process.execPath, [BIN, 'doctor', '--offline', '--json'], { cwd: home, env: environment({ home, dashHome }) });
    const { checks }: { readonly checks: readonly { readonly id: string; readonly status: string; readonly message: string; readonly hint?: string }[] } =
      JSON.parse(stdout);
    return { exitCode, checks: checks.filter(({ id }) => id === 'settings') };
  };
  expect(await about({})).toMatchObject({ checks: [{ status: 'ok' }] });
  expect(await about({ permissions: { allow: ['exec'] }, thinkin: 'high' })).toMatchObject({
    exitCode: 1,
    checks: [
      { status: 'warning', message: '`thinkin` is not a setting of ours' },
      { status: 'failed', message: expect.stringContaining('`permissions.allow[0]` is no rule'), hint: expect.stringContaining('settings.json:1:') },
    ],
  });
  expect(await about({ permissions: { deny: ['exec'] } })).toMatchObject({
    exitCode: 1,
    checks: [
      { status: 'failed', message: expect.stringContaining('`permissions.deny[0]` is no rule'), hint: expect.stringContaining('nothing in the file counts') },
    ],
  });
});
