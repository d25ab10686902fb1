import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { publish, type PublishOptions } from '../../../registry/publish/index.ts';
import { getJson, startRegistry, temporaryDirectory } from '../serve/registry-fixture.ts';
import { GOOD, GOOD_FILES, makePackage, TEXT_PORTS } from './package-fixture.ts';

async function options(registry: { readonly url: string }, manifest: Readonly<Record<string, unknown>> = GOOD): Promise<PublishOptions> {
  return { dir: await makePackage(manifest, GOOD_FILES), ports: TEXT_PORTS, npm: { registry: registry.url, fetchRetries: 0 }, confirm: true };
}

test('a published package is found by its keyword and installs as it was packed', async () => {
  const registry = await startRegistry();
  const { kind, packed, previous } = await publish(await options(registry, { ...GOOD, keywords: [] }));

  expect({ kind, previous }).toEqual({ kind: 'published', previous: undefined });
  expect(await getJson(registry, '-/v1/search?text=keywords:dash-package')).toMatchObject({ total: 1, objects: [{ package: { name: 'good-prompts' } }] });
  expect(await getJson(registry, 'good-prompts')).toMatchObject({ versions: { '1.0.0': { dist: { integrity: packed.integrity }, dash: GOOD.dash } } });
  const bytes = Buffer.from(await (await fetch(`${registry.url}good-prompts/-/good-prompts-1.0.0.tgz`)).arrayBuffer());
  expect(bytes.equals(packed.tarball)).toBe(true);
});

test('nothing is sent until it is confirmed', async () => {
  const dir = await temporaryDirectory();
  const registry = await startRegistry({ dir });
  expect(await publish({ ...(await options(registry)), confirm: false })).toMatchObject({ kind: 'dry-run', packed: { filename: 'good-prompts-1.0.0.tgz' } });
  expect(await readdir(dir)).toEqual([]);
});

test('the permissions are compared with those of the last published version', async () => {
  const registry = await startRegistry();
  const asking = (version: string, permissions: readonly string[]) => ({ ...GOOD, version, dash: { ...GOOD.dash, permissions } });
  await publish(await options(registry, asking('1.0.0', ['fs:read:./docs', 'net:a.example'])));

  const second = await publish({ ...(await options(registry, asking('1.1.0', ['fs:read:./docs', 'fs:read:./docs/new', 'net:b.example']))), confirm: false });
  expect(second.previous).toBe('1.0.0');
  expect(second.permissionChange).toEqual({ added: ['fs:read:./docs/new', 'net:b.example'], removed: ['net:a.example'], widening: ['net:b.example'] });
});

test('an error of the check ends it before anything is sent', async () => {
  const dir = await temporaryDirectory();
  const registry = await startRegistry({ dir });
  const opts = await options(registry);
  await writeFile(join(opts.dir, '.env'), 'A=b');
  await expect(publish(opts)).rejects.toMatchObject({ code: 'CHECK_FAILED', where: { path: '.env' } });
  expect(await readdir(dir)).toEqual([]);
});

test('a version that is there already is refused with what to do', async () => {
  const registry = await startRegistry();
  await publish(await options(registry));
  await expect(publish(await options(registry))).rejects.toMatchObject({ code: 'PUBLISH_FAILED', hint: expect.stringContaining('raise `version`') });
});

test("a registry with a token takes it from npm's options, and says how to get one", async () => {
  const registry = await startRegistry({ token: 'let-me-in' });
  const opts = await options(registry);
  await expect(publish(opts)).rejects.toMatchObject({ code: 'PUBLISH_FAILED', hint: expect.stringContaining('npm login') });

  const key = `${registry.url.replace('http:', '')}:_authToken`;
  expect(await publish({ ...opts, npm: { ...opts.npm, [key]: 'let-me-in' } })).toMatchObject({ kind: 'published' });
});

test('a prerelease does not become what everybody gets', async () => {
  const registry = await startRegistry();
  const opts = await options(registry, { ...GOOD, version: '2.0.0-beta.1' });
  await expect(publish(opts)).rejects.toMatchObject({ code: 'INPUT_REQUIRED' });
  await publish({ ...opts, tag: 'next' });
  expect(await getJson(registry, 'good-prompts')).toHaveProperty('dist-tags.next', '2.0.0-beta.1');
});

test('a private package is not published', async () => {
  const registry = await startRegistry();
  await expect(publish(await options(registry, { ...GOOD, private: true }))).rejects.toMatchObject({
    code: 'PUBLISH_FAILED',
    hint: 'remove `private` from package.json',
  });
});

test('a registry that is down is an error of the network', async () => {
  await expect(publish(await options({ url: 'http://127.0.0.1:9/' }))).rejects.toMatchObject({ code: 'REGISTRY_ERROR' });
});

test('goes where the package itself says it belongs, unless a registry is named now', async () => {
  const [mine, theirs] = [await startRegistry(), await startRegistry()];
  const opts = await options(mine, { ...GOOD, version: '3.0.0', publishConfig: { registry: theirs.url, tag: 'beta' } });
  expect(await publish({ ...opts, confirm: false })).toMatchObject({ kind: 'dry-run', registry: theirs.url, tag: 'beta' });
  await publish(opts);
  expect(await getJson(theirs, 'good-prompts')).toHaveProperty('dist-tags.beta', '3.0.0');
  expect((await fetch(`${mine.url}good-prompts`)).status).toBe(404);
  await publish({ ...opts, registry: mine.url, tag: 'next' });
  expect(await getJson(mine, 'good-prompts')).toHaveProperty('dist-tags.next', '3.0.0');
});

test.each([
  ['an address that is none', { registry: 'registry.example' }],
  ['an unknown access', { access: 'everybody' }],
  ['no object', 'public'],
])('is refused where `publishConfig` has %s: it might have said that this is not for everybody', async (_, publishConfig) => {
  const registry = await startRegistry();
  await expect(publish(await options(registry, { ...GOOD, publishConfig }))).rejects.toMatchObject({
    code: 'INVALID_MANIFEST',
    where: { path: 'package.json' },
  });
  expect((await fetch(`${registry.url}good-prompts`)).status).toBe(404);
});
