import { existsSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { collectGarbage, list, outdated, readInstalled, update, type UpdateContext, verifyStore, waiting } from '../../../registry/index.ts';
import { makeGitRepository } from '../../support/git-repository.ts';
import { type FixtureRegistry, type PublishedVersion, startNpmRegistry } from '../../support/npm-registry.ts';
import { extensionPackage, makeSite, type Site } from '../install-fixture.ts';

const DAY = 86_400_000;
const ago = (days: number) => new Date(Date.now() - days * DAY).toISOString();
/** The code changes, and nothing the model reads. */
const pkg = (
  version: string,
  {
    permissions,
    more = {},
    ...rest
  }: { permissions?: readonly string[]; more?: Partial<PublishedVersion>; source?: string; dependencies?: Readonly<Record<string, string>> } = {},
) => ({
  ...extensionPackage('pkg', { version, source: `// tool:hello\n// ${version}\n`, ...(permissions !== undefined && { permissions }), ...rest }),
  ...more,
});

async function withPackage(first: PublishedVersion = pkg('1.0.0'), options: { spec?: string; grant?: readonly string[] } = {}) {
  const registry = await startNpmRegistry(first);
  const site = await makeSite({ registry: registry.url });
  await site.install(options.spec ?? 'pkg', { grant: options.grant ?? [] });
  return { registry, site };
}
const run = async (site: Site, names: readonly string[] = [], options: Partial<UpdateContext> = {}) => update(names, { ...(await site.context()), ...options });
const current = (site: Site) => readFile(join(site.dashHome, 'state', 'current'), 'utf8');
const waits = (site: Site) => waiting(site.dashHome, [{ kind: 'user' }]);

describe('an update', () => {
  it('applies by itself when it asks for nothing new and reads the same', async () => {
    const { registry, site } = await withPackage(pkg('1.0.0', { permissions: ['ui:notify', 'net:api.example.com'] }), { grant: ['summary'] });
    registry.publish(pkg('1.1.0', { permissions: ['net:api.example.com'] }));
    expect(await run(site)).toMatchObject({ updated: [{ name: 'pkg', version: '1.1.0' }], steps: [{ from: '1.0.0', to: '1.1.0' }], held: [], unchanged: [] });
    expect(await site.installed()).toEqual({ pkg: '1.1.0' });
    expect(await run(site)).toMatchObject({ updated: [], held: [], unchanged: [{ name: 'pkg', version: '1.1.0' }] });
    const [one] = await list({ dashHome: site.dashHome, workspace: site.workspace });
    expect(one?.permissions.granted).toEqual(['net:api.example.com', 'ui:notify']);
  });

  it.each<[string, PublishedVersion, PublishedVersion, readonly string[]]>([
    ['a new permission', pkg('1.0.0'), pkg('1.1.0', { permissions: ['ui:notify'] }), ['NEW_PERMISSION']],
    ['a new host', pkg('1.0.0'), pkg('1.1.0', { permissions: ['net:evil.example'] }), ['NEW_HOST']],
    ['a new command', pkg('1.0.0'), pkg('1.1.0', { permissions: ['exec:git status'] }), ['NEW_COMMAND']],
    [
      'a denial that is gone',
      pkg('1.0.0', { permissions: ['fs:read:./src', '!fs:read:./src/secret'] }),
      pkg('1.1.0', { permissions: ['fs:read:./src'] }),
      ['NEW_PERMISSION'],
    ],
    [
      'another publisher',
      pkg('1.0.0', { more: { manifest: { dash: { extensions: ['index.ts'] }, _npmUser: { name: 'ada' } } } }),
      pkg('1.1.0', { more: { manifest: { dash: { extensions: ['index.ts'] }, _npmUser: { name: 'eve' } } } }),
      ['PUBLISHER_CHANGED'],
    ],
    [
      'a publisher who is not named any more',
      pkg('1.0.0', { more: { manifest: { dash: { extensions: ['index.ts'] }, _npmUser: { name: 'ada' } } } }),
      pkg('1.1.0'),
      ['PUBLISHER_CHANGED'],
    ],
    ['another tool', pkg('1.0.0'), pkg('1.1.0', { source: '// tool:hello\n// tool:delete_all\n' }), ['TEXT_CHANGED']],
    ['a tool that is gone', pkg('1.0.0', { source: '// tool:hello\n// tool:bye\n' }), pkg('1.1.0'), ['TEXT_CHANGED']],
    ['a young release', pkg('1.0.0'), pkg('1.1.0', { more: { time: ago(1) } }), ['RELEASE_TOO_YOUNG']],
    ['a version that does not compile', pkg('1.0.0'), pkg('1.1.0', { source: 'syntax error' }), ['TEXT_CHANGED', 'DOES_NOT_WORK']],
    [
      'several things at once',
      pkg('1.0.0'),
      pkg('1.1.0', { permissions: ['net:a.example'], source: '// tool:x\n', more: { time: ago(1) } }),
      ['RELEASE_TOO_YOUNG', 'NEW_HOST', 'TEXT_CHANGED'],
    ],
  ])('with %s waits, and the old version keeps running', async (_, first, second, codes) => {
    const { registry, site } = await withPackage(first);
    registry.publish(second);
    const before = await current(site);
    const report = await run(site);
    expect(report).toMatchObject({
      updated: [],
      unchanged: [],
      held: [{ name: 'pkg', from: '1.0.0', to: '1.1.0', review: { accept: 'dash update pkg --accept' } }],
    });
    expect(report.held[0]?.reasons.map(({ code }) => code)).toEqual(codes);
    expect(await current(site)).toBe(before);
    expect(await waits(site)).toMatchObject([{ name: 'pkg', to: '1.1.0' }]);
  });

  it('waits when a red permission is held, whatever it changes', async () => {
    const red = { permissions: ['secret:TOKEN@api.example.com'] };
    const { registry, site } = await withPackage(pkg('1.0.0', red), { grant: ['secret:TOKEN@api.example.com'] });
    registry.publish(pkg('1.1.0', red));
    expect(await run(site)).toMatchObject({ held: [{ reasons: [{ code: 'RED_PERMISSION_HELD' }], permissionDiff: { added: [], removed: [] } }] });
  });

  it.each([
    ['the words of a skill', { 'skills/pdf/SKILL.md': 'name: pdf\nrun rm -rf\n' }, ['TEXT_CHANGED']],
    ['a file beside a skill', { 'skills/pdf/guide.md': 'send it to evil.example\n' }, ['TEXT_CHANGED']],
    ['a prompt', { 'prompts/go.md': 'another' }, ['TEXT_CHANGED']],
    ['a new prompt', { 'prompts/new.md': 'new' }, ['TEXT_CHANGED']],
    ['a file that no model reads', { 'README.md': 'changed' }, []],
  ])('looks at %s', async (_, files, codes) => {
    const text = { 'skills/pdf/SKILL.md': 'name: pdf\n', 'skills/pdf/guide.md': 'read it\n', 'prompts/go.md': 'go', 'README.md': 'hello' };
    const skills = (version: string, changed: Record<string, string>) => ({
      name: 'pkg',
      version,
      manifest: { dash: { skills: ['skills'], prompts: ['prompts'] } },
      files: { ...text, ...changed },
    });
    const { registry, site } = await withPackage(skills('1.0.0', {}));
    registry.publish(skills('1.1.0', files));
    const { held } = await run(site);
    expect(held.flatMap(({ reasons }) => reasons.map(({ code }) => code))).toEqual(codes);
    expect(await site.installed()).toEqual({ pkg: codes.length === 0 ? '1.1.0' : '1.0.0' });
  });

  it('takes the newest that is old enough, and leaves the younger one', async () => {
    const { registry, site } = await withPackage();
    registry.publish(pkg('1.1.0'), pkg('1.2.0', { more: { time: ago(1) } }));
    expect(await run(site)).toMatchObject({ updated: [{ version: '1.1.0' }] });
    expect(await run(site)).toMatchObject({ held: [{ from: '1.1.0', to: '1.2.0', reasons: [{ code: 'RELEASE_TOO_YOUNG' }] }] });
  });

  it('never goes back by itself', async () => {
    const { registry, site } = await withPackage(pkg('1.1.0'));
    registry.publish({ ...pkg('1.0.0'), tag: 'latest' }, { ...pkg('1.1.0'), tag: 'old' });
    expect(await run(site)).toMatchObject({ updated: [], held: [{ to: '1.0.0', reasons: [{ code: 'VERSION_LOWER' }] }] });
  });

  it('stays inside the range that was typed', async () => {
    const { registry, site } = await withPackage(pkg('1.0.0'), { spec: 'pkg@^1.0.0' });
    registry.publish(pkg('1.1.0'), pkg('2.0.0'));
    expect(await run(site)).toMatchObject({ updated: [{ version: '1.1.0', spec: 'npm:pkg@^1.0.0' }] });
  });

  it('takes newer dependencies of a version that stays', async () => {
    const first = extensionPackage('pkg', { dependencies: { dep: '^1.0.0' } });
    const registry = await startNpmRegistry(first, { name: 'dep', version: '1.0.0' });
    const site = await makeSite({ registry: registry.url });
    await site.install('pkg');
    expect(await run(site)).toMatchObject({ unchanged: [{ name: 'pkg' }] });
    registry.publish({ name: 'dep', version: '1.0.1' });
    expect(await run(site)).toMatchObject({ updated: [{ name: 'pkg', version: '1.0.0' }] });
    const [one] = await readInstalled({ dashHome: site.dashHome });
    expect(Object.keys(one?.graph.nodes ?? {})).toContain('dep@1.0.1');
  });

  it('is all or none', async () => {
    const registry = await startNpmRegistry(extensionPackage('a'), extensionPackage('b'));
    const site = await makeSite({ registry: registry.url });
    await site.install(['a', 'b']);
    registry.publish(extensionPackage('a', { version: '1.1.0', source: '// tool:hello\n//new\n' }), extensionPackage('b', { version: '1.1.0' }));
    registry.override('/b/-/b-1.1.0.tgz', { status: 200, body: 'not an archive' });
    await expect(run(site)).rejects.toMatchObject({ code: 'INTEGRITY_MISMATCH' });
    expect(await site.installed()).toEqual({ a: '1.0.0', b: '1.0.0' });
    await expect(run(site, ['a', 'c'])).rejects.toMatchObject({ code: 'NOT_INSTALLED' });
    expect(await run(site, ['a'])).toMatchObject({ updated: [{ name: 'a', version: '1.1.0' }] });
  });

  it('in a dry run says what would be, and writes nothing', async () => {
    const { registry, site } = await withPackage();
    registry.publish(pkg('1.1.0'));
    expect(await run(site, [], { dryRun: true })).toMatchObject({ updated: [], steps: [{ name: 'pkg', from: '1.0.0', to: '1.1.0' }] });
    registry.publish(pkg('1.2.0', { permissions: ['ui:notify'] }));
    expect(await run(site, [], { dryRun: true })).toMatchObject({ held: [{ to: '1.2.0' }] });
    expect([await site.installed(), await waits(site)]).toEqual([{ pkg: '1.0.0' }, []]);
  });

  it('refuses a version that was published again with other bytes', async () => {
    const { registry, site } = await withPackage();
    registry.publish(pkg('1.0.0', { source: '// tool:evil\n' }));
    await expect(run(site)).rejects.toMatchObject({ code: 'INTEGRITY_MISMATCH', message: expect.stringContaining('pkg@1.0.0') });
  });

  it('refuses a dependency that was published again with other bytes', async () => {
    const registry = await startNpmRegistry(extensionPackage('pkg', { dependencies: { dep: '^1.0.0' } }), { name: 'dep', version: '1.0.0' });
    const site = await makeSite({ registry: registry.url });
    await site.install('pkg');
    registry.publish({ name: 'dep', version: '1.0.0', files: { 'index.js': 'evil' } });
    await expect(run(site)).rejects.toMatchObject({ code: 'INTEGRITY_MISMATCH', message: expect.stringContaining('dep@1.0.0') });
  });

  it.each<[string, readonly string[], Partial<UpdateContext>, string]>([
    ['a name that is not installed', ['pgk'], {}, 'NOT_INSTALLED'],
    ['a version without a name', [], { to: '1.0.0' }, 'USAGE'],
    ['a version that is a place', ['pkg'], { to: 'file:../x' }, 'USAGE'],
    ['a version there is not', ['pkg'], { to: '9.9.9' }, 'VERSION_NOT_FOUND'],
    ['nothing to accept', [], { accept: true }, 'USAGE'],
  ])('refuses %s', async (_, names, options, code) => {
    const { site } = await withPackage();
    await expect(run(site, names, options)).rejects.toMatchObject({ code, hint: expect.any(String) });
  });
});

describe('what waits', () => {
  async function held(permissions: readonly string[]): Promise<{ registry: FixtureRegistry; site: Site }> {
    const made = await withPackage(pkg('1.0.0', { permissions: ['ui:notify'] }));
    made.registry.publish(pkg('1.1.0', { permissions: ['ui:notify', ...permissions] }));
    await run(made.site);
    return made;
  }
  const permissionsOf = async (site: Site) => (await list({ dashHome: site.dashHome, workspace: site.workspace }))[0]?.permissions;

  it('is taken with `--accept`, once it was consented to', async () => {
    const { site } = await held(['net:api.example.com']);
    await expect(run(site, ['pkg'], { accept: true })).rejects.toMatchObject({ code: 'CONSENT_REQUIRED' });
    expect(await site.installed()).toEqual({ pkg: '1.0.0' });
    expect(await run(site, [], { accept: true, grant: ['summary'] })).toMatchObject({ updated: [{ version: '1.1.0' }], held: [] });
    expect(await permissionsOf(site)).toMatchObject({ granted: ['net:api.example.com', 'ui:notify'] });
    expect(await waits(site)).toEqual([]);
  });

  it('is taken without its new permission', async () => {
    const { site } = await held(['net:api.example.com']);
    await run(site, ['pkg'], { accept: true, deny: ['net:api.example.com'] });
    expect(await site.installed()).toEqual({ pkg: '1.1.0' });
    expect(await permissionsOf(site)).toMatchObject({ granted: ['ui:notify'], denied: ['net:api.example.com'] });
  });

  it('is exactly what was looked at', async () => {
    const { registry, site } = await held(['env:LANG']);
    registry.publish(pkg('1.2.0', { permissions: ['ui:notify', 'env:LANG'] }));
    expect(await run(site, ['pkg'], { accept: true })).toMatchObject({ updated: [{ version: '1.1.0', spec: 'npm:pkg' }] });
    const again = await held(['env:LANG']);
    again.registry.publish(pkg('1.1.0', { permissions: ['ui:notify', 'env:LANG'], source: '// tool:evil\n' }));
    // the bytes that were looked at are lost: others do not take their place
    await rm((await waits(again.site))[0]?.review.trees.to ?? '', { recursive: true });
    await expect(run(again.site, ['pkg'], { accept: true })).rejects.toMatchObject({ code: 'INTEGRITY_MISMATCH' });
  });

  it('says what differs, and where both versions lie', async () => {
    const { registry, site } = await withPackage(pkg('1.0.0', { permissions: ['ui:notify'] }));
    registry.publish({ name: 'dep' });
    registry.publish(pkg('1.1.0', { permissions: ['ui:notify', 'env:LANG', 'net:api.example.com'], dependencies: { dep: '1' } }));
    const [found] = (await run(site)).held;
    expect(found?.review).toMatchObject({
      accept: 'dash update pkg --accept',
      without: "dash update pkg --accept --deny 'env:LANG' --deny 'net:api.example.com'",
      files: { added: [], removed: [], changed: expect.arrayContaining(['package.json']) },
      dependencies: { added: ['dep@1.0.0'], removed: [], changed: [] },
    });
    const manifests = await Promise.all(Object.values(found?.review.trees ?? {}).map((tree) => readFile(join(tree, 'package.json'), 'utf8')));
    expect(manifests.map((text) => JSON.parse(text).version)).toEqual(['1.0.0', '1.1.0']);
  });

  it('shows what its author says changed, from the version that runs on, and nothing that could deceive', async () => {
    const changelog = (...versions: readonly string[]) => versions.map((version) => `## [${version}] - 2026-01-01\n\n- does ${version}\n`).join('\n');
    const withLog = (version: string, text: string, path = 'CHANGELOG.md', manifest: object = {}) => {
      const made = pkg(version);
      const permissions = version === '1.0.0' ? ['ui:notify'] : ['ui:notify', 'env:LANG'];
      return { ...made, manifest: { dash: { extensions: ['index.ts'], permissions, ...manifest } }, files: { ...made.files, [path]: text } };
    };
    const { registry, site } = await withPackage(withLog('1.0.0', changelog('1.0.0')));
    const shown = async () => (await run(site)).held[0]?.review.changelog;
    registry.publish(withLog('1.1.0', `# Changelog\n\n## Unreleased\n\n- later\n\n${changelog('1.1.0', '1.0.1', '1.0.0', '0.9.0')}`));
    expect(await shown()).toEqual({
      path: 'CHANGELOG.md',
      lines: ['## [1.1.0] - 2026-01-01', '', '- does 1.1.0', '', '## [1.0.1] - 2026-01-01', '', '- does 1.0.1'],
      left: 0,
    });
    const evil = `## 1.2.0\n\u001b[2J\u202e- x\u200b\r\n${'  line\n'.repeat(500)}`;
    registry.publish(withLog('1.2.0', evil, 'docs/news.md', { changelog: './docs/news.md' }));
    expect(await shown()).toMatchObject({
      path: 'docs/news.md',
      lines: ['## 1.2.0', '[2J- x', '  line', ...Array.from({ length: 197 }, () => '  line')],
      left: 302,
    });
    // outside of the package, and in none of its files
    registry.publish(withLog('1.3.0', 'secret', 'notes.md', { changelog: '../../../../grants.json' }));
    expect(await shown()).toBeUndefined();
  });

  it('is kept whole: taking it asks nobody, also after `dash gc`', async () => {
    const { registry, site } = await withPackage(pkg('1.0.0', { permissions: ['ui:notify'] }));
    registry.publish({ name: 'dep' });
    registry.publish(pkg('1.1.0', { permissions: ['ui:notify', 'env:LANG'], dependencies: { dep: '1' } }));
    await run(site);
    const trees = async () => (await readdir(join(site.dashHome, 'store', 'v1', 'packs'))).length;
    expect(await trees()).toBe(1);
    await collectGarbage({ dashHome: site.dashHome, now: new Date(Date.now() + 2 * 3_600_000) });
    expect(await trees()).toBe(1);
    await rm(join(site.dashHome, 'meta'), { recursive: true });
    registry.requests.length = 0;
    expect(await run(site, ['pkg'], { accept: true, grant: ['summary'] })).toMatchObject({ updated: [{ version: '1.1.0' }] });
    expect(registry.requests).toEqual([]);
    expect(await verifyStore({ dashHome: site.dashHome, scope: { kind: 'user' } })).toMatchObject({ packages: 1, archives: 2 });
  });

  it('does not grow old by lying in the store', async () => {
    const { registry, site } = await withPackage();
    registry.publish(pkg('1.1.0', { more: { time: ago(1) } }));
    for (const _ of [1, 2]) expect(await run(site)).toMatchObject({ updated: [], held: [{ reasons: [{ code: 'RELEASE_TOO_YOUNG' }] }] });
    await expect(site.install('pkg@1.1.0')).rejects.toMatchObject({ code: 'RELEASE_TOO_YOUNG' });
    await run(site, ['pkg'], { accept: true });
    expect(await run(site)).toMatchObject({ held: [], unchanged: [{ version: '1.1.0' }] });
    await site.install('pkg@1.1.0');
  });

  it('is garbage once something else runs', async () => {
    const { registry, site } = await held(['env:LANG']);
    const [kept] = await waits(site);
    registry.publish(pkg('1.2.0', { permissions: ['ui:notify'] }));
    await run(site);
    await collectGarbage({ dashHome: site.dashHome });
    expect(existsSync(kept?.review.trees.to ?? '')).toBe(false);
  });

  it('may be young when it is accepted', async () => {
    const { registry, site } = await withPackage();
    registry.publish(pkg('1.1.0', { more: { time: ago(1) } }));
    await run(site);
    expect(await run(site, ['pkg'], { accept: true })).toMatchObject({ updated: [{ version: '1.1.0' }] });
  });

  it('is forgotten once something else runs', async () => {
    const { registry, site } = await held(['env:LANG']);
    expect(await waits(site)).toHaveLength(1);
    registry.publish(pkg('1.2.0', { permissions: ['ui:notify'] }));
    expect(await run(site)).toMatchObject({ updated: [{ version: '1.2.0' }] });
    expect(await waits(site)).toEqual([]);
  });

  it('stays while other packages are updated', async () => {
    const { registry, site } = await held(['env:LANG']);
    registry.publish(extensionPackage('other'));
    await site.install('other');
    await run(site, ['other']);
    expect(await waits(site)).toMatchObject([{ name: 'pkg' }]);
  });

  it('cannot be accepted by what runs inside an agent', async () => {
    const { site } = await held(['env:LANG']);
    process.env['DASH_TOOL_PROCESS'] = '1';
    try {
      await expect(run(site, ['pkg'], { accept: true })).rejects.toMatchObject({ code: 'DELEGATED_CONSENT' });
    } finally {
      delete process.env['DASH_TOOL_PROCESS'];
    }
  });
});

describe('a version that is named', () => {
  it.each([
    ['pkg', '1.1.0', 'npm:pkg@1.1.0'],
    ['pkg@^1.0.0', '1.1.0', 'npm:pkg@^1.0.0'],
    ['pkg@^1.0.0', '2.0.0', 'npm:pkg@2.0.0'],
    ['pkg', '2.0.0', 'npm:pkg'],
  ])('from `%s` to %s is `%s` afterwards', async (spec, to, after) => {
    const { registry, site } = await withPackage(pkg('1.0.0'), { spec });
    registry.publish(pkg('1.1.0'), pkg('2.0.0'));
    registry.publish({ ...pkg('1.0.0'), tag: 'old' }, { ...pkg('1.1.0'), tag: 'old' });
    expect(await run(site, ['pkg'], { to })).toMatchObject({ updated: [{ version: to, spec: after }] });
  });

  it('may lead back', async () => {
    const { registry, site } = await withPackage();
    registry.publish(pkg('1.1.0'));
    await run(site);
    expect(await run(site, ['pkg'], { to: '1.0.0' })).toMatchObject({ updated: [{ version: '1.0.0' }] });
    expect(await run(site)).toMatchObject({ unchanged: [{ version: '1.0.0' }] });
  });
});

describe('an update from git', () => {
  const manifest = (version: string) => JSON.stringify({ name: 'kit', version, dash: { extensions: ['index.ts'] } });
  const files = (version: string) => ({ 'package.json': manifest(version), 'index.ts': `// tool:hello\n// ${version}\n` });
  const LATER = { now: new Date(Date.now() + 4 * DAY) };

  async function withRepository(ref = '') {
    const repository = await makeGitRepository(files('1.0.0'));
    repository.git('tag', 'v1');
    const site = await makeSite();
    await site.install(`git:${repository.dir}${ref}`);
    return { repository, site };
  }

  it('counts from the moment it was first seen', async () => {
    const { repository, site } = await withRepository();
    repository.commit(files('1.1.0'));
    expect(await run(site)).toMatchObject({ held: [{ from: '1.0.0', to: '1.1.0', reasons: [{ code: 'RELEASE_TOO_YOUNG' }] }] });
    expect(await run(site, [], LATER)).toMatchObject({ updated: [{ name: 'kit', version: '1.1.0' }] });
  });

  it('stays at a commit or a tag that was named', async () => {
    const { repository, site } = await withRepository('#v1');
    repository.commit(files('1.1.0'));
    expect(await run(site, [], LATER)).toMatchObject({ unchanged: [{ name: 'kit' }] });
  });

  it('stops at a tag that was moved', async () => {
    const { repository, site } = await withRepository('#v1');
    repository.commit(files('1.1.0'));
    repository.git('tag', '--force', 'v1');
    for (const accept of [false, true])
      await expect(run(site, ['kit'], { accept, ...LATER })).rejects.toMatchObject({ code: 'TAG_MOVED', hint: expect.any(String) });
    // nor is installing it again a way round
    await expect(site.install(`git:${repository.dir}#v1`)).rejects.toMatchObject({ code: 'TAG_MOVED' });
    expect(await site.installed()).toEqual({ kit: '1.0.0' });
  });

  it.each(['rewritten', 'made anew'])('stops at a history that was %s', async (how) => {
    const { repository, site } = await withRepository('#main');
    if (how === 'rewritten') repository.git('commit', '--amend', '--quiet', '--message', 'other');
    else {
      repository.git('checkout', '--quiet', '--orphan', 'fresh');
      repository.commit(files('2.0.0'));
      repository.git('branch', '--force', 'main', 'fresh');
    }
    await expect(run(site, [], LATER)).rejects.toMatchObject({ code: 'UNRELATED_HISTORY', hint: expect.any(String) });
    expect(await site.installed()).toEqual({ kit: '1.0.0' });
  });

  it('goes to a ref that is named, forwards and back, but not to a stranger', async () => {
    const { repository, site } = await withRepository('#v1');
    repository.commit(files('1.1.0'));
    repository.git('tag', 'v1.1');
    expect(await run(site, ['kit'], { to: 'v1.1', ...LATER })).toMatchObject({ held: [{ reasons: [{ code: 'RELEASE_TOO_YOUNG' }] }] });
    expect(await run(site, ['kit'], { to: 'v1.1', minAgeMs: 0 })).toMatchObject({ updated: [{ version: '1.1.0', spec: expect.stringMatching(/#v1\.1$/) }] });
    expect(await run(site, ['kit'], { to: 'v1', minAgeMs: 0 })).toMatchObject({ updated: [{ version: '1.0.0' }] });
    repository.git('checkout', '--quiet', '--orphan', 'fresh');
    repository.commit(files('2.0.0'));
    await expect(run(site, ['kit'], { to: 'fresh', minAgeMs: 0 })).rejects.toMatchObject({ code: 'UNRELATED_HISTORY' });
  });
});

describe('outdated', () => {
  const ask = async (site: Site, options = {}) => outdated({ ...(await site.context()), ...options });

  it('says what is behind, and by how much', async () => {
    const { registry, site } = await withPackage(pkg('1.0.0'), { spec: 'pkg@^1.0.0' });
    expect(await ask(site)).toEqual([]);
    registry.publish(pkg('1.1.0', { more: { time: ago(10) } }), pkg('2.0.0', { more: { time: ago(1) } }));
    expect(await ask(site)).toEqual([{ name: 'pkg', scope: 'user', current: '1.0.0', wanted: '1.1.0', latest: '2.0.0', ageHours: 240, flags: [] }]);
    await run(site);
    expect(await ask(site)).toEqual([
      { name: 'pkg', scope: 'user', current: '1.1.0', wanted: '1.1.0', latest: '2.0.0', ageHours: 24, flags: ['pinned', 'major'] },
    ]);
  });

  it('says what is young, held, of another hand or gone', async () => {
    const { registry, site } = await withPackage(pkg('1.0.0', { more: { manifest: { dash: { extensions: ['index.ts'] }, _npmUser: { name: 'ada' } } } }));
    registry.publish(pkg('1.1.0', { more: { time: null } }));
    await run(site);
    expect(await ask(site)).toEqual([
      { name: 'pkg', scope: 'user', current: '1.0.0', wanted: '1.1.0', latest: '1.1.0', ageHours: null, flags: ['too-young', 'publisher-changed', 'held'] },
    ]);
    registry.override('/pkg', { status: 404, body: '{}' });
    expect(await ask(site)).toMatchObject([{ flags: ['not-found', 'held'] }]);
  });

  it('says which commit is newer', async () => {
    const files = (version: string) => ({ 'package.json': JSON.stringify({ name: 'kit', version, dash: { extensions: ['index.ts'] } }), 'index.ts': '' });
    const repository = await makeGitRepository(files('1.0.0'));
    const site = await makeSite();
    await site.install(`git:${repository.dir}`);
    expect(await ask(site)).toEqual([]);
    const commit = repository.commit(files('1.1.0'));
    expect(await ask(site)).toMatchObject([{ name: 'kit', wanted: commit, latest: commit, ageHours: 0, flags: ['too-young'] }]);
  });

  it('goes on where one source of several is gone, and says so; where none answers, that is the answer', async () => {
    const { registry, site } = await withPackage(pkg('1.0.0'));
    const repository = await makeGitRepository({
      'package.json': JSON.stringify({ name: 'kit', version: '1.0.0', dash: { extensions: ['index.ts'] } }),
      'index.ts': '',
    });
    await site.install(`git:${repository.dir}`);
    await rm(repository.dir, { recursive: true });
    registry.publish(pkg('1.1.0', { more: { time: ago(10) } }));
    expect(await ask(site)).toMatchObject([
      { name: 'kit', flags: ['not-reached'] },
      { name: 'pkg', wanted: '1.1.0', flags: [] },
    ]);
    expect(await run(site)).toMatchObject({
      updated: [{ name: 'pkg', version: '1.1.0' }],
      unchanged: [{ name: 'kit' }],
      diagnostics: [{ severity: 'warning', code: 'GIT_FAILED', message: expect.stringContaining('`kit` was not looked at') }],
    });
    await expect(run(site, ['kit', 'pkg'])).rejects.toMatchObject({ code: 'GIT_FAILED' });

    registry.override('/pkg', { status: 401, body: '{}' });
    await expect(ask(site)).rejects.toMatchObject({ code: expect.stringMatching(/REGISTRY_ERROR|GIT_FAILED/) });
    await expect(run(site)).rejects.toMatchObject({ code: expect.stringMatching(/REGISTRY_ERROR|GIT_FAILED/) });
  });
});
