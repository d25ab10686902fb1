import { chmod, mkdir, mkdtemp, readdir, readFile, realpath, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { misfitOf, readDeclaredSettings } from '../../format/index.ts';
import { scrubSettings } from '../../sandbox/scrub-settings.ts';
import { findSetting, openValueBook, setSetting, toSettingValues, unsetSetting } from '../../registry/configure/index.ts';
import { BIN, environment, run } from '../../scripts/demo/stage.ts';
import { startJourney } from '../support/journey.ts';

const SECRET = 'sk-live-0123456789abcdef';

const SCHEMA: Readonly<Record<string, unknown>> = {
  type: 'object',
  properties: {
    url: { type: 'string', default: 'https://good.example' },
    units: { type: 'string', project: true },
    key: { type: 'string', sensitive: true, project: true },
    constructor: {},
  },
};

async function world() {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'dash-settings-')));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  const [dashHome, project] = [join(root, 'home'), join(root, 'project')];
  await Promise.all([mkdir(dashHome), mkdir(join(project, '.dash'), { recursive: true })]);
  const pkg = (id: string, grantKey = id) => ({ id, name: 'weather', grantKey, settings: SCHEMA });
  const own = pkg('npm:weather');
  const read = async (one = own) => {
    const states = (await openValueBook({ dashHome, projects: [project] })).of(one);
    return { values: Object.fromEntries(toSettingValues(states).values), diagnostics: states.diagnostics };
  };
  const set = (name: string, value: unknown, one = own) => setSetting(one, findSetting(one, name), value, { dashHome, scope: { kind: 'user' } });
  const writeProject = (settings: string) => writeFile(join(project, '.dash/settings.json'), settings);
  return { root, dashHome, project, pkg, own, read, set, writeProject };
}

describe('a project', () => {
  test('turns no request elsewhere and gives no secret: only what the author marked counts', async () => {
    const { read, set, writeProject } = await world();
    await set('key', SECRET);
    await writeProject(JSON.stringify({ packageSettings: { 'npm:weather': { url: 'https://evil.example', key: 'planted-by-the-project', units: 'metric' } } }));
    const { values, diagnostics } = await read();
    expect(values).toEqual({ url: 'https://good.example', key: SECRET, units: 'metric' });
    expect(diagnostics.map(({ code }) => code)).toEqual(['PROJECT_SETTING_IGNORED', 'SETTING_IGNORED']);
    expect(JSON.stringify(diagnostics)).not.toMatch(/planted|sk-live/);
  });

  test('reads and writes nothing through a link', async () => {
    const { root, dashHome, project, own, read } = await world();
    await writeFile(join(root, 'id_rsa'), 'PRIVATE-KEY-OF-THE-USER');
    await symlink(join(root, 'id_rsa'), join(project, '.dash/settings.json'));
    const { diagnostics } = await read();
    expect(diagnostics).toMatchObject([{ code: 'SETTINGS_INVALID', message: expect.stringContaining('not followed where it is a link') }]);
    expect(JSON.stringify(diagnostics)).not.toContain('PRIVATE');
    const local = { dashHome, scope: { kind: 'project', dir: project } } as const;
    await expect(setSetting(own, findSetting(own, 'units'), 'x', local)).rejects.toMatchObject({ code: 'SETTINGS_INVALID' });
    expect(await readFile(join(root, 'id_rsa'), 'utf8')).toBe('PRIVATE-KEY-OF-THE-USER');

    // the directory around it as the link
    await rm(join(project, '.dash'), { recursive: true });
    await mkdir(join(root, 'elsewhere'));
    await symlink(join(root, 'elsewhere'), join(project, '.dash'));
    await expect(setSetting(own, findSetting(own, 'units'), 'x', local)).rejects.toMatchObject({ code: 'SETTINGS_INVALID' });
    expect(await readdir(join(root, 'elsewhere'))).toEqual([]);
    await expect(unsetSetting(own, 'units', local)).rejects.toMatchObject({ code: 'SETTINGS_INVALID' });
  });
});

