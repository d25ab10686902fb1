import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmdirSync } from 'node:fs';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterAll, describe, expect, it } from 'vitest';

import { checkStore, readInstalled, verifyStore } from '../../../registry/index.ts';
import { filesOf } from '../../support/module-files.ts';
import { type FixtureRegistry, startNpmRegistry } from '../../support/npm-registry.ts';
import { extensionPackage, makeSite, type Site } from '../install-fixture.ts';

const program = fileURLToPath(new URL('run-once.ts', import.meta.url));

async function inChild(site: Site, registry: string, task: Readonly<Record<string, unknown>>, home = site.dashHome) {
  const child = spawn(process.execPath, [program, JSON.stringify({ home, workspace: site.workspace, registry, ...task })], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk) => (stdout += chunk));
  child.stderr.on('data', (chunk) => (stderr += chunk));
  const [code, signal] = await once(child, 'close');
  return { code, signal, stdout, stderr };
}

function publish(): Promise<FixtureRegistry> {
  return startNpmRegistry(
    extensionPackage('pkg', { version: '1.0.0', dependencies: { dep: '1' } }),
    extensionPackage('pkg', { version: '2.0.0', dependencies: { dep: '2' }, permissions: ['net:api.example.com'] }),
    { name: 'dep', version: '1.0.0', files: { 'index.js': '1' } },
    { name: 'dep', version: '2.0.0', files: { 'index.js': '2' } },
  );
}

/** What holds after any fault at any moment. */
async function assertInvariant(site: Site, allowed: readonly Record<string, string>[]): Promise<void> {
  expect(allowed).toContainEqual(await site.installed());
  for (const { graph } of await readInstalled({ dashHome: site.dashHome }))
    for (const node of Object.values(graph.nodes)) expect(filesOf(node)).toHaveProperty(['package.json']);
  await verifyStore({ dashHome: site.dashHome, scope: { kind: 'user' } });
}

describe('killed before any of its changes', () => {
  const tasks = [
    ['install', { action: 'install', specs: ['pkg@2.0.0'] }, [{ pkg: '1.0.0' }, { pkg: '2.0.0' }]],
    ['restore', { action: 'restore' }, [{}, { pkg: '1.0.0' }]],
    ['remove', { action: 'remove', specs: ['pkg'] }, [{ pkg: '1.0.0' }, {}]],
    ['rollback', { action: 'rollback' }, [{ pkg: '1.0.0' }, { pkg: '2.0.0' }]],
    ['gc', { action: 'gc' }, [{ pkg: '1.0.0' }]],
  ] as const;

  it.each(tasks)('%s leaves the old state or the new one, and what follows needs no cleaning up', async (name, task, allowed) => {
    const registry = await publish();
    const prepare = async (): Promise<Site> => {
      const site = await makeSite({ registry: registry.url });
      await site.install('pkg@1.0.0');
      if (name === 'restore') await Promise.all(['state', 'store'].map((dir) => rm(join(site.dashHome, dir), { recursive: true })));
      if (name === 'rollback') await site.install('pkg@2.0.0', { grant: ['summary'] });
      if (name === 'gc') for (const version of ['2.0.0', '1.0.0', '2.0.0', '1.0.0']) await site.install(`pkg@${version}`, { grant: ['summary'] });
      return site;
    };
    const whole = await inChild(await prepare(), registry.url, { ...task, change: 1_000_000 });
    expect(whole).toMatchObject({ code: 0, stderr: '' });
    const changes = Number(whole.stdout);
    expect(changes).toBeGreaterThan(4);

    // every moment of the short ones, twelve spread over the long ones
    const step = Math.max(1, Math.floor(changes / 12));
    for (let change = 1; change <= changes; change += step) {
      const site = await prepare();
      expect(await inChild(site, registry.url, { ...task, change }), `change ${change} of ${changes}`).toMatchObject({ signal: 'SIGKILL' });
      await assertInvariant(site, allowed).catch((error: unknown) => {
        // a state that was not yet made again has no lock in force; nothing else may be wrong
        if (name !== 'restore' || !String(error).includes('something else')) throw error;
      });
      await inChild(site, registry.url, task);
      await site.restore({ grant: ['summary'] });
      await verifyStore({ dashHome: site.dashHome, scope: { kind: 'user' } });
      await site.install('pkg@2.0.0', { grant: ['summary'] });
      expect(await site.installed()).toEqual({ pkg: '2.0.0' });
      expect(await readdir(join(site.dashHome, 'store/v1/tmp'))).toEqual([]);
      expect((await checkStore(site.dashHome, [{ kind: 'user' }])).map(({ status }) => status)).toEqual(['ok', 'ok']);
    }
  });
});

