import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { describe, expect, it } from 'vitest';

import { list, readGrants, readInstalled } from '../../../registry/index.ts';
import { filesOf } from '../../support/module-files.ts';
import { startNpmRegistry } from '../../support/npm-registry.ts';
import { extensionPackage, makeSite, type Site } from '../install-fixture.ts';

const program = fileURLToPath(new URL('install-once.ts', import.meta.url));

async function installInChild(site: Site, registry: string, moment: string, ...specs: readonly string[]) {
  const child = spawn(process.execPath, [program, site.dashHome, site.workspace, registry, moment, ...specs], { stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (chunk) => (stderr += chunk));
  const [code, signal] = await once(child, 'close');
  return { code, signal, stderr };
}

const before = [
  'resolving',
  'downloading',
  'downloaded',
  'staged',
  'compiling',
  'inspected',
  'consented',
  'commit:stored',
  'commit:generation',
  'commit:journal',
];
const after = ['commit:current', 'commit:lockfile', 'commit:grants', 'commit:done'];

describe('an install that is killed', () => {
  it.each([...before.map((moment) => [moment, '1.0.0'] as const), ...after.map((moment) => [moment, '2.0.0'] as const)])(
    'at `%s` leaves version %s in force, and the next install needs no cleaning up',
    async (moment, version) => {
      const registry = await startNpmRegistry(
        extensionPackage('pkg', { version: '1.0.0' }),
        extensionPackage('pkg', { version: '2.0.0', permissions: ['net:api.example.com'], dependencies: { dep: '1' } }),
        { name: 'dep' },
      );
      const site = await makeSite({ registry: registry.url });
      await site.install('pkg@1.0.0');

      expect(await installInChild(site, registry.url, moment, 'pkg@2.0.0')).toMatchObject({ signal: 'SIGKILL' });
      expect(await site.installed()).toEqual({ pkg: version });
      const [pkg] = await readInstalled({ dashHome: site.dashHome });
      for (const node of Object.values(pkg?.graph.nodes ?? {})) expect(filesOf(node)).toHaveProperty(['package.json']);

      await site.install('pkg@2.0.0', { grant: ['summary'] });
      expect(await site.installed()).toEqual({ pkg: '2.0.0' });
      const reference = await makeSite({ registry: registry.url });
      await reference.install('pkg@1.0.0');
      await reference.install('pkg@2.0.0', { grant: ['summary'] });
      const lock = (home: string) => readFile(join(home, 'dash.lock'), 'utf8');
      expect(await lock(site.dashHome)).toBe(await lock(reference.dashHome));
      expect((await list({ dashHome: site.dashHome, workspace: site.workspace }))[0]?.permissions.granted).toEqual(['net:api.example.com']);
      expect(await readdir(join(site.dashHome, 'store', 'v1', 'tmp'))).toEqual([]);
      expect(existsSync(join(site.dashHome, 'state', 'journal'))).toBe(false);
    },
  );
});

describe('installs at the same time', () => {
  it('are all there afterwards', async () => {
    const names = ['a', 'b', 'c', 'd'];
    const registry = await startNpmRegistry(...names.map((name) => extensionPackage(name, { dependencies: { dep: '1' }, permissions: ['ui:notify'] })), {
      name: 'dep',
    });
    const site = await makeSite({ registry: registry.url });
    const outcomes = await Promise.all(names.map((name) => installInChild(site, registry.url, 'never', name)));
    expect(outcomes.map(({ code, stderr }) => [code, stderr])).toEqual(names.map(() => [0, '']));
    expect(await site.installed()).toEqual({ a: '1.0.0', b: '1.0.0', c: '1.0.0', d: '1.0.0' });
    for (const { grantKey } of await readInstalled({ dashHome: site.dashHome }))
      expect((await readGrants(site.dashHome, grantKey, site.workspace)).permissions).toHaveLength(1);
  });
});

describe('a state that was touched', () => {
  async function installed() {
    const registry = await startNpmRegistry(extensionPackage('pkg'), extensionPackage('other'));
    const site = await makeSite({ registry: registry.url });
    await site.install('pkg');
    return site;
  }

  it.each([
    [
      'a flipped bit in the generation',
      async (site: Site) => {
        const path = join(site.dashHome, 'state', 'generations', '1.json');
        await writeFile(path, (await readFile(path, 'utf8')).replace('"version": 1', '"version": !'));
      },
    ],
    ['a missing generation', async (site: Site) => rm(join(site.dashHome, 'state', 'generations'), { recursive: true })],
    ['half a pointer', async (site: Site) => writeFile(join(site.dashHome, 'state', 'current'), '1 abc')],
  ])('by %s is refused, not guessed', async (_, touch) => {
    const site = await installed();
    await touch(site);
    await expect(readInstalled({ dashHome: site.dashHome })).rejects.toMatchObject({
      code: 'STORE_CORRUPT',
      where: { path: expect.any(String) },
      hint: expect.any(String),
    });
    await expect(site.install('other')).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
  });

  it('may have a lockfile that was lost: the next commit writes it', async () => {
    const site = await installed();
    await rm(join(site.dashHome, 'dash.lock'));
    await site.install('other');
    expect(Object.keys(JSON.parse(await readFile(join(site.dashHome, 'dash.lock'), 'utf8')).roots)).toEqual(['other', 'pkg']);
  });

  it('keeps the old generations', async () => {
    const site = await installed();
    await site.install('other');
    expect((await readdir(join(site.dashHome, 'state', 'generations'))).toSorted()).toEqual(['1.json', '2.json']);
  });
});

describe('a disk that refuses', () => {
  it.skipIf(process.getuid?.() === 0)('is named, with what to do', async () => {
    const registry = await startNpmRegistry(extensionPackage('pkg'));
    const site = await makeSite({ registry: registry.url });
    await mkdir(site.dashHome);
    await chmod(site.dashHome, 0o555);
    await expect(site.install('pkg')).rejects.toMatchObject({ code: 'DISK_ERROR' });
    await chmod(site.dashHome, 0o755);
  });

  it('because a file stands where a directory should be is named, with what to do', async () => {
    const registry = await startNpmRegistry(extensionPackage('pkg'));
    const site = await makeSite({ registry: registry.url });
    await mkdir(site.dashHome);
    await writeFile(join(site.dashHome, 'store'), '');
    await expect(site.install('pkg')).rejects.toMatchObject({ code: 'DISK_ERROR', hint: expect.any(String) });
  });
});
