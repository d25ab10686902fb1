import { mkdir, readFile, realpath, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { complete } from '../../cli/complete.ts';
import { readInstalled } from '../../registry/index.ts';
import { BIN, environment, run } from '../../scripts/demo/stage.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const KEY = 'sk-live-0123456789/abc';

const WEATHER = {
  type: 'object',
  required: ['apiKey'],
  properties: {
    units: { type: 'string', enum: ['metric', 'imperial'], default: 'metric', description: 'how temperatures are told', project: true },
    days: { type: 'integer', minimum: 1, maximum: 7, default: 3 },
    places: { type: 'array', items: { type: 'string' }, maxItems: 2 },
    apiKey: { type: 'string', minLength: 10, sensitive: true, description: 'the key of the service' },
  },
};

/** A package that tells all it is handed, in a directory of its own. */
async function world(settings: object = WEATHER) {
  const root = await realpath(await temporaryDirectory());
  const [home, workspace] = [join(root, 'home'), join(root, 'workspace')];
  const dir = join(root, 'weather');
  for (const each of [home, workspace, dir]) await mkdir(each);
  const write = (schema: object) =>
    writeFile(join(dir, 'package.json'), JSON.stringify({ name: 'weather', version: '1.0.0', dash: { extensions: ['./index.js'], settings: schema } }));
  await write(settings);
  await writeFile(
    join(dir, 'index.js'),
    `module.exports = (dash) => {
       const tool = (name, tell) => dash.registerTool({ name, description: 'd', parameters: { type: 'object', properties: {} }, execute: async () => ({ content: [{ type: 'text', text: tell() }] }) });
       tool('all', () => Object.keys(dash.getSettings()).sort().join() + ' ' + dash.getSetting('units') + ' ' + typeof dash.getSetting('constructor') + ' key of ' + (dash.getSetting('apiKey') ?? '').length);
       tool('tell', () => 'my key is ' + dash.getSetting('apiKey'));
       tool('fail', () => { throw new Error('401 for ?key=' + encodeURIComponent(dash.getSetting('apiKey'))); });
     };`,
  );
  const person = { home, dashHome: join(home, '.dash') };
  const env = environment(person);
  const dash = (...args: readonly string[]) => run(process.execPath, [BIN, ...args], { cwd: workspace, env });
  const json = async (...args: readonly string[]) => {
    const { stdout, exitCode } = await dash(...args, '--json');
    return { exitCode, document: JSON.parse(stdout) };
  };
  const piped = (value: string, ...args: readonly string[]) =>
    run('/bin/sh', ['-c', 'value="$1"; shift; printf "%s\\n" "$value" | "$@"', 'sh', value, process.execPath, BIN, ...args], { cwd: workspace, env });
  const said = async (tool: string) => JSON.stringify((await json('call', tool, '--package', 'weather')).document.result.content);
  expect((await dash('install', dir)).exitCode).toBe(0);
  return { root, workspace, dashHome: person.dashHome, dash, json, piped, said, write };
}

describe('settings of a package', () => {
  test('are listed, set, read and taken back, and are what the package is handed', async () => {
    const { dash, json, said, dashHome } = await world();
    expect(await json('config', 'weather')).toMatchObject({
      exitCode: 0,
      document: {
        packages: [
          {
            name: 'weather',
            settings: [
              { name: 'units', value: 'metric', from: 'default', project: true },
              { name: 'days', value: 3, from: 'default' },
              { name: 'places', from: 'unset' },
              { name: 'apiKey', from: 'unset', sensitive: true, required: true },
            ],
          },
        ],
        diagnostics: [{ code: 'SETTING_MISSING', message: expect.stringContaining('`dash config set weather apiKey`') }],
      },
    });
    expect(await said('all')).toContain('days,units metric undefined key of 0');

    expect(await json('config', 'set', 'weather', 'units', 'imperial')).toMatchObject({
      exitCode: 0,
      document: { changed: true, value: 'imperial', scope: 'user' },
    });
    expect((await dash('config', 'set', 'weather', 'places', '["Oslo"]')).exitCode).toBe(0);
    expect((await dash('config', 'set', 'weather', 'days', '5')).stdout).toBe('`days` is now `5`; a running agent takes it up at `/reload`\n');
    expect((await dash('config', 'set', 'weather', 'days', '5')).stdout).toBe('`days` is already `5`\n');
    expect((await dash('config', 'get', 'weather', 'places')).stdout).toBe('["Oslo"]\n');
    expect((await dash('config', 'get', 'weather', 'units')).stdout).toBe('imperial\n');
    expect((await dash('config', 'list')).stdout).toMatch(/weather\n {2}units +imperial +how temperatures are told\n {2}days +5/);
    expect(await said('all')).toContain('days,places,units imperial');
    expect(JSON.parse(await readFile(join(dashHome, 'settings.json'), 'utf8'))).toMatchObject({
      packageSettings: { [join(dashHome, '../../weather')]: { units: 'imperial' } },
    });

    for (const name of ['units', 'days', 'places']) expect(await json('config', 'unset', 'weather', name)).toMatchObject({ document: { changed: true } });
    expect(await json('config', 'unset', 'weather', 'units')).toMatchObject({ exitCode: 0, document: { changed: false } });
    expect(await said('all')).toContain('days,units metric');
    expect(JSON.parse(await readFile(join(dashHome, 'settings.json'), 'utf8'))).toEqual({});
  });

  test('that do not fit are refused, with what they must be, and nothing is written', async () => {
    const { json, dashHome } = await world();
    for (const [words, code, message] of [
      [['units', 'kelvin'], 'SETTING_INVALID', '`units` of weather must be one of `metric`, `imperial`'],
      [['days', 'many'], 'SETTING_INVALID', '`days` of weather must be a whole number'],
      [['places', '["a", 1]'], 'SETTING_INVALID', '`places` of weather at `[1]` must be a text'],
      [['unit', 'metric'], 'SETTING_NOT_FOUND', 'weather has no setting `unit`'],
      [['__proto__', '{}'], 'SETTING_NOT_FOUND', 'weather has no setting `__proto__`'],
      [['days'], 'USAGE', 'the value is missing'],
    ] as const) {
      expect(await json('config', 'set', 'weather', ...words)).toMatchObject({ exitCode: 2, document: { error: { code, message, hint: expect.any(String) } } });
    }
    await expect(stat(join(dashHome, 'settings.json'))).rejects.toThrow('ENOENT');
  });

  test('that are sensitive are typed unseen, kept apart, and told to nobody but the package', async () => {
    const { dash, json, piped, said, dashHome } = await world();
    const onCommandLine = await dash('config', 'set', 'weather', 'apiKey', KEY);
    expect(onCommandLine).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('not taken from the command line') });
    expect(onCommandLine.stderr).not.toContain(KEY);
    expect(await piped('short', 'config', 'set', 'weather', 'apiKey', '--json')).toMatchObject({ exitCode: 2, stdout: expect.not.stringContaining('short') });

    expect(await piped(KEY, 'config', 'set', 'weather', 'apiKey')).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('kept for weather alone') });
    expect((await stat(join(dashHome, 'sensitive-settings.json'))).mode & 0o777).toBe(0o600);
    for (const shown of [await dash('config', 'weather'), await dash('config', 'get', 'weather', 'apiKey'), await dash('config', 'list', '--json')]) {
      expect(shown).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/set, not shown|"from": "user"/) });
      expect(shown.stdout + shown.stderr).not.toContain(KEY);
    }
    expect(await said('all')).toContain(`key of ${KEY.length}`);
    expect(await said('tell')).toContain('my key is [setting apiKey]');
    expect(await said('fail')).toContain('401 for ?key=[setting apiKey]');
    expect((await dash('call', 'fail', '--package', 'weather', '--verbose')).stderr).not.toContain(encodeURIComponent(KEY));

    expect((await dash('remove', 'weather', '--purge')).exitCode).toBe(0);
    expect(await readFile(join(dashHome, 'sensitive-settings.json'), 'utf8')).not.toContain(KEY);
    expect(await json('list')).toMatchObject({ document: { packages: [] } });
  });

  test('are completed: names, and what one can be', async () => {
    const { dashHome, workspace } = await world();
    const values = async (...words: readonly string[]) =>
      (await complete(words, () => readInstalled({ dashHome, projectDir: workspace }))).values.map(({ value }) => value);
    expect(await values('config', 'set', 'we')).toEqual(['weather']);
    expect(await values('config', 'get', 'weather', '')).toEqual(['apiKey', 'days', 'places', 'units']);
    expect(await values('config', 'set', 'weather', 'units', '')).toEqual(['metric', 'imperial']);
    expect(await values('config', 'w')).toEqual(['weather']);
  });

  test('follow the schema as it is now: what does not fit it any more does not count', async () => {
    const { dash, json, write, said } = await world();
    await dash('config', 'set', 'weather', 'units', 'imperial');
    await write({ type: 'object', properties: { units: { enum: ['si'], default: 'si' } } });
    expect(await json('config', 'weather')).toMatchObject({
      document: {
        packages: [{ settings: [{ value: 'si', from: 'default' }] }],
        diagnostics: [{ code: 'SETTING_INVALID', message: expect.stringContaining('must be one of `si`') }],
      },
    });
    expect(await said('all')).toContain('units si');
  });
});

describe('a project', () => {
  test('sets what the author lets it, once it is trusted', async () => {
    const { dash, json, said, workspace } = await world();
    expect(await json('config', 'set', 'weather', 'units', 'imperial', '--local')).toMatchObject({ exitCode: 0, document: { scope: 'project' } });
    expect(await readFile(join(workspace, '.dash/settings.json'), 'utf8')).toContain('imperial');
    expect(await said('all')).toContain('units metric');
    expect((await dash('trust', '--yes')).exitCode).toBe(0);
    expect(await said('all')).toContain('units imperial');
    expect(await json('config', 'get', 'weather', 'units')).toMatchObject({ document: { setting: { value: 'imperial', from: 'project' } } });
    expect((await dash('config', 'set', 'weather', 'units', 'metric')).stdout).toContain('`.dash/settings.json` goes before it');
    for (const name of ['days', 'apiKey'])
      expect(await json('config', 'set', 'weather', name, '4', '--local')).toMatchObject({
        exitCode: 3,
        document: { error: { code: 'PROJECT_SETTING_REFUSED' } },
      });
  });
});