describe('eight at a time', () => {
  it('installs, restores and collections in one home are all done, one after the other', async () => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    const registry = await startNpmRegistry(...names.map((name) => extensionPackage(name, { dependencies: { dep: '1' } })), { name: 'dep' });
    const site = await makeSite({ registry: registry.url });
    await site.install('a');
    const tasks = [...names.map((name) => ({ action: 'install', specs: [name] })), { action: 'restore' }, { action: 'gc' }, { action: 'gc' }];
    const outcomes = await Promise.all(tasks.map((task) => inChild(site, registry.url, task)));
    expect(outcomes.map(({ code, stderr }) => [code, stderr])).toEqual(tasks.map(() => [0, '']));
    await assertInvariant(site, [Object.fromEntries(names.map((name) => [name, '1.0.0']))]);
  });
});

describe('a store deleted under a live state', () => {
  it.each(['store/v1/packs', 'store/v1/unpacked', 'store', 'bundles', 'meta', 'state/projects'])('%s is made again by the next install', async (dir) => {
    const registry = await publish();
    const site = await makeSite({ registry: registry.url });
    await site.install('pkg@1.0.0');
    await rm(join(site.dashHome, dir), { recursive: true, force: true });
    await site.restore();
    await assertInvariant(site, [{ pkg: '1.0.0' }]);
  });

  it('says what is missing when there is nowhere to take it from', async () => {
    const registry = await publish();
    const site = await makeSite({ registry: registry.url });
    await site.install('pkg@1.0.0');
    await rm(join(site.dashHome, 'store'), { recursive: true });
    const before = await readFile(join(site.dashHome, 'state/current'), 'utf8');
    await expect(site.restore({ offline: true })).rejects.toMatchObject({ code: 'OFFLINE', hint: expect.any(String) });
    expect(await readFile(join(site.dashHome, 'state/current'), 'utf8')).toBe(before);
  });
});

const tmpfs = mountTmpfs('4m');

describe('a full disk', () => {
  it.skipIf(tmpfs === undefined).each([
    ['while it unpacks', 80],
    ['while it commits', 64],
  ])('ends an install %s with its name, leaves the old state, and is forgotten once there is space', async (_, size) => {
    const filler = Array.from(
      { length: 64 },
      (_, at) => [`data/${at}.txt`, Buffer.from(crypto.getRandomValues(new Uint8Array(48_000))).toString('base64')] as const,
    );
    const registry = await startNpmRegistry(
      extensionPackage('small'),
      extensionPackage('large', { dependencies: { filler: '1' } }),
      { name: 'filler', files: Object.fromEntries(filler.slice(0, size)) },
      extensionPackage('roomy', { dependencies: { few: '1' } }),
      { name: 'few', files: Object.fromEntries(filler.slice(0, 16)) },
    );
    const site = await makeSite({ registry: registry.url });
    const dashHome = join(tmpfs ?? '', 'home');
    await rm(dashHome, { recursive: true, force: true });
    await mkdir(dashHome);
    const onDisk = {
      ...site,
      dashHome,
      installed: async () => Object.fromEntries((await readInstalled({ dashHome })).map(({ name, version }) => [name, version])),
    };
    await site.install('small', { dashHome });
    await expect(site.install('large', { dashHome })).rejects.toMatchObject({ code: 'DISK_FULL', hint: expect.any(String) });
    await assertInvariant(onDisk, [{ small: '1.0.0' }]);
    await site.install('roomy', { dashHome });
    await assertInvariant(onDisk, [{ small: '1.0.0', roomy: '1.0.0' }]);
    expect(readdirSync(join(dashHome, 'store/v1/tmp'))).toEqual([]);
  });
});

/** `undefined` where this user may not mount. */
function mountTmpfs(size: string): string | undefined {
  const dir = mkdtempSync(join(tmpdir(), 'dash-full-'));
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', dir]).status !== 0) return undefined;
  afterAll(() => {
    spawnSync('umount', ['-l', dir]);
    rmdirSync(dir);
  });
  return dir;
}
