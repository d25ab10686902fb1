import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { choose, readInstalled, toggle } from '../../registry/index.ts';
import { startNpmRegistry } from '../support/npm-registry.ts';
import { makeSite, type Site } from './install-fixture.ts';

const pkg = (version = '1.0.0', files: Record<string, string> = {}) => ({
  name: 'kit',
  version,
  manifest: { dash: { extensions: ['a.ts', 'b.ts'], skills: ['skills'], prompts: ['prompts'] } },
  files: {
    'a.ts': '// tool:alpha\nexport default () => {};\n',
    'b.ts': '// tool:beta\nexport default () => {};\n',
    'skills/pdf/SKILL.md': 'name: pdf\ndescription: reads pdf\n',
    'skills/csv/SKILL.md': 'name: csv\ndescription: reads csv\n',
    'prompts/review.md': 'review it',
    ...files,
  },
});

async function withKit() {
  const registry = await startNpmRegistry(pkg());
  const site = await makeSite({ registry: registry.url });
  await site.install('kit');
  return { registry, site };
}

const set = (site: Site, resource: string | undefined, on: boolean, options: object = {}) =>
  choose([{ name: 'kit', choose: (one) => toggle(one, resource, on) }], {
    dashHome: site.dashHome,
    scope: { kind: 'user' },
    workspace: site.workspace,
    ...options,
  });
const kit = async (site: Site) => {
  const [one] = await readInstalled({ dashHome: site.dashHome, projectDir: site.workspace });
  if (one === undefined) throw new Error('kit is not installed');
  return one;
};
const ALL = ['a.ts', 'b.ts', 'prompts/review.md', 'skills/csv/SKILL.md', 'skills/pdf/SKILL.md'];
const left = async (site: Site) =>
  Object.values((await kit(site)).resources)
    .flat()
    .sort();

describe('what is left out', () => {
  it.each([
    ['a path', 'a.ts', ['a.ts']],
    ['a folder', 'skills/pdf', ['skills/pdf/SKILL.md']],
    ['a folder with a slash', 'skills/pdf/', ['skills/pdf/SKILL.md']],
    ['the name of a skill', 'pdf', ['skills/pdf/SKILL.md']],
    ['the name of a file', 'review', ['prompts/review.md']],
    ['a glob', 'skills/*', ['skills/csv/SKILL.md', 'skills/pdf/SKILL.md']],
    ['a kind', 'extensions', ['a.ts', 'b.ts']],
  ])('is named by %s', async (_, resource, off) => {
    const { site } = await withKit();
    await set(site, resource, false);
    expect(await left(site)).toEqual(ALL.filter((path) => !off.includes(path)));
    await set(site, resource, true);
    expect(await left(site)).toEqual(ALL);
    expect((await kit(site)).choice).toEqual({});
  });

  it('is neither compiled, registered nor shown', async () => {
    const { site } = await withKit();
    await set(site, 'a.ts', false);
    await set(site, 'pdf', false);
    const one = await kit(site);
    expect(one.captured?.tools.map(({ name }) => name)).toEqual(['beta']);
    expect(one.compiled.entries.map(({ entry }) => entry)).toEqual(['b.ts']);
    expect(one.captureOutcomes.map(({ entry }) => entry)).toEqual(['b.ts']);
    expect(one.skills.map(({ name }) => name)).toEqual(['csv']);
  });

  it('stands in the lock, and stays through a new version and a new install', async () => {
    const { registry, site } = await withKit();
    await set(site, 'pdf', false);
    await set(site, undefined, false);
    const lock = JSON.parse(await readFile(join(site.dashHome, 'dash.lock'), 'utf8'));
    expect(lock.roots.kit).toMatchObject({ disabled: true, filter: { skills: ['-skills/pdf/SKILL.md'] } });
    registry.publish(pkg('1.1.0', { 'skills/new/SKILL.md': 'name: new\n' }));
    await site.install('kit');
    expect(await kit(site)).toMatchObject({ version: '1.1.0', enabled: false });
    await set(site, undefined, true);
    expect(await kit(site)).toMatchObject({ enabled: true, resources: { skills: ['skills/csv/SKILL.md', 'skills/new/SKILL.md'] } });
    await site.install('kit');
    expect((await kit(site)).resources.skills).toHaveLength(2);
  });

  it.each([
    ['no such resource', 'pdff', { code: 'USAGE', hint: 'did you mean `pdf`?' }],
    ['no resource at all like it', 'zzzzzzzz', { code: 'USAGE', hint: expect.stringContaining('`a.ts`') }],
    ['a pattern of settings', '!pdf', { code: 'USAGE' }],
  ])('with %s changes nothing', async (_, resource, error) => {
    const { site } = await withKit();
    const before = await readFile(join(site.dashHome, 'state', 'current'), 'utf8');
    await expect(set(site, resource, false)).rejects.toMatchObject(error);
    await expect(
      choose([{ name: 'kitt', choose: () => ({}) }], { dashHome: site.dashHome, scope: { kind: 'user' }, workspace: site.workspace }),
    ).rejects.toMatchObject({
      code: 'NOT_INSTALLED',
      hint: 'did you mean `kit`?',
    });
    expect(await readFile(join(site.dashHome, 'state', 'current'), 'utf8')).toBe(before);
  });

  it('makes a generation only when something changes, and none in a dry run', async () => {
    const { site } = await withKit();
    const current = () => readFile(join(site.dashHome, 'state', 'current'), 'utf8');
    const before = await current();
    await set(site, 'pdf', true);
    await set(site, 'pdf', false, { dryRun: true });
    expect(await current()).toBe(before);
    expect(await left(site)).toEqual(ALL);
  });

  it('cannot be switched on by what runs inside an agent', async () => {
    const { site } = await withKit();
    process.env['DASH_TOOL_PROCESS'] = '1';
    try {
      await expect(set(site, undefined, true)).rejects.toMatchObject({ code: 'DELEGATED_CONSENT' });
    } finally {
      delete process.env['DASH_TOOL_PROCESS'];
    }
  });
});

