import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { readNpmConfig } from '../../registry/index.ts';
import { startNpmRegistry } from '../support/npm-registry.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { extensionPackage, makeSite } from './install-fixture.ts';

async function write(dir: string, text: string): Promise<string> {
  await mkdir(dir, { recursive: true });
  await writeFile(join(dir, '.npmrc'), text);
  return dir;
}

describe("npm's configuration", () => {
  it("comes from the user with variables replaced, under npm's option names", async () => {
    const home = await write(
      await temporaryDirectory(),
      '; comment\n# comment\nregistry = https://npm.example.com/ ; trailing\n@acme:registry="https://acme.example.com/npm/"\n//acme.example.com/npm/:_authToken=${TOKEN}\nstrict-ssl=false\nfetch-retries=7\nunknown=x\nproxy=null\n//x/:_authToken=${MISSING}\n//y/:_authToken=${MISSING?}\n',
    );
    expect(await readNpmConfig({ home, env: { TOKEN: 's3cret', PREFIX: home } })).toEqual({
      registry: 'https://npm.example.com/',
      '@acme:registry': 'https://acme.example.com/npm/',
      '//acme.example.com/npm/:_authToken': 's3cret',
      '//x/:_authToken': '${MISSING}',
      '//y/:_authToken': '',
      strictSSL: false,
      fetchRetries: 7,
    });
  });

  it('goes from global to user to environment to `--registry`', async () => {
    const home = await write(await temporaryDirectory(), 'registry=https://user.example.com/\n');
    await mkdir(join(home, 'etc'));
    await writeFile(join(home, 'etc', 'npmrc'), 'registry=https://global.example.com/\nproxy=http://proxy.example.com\n');
    expect(await readNpmConfig({ home, env: { PREFIX: home } })).toMatchObject({ registry: 'https://user.example.com/', proxy: 'http://proxy.example.com' });
    expect(await readNpmConfig({ home, env: { PREFIX: home, npm_config_registry: 'https://env.example.com/' } })).toMatchObject({
      registry: 'https://env.example.com/',
    });
    expect(
      await readNpmConfig({ home, env: { PREFIX: home, npm_config_registry: 'https://env.example.com/' }, registry: 'https://flag.example.com/' }),
    ).toMatchObject({ registry: 'https://flag.example.com/' });
  });

  it('takes from a trusted project its registries only, and never a variable', async () => {
    const home = await temporaryDirectory();
    const project = await write(
      await temporaryDirectory(),
      'registry=https://evil.example.com/${SECRET}/\n@acme:registry=https://acme.example.com/\n//evil.example.com/:_authToken=${SECRET}\nproxy=http://evil.example.com\nstrict-ssl=false\nca=x\n',
    );
    const env = { SECRET: 'hunter2', PREFIX: home };
    expect(await readNpmConfig({ home, env, project: { dir: project, isTrusted: true } })).toEqual({
      registry: 'https://evil.example.com/${SECRET}/',
      '@acme:registry': 'https://acme.example.com/',
    });
    expect(await readNpmConfig({ home, env })).toEqual({});
    expect(await readNpmConfig({ home, env, project: { dir: project, isTrusted: false } })).toEqual({
      '@acme:untrusted-registry': 'https://acme.example.com/',
    });
    await write(home, '@acme:registry=https://mine.example.com/\n');
    expect(await readNpmConfig({ home, env, project: { dir: project, isTrusted: false } })).toEqual({ '@acme:registry': 'https://mine.example.com/' });
  });
});

describe('private registries', () => {
  it('get the token of their host, and no other registry does', async () => {
    const everyone = await startNpmRegistry({ name: 'dep' });
    const acme = await startNpmRegistry(extensionPackage('@acme/pkg', { dependencies: { dep: '1' } }));
    const site = await makeSite();
    const host = new URL(acme.url).host;
    await site.install('@acme/pkg', { npm: { registry: everyone.url, '@acme:registry': acme.url, [`//${host}/:_authToken`]: 's3cret' } });
    expect(new Set(acme.authorizations)).toEqual(new Set(['Bearer s3cret']));
    expect(new Set(everyone.authorizations)).toEqual(new Set([undefined]));
    expect(everyone.requests.filter((request) => request.includes('acme'))).toEqual([]);
  });

  it('bind their scope: what they do not have is looked up nowhere else', async () => {
    const everyone = await startNpmRegistry(extensionPackage('@acme/pkg'));
    const acme = await startNpmRegistry();
    const site = await makeSite();
    await expect(site.install('@acme/pkg', { npm: { registry: everyone.url, '@acme:registry': acme.url } })).rejects.toMatchObject({
      code: 'PACKAGE_NOT_FOUND',
    });
    expect(everyone.requests).toEqual([]);
  });

  it('do not hand their token on when they redirect to another host', async () => {
    const elsewhere = await startNpmRegistry(extensionPackage('@acme/pkg'));
    const acme = await startNpmRegistry();
    acme.override('/@acme/pkg', { status: 302, headers: { location: `${elsewhere.url.replace('127.0.0.1', 'localhost')}@acme%2fpkg` } });
    const site = await makeSite();
    const host = new URL(acme.url).host;
    await site.install('@acme/pkg', { npm: { '@acme:registry': acme.url, [`//${host}/:_authToken`]: 's3cret' } });
    expect(acme.authorizations).toEqual(['Bearer s3cret']);
    expect(elsewhere.requests.length).toBeGreaterThan(0);
    expect(elsewhere.authorizations.filter((header) => header !== undefined)).toEqual([]);
  });
});