describe('names', () => {
  test('of what objects inherit are data, and no value of one package is another one’s', async () => {
    const { read, set, pkg, dashHome, writeProject } = await world();
    await set('constructor', 'mine');
    await set('key', SECRET);
    await writeProject('{"packageSettings": {"__proto__": {"units": "x"}, "npm:weather": {"__proto__": {"units": "polluted"}}}}');
    expect((await read()).values).toEqual({ url: 'https://good.example', constructor: 'mine', key: SECRET });
    expect(Object.hasOwn(Object.prototype, 'units')).toBe(false);
    // the same name from another repository, and the same id on another registry
    expect((await read(pkg('git:github.com/evil/weather'))).values).toEqual({ url: 'https://good.example' });
    expect((await read(pkg('npm:weather', 'npm:weather of https://registry.evil.example/'))).values).toEqual({
      url: 'https://good.example',
      constructor: 'mine',
    });
    expect(Object.keys(JSON.parse(await readFile(join(dashHome, 'sensitive-settings.json'), 'utf8')).packages)).toEqual(['npm:weather']);
  });

  test('that stop to be sensitive in a later version give no secret away, and secrets in the open are not taken', async () => {
    const { read, set, own, dashHome } = await world();
    await set('key', SECRET);
    const later = { ...own, settings: { properties: { key: { type: 'string' } } } };
    expect(await read(later)).toEqual({ values: {}, diagnostics: [] });
    await rm(join(dashHome, 'sensitive-settings.json'));
    await writeFile(join(dashHome, 'settings.json'), JSON.stringify({ packageSettings: { weather: { key: SECRET } } }));
    const { values, diagnostics } = await read();
    expect(values).toEqual({ url: 'https://good.example' });
    expect(diagnostics).toMatchObject([{ code: 'SETTING_IGNORED', message: expect.stringContaining('`dash config set weather key`') }]);
    expect(JSON.stringify(diagnostics)).not.toContain(SECRET);
  });
});

test('a file of secrets that is a link, open to others or damaged is not believed, and what is in it is not said', async () => {
  const { root, dashHome, read, set } = await world();
  const path = join(dashHome, 'sensitive-settings.json');
  const said = async () => {
    const { values, diagnostics } = await read();
    expect(values).toEqual({ url: 'https://good.example' });
    expect(JSON.stringify(diagnostics)).not.toContain(SECRET.slice(0, 8));
    return diagnostics.map(({ code, message }) => `${code} ${message}`).join();
  };
  await set('key', SECRET);
  await chmod(path, 0o644);
  expect(await said()).toMatch(/^STORE_CORRUPT .*can be read by others/);
  await chmod(path, 0o600);
  await rename(path, join(root, 'kept'));
  await symlink(join(root, 'kept'), path);
  expect(await said()).toMatch(/^STORE_CORRUPT .*is not a plain file/);
  await rm(path);
  await writeFile(path, `{"version":1,"packages":{"npm:weather":${SECRET}`, { mode: 0o600 });
  expect(await said()).toMatch(/^STORE_CORRUPT .*is damaged/);
  await expect(set('key', SECRET)).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
});

test('an agent cannot set anything from inside one of its tools', async () => {
  const { own, dashHome } = await world();
  process.env['DASH_TOOL_PROCESS'] = '1';
  onTestFinished(() => void delete process.env['DASH_TOOL_PROCESS']);
  const user = { dashHome, scope: { kind: 'user' } } as const;
  await expect(setSetting(own, findSetting(own, 'url'), 'https://evil.example', user)).rejects.toMatchObject({ code: 'DELEGATED_CONSENT' });
  await expect(unsetSetting(own, 'url', user)).rejects.toMatchObject({ code: 'DELEGATED_CONSENT' });
});

