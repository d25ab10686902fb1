import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { describe, expect, it } from 'vitest';

import {
  choose,
  collectGarbage,
  finishBuilds,
  type InstallContext,
  parseSpec,
  planInstall,
  readCiPolicy,
  readGrants,
  readInstalled,
  remove,
  type RestoreContext,
  rollback,
  update,
} from '../../registry/index.ts';
import { takeProcessLock } from '../../registry/lock/process-lock.ts';
import { storePaths } from '../../registry/store/store-paths.ts';
import { makeGitRepository } from '../support/git-repository.ts';
import { filesOf } from '../support/module-files.ts';
import { type FixtureRegistry, startNpmRegistry } from '../support/npm-registry.ts';
import { packTarball } from '../support/tar.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { extensionPackage, makeSite, type Site } from './install-fixture.ts';

const WITH_DEPENDENCIES = extensionPackage('pkg', { dependencies: { dep: '^1.0.0', aka: 'npm:real@2' }, permissions: ['net:api.example.com'] });

async function published(): Promise<FixtureRegistry> {
  return startNpmRegistry(
    WITH_DEPENDENCIES,
    { name: 'dep', version: '1.2.0', manifest: { dependencies: { deeper: '*' } } },
    { name: 'dep', version: '0.9.0', tag: 'old' },
    { name: 'deeper', version: '3.0.0' },
    { name: 'real', version: '2.1.0' },
    { name: 'evil', version: '1.0.0' },
  );
}

async function installedSite(): Promise<{ registry: FixtureRegistry; site: Site }> {
  const registry = await published();
  const site = await makeSite({ registry: registry.url });
  await site.install(['pkg'], { grant: ['summary'] });
  registry.requests.length = 0;
  return { registry, site };
}

const lockOf = (site: Site) => join(site.dashHome, 'dash.lock');
const lockText = (site: Site) => readFile(lockOf(site), 'utf8');
const pointer = (site: Site) => readFile(join(site.dashHome, 'state', 'current'), 'utf8');

/** The lock alone, on a machine that has nothing else. */
async function freshSite(registry: FixtureRegistry, lock: string): Promise<Site> {
  const site = await makeSite({ registry: registry.url });
  await mkdir(site.dashHome, { recursive: true });
  await writeFile(lockOf(site), lock);
  return site;
}