describe('settings', () => {
  const settings = (dir: string, packages: unknown) => writeFile(join(dir, 'settings.json'), JSON.stringify({ packages }));

  it.each<[string, unknown, readonly string[]]>([
    ['nothing of it', { source: 'npm:kit@^1' }, ALL],
    ['a bare source', 'npm:kit', ALL],
    ['none of a kind', { source: 'npm:kit', extensions: [], prompts: [] }, ['skills/csv/SKILL.md', 'skills/pdf/SKILL.md']],
    ['all but a glob', { source: 'kit', skills: ['!p*'] }, ALL.filter((path) => !path.includes('pdf'))],
    ['a glob and one path', { source: 'kit', extensions: ['!*', '+b.ts'] }, ALL.filter((path) => path !== 'a.ts')],
    ['all but a path', { source: 'kit', extensions: ['-b.ts'] }, ALL.filter((path) => path !== 'b.ts')],
    ['what it does not have', { source: 'kit', skills: ['+../../etc/passwd', '*'] }, ALL],
    ['another package', { source: 'other', skills: [] }, ALL],
  ])('leave out %s', async (_, entry, kept) => {
    const { site } = await withKit();
    await settings(site.dashHome, [entry]);
    expect(await left(site)).toEqual(kept);
  });

  it('are said when they keep something off that was switched on', async () => {
    const { site } = await withKit();
    await settings(site.dashHome, [{ source: 'kit', skills: ['!pdf'] }]);
    await set(site, 'pdf', false);
    expect(await set(site, 'pdf', true)).toMatchObject({ diagnostics: [{ code: 'OFF_IN_SETTINGS', message: expect.stringContaining('skills/pdf') }] });
  });

  it('of a project narrow what the project brings, never what the user installed', async () => {
    const { site } = await withKit();
    await mkdir(join(site.workspace, '.dash'));
    await settings(join(site.workspace, '.dash'), [{ source: 'kit', extensions: [] }]);
    expect(await left(site)).toEqual(ALL);
    await site.install('kit', { scope: { kind: 'project', dir: site.workspace } });
    expect((await kit(site)).resources.extensions).toEqual([]);
  });

  it.each<[string, string]>([
    ['no JSON', '{'],
    ['a list that is none', '{"packages": {}}'],
    ['an entry without a source', '{"packages": [{"skills": []}]}'],
    ['an unknown kind', '{"packages": [{"source": "kit", "skill": []}]}'],
    ['patterns that are none', '{"packages": [{"source": "kit", "skills": "pdf"}]}'],
    ['a source that is none', '{"packages": [{"source": "--kit"}]}'],
  ])('with %s are refused: nothing is loaded that was meant to be off', async (_, text) => {
    const { site } = await withKit();
    await writeFile(join(site.dashHome, 'settings.json'), text);
    await expect(kit(site)).rejects.toMatchObject({
      code: 'SETTINGS_INVALID',
      where: { path: join(site.dashHome, 'settings.json') },
      hint: expect.any(String),
    });
  });
});