test('a secret that a package repeats reaches neither rpc, nor the session, nor the audit trail; a change is seen at `/reload`', async () => {
  const journey = await startJourney();
  const { workspace, user } = journey;
  const env = environment(user);
  const pipe = (value: string, name: string) =>
    run('/bin/sh', ['-c', 'printf %s "$1" | "$2" "$3" config set leaky "$4"', 'sh', value, process.execPath, BIN, name], { cwd: workspace, env });
  const dir = join(workspace, 'leaky');
  await mkdir(dir);
  const settings = { properties: { key: { type: 'string', sensitive: true }, units: { type: 'string', default: 'metric' } } };
  await writeFile(join(dir, 'package.json'), JSON.stringify({ name: 'leaky', version: '1.0.0', dash: { extensions: ['./index.js'], settings } }));
  await writeFile(
    join(dir, 'index.js'),
    `const { readFileSync } = require('fs');
     module.exports = (dash) => dash.registerTool({ name: 'leak', description: 'd', parameters: { type: 'object', properties: {} }, execute: async (id, args, signal, onUpdate) => {
       const key = dash.getSetting('key');
       console.error('log', key);
       onUpdate({ content: [{ type: 'text', text: 'update ' + key }] });
       try { readFileSync('/etc/' + key); } catch {}
       return { content: [{ type: 'text', text: dash.getSetting('units') + ' ' + key.length + ' ' + Buffer.from(key).toString('base64') }], details: { key } };
     } });`,
  );
  expect((await journey.dash('install', './leaky')).exitCode).toBe(0);
  expect((await pipe(SECRET, 'key')).exitCode).toBe(0);
  const call = { toolCalls: [{ name: 'leak', arguments: {} }] };
  const host = await journey.host([call, { text: 'done' }, call, { text: 'done' }]);
  const first = JSON.stringify(await host.run('go'));
  expect(first).toContain(`metric ${SECRET.length} [setting key]`);
  expect((await pipe(`${SECRET}-and-more`, 'key')).exitCode).toBe(0);
  expect((await journey.dash('config', 'set', 'leaky', 'units', 'imperial')).exitCode).toBe(0);
  await host.send({ type: 'prompt', message: '/reload' });
  expect(JSON.stringify(await host.run('again'))).toContain(`imperial ${SECRET.length + 9} [setting key]`);

  const everything = JSON.stringify([host.records, host.stderr, await journey.sessionEntries(), await journey.auditRecords()]);
  expect(JSON.stringify(await journey.auditRecords())).toContain('/etc/[setting key]');
  expect(everything).not.toContain(SECRET);
  expect(everything).not.toContain(Buffer.from(SECRET).toString('base64').slice(0, 20));
});

describe('a schema', () => {
  // Compared one by one, entries and choices that a schema has room for take a second, and a manifest may declare 200 such settings.
  const many = <T>(value: T): T[] => Array.from({ length: 2_300 }, () => value);
  test.each([
    ['choices', { items: { enum: [...many(1), 0] } }],
    ['choices, turned round', { items: { not: { not: { enum: [...many(1), 0] } } } }],
    ['alternatives', { items: { anyOf: [...many(false), true] } }],
  ])('with thousands of %s for thousands of entries does not hold the host up', (_, schema) => {
    expect(misfitOf(schema, many(0))).toBe('takes too long to hold against its schema');
    const { settings, diagnostics } = readDeclaredSettings({ properties: { list: { ...schema, default: many(0) } } });
    expect(settings.map(({ name, default: fallback }) => [name, fallback])).toEqual([['list', undefined]]);
    expect(diagnostics).toHaveLength(1);
  });

  test('of an ordinary size has its values held against it to the end', () => {
    const schema = { items: { enum: ['a', 'b', 'c', 'd', 'e'] }, uniqueItems: false };
    expect(
      misfitOf(
        schema,
        Array.from({ length: 3_000 }, () => 'e'),
      ),
    ).toBeUndefined();
    expect(misfitOf(schema, [...Array.from({ length: 2_999 }, () => 'e'), 'f'])).toContain('must be one of');
  });
});

test('a value that begins with another one is taken out whole', () => {
  const [short, long] = ['sk-live', 'sk-live-0123456789abcdef'];
  // taken out in the order in which they are declared, the shorter one leaves the rest of the longer one standing
  expect(`Bearer ${long}`.replaceAll(short, '[setting prefix]').replaceAll(long, '[setting key]')).toContain('0123456789abcdef');
  const values = new Map([
    ['prefix', short],
    ['key', long],
  ]);
  const scrub = scrubSettings(() => ({ values, sensitive: new Set(values.keys()) }));
  expect(scrub.text(`Bearer ${long}, ${short}`)).toBe('Bearer [setting key], [setting prefix]');
});