describe('an install without specs', () => {
  it('does nothing, and asks nobody, when the disk equals the lock', async () => {
    const { registry, site } = await installedSite();
    const before = await pointer(site);
    expect(await site.restore()).toMatchObject({ installed: [], unchanged: [{ name: 'pkg' }] });
    expect(await pointer(site)).toBe(before);
    expect(registry.requests).toEqual([]);
  });

  it('makes everything again from the lock alone, asking for archives and how old they are', async () => {
    const { registry, site } = await installedSite();
    const other = await freshSite(registry, await lockText(site));
    const report = await other.restore({ frozen: true, grant: ['summary'] });
    expect(report.installed).toMatchObject([{ name: 'pkg', version: '1.0.0', spec: 'npm:pkg' }]);
    expect(await lockText(other)).toBe(await lockText(site));
    expect(registry.requests.toSorted()).toEqual([
      'GET /deeper',
      'GET /deeper/-/deeper-3.0.0.tgz',
      'GET /dep',
      'GET /dep/-/dep-1.2.0.tgz',
      'GET /pkg',
      'GET /pkg/-/pkg-1.0.0.tgz',
      'GET /real',
      'GET /real/-/real-2.1.0.tgz',
    ]);
    const records = await Promise.all([site, other].map(async ({ dashHome }) => (await readInstalled({ dashHome }))[0]));
    expect(Object.keys(records[1]?.graph.nodes ?? {})).toEqual(Object.keys(records[0]?.graph.nodes ?? {}));
    expect(records[1]?.captured).toEqual(records[0]?.captured);
  });

  it('needs no network while the store is warm, though the state is gone', async () => {
    const { registry, site } = await installedSite();
    await rm(join(site.dashHome, 'state'), { recursive: true });
    expect((await site.restore({ frozen: true, offline: true })).installed).toMatchObject([{ name: 'pkg' }]);
    expect(registry.requests).toEqual([]);
  });

  it('compiles nothing again that was compiled from the same bytes by the same tools', async () => {
    const { site } = await installedSite();
    const { ports } = await site.context();
    const built: string[] = [];
    const forget = ({ dashHome }: Site) => Promise.all(['state', 'meta/restores'].map((name) => rm(join(dashHome, name), { recursive: true, force: true })));
    const counting = { ...ports, compile: (...request: Parameters<typeof ports.compile>) => (built.push(request[0].name), ports.compile(...request)) };
    await forget(site);
    await site.restore({ ports: counting });
    expect(built).toEqual([]);
    for (const changed of [{ toolchain: () => Promise.resolve('newer') }, { isCompiled: () => Promise.resolve(false) }]) {
      await forget(site);
      await site.restore({ ports: { ...counting, ...changed } });
    }
    expect(built).toEqual(['pkg', 'pkg']);
  });

  it('keeps the lock of a version that was published over', async () => {
    const { registry, site } = await installedSite();
    registry.publish({ ...WITH_DEPENDENCIES, version: '1.1.0' });
    const other = await freshSite(registry, await lockText(site));
    await other.restore({ grant: ['summary'] });
    expect(await other.installed()).toEqual({ pkg: '1.0.0' });
  });

  it('grants nothing by the lock', async () => {
    const { registry, site } = await installedSite();
    const other = await freshSite(registry, await lockText(site));
    await expect(other.restore()).rejects.toMatchObject({ code: 'CONSENT_REQUIRED' });
    expect(existsSync(join(other.dashHome, 'state', 'current'))).toBe(false);
  });

  it('takes what several packages need once, when they are installed and when they are brought back', async () => {
    const names = ['one', 'two', 'three', 'four'];
    const registry = await startNpmRegistry(...names.map((name) => extensionPackage(name, { dependencies: { dep: '1' } })), { name: 'dep' });
    const site = await makeSite({ registry: registry.url });
    await site.install(names);
    expect(registry.requests.filter((request) => request.includes('dep'))).toEqual(['GET /dep', 'GET /dep/-/dep-1.0.0.tgz']);
    await Promise.all(['state', 'store'].map((dir) => rm(join(site.dashHome, dir), { recursive: true })));
    registry.requests.length = 0;
    await site.restore({ frozen: true });
    expect(Object.keys(await site.installed())).toEqual(names.toSorted());
    expect(registry.requests.filter((request) => request.includes('dep'))).toEqual(['GET /dep', 'GET /dep/-/dep-1.0.0.tgz']);
  });

  it('removes what the lock no longer has, and brings what it has now', async () => {
    const registry = await startNpmRegistry(extensionPackage('one'), extensionPackage('two'));
    const site = await makeSite({ registry: registry.url });
    await site.install('one');
    const withOne = await lockText(site);
    await site.install('two');
    await writeFile(lockOf(site), withOne);
    expect((await site.restore()).diagnostics).toMatchObject([{ code: 'NOT_IN_LOCK' }]);
    expect(await site.installed()).toEqual({ one: '1.0.0' });
  });

  it('writes a lock again that was lost, unless it is the last word', async () => {
    const { site } = await installedSite();
    const lock = await lockText(site);
    await rm(lockOf(site));
    await expect(site.restore({ frozen: true })).rejects.toMatchObject({ code: 'LOCK_MISSING', hint: expect.any(String) });
    await site.restore();
    expect(await lockText(site)).toBe(lock);
  });

  it('refuses, when frozen, a lock that lacks what the settings name', async () => {
    const { site } = await installedSite();
    await writeFile(join(site.dashHome, 'settings.json'), '{"packages": [{"source": "npm:pkg", "skills": []}, "npm:other"]}');
    await expect(site.restore({ frozen: true })).rejects.toMatchObject({ code: 'LOCK_OUTDATED', hint: expect.stringContaining('npm:other') });
    await writeFile(join(site.dashHome, 'settings.json'), '{"packages": ["npm:pkg"]}');
    await site.restore({ frozen: true });
  });

  it('says that there is nothing to install where nothing ever was', async () => {
    const site = await makeSite();
    await expect(site.restore()).rejects.toMatchObject({ code: 'USAGE' });
    await expect(site.restore({ frozen: true })).rejects.toMatchObject({ code: 'LOCK_MISSING' });
  });

  it.each([
    ['a missing generation', (site: Site) => rm(join(site.dashHome, 'state', 'generations'), { recursive: true })],
    ['half a pointer', (site: Site) => writeFile(join(site.dashHome, 'state', 'current'), '1 abc')],
    ['a state directory that is gone', (site: Site) => rm(join(site.dashHome, 'state'), { recursive: true })],
    ['a store that is gone', (site: Site) => rm(join(site.dashHome, 'store'), { recursive: true })],
    ['a flipped bit in a package', async (site: Site) => flipBit(join(await treeOf(site), 'index.ts'))],
    ['a file added to a package', async (site: Site) => writeFile(join(await treeOf(site), 'extra.js'), '')],
    ['a file removed from a package', async (site: Site) => rm(join(await treeOf(site), 'package.json'))],
    ['a flipped bit in a dependency', async (site: Site) => flipBit(await packOf(site, 'dep'))],
    ['a dependency that is cut off', async (site: Site) => cutOff(await packOf(site, 'dep'))],
    ['a dependency that is gone', async (site: Site) => rm(await packOf(site, 'dep'))],
  ])('mends %s', async (_, damage) => {
    const { site } = await installedSite();
    await damage(site);
    await site.restore();
    expect(await site.installed()).toEqual({ pkg: '1.0.0' });
    const [pkg] = await readInstalled({ dashHome: site.dashHome });
    for (const node of Object.values(pkg?.graph.nodes ?? {})) expect(JSON.parse(filesOf(node)['package.json'] ?? '')).toHaveProperty('name');
    expect((await readdir(await treeOf(site))).toSorted()).toEqual(['index.ts', 'package.json']);
    expect(await site.restore()).toMatchObject({ installed: [], unchanged: [{ name: 'pkg' }] });
  });

  it('keeps what was disabled', async () => {
    const { registry, site } = await installedSite();
    const lock: unknown = JSON.parse(await lockText(site));
    const other = await freshSite(registry, JSON.stringify(lock).replace('"spec":"npm:pkg"', '"disabled":true,"spec":"npm:pkg"'));
    await other.restore({ grant: ['summary'] });
    expect((await readInstalled({ dashHome: other.dashHome }))[0]).toMatchObject({ enabled: false });
  });

  it('comes from git, a tarball and a directory as well', async () => {
    const registry = await startNpmRegistry();
    const site = await makeSite({ registry: registry.url });
    const repository = await makeGitRepository({ 'package.json': JSON.stringify({ name: 'from-git', version: '1.0.0' }), 'skills/a/SKILL.md': skill('a') });
    const archive = join(await temporaryDirectory(), 'it.tgz');
    const whole = packTarball({ 'package.json': JSON.stringify({ name: 'from-file', version: '2.0.0' }), 'skills/b/SKILL.md': skill('b') });
    await writeFile(archive, whole);
    const linked = await temporaryDirectory();
    await mkdir(join(linked, 'skills/c'), { recursive: true });
    await writeFile(join(linked, 'package.json'), JSON.stringify({ name: 'from-dir', version: '3.0.0' }));
    await writeFile(join(linked, 'skills/c/SKILL.md'), skill('c'));
    await site.install([`git:${repository.dir}`, archive, linked]);
    const all = { 'from-dir': '3.0.0', 'from-file': '2.0.0', 'from-git': '1.0.0' };
    for (const gone of ['state', 'store']) {
      await rm(join(site.dashHome, gone), { recursive: true });
      await site.restore({ frozen: true });
      expect(await site.installed()).toEqual(all);
    }
    // an archive of the same name and version that is another one, with another permission
    const changed = { 'package.json': JSON.stringify({ name: 'from-file', version: '2.0.0', dash: { permissions: ['ui:notify'], skills: ['skills/*'] } }) };
    await writeFile(archive, packTarball({ ...changed, 'skills/b/SKILL.md': skill('b') }));
    await rm(join(site.dashHome, 'store'), { recursive: true });
    await expect(site.restore({ grant: ['summary'] })).rejects.toMatchObject({
      code: 'LOCK_TAMPERED',
      message: expect.stringMatching(/it\.tgz` is not the archive that .*dash\.lock` pins for `from-file`/),
      hint: expect.stringContaining(`dash install ${archive}`),
    });
    await writeFile(archive, whole);
    await site.restore();
    await rm(join(site.dashHome, 'state'), { recursive: true });
    await rm(repository.dir, { recursive: true });
    await rm(archive);
    await site.restore({ frozen: true, offline: true });
    expect(await site.installed()).toEqual(all);
  });
});

