import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it, vi } from 'vitest';

import type { DashError } from '../../format/index.ts';
import { type ConsentPlan, digestDirectory, inspectSpec, list, parseSpec, readGrants, readInstalled, remove, revokeGrants } from '../../registry/index.ts';
import { filesOf } from '../support/module-files.ts';
import { type PublishedVersion, startNpmRegistry } from '../support/npm-registry.ts';
import { packTarball } from '../support/tar.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { extensionPackage, makeSite, type Site } from './install-fixture.ts';

const HOUR = 3_600_000;
const ago = (ms: number) => new Date(Date.now() - ms).toISOString();

describe('install from npm', () => {
  it('brings a package and its dependencies, and records what it registers', async () => {
    const registry = await startNpmRegistry(
      extensionPackage('greeter', { tool: 'greet', dependencies: { shout: '^1.0.0' }, source: `import { shout } from 'shout';\n// tool:greet\n` }),
      { name: 'shout', version: '1.2.0', files: { 'index.js': 'exports.shout = 1' } },
    );
    const site = await makeSite({ registry: registry.url });
    const report = await site.install('npm:greeter');
    expect(report).toMatchObject({
      installed: [{ id: 'npm:greeter', name: 'greeter', version: '1.0.0', spec: 'npm:greeter', scope: 'user', enabled: true }],
      unchanged: [],
      held: [],
    });

    const [pkg] = await readInstalled({ dashHome: site.dashHome });
    expect(pkg).toMatchObject({ linked: false, captured: { tools: [{ name: 'greet' }] }, resources: { extensions: ['index.ts'] } });
    expect(await readFile(join(pkg?.dir ?? '', 'index.ts'), 'utf8')).toContain('tool:greet');
    const shout = pkg?.graph.nodes[pkg.graph.nodes[pkg.graph.root]?.dependencies['shout'] ?? ''];
    expect(shout && filesOf(shout)).toMatchObject({ 'index.js': 'exports.shout = 1' });

    const lock = JSON.parse(await readFile(join(site.dashHome, 'dash.lock'), 'utf8'));
    expect(Object.keys(lock.packages)).toEqual(['greeter@1.0.0', 'shout@1.2.0']);
    expect(lock.packages['shout@1.2.0']).toMatchObject({
      source: { kind: 'npm', registry: registry.url, integrity: expect.stringMatching(/^sha512-/) },
      files: 2,
    });
    expect(lock.roots.greeter).toMatchObject({ spec: 'npm:greeter', id: 'greeter@1.0.0', graph: { '.': { shout: 'shout@1.2.0' } } });
  });

  it('asks for each packument once, and for no archive twice', async () => {
    const registry = await startNpmRegistry(
      extensionPackage('a', { dependencies: { c: '1', b: '1' } }),
      { name: 'b', manifest: { dependencies: { c: '1' } } },
      { name: 'c' },
    );
    const site = await makeSite({ registry: registry.url });
    await site.install('a');
    expect(registry.requests.toSorted()).toEqual(['GET /a', 'GET /a/-/a-1.0.0.tgz', 'GET /b', 'GET /b/-/b-1.0.0.tgz', 'GET /c', 'GET /c/-/c-1.0.0.tgz']);
    registry.requests.length = 0;
    const again = await site.install('a');
    expect(again).toMatchObject({ installed: [], unchanged: [{ name: 'a' }] });
    expect(registry.requests.filter((request) => request.endsWith('.tgz'))).toEqual([]);
  });

  it('never runs install scripts, and says so', async () => {
    const canary = join(await temporaryDirectory(), 'canary');
    const registry = await startNpmRegistry({
      ...extensionPackage('evil'),
      manifest: { dash: { extensions: ['index.ts'] }, scripts: { postinstall: `touch ${canary}`, prepare: `touch ${canary}` } },
    });
    const site = await makeSite({ registry: registry.url });
    const report = await site.install('evil');
    expect(existsSync(canary)).toBe(false);
    expect(report.diagnostics).toContainEqual(expect.objectContaining({ code: 'SCRIPTS_IGNORED', message: expect.stringContaining('evil@1.0.0') }));
  });

  it('installs all of several packages or none', async () => {
    const registry = await startNpmRegistry(extensionPackage('good'), extensionPackage('broken', { source: 'syntax error' }));
    const site = await makeSite({ registry: registry.url });
    await expect(site.install(['good', 'broken'])).rejects.toMatchObject({ code: 'COMPILE_FAILED', where: { path: 'index.ts', line: 3, column: 7 } });
    expect(await site.installed()).toEqual({});
    await site.install(['good']);
    await expect(site.install(['broken', 'good'])).rejects.toMatchObject({ code: 'COMPILE_FAILED' });
    expect(await site.installed()).toEqual({ good: '1.0.0' });
  });

  it.each<[string, PublishedVersion, string]>([
    ['an unknown name', extensionPackage('other'), 'PACKAGE_NOT_FOUND'],
    ['bytes that are not the promised ones', { ...extensionPackage('pkg'), dist: { integrity: `sha512-${'A'.repeat(86)}==` } }, 'INTEGRITY_MISMATCH'],
    ['no integrity', { ...extensionPackage('pkg'), dist: { integrity: undefined, shasum: 'da39a3ee5e6b4b0d3255bfef95601890afd80709' } }, 'INTEGRITY_MISSING'],
    ['a weak hash only', { ...extensionPackage('pkg'), dist: { integrity: 'sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=' } }, 'INTEGRITY_MISSING'],
    [
      'another name in the archive',
      { ...extensionPackage('pkg'), tarball: packTarball({ 'package.json': '{"name":"other","version":"1.0.0"}' }) },
      'HOSTILE_PACKAGE',
    ],
    [
      'another version in the archive',
      { ...extensionPackage('pkg'), tarball: packTarball({ 'package.json': '{"name":"pkg","version":"1.0.1"}' }) },
      'HOSTILE_PACKAGE',
    ],
    ['no manifest in the archive', { ...extensionPackage('pkg'), tarball: packTarball({ 'index.js': '' }) }, 'HOSTILE_PACKAGE'],
    ['an archive over another protocol', { ...extensionPackage('pkg'), dist: { tarball: 'file:///etc/passwd' } }, 'REGISTRY_REPLY_INVALID'],
    ['a missing archive', { ...extensionPackage('pkg'), dist: { tarball: 'TARBALL-ELSEWHERE' } }, 'REGISTRY_REPLY_INVALID'],
    ['no resources', { name: 'pkg' }, 'NO_RESOURCES'],
    ['an entry that does not exist', { name: 'pkg', manifest: { dash: { extensions: ['nowhere.ts'] } } }, 'ENTRY_NOT_FOUND'],
    ['an entry outside the package', { name: 'pkg', manifest: { dash: { extensions: ['../../x.ts'] } } }, 'ENTRY_OUTSIDE_PACKAGE'],
    ['an unknown key in the manifest', { name: 'pkg', manifest: { dash: { extension: ['index.ts'] } } }, 'INVALID_MANIFEST'],
    ['an unknown permission', extensionPackage('pkg', { permissions: ['fs:rad'] }), 'INVALID_PERMISSION'],
    ['an entry that does not compile', extensionPackage('pkg', { source: 'syntax error' }), 'COMPILE_FAILED'],
    ['a factory that throws', extensionPackage('pkg', { source: 'throws' }), 'FACTORY_FAILED'],
    ['a dependency that does not exist', extensionPackage('pkg', { dependencies: { nowhere: '1' } }), 'DEPENDENCY_NOT_FOUND'],
    ['a dependency from git', extensionPackage('pkg', { dependencies: { x: 'github:a/b' } }), 'DEPENDENCY_NOT_FOUND'],
  ])('refuses %s', async (_, version, code) => {
    const registry = await startNpmRegistry(version);
    const site = await makeSite({ registry: registry.url });
    await expect(site.install('npm:pkg')).rejects.toMatchObject({ name: 'DashError', code, hint: expect.any(String) });
    expect(existsSync(join(site.dashHome, 'state', 'current'))).toBe(false);
    expect(existsSync(join(site.dashHome, 'dash.lock'))).toBe(false);
    expect(await readdir(join(site.dashHome, 'store', 'v1', 'tmp'))).toEqual([]);
  });

  it('takes the rest of a package that was written for pi, which leaves out what is not there', async () => {
    const source = "export default (pi) => pi.registerCommand('x', { handler: () => {} });";
    const registry = await startNpmRegistry({
      name: 'pkg',
      manifest: { pi: { extensions: ['index.js'], skills: ['../../skills'] } },
      files: { 'index.js': source },
    });
    const site = await makeSite({ registry: registry.url });
    const { diagnostics } = await site.install('npm:pkg');
    expect(diagnostics).toMatchObject([{ severity: 'warning', code: 'ENTRY_OUTSIDE_PACKAGE' }]);
  });

  it('says which version there is when the wanted one is not', async () => {
    const registry = await startNpmRegistry(extensionPackage('pkg', { version: '1.4.0' }));
    const site = await makeSite({ registry: registry.url });
    await expect(site.install('npm:pkg@^2')).rejects.toMatchObject({ code: 'VERSION_NOT_FOUND', hint: expect.stringContaining('npm:pkg@1.4.0') });
  });

  it('stops when it is interrupted, at any step, and leaves no trace', async () => {
    const registry = await startNpmRegistry(extensionPackage('pkg', { dependencies: { dep: '1' } }), { name: 'dep' });
    for (const step of ['resolving', 'downloading', 'downloaded', 'compiling', 'consented']) {
      const site = await makeSite({ registry: registry.url });
      const stop = new AbortController();
      await expect(site.install('pkg', { signal: stop.signal, onProgress: ({ kind }) => kind === step && stop.abort() })).rejects.toMatchObject({
        code: 'INTERRUPTED',
      });
      expect(await site.installed()).toEqual({});
      expect(await readdir(join(site.dashHome, 'store', 'v1', 'tmp'))).toEqual([]);
    }
  });

  it.each([
    ['an error', { status: 403, body: '{}' }, 'REGISTRY_ERROR'],
    ['a page', { status: 200, body: '<html>log in</html>', headers: { 'content-type': 'text/html' } }, 'REGISTRY_REPLY_INVALID'],
    ['another package', { status: 200, body: '{"name":"other","dist-tags":{},"versions":{}}' }, 'REGISTRY_REPLY_INVALID'],
    ['no object', { status: 200, body: '[]' }, 'REGISTRY_REPLY_INVALID'],
  ])('refuses a registry that answers %s', async (_, answer, code) => {
    const registry = await startNpmRegistry();
    registry.override('/pkg', answer);
    const site = await makeSite({ registry: registry.url });
    await expect(site.install('npm:pkg')).rejects.toMatchObject({ code });
  });

  it('names the registry that does not answer', async () => {
    const site = await makeSite({ registry: 'http://127.0.0.1:9/' });
    await expect(site.install('npm:pkg', { npm: { registry: 'http://127.0.0.1:9/', fetchRetries: 0 } })).rejects.toMatchObject({ code: 'REGISTRY_ERROR' });
  });

  it('is not available offline unless it is in the store', async () => {
    const registry = await startNpmRegistry(extensionPackage('pkg'));
    const site = await makeSite({ registry: registry.url });
    await expect(site.install('pkg', { offline: true })).rejects.toMatchObject({ code: 'OFFLINE' });
    await site.install('pkg');
    const before = registry.requests.length;
    expect(await site.install('pkg', { offline: true })).toMatchObject({ unchanged: [{ name: 'pkg' }] });
    expect(registry.requests).toHaveLength(before);
  });
});

