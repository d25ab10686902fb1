import { existsSync } from 'node:fs';
import { appendFile, chmod, mkdir, readdir, readFile, rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { checkStore, collectGarbage, readInstalled, remove, rollback, verifyStore } from '../../registry/index.ts';
import { startNpmRegistry } from '../support/npm-registry.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { extensionPackage, makeSite, type Site } from './install-fixture.ts';

const USER = { kind: 'user' } as const;

/** Five generations: `pkg` in versions 1 to 5, each with another dependency. */
async function siteWithHistory(): Promise<Site> {
  const versions = [1, 2, 3, 4, 5];
  const registry = await startNpmRegistry(
    ...versions.flatMap((major) => [
      extensionPackage('pkg', { version: `${major}.0.0`, dependencies: { [`dep-${major}`]: '1' }, source: `// tool:v${major}\nexport default () => {};\n` }),
      { name: `dep-${major}`, version: '1.0.0', files: { 'index.js': `module.exports = ${major}` } },
    ]),
  );
  const site = await makeSite({ registry: registry.url });
  for (const major of versions) await site.install(`pkg@${major}.0.0`);
  return site;
}

const contextOf = ({ dashHome, workspace }: Site) => ({ dashHome, workspace, scope: USER });
const lockText = ({ dashHome }: Site) => readFile(join(dashHome, 'dash.lock'), 'utf8');

async function archivesIn({ dashHome }: Site): Promise<number> {
  const shelves = (await readdir(join(dashHome, 'store/v1'))).filter((name) => name === 'packs' || name.length === 2);
  return (await Promise.all(shelves.map((shelf) => readdir(join(dashHome, 'store/v1', shelf))))).flat().length;
}

async function generationsOf({ dashHome }: Site): Promise<string[]> {
  return (await readdir(join(dashHome, 'state/generations'))).toSorted();
}

describe('rollback', () => {
  it('goes back one generation, to a numbered one, and forward again, the lock with it', async () => {
    const site = await siteWithHistory();
    const newest = await lockText(site);
    expect(await rollback(contextOf(site))).toMatchObject({ from: 5, to: 4, packages: [{ version: '4.0.0' }] });
    expect(await site.installed()).toEqual({ pkg: '4.0.0' });
    expect(await lockText(site)).toContain('pkg@4.0.0');
    await verifyStore(contextOf(site));
    expect(await rollback(contextOf(site))).toMatchObject({ from: 4, to: 3 });
    expect(await rollback({ ...contextOf(site), number: 1 })).toMatchObject({ to: 1 });
    expect(await rollback({ ...contextOf(site), number: 5 })).toMatchObject({ to: 5 });
    expect(await lockText(site)).toBe(newest);
  });

  it('is followed by a generation with a number of its own', async () => {
    const site = await siteWithHistory();
    await rollback({ ...contextOf(site), number: 2 });
    await remove(['pkg'], contextOf(site));
    expect(await generationsOf(site)).toContain('6.json');
    expect(await rollback(contextOf(site))).toMatchObject({ from: 6, to: 5 });
  });

  it('changes nothing on a dry run', async () => {
    const site = await siteWithHistory();
    expect(await rollback({ ...contextOf(site), dryRun: true })).toMatchObject({ to: 4 });
    expect(await site.installed()).toEqual({ pkg: '5.0.0' });
  });

  it.each([
    ['a number that never was', 9],
    ['the one in force', 5],
  ])('refuses %s', async (_, number) => {
    const site = await siteWithHistory();
    await expect(rollback({ ...contextOf(site), number })).rejects.toMatchObject({ code: 'USAGE', hint: expect.any(String) });
    expect(await site.installed()).toEqual({ pkg: '5.0.0' });
  });

  it('refuses where nothing was ever installed', async () => {
    await expect(rollback(contextOf(await makeSite()))).rejects.toMatchObject({ code: 'USAGE' });
  });

  it('refuses a generation that was touched, and one whose files are gone', async () => {
    const site = await siteWithHistory();
    const path = join(site.dashHome, 'state/generations/4.json');
    await writeFile(path, (await readFile(path, 'utf8')).replace('"tool', '"toil').replace('v4', 'v9'));
    await expect(rollback(contextOf(site))).rejects.toMatchObject({ code: 'STORE_CORRUPT', where: { path } });
    const [pkg] = await readInstalled(site);
    await rollback({ ...contextOf(site), number: 3 });
    await rm(Object.values(pkg?.graph.nodes ?? {})[1]?.pack ?? '');
    await expect(rollback({ ...contextOf(site), number: 5 })).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
    expect(await site.installed()).toEqual({ pkg: '3.0.0' });
  });

  it('leads out of a state that cannot be read', async () => {
    const site = await siteWithHistory();
    await writeFile(join(site.dashHome, 'state/generations/5.json'), 'not this');
    await expect(readInstalled(site)).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
    expect(await rollback(contextOf(site))).toMatchObject({ from: undefined, to: 4 });
    expect(await site.installed()).toEqual({ pkg: '4.0.0' });
  });
});

describe('gc', () => {
  it('keeps the last three generations and what they name', async () => {
    const site = await siteWithHistory();
    expect(await archivesIn(site)).toBe(10);
    expect(await collectGarbage({ ...contextOf(site), dryRun: true })).toMatchObject({ removed: { generations: 2, archives: 4 } });
    expect(await archivesIn(site)).toBe(10);
    const report = await collectGarbage(contextOf(site));
    expect(report).toMatchObject({ removed: { generations: 2, archives: 4 }, kept: { generations: 3, archives: 6 } });
    expect(report.removed.bytes).toBeGreaterThan(0);
    expect(await generationsOf(site)).toEqual(['3.json', '4.json', '5.json']);
    expect(await archivesIn(site)).toBe(6);
    await rollback({ ...contextOf(site), number: 3 });
    await verifyStore(contextOf(site));
    expect(await collectGarbage(contextOf(site))).toMatchObject({ removed: { generations: 0, archives: 0, bytes: 0 } });
    await site.install('pkg@1.0.0');
    expect(await site.installed()).toEqual({ pkg: '1.0.0' });
  });

  it('keeps the one in force, however old', async () => {
    const site = await siteWithHistory();
    await rollback({ ...contextOf(site), number: 1 });
    await collectGarbage(contextOf(site));
    expect(await generationsOf(site)).toEqual(['1.json', '3.json', '4.json', '5.json']);
    await verifyStore(contextOf(site));
  });

  it('keeps what projects have', async () => {
    const site = await siteWithHistory();
    const project = await temporaryDirectory();
    await site.install('pkg@1.0.0', { scope: { kind: 'project', dir: project } });
    await collectGarbage(contextOf(site));
    await verifyStore({ ...contextOf(site), scope: { kind: 'project', dir: project } });
  });

  it('never takes what a living process has staged, and takes what a dead one left', async () => {
    const site = await siteWithHistory();
    const tmp = join(site.dashHome, 'store/v1/tmp');
    await mkdir(join(tmp, `${process.pid}-staged`, 'tree'), { recursive: true });
    await mkdir(join(tmp, '999999999-left', 'tree'), { recursive: true });
    expect(await checkStore(site.dashHome, [USER])).toContainEqual(expect.objectContaining({ id: 'staging', status: 'warning' }));
    await collectGarbage(contextOf(site));
    expect(await readdir(tmp)).toEqual([`${process.pid}-staged`]);
  });

  it('takes compiled files that nothing names, but not young ones', async () => {
    const site = await siteWithHistory();
    const dir = join(site.dashHome, 'bundles');
    await mkdir(dir, { recursive: true });
    for (const name of ['old.js', 'young.js']) await writeFile(join(dir, name), '');
    const notes = await readdir(join(dir, 'builds'));
    expect(notes).toHaveLength(5);
    for (const name of ['old.js', ...notes.map((note) => join('builds', note))]) await utimes(join(dir, name), 0, 0);
    expect((await collectGarbage(contextOf(site))).removed.bundles).toBe(3);
    expect((await readdir(dir)).filter((name) => !/^[0-9a-f]{64}\./.test(name)).toSorted()).toEqual(['builds', 'young.js']);
    expect(await readdir(join(dir, 'builds'))).toHaveLength(3);
  });

  it('refuses when it cannot know what is in force', async () => {
    const site = await siteWithHistory();
    await rm(join(site.dashHome, 'state/generations/5.json'));
    await expect(collectGarbage(contextOf(site))).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
    expect(await archivesIn(site)).toBe(10);
  });
});

describe('verify', () => {
  it('finds nothing wrong with what was just installed, nor with nothing', async () => {
    const site = await siteWithHistory();
    expect(await verifyStore(contextOf(site))).toEqual({ generation: 5, packages: 1, archives: 2, compiled: 1 });
    expect(await verifyStore(contextOf(await makeSite()))).toEqual({ generation: undefined, packages: 0, archives: 0, compiled: 0 });
  });

  it.each([
    ['a flipped bit', (path: string) => flip(path)],
    ['a missing file', (path: string) => rm(path)],
    ['an added file', (path: string) => writeFile(join(path, '../added.js'), '')],
    [
      'a link in the place of a file',
      async (path: string) => {
        await rm(path);
        await symlink('/etc/hostname', path);
      },
    ],
  ])('names the file of %s, and the next install brings it back', async (_, damage) => {
    const site = await siteWithHistory();
    const [pkg] = await readInstalled(site);
    const dir = pkg?.dir ?? '';
    await damage(join(dir, 'index.ts'));
    await expect(verifyStore(contextOf(site))).rejects.toMatchObject({ code: 'STORE_CORRUPT', where: { path: expect.stringContaining(dir) } });
    expect(await checkStore(site.dashHome, [USER])).toContainEqual(expect.objectContaining({ id: 'store', status: 'failed' }));
    await site.restore();
    await verifyStore(contextOf(site));
    expect((await readdir(dir)).toSorted()).toEqual(['index.ts', 'package.json']);
  });

  it.each([
    ['a flipped bit', (path: string) => flip(path)],
    ['a missing file', (path: string) => rm(path)],
    ['bytes that follow', (path: string) => chmod(path, 0o644).then(() => appendFile(path, 'more'))],
    [
      'a link in the place of a file',
      async (path: string) => {
        await rename(path, `${path}.moved`);
        await symlink(`${path}.moved`, path);
      },
    ],
  ])('finds %s in the pack of a dependency too', async (_, damage) => {
    const site = await siteWithHistory();
    const [pkg] = await readInstalled(site);
    const path = Object.values(pkg?.graph.nodes ?? {}).find(({ name }) => name === 'dep-5')?.pack ?? '';
    await damage(path);
    await expect(verifyStore(contextOf(site))).rejects.toMatchObject({ code: 'STORE_CORRUPT', where: { path } });
    await site.restore();
    await verifyStore(contextOf(site));
  });

  it.each([
    ['a flipped bit', 'js', (path: string) => flip(path)],
    ['a missing file', 'js', (path: string) => rm(path)],
    ['a flipped bit', 'map', (path: string) => flip(path)],
    ['a missing file', 'map', (path: string) => rm(path)],
  ])('names %s among what was compiled (.%s), and the next install compiles it again', async (_, kind, damage) => {
    const site = await siteWithHistory();
    await site.restore();
    const [pkg] = await readInstalled(site);
    const path = join(site.dashHome, 'bundles', `${pkg?.compiled.entries[0]?.code ?? ''}.${kind}`);
    await damage(path);
    await expect(verifyStore(contextOf(site))).rejects.toMatchObject({ code: 'STORE_CORRUPT', message: expect.stringContaining('`pkg`'), where: { path } });
    await site.restore();
    await verifyStore(contextOf(site));
  });

  it('makes the next install look at bytes that changed behind the clock', async () => {
    const site = await siteWithHistory();
    const [pkg] = await readInstalled(site);
    await flip(join(pkg?.dir ?? '', 'index.ts'));
    // as if a disk had rotten before the generation was written: nothing shows in the times
    const { ctimeMs } = await stat(join(pkg?.dir ?? '', 'index.ts'));
    await utimes(join(site.dashHome, 'state/generations/5.json'), new Date(), new Date(Math.ceil(ctimeMs)));
    expect((await site.restore()).unchanged).toHaveLength(1);
    await expect(verifyStore(contextOf(site))).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
    expect((await site.restore()).installed).toHaveLength(1);
    await verifyStore(contextOf(site));
  });

  it('is mended by a named install too', async () => {
    const site = await siteWithHistory();
    const [pkg] = await readInstalled(site);
    await flip(join(pkg?.dir ?? '', 'index.ts'));
    await site.install('pkg@5.0.0');
    await verifyStore(contextOf(site));
  });

  it('tells of a lock that is not the one in force, and of one that is gone', async () => {
    const site = await siteWithHistory();
    const path = join(site.dashHome, 'dash.lock');
    await writeFile(path, (await lockText(site)).replace('"files": 2', '"files": 3'));
    await expect(verifyStore(contextOf(site))).rejects.toMatchObject({ code: 'LOCK_TAMPERED', where: { path } });
    await rm(path);
    await expect(verifyStore(contextOf(site))).rejects.toMatchObject({ code: 'LOCK_MISSING' });
    expect(existsSync(path)).toBe(false);
  });
});

async function flip(path: string): Promise<void> {
  const bytes = await readFile(path);
  bytes[3] = (bytes[3] ?? 0) ^ 1;
  await chmod(path, 0o644);
  await writeFile(path, bytes);
}
