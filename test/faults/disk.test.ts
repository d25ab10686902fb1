import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, describe, expect, it, onTestFinished } from 'vitest';

import { startNpmRegistry } from '../support/npm-registry.ts';
import { assertInvariant, assertLoads, stateOf, surroundingsOf } from './invariant.ts';
import { done, makeSite, type Site, siteAt, startFixtureRegistry } from './site.ts';

const tmpfs = mountTmpfs('4m');
const why = tmpfs === undefined ? ' (skipped: this user may not mount)' : '';
const GRANT = ['--grant', 'summary'];

describe.skipIf(tmpfs === undefined)(`a home on a file system of 4 MB${why}`, () => {
  it.each([
    ['while it unpacks', 80],
    ['while it commits', 64],
  ])('ends an install %s with its name, keeps the old state, and is forgotten once there is space', async (_, files) => {
    const site = await onTmpfs(await bulkyRegistry(files));
    await done(site, 'install', 'npm:small', ...GRANT);
    const [before, surroundings] = [await stateOf(site), surroundingsOf(site)];
    const { exitCode, stdout } = await site.dash('install', 'npm:large', ...GRANT);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'DISK_FULL', hint: expect.stringContaining('free some space') } });
    expect(await stateOf(site)).toEqual(before);
    // there is space: nothing of the large one is left
    await done(site, 'install', 'npm:roomy', ...GRANT);
    const after = await stateOf(site);
    await done(site, 'remove', 'roomy');
    await assertInvariant(site, {
      before: await stateOf(site),
      after,
      surroundings,
      exitCode,
      output: '"code": "DISK_FULL"',
      args: ['install', 'npm:roomy', ...GRANT],
    });
  });

  it('that has no byte left is DISK_FULL for every command that changes something, and everything still loads', async () => {
    const site = await onTmpfs(await bulkyRegistry(16));
    await done(site, 'install', 'npm:small', ...GRANT);
    const before = await stateOf(site);
    const filler = join(site.dashHome, 'filler');
    spawnSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=1k']);
    for (const args of [['install', 'npm:roomy', ...GRANT], ['remove', 'small'], ['gc']]) {
      const { exitCode, stdout } = await site.dash(...args);
      expect(JSON.parse(stdout), args.join(' ')).toMatchObject({ error: { code: 'DISK_FULL' } });
      expect(exitCode).toBe(9);
    }
    expect(await stateOf(site)).toEqual(before);
    await assertLoads(site);
    spawnSync('rm', [filler]);
    await done(site, 'install', 'npm:roomy', ...GRANT);
    await assertLoads(site);
  });

  it('that is read only is read, and refuses what would write', async () => {
    const registry = await startFixtureRegistry();
    const site = await onTmpfs(registry.url);
    await done(site, 'install', 'npm:words', ...GRANT);
    const before = await stateOf(site);
    remount('ro');
    onTestFinished(() => remount('rw'));
    await done(site, 'list');
    await done(site, 'verify');
    for (const args of [
      ['install', 'npm:tool', ...GRANT],
      ['remove', 'words'],
    ]) {
      const { stdout } = await site.dash(...args);
      expect(JSON.parse(stdout), args.join(' ')).toMatchObject({
        error: { code: 'DISK_ERROR', message: expect.stringContaining('read-only'), hint: expect.any(String) },
      });
    }
    expect(await stateOf(site)).toEqual(before);
    remount('rw');
    await done(site, 'install', 'npm:tool', ...GRANT);
    await assertLoads(site);
  });
});

it('is said at once where no directory can be made', async () => {
  const registry = await startFixtureRegistry();
  const { root } = await makeSite(registry.url);
  const site = siteAt(root, { dashHome: '/proc/1/nope' });
  for (const args of [['install', 'npm:words', ...GRANT], ['gc'], ['update']]) {
    const { stdout } = await site.dash(...args);
    expect(JSON.parse(stdout), args.join(' ')).toMatchObject({ error: { code: 'DISK_ERROR', hint: expect.stringContaining('DASH_HOME') } });
  }
});

/** `small` always fits, `roomy` fits beside it, and `large` has so many files of 64 kB in a dependency that it does not. */
async function bulkyRegistry(files: number): Promise<string> {
  const filler = Array.from(
    { length: files },
    (_, at) => [`data/${at}.txt`, Buffer.from(crypto.getRandomValues(new Uint8Array(48_000))).toString('base64')] as const,
  );
  const skill = { manifest: { dash: { skills: ['skills/*'] } }, files: { 'skills/a/SKILL.md': '---\nname: a\ndescription: does a\n---\nDo.\n' } };
  const { url } = await startNpmRegistry(
    { name: 'small', ...skill },
    { name: 'large', ...skill, files: { ...skill.files, ...Object.fromEntries(filler) } },
    { name: 'roomy', ...skill, files: { ...skill.files, ...Object.fromEntries(filler.slice(0, 16)) } },
  );
  return url;
}

async function onTmpfs(registry: string): Promise<Site> {
  const { root } = await makeSite(registry);
  const dashHome = join(tmpfs ?? '', 'home');
  spawnSync('rm', ['-rf', dashHome]);
  await mkdir(dashHome);
  return siteAt(root, { dashHome });
}

function remount(mode: 'ro' | 'rw'): void {
  expect(spawnSync('mount', ['-o', `remount,${mode}`, tmpfs ?? '']).status).toBe(0);
}

/** `undefined` where this user may not mount. */
function mountTmpfs(size: string): string | undefined {
  const dir = mkdtempSync(join(tmpdir(), 'dash-full-'));
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', dir]).status !== 0) {
    rmdirSync(dir);
    return undefined;
  }
  afterAll(() => {
    spawnSync('umount', ['-l', dir]);
    rmdirSync(dir);
  });
  return dir;
}