describe('minimum release age', () => {
  it('takes the newest release that is old enough for a range or a tag, and says so', async () => {
    const registry = await startNpmRegistry(
      { ...extensionPackage('pkg', { version: '1.0.0' }), tag: 'old' },
      { ...extensionPackage('pkg', { version: '1.1.0' }), time: ago(5 * HOUR) },
    );
    const site = await makeSite({ registry: registry.url });
    const report = await site.install('pkg');
    expect(await site.installed()).toEqual({ pkg: '1.0.0' });
    expect(report.diagnostics).toContainEqual(
      expect.objectContaining({ code: 'RELEASE_TOO_YOUNG', message: expect.stringMatching(/pkg@1\.1\.0.*5 hours.*1\.0\.0/) }),
    );
  });

  it.each([
    ['an exact version', 'pkg@1.1.0'],
    ['a range without an older version', 'pkg@^1.1.0'],
  ])('refuses %s', async (_, spec) => {
    const registry = await startNpmRegistry(
      { ...extensionPackage('pkg', { version: '1.0.0' }), tag: 'old' },
      { ...extensionPackage('pkg', { version: '1.1.0' }), time: ago(5 * HOUR) },
    );
    const site = await makeSite({ registry: registry.url });
    await expect(site.install(spec)).rejects.toMatchObject({ code: 'RELEASE_TOO_YOUNG', hint: expect.stringContaining('--min-age 0') });
    await site.install(spec, { minAgeMs: 0 });
    expect(await site.installed()).toEqual({ pkg: '1.1.0' });
  });

  it('holds for dependencies', async () => {
    const registry = await startNpmRegistry(
      extensionPackage('pkg', { dependencies: { dep: '^1.0.0' } }),
      { name: 'dep', version: '1.0.0', tag: 'old' },
      { name: 'dep', version: '1.0.1', time: ago(HOUR) },
    );
    const site = await makeSite({ registry: registry.url });
    await site.install('pkg');
    const [pkg] = await readInstalled({ dashHome: site.dashHome });
    expect(Object.keys(pkg?.graph.nodes ?? {})).toContain('dep@1.0.0');
  });

  it('counts from the first sighting where the registry gives no date, or one in the future', async () => {
    const registry = await startNpmRegistry(
      { ...extensionPackage('undated'), time: null },
      { ...extensionPackage('tomorrow'), time: new Date(Date.now() + 24 * HOUR).toISOString() },
    );
    const site = await makeSite({ registry: registry.url });
    for (const name of ['undated', 'tomorrow']) {
      await expect(site.install(name)).rejects.toMatchObject({ code: 'RELEASE_TOO_YOUNG' });
      await site.install(name, { now: new Date(Date.now() + 97 * HOUR) });
    }
    expect(await site.installed()).toEqual({ tomorrow: '1.0.0', undated: '1.0.0' });
  });

  it('lets names pass that need not wait', async () => {
    const registry = await startNpmRegistry({ ...extensionPackage('ours'), time: ago(HOUR) });
    const site = await makeSite({ registry: registry.url });
    await site.install('ours', { minAgeExclude: ['ours'] });
    expect(await site.installed()).toEqual({ ours: '1.0.0' });
  });

  it('does not hold for bytes that are here already', async () => {
    const registry = await startNpmRegistry({ ...extensionPackage('pkg'), time: ago(HOUR) });
    const site = await makeSite({ registry: registry.url });
    await site.install('pkg', { minAgeMs: 0 });
    expect(await site.install('pkg')).toMatchObject({ unchanged: [{ name: 'pkg' }] });
  });
});