describe('a lock that was edited', () => {
  const edits: readonly (readonly [string, (lock: string) => string])[] = [
    ['an integrity', (lock) => lock.replace(/("integrity": "sha512-)(.)/, (_, head: string, first: string) => `${head}${first === 'A' ? 'B' : 'A'}`)],
    ['the hash of a tree', (lock) => lock.replace(/("treeSha256": ")(.)/, (_, head: string, first: string) => `${head}${first === '0' ? '1' : '0'}`)],
    ['the number of files', (lock) => lock.replace(/"files": \d+/, '"files": 77')],
    ['the permissions', (lock) => lock.replace('"net:api.example.com"', '"net:evil.example.com"')],
    [
      'the digest of the permissions',
      (lock) => lock.replace(/("permissionsSha256": ")(.)/, (_, head: string, first: string) => `${head}${first === '0' ? '1' : '0'}`),
    ],
    ['the registry', (lock) => lock.replace(/"registry": "[^"]*"/, '"registry": "https://evil.example.com/"')],
    ['the default registry', (lock) => lock.replaceAll(/,\s*"registry": "[^"]*"/g, '')],
    ['the place of an archive', (lock) => lock.replace('"kind": "npm",', '"kind": "npm", "tarball": "https://evil.example.com/x.tgz",')],
    ['a version that does not satisfy', (lock) => lock.replaceAll('dep@1.2.0', 'dep@0.9.0').replace('"version": "1.2.0"', '"version": "0.9.0"')],
    ['a name', (lock) => lock.replaceAll('deeper@3.0.0', 'evil@1.0.0').replace('"name": "deeper"', '"name": "evil"')],
    ['an edge that is not asked for', (lock) => lock.replace('"deeper": "deeper@3.0.0"', '"deeper": "deeper@3.0.0", "fs": "real@2.1.0"')],
    ['an edge that is missing', (lock) => lock.replace('"deeper": "deeper@3.0.0"', '')],
    ['an edge that dangles', (lock) => lock.replace('"deeper": "deeper@3.0.0"', '"deeper": "deeper@9.0.0"')],
    ['a node nobody needs', (lock) => lock.replace('"real@2.1.0": {}', '"real@2.1.0": {}, "evil@1.0.0": {}')],
    ['a pin that is missing', (lock) => lock.replace('"deeper@3.0.0": {\n      "files"', '"deeper@3.0.1": {\n      "files"')],
    ['a spec the pin does not satisfy', (lock) => lock.replace('"spec": "npm:pkg"', '"spec": "npm:pkg@2"')],
    ['another root', (lock) => lock.replace('"id": "pkg@1.0.0"', '"id": "real@2.1.0"')],
  ];

  it.each(edits)('in %s is refused, whether the store is warm or not', async (_, edit) => {
    const { registry, site } = await installedSite();
    const edited = edit(await lockText(site));
    expect(edited).not.toBe(await lockText(site));
    const before = await pointer(site);

    await writeFile(lockOf(site), edited);
    await expect(site.restore({ grant: ['summary'] })).rejects.toMatchObject({
      code: 'LOCK_TAMPERED',
      where: { path: lockOf(site) },
      hint: expect.any(String),
    });
    expect(await pointer(site)).toBe(before);
    expect(await lockText(site)).toBe(edited);
    expect(await site.installed()).toEqual({ pkg: '1.0.0' });

    const cold = await freshSite(registry, edited);
    await expect(cold.restore({ grant: ['summary'], frozen: true })).rejects.toMatchObject({ code: 'LOCK_TAMPERED' });
    expect(existsSync(join(cold.dashHome, 'state', 'current'))).toBe(false);
  });

  it.each([
    [
      'merge-conflict markers',
      (lock: string) => lock.replace('"version": 1', '<<<<<<< ours\n"version": 1\n=======\n"version": 1\n>>>>>>> theirs'),
      'LOCK_INVALID',
    ],
    ['half of it missing', (lock: string) => lock.slice(0, 200), 'LOCK_INVALID'],
    ['a higher version', (lock: string) => lock.replace(/"version": 1\n/, '"version": 2\n'), 'LOCK_VERSION'],
    ['a spec that is none', (lock: string) => lock.replace('"npm:pkg"', '"--upload-pack=x"'), 'LOCK_INVALID'],
    ['a key twice', (lock: string) => lock.replace('"roots": {', '"roots": {}, "roots": {'), 'LOCK_INVALID'],
  ])('with %s is refused and not rewritten', async (_, edit, code) => {
    const { site } = await installedSite();
    const edited = edit(await lockText(site));
    await writeFile(lockOf(site), edited);
    await expect(site.restore()).rejects.toMatchObject({ code });
    expect(await lockText(site)).toBe(edited);
    expect(await site.installed()).toEqual({ pkg: '1.0.0' });
  });

  it('takes an archive from elsewhere when the registry itself says so', async () => {
    const { registry, site } = await installedSite();
    const elsewhere = await startNpmRegistry({ name: 'dep', version: '1.2.0', manifest: { dependencies: { deeper: '*' } } });
    const tarball = `${elsewhere.url}dep/-/dep-1.2.0.tgz`;
    registry.publish({ name: 'dep', version: '1.2.0', manifest: { dependencies: { deeper: '*' } }, dist: { tarball } });
    const fresh = await makeSite({ registry: registry.url });
    await fresh.install('pkg', { grant: ['summary'] });
    expect(await lockText(fresh)).toContain(tarball);
    const other = await freshSite(registry, await lockText(fresh));
    await other.restore({ frozen: true, grant: ['summary'] });
    expect(await other.installed()).toEqual(await site.installed());
    await rm(join(other.dashHome, 'state'), { recursive: true });
    await other.restore({ frozen: true, offline: true });
    expect(await other.installed()).toEqual(await site.installed());
  });
});

describe('the lock of a project', () => {
  async function projectSite(spec: (project: string) => Promise<string>) {
    const registry = await startNpmRegistry();
    const author = await makeSite({ registry: registry.url });
    const project = await temporaryDirectory();
    const scope = { kind: 'project', dir: project } as const;
    await author.install(await spec(project), { scope });
    return { author, scope, stranger: await makeSite({ registry: registry.url }) };
  }

  it.each([
    ['a directory', async (project: string) => writeSkill(join(project, 'tool'))],
    ['a repository on this machine', async () => `git:${(await makeGitRepository({ 'skills/a/SKILL.md': skill('a') })).dir}`],
  ])('leads nobody to %s who did not name it', async (_, spec) => {
    const { author, scope, stranger } = await projectSite(spec);
    await expect(stranger.restore({ scope })).rejects.toMatchObject({ code: 'SOURCE_UNTRUSTED', hint: expect.stringContaining('dash install') });
    await rm(join(author.dashHome, 'store'), { recursive: true, force: true });
    await expect(author.restore({ scope })).resolves.toBeDefined();
  });
});

describe('in CI', () => {
  async function ciSite(policy?: unknown) {
    const { registry, site } = await installedSite();
    const outside = join(await temporaryDirectory(), 'policy.json');
    if (policy !== undefined) await writeFile(outside, typeof policy === 'string' ? policy : JSON.stringify(policy));
    const ci = await freshSite(registry, await lockText(site));
    const run = async (options: Partial<RestoreContext> = {}) =>
      ci.restore({ frozen: true, policy: await readCiPolicy(policy === undefined ? undefined : outside, ci.workspace), ...options });
    return { ci, run, outside };
  }

  it('grants come from the policy file', async () => {
    const { ci, run } = await ciSite({ version: 1, grants: { 'npm:pkg': ['net:api.example.com'] } });
    expect((await run()).installed[0]?.permissions.granted).toEqual(['net:api.example.com']);
    const [pkg] = await readInstalled({ dashHome: ci.dashHome });
    expect((await readGrants(ci.dashHome, pkg?.grantKey ?? '', ci.workspace)).permissions).toHaveLength(1);
  });

  it('what is installed already is decided on again, and stays as it is', async () => {
    const { ci, run } = await ciSite({ version: 1, grants: { 'npm:pkg': ['net:api.example.com'] } });
    await run();
    const before = await pointer(ci);
    expect(await run({ offline: true })).toMatchObject({ installed: [], unchanged: [{ name: 'pkg' }] });
    expect(await pointer(ci)).toBe(before);
    await expect(run({ policy: new Map() })).rejects.toMatchObject({ code: 'CONSENT_REQUIRED' });
  });

  it.each([
    ['there is no policy', undefined],
    ['it speaks of another package', { version: 1, grants: { 'npm:other': ['net:api.example.com'] } }],
    ['it grants something else', { version: 1, grants: { 'npm:pkg': ['net:other.example.com'] } }],
  ])('consent is required when %s, and the hint is the policy that is missing', async (_, policy) => {
    const { run } = await ciSite(policy);
    await expect(run()).rejects.toMatchObject({ code: 'CONSENT_REQUIRED', hint: expect.stringContaining('net:api.example.com') });
  });

  it('what was granted on this machine before does not count', async () => {
    const { ci, run } = await ciSite();
    await ci.restore({ grant: ['summary'] });
    await rm(join(ci.dashHome, 'state'), { recursive: true });
    await expect(run()).rejects.toMatchObject({ code: 'CONSENT_REQUIRED' });
  });

  it.each([
    ['an unknown key', { version: 1, grants: {}, allow: [] }],
    ['an unknown version', { version: 2, grants: {} }],
    ['a key that is no source', { version: 1, grants: { pkg: [] } }],
    ['a permission that is none', { version: 1, grants: { 'npm:pkg': ['everything'] } }],
    ['a denial', { version: 1, grants: { 'npm:pkg': ['!net:api.example.com'] } }],
    ['text that is not JSON', '{'],
  ])('a policy with %s is refused', async (_, policy) => {
    const { run } = await ciSite(policy);
    await expect(run()).rejects.toMatchObject({ code: 'POLICY_INVALID' });
  });

  it('a policy that is not there is refused', async () => {
    await expect(readCiPolicy('/nowhere/policy.json', await temporaryDirectory())).rejects.toMatchObject({ code: 'POLICY_INVALID' });
  });

  it('a policy in the checkout is refused, from a sub-directory and through a link too', async () => {
    const checkout = await temporaryDirectory();
    await mkdir(join(checkout, '.git'));
    await mkdir(join(checkout, 'packages/app'), { recursive: true });
    await writeFile(join(checkout, 'policy.json'), '{"version": 1}');
    for (const cwd of [checkout, join(checkout, 'packages/app')])
      await expect(readCiPolicy(join(checkout, 'policy.json'), cwd)).rejects.toMatchObject({
        code: 'POLICY_INVALID',
        message: expect.stringContaining('checkout'),
      });
    const outside = await temporaryDirectory();
    await symlink(join(checkout, 'policy.json'), join(outside, 'link.json'));
    await expect(readCiPolicy(join(outside, 'link.json'), checkout)).rejects.toMatchObject({ code: 'POLICY_INVALID' });
  });
});

async function treeOf(site: Site): Promise<string> {
  const [pkg] = await readInstalled({ dashHome: site.dashHome });
  return pkg?.dir ?? '';
}

async function packOf(site: Site, name: string): Promise<string> {
  const [pkg] = await readInstalled({ dashHome: site.dashHome });
  return Object.values(pkg?.graph.nodes ?? {}).find((one) => one.name === name)?.pack ?? '';
}

async function flipBit(path: string): Promise<void> {
  const bytes = await readFile(path);
  const last = bytes.length - 1;
  bytes[last] = (bytes[last] ?? 0) ^ 1;
  await chmod(path, 0o644);
  await writeFile(path, bytes);
}

async function cutOff(path: string): Promise<void> {
  await chmod(path, 0o644);
  await truncate(path, 100);
}

async function writeSkill(dir: string): Promise<string> {
  await mkdir(join(dir, 'skills/c'), { recursive: true });
  await writeFile(join(dir, 'skills/c/SKILL.md'), skill('c'));
  return dir;
}

function skill(name: string): string {
  return `---\nname: ${name}\ndescription: does ${name}\n---\nbody\n`;
}

describe('a lock that pins a young release', () => {
  const HOUR_AGO = new Date(Date.now() - 3_600_000).toISOString();
  const MATURE = '2025-01-01T00:00:00.000Z';

  /** A machine that has nothing but the lock, in which every release claims to be old. */
  async function youngLock(young: 'pkg' | 'dep'): Promise<{ readonly registry: FixtureRegistry; readonly site: Site }> {
    const registry = await startNpmRegistry(
      { ...extensionPackage('pkg', { dependencies: { dep: '1' } }), ...(young === 'pkg' && { time: HOUR_AGO }) },
      { name: 'dep', ...(young === 'dep' && { time: HOUR_AGO }) },
    );
    const author = await makeSite({ registry: registry.url });
    await author.install('pkg', { minAgeMs: 0 });
    const lock = (await lockText(author)).replaceAll(/"publishedAt": "[^"]*"/g, `"publishedAt": "${MATURE}"`);
    expect(lock.match(new RegExp(MATURE, 'g'))).toHaveLength(2);
    registry.requests.length = 0;
    return { registry, site: await freshSite(registry, lock) };
  }

  it.each(['pkg', 'dep'] as const)('(%s) is refused before anything of it comes here, whatever date the lock has', async (young) => {
    const { registry, site } = await youngLock(young);
    await expect(planInstall([], await site.context())).rejects.toMatchObject({ code: 'RELEASE_TOO_YOUNG' });
    registry.requests.length = 0;
    await rm(join(site.dashHome, 'meta'), { recursive: true, force: true });
    await expect(site.restore({ frozen: true })).rejects.toMatchObject({
      code: 'RELEASE_TOO_YOUNG',
      message: expect.stringMatching(new RegExp(`dash\\.lock\` pins \`${young}@1\\.0\\.0\`, which has been public for 1 hour, less than 3 days`)),
      hint: expect.stringContaining('--min-age 0'),
      where: { path: lockOf(site), line: expect.any(Number) },
    });
    expect(registry.requests.toSorted()).toEqual(['GET /dep', 'GET /pkg']);
    expect(await site.installed()).toEqual({});
  });

  it('is taken by who says so, and is not new from then on, however damaged the store is', async () => {
    const { site } = await youngLock('dep');
    await site.restore({ minAgeMs: 0 });
    await rm(join(site.dashHome, 'store'), { recursive: true });
    expect(await site.restore()).toMatchObject({ installed: [{ name: 'pkg' }] });
  });

  it.each<[string, Readonly<Record<string, unknown>>, string]>([
    ['says that nothing has to wait', { minimumReleaseAge: 0 }, 'installed'],
    ['asks for less than it has', { minimumReleaseAge: 59 }, 'installed'],
    ['asks for more', { minimumReleaseAge: 61 }, 'RELEASE_TOO_YOUNG'],
    ['names it', { minimumReleaseAgeExclude: ['other', 'dep'] }, 'installed'],
    ['names what begins so', { minimumReleaseAgeExclude: ['d*'] }, 'installed'],
    ['names something else', { minimumReleaseAgeExclude: ['d*x', '@acme/*', 'de'] }, 'RELEASE_TOO_YOUNG'],
    ['has words for minutes', { minimumReleaseAge: '3 days' }, 'SETTINGS_INVALID'],
    ['has one name for a list', { minimumReleaseAgeExclude: 'dep' }, 'SETTINGS_INVALID'],
  ])('goes by the settings: one that %s', async (_, settings, expected) => {
    const { site } = await youngLock('dep');
    await writeFile(join(site.dashHome, 'settings.json'), JSON.stringify(settings));
    const outcome = await site.restore().then(
      () => 'installed',
      ({ code }: { code: string }) => code,
    );
    expect(outcome).toBe(expected);
    if (expected !== 'SETTINGS_INVALID') return;
    await expect(site.restore()).rejects.toMatchObject({ where: { path: join(site.dashHome, 'settings.json') }, hint: expect.any(String) });
  });

  it('is not excused by the settings of a project', async () => {
    const { registry, site } = await youngLock('dep');
    const project = { kind: 'project', dir: site.workspace } as const;
    await mkdir(join(site.workspace, '.dash'), { recursive: true });
    await writeFile(join(site.workspace, '.dash', 'dash.lock'), await lockText(site));
    await writeFile(join(site.workspace, '.dash', 'settings.json'), JSON.stringify({ minimumReleaseAge: 0, minimumReleaseAgeExclude: ['*'] }));
    await expect(site.restore({ scope: project })).rejects.toMatchObject({ code: 'RELEASE_TOO_YOUNG' });
    expect(registry.requests.some((request) => request.includes('/-/'))).toBe(false);
  });

  it('that its registry does not list is none at all', async () => {
    const { registry, site } = await youngLock('dep');
    registry.override('/dep', { status: 200, body: JSON.stringify({ name: 'dep', 'dist-tags': {}, versions: {} }) });
    await expect(site.restore()).rejects.toMatchObject({ code: 'LOCK_TAMPERED', message: expect.stringContaining('does not list') });
  });
});

describe('a lock that was pulled and is not installed yet', () => {
  /** One package is installed; the lock has another besides. */
  async function pulledSite(): Promise<{ readonly registry: FixtureRegistry; readonly site: Site; readonly pulled: string }> {
    const registry = await startNpmRegistry(extensionPackage('one'), extensionPackage('two'), extensionPackage('three'));
    const site = await makeSite({ registry: registry.url });
    await site.install(['one', 'two']);
    const pulled = await lockText(site);
    await remove(['two'], await site.context());
    await writeFile(lockOf(site), pulled);
    return { registry, site, pulled };
  }

  it.each<[string, (site: Site) => Promise<unknown>]>([
    ['another install', (site) => site.install('three')],
    ['the removal of another', async (site) => remove(['one'], await site.context())],
    ['switching another off', async (site) => choose([{ name: 'one', choose: ({ choice }) => ({ ...choice, disabled: true }) }], await site.context())],
    ['an update', async (site) => update([], await site.context())],
  ])('is not lost to %s', async (_, command) => {
    const { site, pulled } = await pulledSite();
    await expect(command(site)).rejects.toMatchObject({ code: 'LOCK_CHANGED' });
    expect(await lockText(site)).toBe(pulled);
    await site.restore();
    await command(site);
    expect(await lockText(site)).toContain('"two@1.0.0"');
  });

  it('is not lost where nothing was installed yet, nor when a newer Dash wrote it', async () => {
    const { site } = await pulledSite();
    await rm(join(site.dashHome, 'state'), { recursive: true });
    await expect(site.install('three')).rejects.toMatchObject({ code: 'LOCK_CHANGED' });
    const newer = (await lockText(site)).replace('"version": 1\n}', '"version": 99\n}');
    await writeFile(lockOf(site), newer);
    await expect(site.install('three')).rejects.toMatchObject({ code: 'LOCK_VERSION' });
    expect(await lockText(site)).toBe(newer);
  });

  it.each<[string, (site: Site) => Promise<unknown>]>([
    ['another install', async (site) => planInstall([parseSpec('three', { cwd: '/' })], await site.context())],
    ['the removal of another', async (site) => remove(['one'], { ...(await site.context()), dryRun: true })],
    [
      'switching another off',
      async (site) => choose([{ name: 'one', choose: ({ choice }) => ({ ...choice, disabled: true }) }], { ...(await site.context()), dryRun: true }),
    ],
  ])('is refused by a dry run of %s as by the thing itself', async (_, plan) => {
    const { site } = await pulledSite();
    await expect(plan(site)).rejects.toMatchObject({ code: 'LOCK_CHANGED' });
    await site.restore();
    await plan(site);
  });

  it('is seen before anything is fetched', async () => {
    const { registry, site } = await pulledSite();
    registry.requests.length = 0;
    for (const act of [() => site.install('three'), async () => planInstall([parseSpec('three', { cwd: '/' })], await site.context())])
      await expect(act()).rejects.toMatchObject({ code: 'LOCK_CHANGED' });
    expect(registry.requests).toEqual([]);
  });

  it('may be of what an archive turns out to be, which is known when it was read', async () => {
    const { site } = await pulledSite();
    const path = join(site.workspace, 'archive.tgz');
    const archiveOf = (name: string) =>
      writeFile(
        path,
        packTarball({ 'package.json': JSON.stringify({ name, version: '2.0.0', dash: { skills: ['skills/*'] } }), 'skills/a/SKILL.md': skill('a') }),
      );
    await archiveOf('three');
    await expect(site.install(path)).rejects.toMatchObject({ code: 'LOCK_CHANGED' });
    await archiveOf('two');
    expect(await site.install(path)).toMatchObject({ installed: [{ name: 'two', version: '2.0.0' }] });
  });

  it('is not lost to a rollback, unless that leads to what it says', async () => {
    const { site, pulled } = await pulledSite();
    await site.restore();
    await remove(['one', 'two'], await site.context());
    await writeFile(lockOf(site), pulled);
    for (const dryRun of [true, false])
      await expect(rollback({ ...(await site.context()), number: 2, dryRun })).rejects.toMatchObject({ code: 'LOCK_CHANGED' });
    expect([await lockText(site), await site.installed()]).toEqual([pulled, {}]);
    expect(await rollback(await site.context())).toMatchObject({ to: 3 });
    expect(await lockText(site)).toBe(pulled);
  });

  it('is not lost when it was pulled while a command was at work', async () => {
    const { registry, site } = await pulledSite();
    await site.restore();
    const newer = (await lockText(site)).replace('"spec": "npm:two"', '"spec": "npm:two@1"');
    const pull = (kind: string) => (kind === 'consented' ? writeFileSync(lockOf(site), newer) : undefined);
    const before = await pointer(site);
    await expect(site.install('three', { onProgress: ({ kind }) => pull(kind) })).rejects.toMatchObject({ code: 'LOCK_CHANGED' });
    expect([await lockText(site), await pointer(site)]).toEqual([newer, before]);
    expect(registry.requests).toContain('GET /three/-/three-1.0.0.tgz');
    expect(await site.restore()).toMatchObject({ installed: [{ name: 'two' }] });
  });

  it.each<[string, (site: Site, watching: Pick<InstallContext, 'onProgress'>) => Promise<unknown>]>([
    ['an install', (site, watching) => site.install('three', watching)],
    ['a removal', async (site, watching) => remove(['two'], { ...(await site.context()), ...watching })],
    ['a rollback', async (site, watching) => rollback({ ...(await site.context()), ...watching, number: 2 })],
  ])('after %s was cut off behind its commit is not lost when that is finished', async (_, command) => {
    const { site } = await pulledSite();
    await site.restore();
    const before = await lockText(site);
    const pulled = before.replace('"spec": "npm:two"', '"spec": "npm:two@1"');
    const journal = join(site.dashHome, 'state', 'journal');
    let left = '';
    await command(site, {
      onProgress: (progress) => (left = progress.kind === 'commit' && progress.step === 'current' ? readFileSync(journal, 'utf8') : left),
    });
    const after = await lockText(site);
    // as it lies on the disk when the command is killed there
    for (const [found, expected] of [
      [before, after],
      [pulled, pulled],
    ] as const) {
      await writeFile(lockOf(site), found);
      await writeFile(journal, left);
      await collectGarbage(await site.context());
      expect(existsSync(journal)).toBe(false);
      expect(await lockText(site)).toBe(expected);
    }
  });

  it('gives way to what is named: that is how it is pinned anew', async () => {
    const { site } = await pulledSite();
    expect(await site.install('two')).toMatchObject({ installed: [{ name: 'two' }] });
  });
});

describe('builds that are left for later', () => {
  const emptySite = async (): Promise<Site> => {
    const { registry, site } = await installedSite();
    return freshSite(registry, await lockText(site));
  };
  const only = async (site: Site) => (await readInstalled({ dashHome: site.dashHome }))[0];

  it('are told apart, and made by one more generation with the same packages', async () => {
    const site = await emptySite();
    expect(await site.restore({ frozen: true, deferBuilds: true, grant: ['summary'] })).toMatchObject({ installed: [{ name: 'pkg' }] });
    expect(await only(site)).toMatchObject({ pending: true, captured: undefined, compiled: { entries: [] } });
    expect(await finishBuilds(await site.context())).toEqual(['pkg']);
    expect(await only(site)).toMatchObject({ pending: false, captured: { tools: [{ name: 'hello' }] } });
    expect(await pointer(site)).toMatch(/^2 /);
    expect(await finishBuilds(await site.context())).toEqual([]);
    expect(await pointer(site)).toMatch(/^2 /);
  });

  it('are not needed where the same bytes were built before', async () => {
    const { site } = await installedSite();
    await rm(join(site.dashHome, 'state'), { recursive: true });
    await site.restore({ frozen: true, deferBuilds: true });
    expect(await only(site)).toMatchObject({ pending: false, captured: { tools: [{ name: 'hello' }] } });
  });

  it('are not asked for again by the next install, nor lost by it', async () => {
    const site = await emptySite();
    await site.restore({ deferBuilds: true, grant: ['summary'] });
    const before = await pointer(site);
    expect(await site.restore({ deferBuilds: true })).toMatchObject({ installed: [], unchanged: [{ name: 'pkg' }] });
    expect([await pointer(site), (await only(site))?.pending]).toEqual([before, true]);
  });

  it('leave the lock alone, which may have been pulled in the meantime', async () => {
    const site = await emptySite();
    await site.restore({ deferBuilds: true, grant: ['summary'] });
    const pulled = (await lockText(site)).replace('"spec": "npm:pkg"', '"spec": "npm:pkg@1"');
    await writeFile(lockOf(site), pulled);
    expect(await finishBuilds(await site.context())).toEqual(['pkg']);
    expect(await lockText(site)).toBe(pulled);
    expect(pulled).toContain('npm:pkg@1');
  });

  it('are not made of what somebody wrote into the store', async () => {
    const site = await emptySite();
    await site.restore({ deferBuilds: true, grant: ['summary'] });
    const path = join((await only(site))?.dir ?? '', 'index.ts');
    await chmod(path, 0o644);
    await writeFile(path, '// tool:evil');
    await expect(finishBuilds(await site.context())).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
    expect(await only(site)).toMatchObject({ pending: true, compiled: { entries: [] } });
    await site.restore();
    expect(await only(site)).toMatchObject({ pending: false, captured: { tools: [{ name: 'hello' }] } });
  });

  it('keep nobody waiting: others install meanwhile, and what they replaced is not entered', async () => {
    const { registry, site: first } = await installedSite();
    registry.publish(extensionPackage('other', { permissions: ['ui:notify'] }));
    await first.install('other', { grant: ['summary'] });
    const site = await freshSite(registry, await lockText(first));
    await site.restore({ deferBuilds: true, grant: ['summary'] });
    const context = await site.context();
    const compiled: string[] = [];
    const busy = {
      ...context.ports,
      compile: async (...request: Parameters<typeof context.ports.compile>) => {
        const [{ name }] = request;
        compiled.push(name);
        if (name === 'other') await remove(['other'], { ...context, lockWaitMs: 0 });
        return context.ports.compile(...request);
      },
    };
    expect(await finishBuilds({ ...context, ports: busy })).toEqual(['other', 'pkg']);
    expect(compiled.toSorted()).toEqual(['other', 'pkg']);
    expect(await readInstalled({ dashHome: site.dashHome })).toMatchObject([{ name: 'pkg', pending: false, captured: { tools: [{ name: 'hello' }] } }]);
  });

  it('are made once when two want them at once', async () => {
    const site = await emptySite();
    await site.restore({ deferBuilds: true, grant: ['summary'] });
    const context = await site.context();
    let compiled = 0;
    const counting = { ...context.ports, compile: (...request: Parameters<typeof context.ports.compile>) => (compiled++, context.ports.compile(...request)) };
    expect(await Promise.all([1, 2].map(() => finishBuilds({ ...context, ports: counting })))).toEqual([['pkg'], ['pkg']]);
    expect([compiled, await pointer(site)]).toEqual([1, expect.stringMatching(/^2 /)]);
  });

  it('say why when the code does not build, and the package stays', async () => {
    const registry = await startNpmRegistry(extensionPackage('broken', { source: 'syntax error', permissions: ['ui:notify'] }));
    const site = await makeSite({ registry: registry.url });
    await mkdir(site.dashHome, { recursive: true });
    await writeFile(join(site.dashHome, 'settings.json'), JSON.stringify({ packages: ['npm:broken'] }));
    await site.restore({ deferBuilds: true });
    await finishBuilds(await site.context());
    expect(await only(site)).toMatchObject({ pending: false, compiled: { failures: [{ error: { code: 'COMPILE_FAILED' } }] } });
  });
});

describe('what settings name and the lock lacks', () => {
  const withSettings = async (registry: FixtureRegistry, packages: readonly unknown[]): Promise<Site> => {
    const site = await makeSite({ registry: registry.url });
    await mkdir(site.dashHome, { recursive: true });
    await writeFile(join(site.dashHome, 'settings.json'), JSON.stringify({ packages }));
    return site;
  };

  it('is brought, without a lock and beside one, and locked from then on', async () => {
    const registry = await startNpmRegistry(extensionPackage('one'), extensionPackage('two'));
    const site = await withSettings(registry, ['npm:one']);
    expect(await site.restore()).toMatchObject({ installed: [{ name: 'one' }] });
    await writeFile(join(site.dashHome, 'settings.json'), JSON.stringify({ packages: ['npm:one', { source: 'npm:two@^1.0.0', extensions: [] }] }));
    await expect(site.restore({ frozen: true })).rejects.toMatchObject({ code: 'LOCK_OUTDATED' });
    expect(await site.restore()).toMatchObject({ installed: [{ name: 'two' }], unchanged: [{ name: 'one' }] });
    expect(await site.restore({ frozen: true })).toMatchObject({ installed: [] });
    expect(await site.installed()).toEqual({ one: '1.0.0', two: '1.0.0' });
  });

  it('comes again after a removal, which says so', async () => {
    const registry = await startNpmRegistry(extensionPackage('one'), extensionPackage('two'));
    const site = await withSettings(registry, ['npm:one@^1.0.0']);
    await site.restore();
    await site.install('two');
    for (const dryRun of [true, false]) {
      const { diagnostics } = await remove(['two', 'one'], { ...(await site.context()), dryRun });
      expect(diagnostics).toMatchObject([{ code: 'STILL_NAMED', message: expect.stringContaining('`one`') }]);
      expect(await site.installed()).toEqual(dryRun ? { one: '1.0.0', two: '1.0.0' } : {});
    }
    expect(await site.restore()).toMatchObject({ installed: [{ name: 'one' }] });
  });

  it('asks for consent like anything that is installed', async () => {
    const registry = await published();
    const site = await withSettings(registry, ['npm:pkg']);
    await expect(site.restore()).rejects.toMatchObject({ code: 'CONSENT_REQUIRED' });
    expect(await site.installed()).toEqual({});
  });

  it('in a project comes from a registry, or is typed by the user', async () => {
    const registry = await published();
    const site = await makeSite({ registry: registry.url });
    await mkdir(join(site.workspace, '.dash'), { recursive: true });
    await writeFile(join(site.workspace, '.dash', 'settings.json'), JSON.stringify({ packages: ['git:git.internal/team/repository'] }));
    await expect(site.restore({ scope: { kind: 'project', dir: site.workspace } })).rejects.toMatchObject({ code: 'SOURCE_UNTRUSTED' });
  });
});

describe('a restore that was done before', () => {
  const noteOf = async (site: Site) => readdir(join(site.dashHome, 'meta', 'restores')).catch(() => []);
  const withoutState = (site: Site) => rm(join(site.dashHome, 'state'), { recursive: true });

  it('is one commit of the same generation when the state is gone, and nothing when it is there', async () => {
    const { site } = await installedSite();
    const [before] = await readInstalled({ dashHome: site.dashHome });
    await withoutState(site);
    const restored = await site.restore({ frozen: true });
    expect(await noteOf(site)).toHaveLength(1);
    await withoutState(site);
    // ports that would fail show that nothing is looked at again
    const again = await site.restore({ frozen: true, ports: { ...(await site.context()).ports, readSkills: () => Promise.reject(new Error('looked')) } });
    expect(again).toMatchObject({ installed: restored.installed, unchanged: [] });
    expect((await readInstalled({ dashHome: site.dashHome }))[0]).toEqual(before);
    expect(await pointer(site)).toMatch(/^1 /);
    expect(await site.restore({ frozen: true })).toMatchObject({ installed: [], unchanged: restored.installed });
    // what it wrote can be gone back to: its digest of itself is right
    await site.install(['pkg'], { grant: ['summary', 'net:other.example.com'] });
    expect(await rollback({ ...(await site.context()), number: 1 })).toMatchObject({ to: 1 });
  });

  it.each<[string, (site: Site) => Promise<unknown>]>([
    [
      'the lock',
      async (site) =>
        writeFile(lockOf(site), (await lockText(site)).replace('"api.example.com"', '"api.example.org"').replace('net:api.example.com', 'net:api.example.org')),
    ],
    ['a file of the store', async (site) => corruptPackage(site)],
    ['the grants', async (site) => rm(join(site.dashHome, 'grants.json'))],
  ])('is done again from bytes when %s changed', async (_, change) => {
    const { registry, site } = await installedSite();
    await site.restore();
    await change(site);
    await withoutState(site);
    const outcome = await site.restore({ frozen: true, grant: [] }).then(
      () => 'restored',
      (error: { code: string }) => error.code,
    );
    expect([outcome, registry.requests.length > 0]).toEqual(
      _ === 'the lock' ? ['LOCK_TAMPERED', false] : _ === 'the grants' ? ['CONSENT_REQUIRED', false] : ['restored', true],
    );
  });

  it.each<[string, (text: string) => string]>([
    ['the note', (text) => text.replace('"objects"', '"obiects"')],
    // a digit of the hash of a tree, in the generation that is brought back
    ['its generation', (text) => text.replace(/("contentHash": ")([0-9a-f])/, (_, before: string, digit: string) => `${before}${digit === '0' ? '1' : '0'}`)],
  ])('is done again when a bit of %s flipped', async (_, flip) => {
    const { site } = await notedSite();
    const before = await readInstalled({ dashHome: site.dashHome });
    const [name = ''] = await noteOf(site);
    const path = join(site.dashHome, 'meta', 'restores', name);
    const text = await readFile(path, 'utf8');
    expect(flip(text)).not.toBe(text);
    await writeFile(path, flip(text));
    await withoutState(site);
    await site.restore({ frozen: true });
    expect(await readInstalled({ dashHome: site.dashHome })).toEqual(before);
  });

  it('is looked at once more, and then no more, when what it needs was written again', async () => {
    const { site } = await notedSite();
    const { ports } = await site.context();
    let looks = 0;
    const counting = { ...ports, isCompiled: (...given: Parameters<typeof ports.isCompiled>) => (looks++, ports.isCompiled(...given)) };
    const [installed] = await readInstalled({ dashHome: site.dashHome });
    const bundle = join(site.dashHome, 'bundles', `${installed?.compiled.entries[0]?.code ?? ''}.js`);
    // file systems note times by a clock that may be some milliseconds behind
    const noted = Date.now();
    while (Date.now() < noted + 100) await new Promise((resolve) => setImmediate(resolve));
    await writeFile(bundle, await readFile(bundle));
    const { ctimeMs } = statSync(bundle);
    while (Date.now() < ctimeMs + 100) await new Promise((resolve) => setImmediate(resolve));
    for (const expected of [1, 1]) {
      expect(await site.restore({ frozen: true, ports: counting })).toMatchObject({ installed: [], unchanged: [{ name: 'pkg' }] });
      expect(looks).toBe(expected);
    }
    await writeFile(bundle, 'changed');
    expect(await site.restore({ frozen: true, ports: counting })).toMatchObject({ installed: [{ name: 'pkg' }] });
  });

  it.each<[string, string, (text: string) => string]>([
    ['a lock was pulled', 'dash.lock', (text) => text.replace('"spec": "npm:pkg"', '"spec": "npm:pkg@1"')],
    ['a grant was taken back', 'grants.json', () => JSON.stringify({ version: 1, grants: {} })],
    ['settings were written', 'settings.json', () => JSON.stringify({ packages: [{ source: 'npm:pkg', extensions: [] }] })],
  ])('is not noted for what holds from then on, when %s before it was noted', async (_, file, edit) => {
    const { site } = await installedSite();
    await withoutState(site);
    const path = join(site.dashHome, file);
    await site.restore({
      onProgress: (progress) => {
        if (progress.kind === 'commit' && progress.step === 'done') writeFileSync(path, edit(existsSync(path) ? readFileSync(path, 'utf8') : ''));
      },
    });
    const { ports } = await site.context();
    let looks = 0;
    await site.restore({ ports: { ...ports, isCompiled: (...given) => (looks++, ports.isCompiled(...given)) } });
    expect(looks).toBeGreaterThan(0);
  });

  it('looks at the store again when it had to wait for another dash', async () => {
    const { registry, site } = await notedSite();
    const [installed] = await readInstalled({ dashHome: site.dashHome });
    await withoutState(site);
    const holder = await takeProcessLock(storePaths(site.dashHome).lock);
    const restored = site.restore({
      frozen: true,
      onProgress: ({ kind }) => {
        if (kind !== 'waiting') return;
        // as `dash gc` does, for no generation names it any more
        rmSync(dirname(installed?.dir ?? site.dashHome), { recursive: true });
        void holder[Symbol.asyncDispose]();
      },
    });
    expect(await restored).toMatchObject({ installed: [{ name: 'pkg' }] });
    expect(registry.requests.filter((request) => request.includes('/-/'))).toEqual(['GET /pkg/-/pkg-1.0.0.tgz']);
    expect(existsSync(join(installed?.dir ?? '', 'index.ts'))).toBe(true);
  });

  /** A package whose restore is noted. */
  async function notedSite(): Promise<{ readonly registry: FixtureRegistry; readonly site: Site }> {
    const { registry, site } = await installedSite();
    await withoutState(site);
    await site.restore({ frozen: true });
    expect(await noteOf(site)).toHaveLength(1);
    registry.requests.length = 0;
    return { registry, site };
  }

  async function corruptPackage(site: Site): Promise<void> {
    const [installed] = await readInstalled({ dashHome: site.dashHome });
    const path = join(installed?.dir ?? '', 'index.ts');
    await chmod(path, 0o644);
    await writeFile(path, 'changed');
  }
});
