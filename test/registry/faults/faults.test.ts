import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmdirSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterAll, describe, expect, it } from 'vitest';

import { readInstalled, verifyStore } from '../../../registry/index.ts';
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