describe('consent', () => {
  const permissions = ['ui:notify', 'fs:read:./src', 'net:api.example.com', 'net:*.example.org', 'secret:TOKEN@api.example.com'];

  async function withPackage(asked = permissions) {
    const registry = await startNpmRegistry(extensionPackage('pkg', { permissions: asked }));
    return makeSite({ registry: registry.url });
  }
  const grants = async (site: Site, workspace = site.workspace) => (await list({ dashHome: site.dashHome, workspace }))[0]?.permissions;

  it('is required for what is not quiet, and nothing changes without it', async () => {
    const site = await withPackage(['fs:read:./src', 'net:api.example.com']);
    const error = await site.install('pkg').catch((caught: DashError) => caught);
    expect(error).toMatchObject({
      code: 'CONSENT_REQUIRED',
      message: expect.stringContaining('fs:read:./src'),
      hint: expect.stringContaining('--grant fs:read:./src --grant net:api.example.com'),
    });
    expect(await site.installed()).toEqual({});
    expect(existsSync(join(site.dashHome, 'grants.json'))).toBe(false);
    expect(existsSync(join(site.dashHome, 'dash.lock'))).toBe(false);
    expect(await readdir(join(site.dashHome, 'store', 'v1'))).toEqual(['tmp']);
  });

  it('is not asked for quiet permissions', async () => {
    const site = await withPackage(['ui:notify', 'fs:read:./src']);
    await site.install('pkg');
    expect(await grants(site)).toMatchObject({ granted: ['fs:read:./src', 'ui:notify'] });
  });

  it('with `--grant summary` leaves the red ones, and lists them', async () => {
    const site = await withPackage(['ui:notify', 'fs:write:./out', 'net:api.example.com', 'secret:TOKEN@api.example.com']);
    const report = await site.install('pkg', { grant: ['summary'] });
    expect(await grants(site)).toMatchObject({ granted: ['fs:write:./out', 'net:api.example.com', 'ui:notify'], denied: [] });
    expect(report.ungranted).toEqual([{ name: 'pkg', permissions: [{ permission: 'secret:TOKEN@api.example.com', level: 'one-by-one' }] }]);
  });

  it('takes every summary permission from a flag of its own, red ones too when named', async () => {
    const site = await withPackage(['net:api.example.com', 'secret:TOKEN@api.example.com']);
    await site.install('pkg', { grant: ['net:api.example.com', 'secret:TOKEN@api.example.com'] });
    expect((await grants(site))?.granted).toEqual(['net:api.example.com', 'secret:TOKEN@api.example.com']);
  });

  it('may be narrower than what is asked, and may name what is not', async () => {
    const site = await withPackage(['net:api.example.com']);
    await site.install('pkg', { grant: ['net:GET:api.example.com', 'env:LANG'] });
    expect((await grants(site))?.granted).toEqual(['env:LANG', 'net:GET:api.example.com']);
  });

  it('can be given without some permissions', async () => {
    const site = await withPackage(['ui:notify', 'net:api.example.com', 'fs:write:./out']);
    await site.install('pkg', { grant: ['fs:write:./out'], deny: ['net:api.example.com', 'ui:notify'] });
    expect(await grants(site)).toMatchObject({ granted: ['fs:write:./out'], denied: ['net:api.example.com', 'ui:notify'] });
    const set = await readGrants(site.dashHome, (await readInstalled({ dashHome: site.dashHome }))[0]?.grantKey ?? '', site.workspace);
    expect(set.permissions.filter(({ deny }) => deny)).toHaveLength(2);
  });

  it('shows a plan by levels, and takes the answer', async () => {
    const site = await withPackage();
    const plans: ConsentPlan[] = [];
    await site.install('pkg', { consentPort: { ask: async (plan) => (plans.push(plan), { kind: 'install', deny: ['net:api.example.com'] }) } });
    const [plan] = plans[0]?.packages ?? [];
    const texts = (of: 'quiet' | 'summary' | 'later') => plan?.[of].map(({ permission }) => permission);
    expect(plans).toHaveLength(1);
    expect([texts('quiet'), texts('summary')]).toEqual([['ui:notify'], ['net:api.example.com']]);
    expect(texts('later')).toEqual(['fs:read:./src', 'net:*.example.org', 'secret:TOKEN@api.example.com']);
    expect(await grants(site)).toMatchObject({ granted: ['ui:notify'], denied: ['net:api.example.com'] });
  });

  it('that is declined changes nothing', async () => {
    const site = await withPackage(['net:api.example.com']);
    await expect(site.install('pkg', { consentPort: { ask: async () => ({ kind: 'no' }) } })).rejects.toMatchObject({ code: 'CONSENT_REQUIRED' });
    expect(await site.installed()).toEqual({});
  });

  it('covers the versions after it, until one asks for more', async () => {
    const registry = await startNpmRegistry(extensionPackage('pkg', { permissions: ['net:api.example.com'] }));
    const site = await makeSite({ registry: registry.url });
    await site.install('pkg', { grant: ['summary'] });
    registry.publish(extensionPackage('pkg', { version: '1.1.0', permissions: ['net:api.example.com'] }));
    await site.install('pkg@1.1.0');
    registry.publish(extensionPackage('pkg', { version: '1.2.0', permissions: ['net:api.example.com', 'net:other.example.com'] }));
    await expect(site.install('pkg@1.2.0')).rejects.toMatchObject({ code: 'CONSENT_REQUIRED', message: expect.not.stringContaining('api.example.com') });
    expect(await site.installed()).toEqual({ pkg: '1.1.0' });
  });

  it('is given again when the same name comes from another source', async () => {
    const manifest = { name: 'pkg', version: '1.0.0', dash: { extensions: ['index.ts'], permissions: ['net:api.example.com'] } };
    const registry = await startNpmRegistry(extensionPackage('pkg', { permissions: ['net:api.example.com'] }));
    const site = await makeSite({ registry: registry.url });
    await site.install('pkg', { grant: ['summary'] });
    await mkdir(join(site.workspace, 'pkg'));
    await writeFile(join(site.workspace, 'pkg', 'package.json'), JSON.stringify(manifest));
    await writeFile(join(site.workspace, 'pkg', 'index.ts'), '// tool:linked');
    await expect(site.install('./pkg')).rejects.toMatchObject({ code: 'CONSENT_REQUIRED' });
    const plans: ConsentPlan[] = [];
    await site.install('./pkg', { consentPort: { ask: async (plan) => (plans.push(plan), { kind: 'install' }) } });
    expect(plans[0]?.packages[0]?.replaces).toEqual({ version: '1.0.0', source: `npm:pkg of ${registry.url}` });
    expect((await readInstalled({ dashHome: site.dashHome })).map(({ id, linked }) => [id, linked])).toEqual([[`path:${site.workspace}/pkg`, true]]);
  });

  it('for the workspace holds in one project only', async () => {
    const site = await withPackage(['fs:write:./out', 'net:api.example.com']);
    await site.install('pkg', { grant: ['summary'] });
    expect((await grants(site, await temporaryDirectory()))?.granted).toEqual(['net:api.example.com']);
  });

  it('cannot be given for what only a policy may', async () => {
    const site = await withPackage(['fs:read:~/.dash/x']);
    await expect(site.install('pkg', { grant: ['fs:read:~/.dash/x'] })).rejects.toMatchObject({
      code: 'CONSENT_REQUIRED',
      message: expect.stringContaining('policy'),
    });
  });

  it('cannot be given from inside a tool of an agent', async () => {
    const site = await withPackage(['ui:notify']);
    vi.stubEnv('DASH_TOOL_PROCESS', '1');
    try {
      await expect(site.install('pkg')).rejects.toMatchObject({ code: 'DELEGATED_CONSENT' });
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it('is kept where only its owner reads it', async () => {
    const site = await withPackage(['ui:notify']);
    await site.install('pkg');
    expect((await stat(join(site.dashHome, 'grants.json'))).mode & 0o777).toBe(0o600);
  });

  it('of several packages: each gets what it asks for', async () => {
    const registry = await startNpmRegistry(
      extensionPackage('a', { permissions: ['net:a.example.com'] }),
      extensionPackage('b', { permissions: ['net:b.example.com'] }),
    );
    const site = await makeSite({ registry: registry.url });
    await expect(site.install(['a', 'b'], { grant: ['net:c.example.com', 'summary'] })).rejects.toMatchObject({ code: 'USAGE' });
    await site.install(['a', 'b'], { grant: ['net:a.example.com', 'net:b.example.com'] });
    const views = await list({ dashHome: site.dashHome, workspace: site.workspace });
    expect(views.map(({ permissions: { granted } }) => granted)).toEqual([['net:a.example.com'], ['net:b.example.com']]);
  });

  it('can be taken back', async () => {
    const site = await withPackage(['ui:notify', 'net:api.example.com']);
    await site.install('pkg', { grant: ['summary'] });
    const key = (await readInstalled({ dashHome: site.dashHome }))[0]?.grantKey ?? '';
    expect(await revokeGrants(site.dashHome, key, ['net:api.example.com'])).toMatchObject([
      { permission: 'net:api.example.com', mode: 'summary', version: '1.0.0' },
    ]);
    expect((await grants(site))?.granted).toEqual(['ui:notify']);
  });
});

describe('a linked directory', () => {
  async function withDirectory(files: Readonly<Record<string, string>>) {
    const site = await makeSite({ registry: (await startNpmRegistry({ name: 'dep' })).url });
    const dir = join(site.workspace, 'my-tools');
    for (const [path, text] of Object.entries(files)) {
      await mkdir(join(dir, path, '..'), { recursive: true });
      await writeFile(join(dir, path), text);
    }
    return { site, dir };
  }

  it('stays where it is, with its dependencies from npm', async () => {
    const { site, dir } = await withDirectory({
      'package.json': '{"name":"tools","version":"0.1.0","dependencies":{"dep":"1"},"dash":{"extensions":["index.ts"]}}',
      'index.ts': `import 'x';\nimport d from 'dep'; // tool:mine`,
      'node_modules/dep/index.js': 'not this one',
    });
    await site.install('./my-tools');
    const [pkg] = await readInstalled({ dashHome: site.dashHome });
    expect(pkg).toMatchObject({ linked: true, dir, contentHash: (await digestDirectory(dir)).contentHash, source: { kind: 'directory', path: dir } });
    expect(pkg?.graph.nodes['dep@1.0.0']?.pack).toContain(join('store', 'v1', 'packs'));
  });

  it('needs no package.json when it holds skills', async () => {
    const { site } = await withDirectory({
      'pdf/SKILL.md': '---\nname: pdf\ndescription: reads\n---\n',
      'other/SKILL.md': '---\nname: other\ndescription: x\n---\n',
    });
    await site.install('./my-tools');
    expect(await readInstalled({ dashHome: site.dashHome })).toMatchObject([
      { name: 'my-tools', version: '0.0.0', resources: { skills: ['other/SKILL.md', 'pdf/SKILL.md'] }, skills: [{ name: 'other' }, { name: 'pdf' }] },
    ]);
  });

  it('has a digest that knows every byte and path, but not other packages', async () => {
    const { dir } = await withDirectory({ 'SKILL.md': 'a', 'b/c': 'd' });
    const digests = [(await digestDirectory(dir)).contentHash];
    const after = async (change: () => Promise<unknown>) => {
      await change();
      digests.push((await digestDirectory(dir)).contentHash);
    };
    await after(() => mkdir(join(dir, 'node_modules')).then(() => writeFile(join(dir, 'node_modules', 'x'), 'x')));
    expect(digests[1]).toBe(digests[0]);
    await after(() => writeFile(join(dir, 'SKILL.md'), 'b'));
    await after(() => cp(join(dir, 'SKILL.md'), join(dir, 'copy')));
    await after(() => symlink('/etc/passwd', join(dir, 'link')));
    expect(new Set(digests).size).toBe(4);
    expect((await digestDirectory(dir)).files).toEqual(['SKILL.md', 'b/c', 'copy']);
  });

  it.each([
    ['that does not exist', './nowhere'],
    ['that is a file', './file'],
  ])('%s is refused', async (_, spec) => {
    const site = await makeSite();
    await writeFile(join(site.workspace, 'file'), '');
    await expect(site.install(spec)).rejects.toMatchObject({ code: 'INVALID_SPEC' });
  });

  it('with a broken manifest is refused with file, line and column', async () => {
    const { site, dir } = await withDirectory({ 'package.json': '{\n  "name": "x",\n}' });
    await expect(site.install('./my-tools')).rejects.toMatchObject({ code: 'INVALID_MANIFEST', where: { path: join(dir, 'package.json'), line: 3 } });
  });
});

describe('scopes', () => {
  it("keeps the packages of a project beside the user's, hides those of the same name, and trusts no state in the project", async () => {
    const registry = await startNpmRegistry(extensionPackage('pkg', { version: '1.0.0' }), extensionPackage('pkg', { version: '2.0.0' }));
    const site = await makeSite({ registry: registry.url });
    await site.install('pkg@1.0.0');
    await site.install('pkg@2.0.0', { scope: { kind: 'project', dir: site.workspace } });
    const versions = async (projectDir?: string) =>
      (await readInstalled({ dashHome: site.dashHome, ...(projectDir !== undefined && { projectDir }) })).map(({ version, scope }) => [version, scope]);
    expect(await versions()).toEqual([['1.0.0', 'user']]);
    expect(await versions(site.workspace)).toEqual([['2.0.0', 'project']]);
    expect(await readdir(join(site.workspace, '.dash'))).toEqual(['dash.lock']);
    expect(await versions(await temporaryDirectory())).toEqual([['1.0.0', 'user']]);
  });
});

describe('a project that is not there', () => {
  it('is named', async () => {
    const site = await makeSite();
    await expect(site.install('pkg', { scope: { kind: 'project', dir: join(site.workspace, 'nowhere') } })).rejects.toMatchObject({ code: 'INVALID_SPEC' });
  });
});

describe('remove', () => {
  it('takes packages out by name or spec, all or none', async () => {
    const registry = await startNpmRegistry(extensionPackage('a', { dependencies: { dep: '1' }, permissions: ['ui:notify'] }), extensionPackage('b'), {
      name: 'dep',
    });
    const site = await makeSite({ registry: registry.url });
    await site.install(['a@1.0.0', 'b']);
    const context = { dashHome: site.dashHome, scope: { kind: 'user' }, workspace: site.workspace } as const;
    await expect(remove(['a', 'nothing'], context)).rejects.toMatchObject({ code: 'NOT_INSTALLED' });
    expect(await site.installed()).toEqual({ a: '1.0.0', b: '1.0.0' });
    expect(await remove(['npm:a'], { ...context, purge: true })).toMatchObject({ removed: [{ name: 'a', permissions: { granted: ['ui:notify'] } }] });
    expect(await site.installed()).toEqual({ b: '1.0.0' });
    expect(Object.keys(JSON.parse(await readFile(join(site.dashHome, 'dash.lock'), 'utf8')).packages)).toEqual(['b@1.0.0']);
    expect(JSON.parse(await readFile(join(site.dashHome, 'grants.json'), 'utf8')).grants).toEqual({});
  });
});

describe('inspectSpec', () => {
  it('shows everything and installs nothing', async () => {
    const registry = await startNpmRegistry(extensionPackage('pkg', { tool: 'look', permissions: ['net:api.example.com', 'ui:notify'] }));
    const site = await makeSite({ registry: registry.url });
    {
      await using inspection = await inspectSpec(parseSpec('pkg', { cwd: '/' }), await site.context());
      expect(inspection.package).toMatchObject({ manifest: { name: 'pkg' }, captureOutcomes: [{ kind: 'ok', registrations: { tools: [{ name: 'look' }] } }] });
      expect(inspection.permissions).toEqual([
        { permission: 'net:api.example.com', level: 'summary' },
        { permission: 'ui:notify', level: 'quiet' },
      ]);
      expect(existsSync(join(inspection.dir, 'index.ts'))).toBe(true);
    }
    expect(await site.installed()).toEqual({});
    expect(await readdir(join(site.dashHome, 'store', 'v1', 'tmp'))).toEqual([]);
  });

  it('shows what does not compile and what throws', async () => {
    const registry = await startNpmRegistry(extensionPackage('bad', { source: 'syntax error' }), extensionPackage('worse', { source: 'throws' }));
    const site = await makeSite({ registry: registry.url });
    await using bad = await inspectSpec(parseSpec('bad', { cwd: '/' }), await site.context());
    expect(bad.package.compiled.failures).toMatchObject([{ entry: 'index.ts', error: { where: { line: 3 } } }]);
    await using worse = await inspectSpec(parseSpec('worse', { cwd: '/' }), await site.context());
    expect(worse.package.captureOutcomes).toMatchObject([{ kind: 'failed' }]);
  });
});

describe('ports', () => {
  it('get the digest, the entries and a graph whose directories exist', async () => {
    const registry = await startNpmRegistry(extensionPackage('pkg', { dependencies: { dep: '1' } }), { name: 'dep' });
    const site = await makeSite({ registry: registry.url });
    const seen: string[] = [];
    const { ports: plain } = await site.context();
    const report = await site.install('pkg', {
      ports: {
        ...plain,
        async compile(request) {
          seen.push(request.contentHash, ...request.entries);
          for (const node of Object.values(request.graph.nodes)) expect(filesOf(node)).toHaveProperty(['package.json']);
          return plain.compile(request);
        },
      },
    });
    expect(seen).toEqual([report.installed[0]?.source.treeSha256, 'index.ts']);
  });
});
