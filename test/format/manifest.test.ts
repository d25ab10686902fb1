import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { conventionalManifest, isDashError, parseJson, parseManifest } from '../../format/index.ts';

const parse = (manifest: unknown) => parseManifest(JSON.stringify(manifest), 'package.json');

describe('parseManifest', () => {
  it('reads the key `dash`', () => {
    const manifest = parse({
      name: '@me/weather',
      version: '1.2.3',
      description: 'Weather',
      keywords: ['dash-package'],
      dependencies: { ms: '^2.1.0' },
      peerDependencies: { typebox: '*', 'dash-agent': '>=0.1.0' },
      peerDependenciesMeta: { typebox: { optional: true } },
      engines: { node: '>=24' },
      dash: {
        extensions: ['./src/*.ts', '!./src/x.ts'],
        permissions: { 'fs:read:./': 'reads your notes', model: { reason: 'sums up', max: '100/day' } },
        optionalPermissions: ['net:*.example.com'],
        settings: { type: 'object' },
        engines: { dash: '>=0.1' },
        image: './a.png',
      },
      pi: { extensions: ['./ignored.ts'] },
    });
    expect(manifest).toEqual({
      name: '@me/weather',
      version: '1.2.3',
      description: 'Weather',
      keywords: ['dash-package'],
      dependencies: { ms: '^2.1.0' },
      optionalDependencies: {},
      peerDependencies: { typebox: '*', 'dash-agent': '>=0.1.0' },
      optionalPeers: ['typebox'],
      engines: { node: '>=24' },
      dash: {
        kind: 'dash',
        extensions: ['./src/*.ts', '!./src/x.ts'],
        skills: [],
        prompts: [],
        themes: [],
        conventional: ['skills', 'prompts', 'themes'],
        permissions: [
          { permission: 'fs:read', reason: 'reads your notes' },
          { permission: 'model', reason: 'sums up', max: '100/day' },
        ],
        optionalPermissions: [{ permission: 'net:*.example.com' }],
        settings: { type: 'object' },
        engines: { dash: '>=0.1' },
        image: './a.png',
      },
    });
  });

  it('reads the key `pi`, leniently, when there is no `dash`', () => {
    const { dash } = parse({ name: 'a', pi: { extensions: ['./a.ts', 3], skills: 'no', video: 'x', permissions: ['node'], image: 'i.png' } });
    expect(dash).toEqual({
      kind: 'pi',
      extensions: ['./a.ts'],
      skills: [],
      prompts: [],
      themes: [],
      conventional: [],
      permissions: [],
      optionalPermissions: [],
      image: 'i.png',
    });
  });

  it.each([{}, { pi: true }, { pi: ['x'] }])('looks at the conventional folders with %j', (extra) => {
    const { dash } = parse({ name: 'a', ...extra });
    expect([dash.kind, dash.conventional]).toEqual(['conventional', ['extensions', 'skills', 'prompts', 'themes']]);
  });

  it.each(['..', '.', '.hidden', '@a/..', '@../a', 'a/b/c', '../a', 'a b', '@a', '/etc', 'a\\b', ''])(
    'refuses the name %j: it would become part of a path',
    (name) => {
      expect(() => parse({ name })).toThrow(/is not the name of a package|`name`/);
    },
  );

  it('takes name and version from elsewhere when they are missing', () => {
    expect(parseManifest('{}', 'package.json', { name: 'repo', version: '0.1.0' })).toMatchObject({ name: 'repo', version: '0.1.0' });
    expect(conventionalManifest('skills', '1.0.0')).toMatchObject({ name: 'skills', version: '1.0.0', dash: { kind: 'conventional' } });
  });

  it('keeps `__proto__` and `constructor` as data', () => {
    const manifest = parseManifest('{"name": "a", "dependencies": {"__proto__": "1", "constructor": "2"}}', 'package.json');
    expect(Object.entries(manifest.dependencies)).toEqual([
      ['__proto__', '1'],
      ['constructor', '2'],
    ]);
    expect(Reflect.getPrototypeOf(manifest.dependencies)).toBe(Object.prototype);
    expect(() => parseManifest('{"name": "a", "dash": {"__proto__": {"extensions": []}}}', 'package.json')).toThrow('no key `__proto__`');
    expect(parseManifest('{"name": "a", "__proto__": {"dash": {"permissions": ["node"]}}}', 'package.json').dash.kind).toBe('conventional');
  });

  it('says what stands where', () => {
    const text = '{\n  "name": "a",\n  "dash": {\n    "permissions": ["fs:read", "net:*.com"]\n  }\n}';
    const error = failure(text);
    expect(error).toMatchObject({ code: 'INVALID_PERMISSION', where: { path: 'package.json', line: 4, column: 32 } });
    expect(error.message).toContain('`net:*.com`, column 7');
  });

  const broken: readonly (readonly [string, string, string])[] = [
    ['', 'a value is missing', 'line 1'],
    ['{', 'a key in double quotes', 'line 1'],
    ['{"name": "a",}', 'a key in double quotes', ''],
    ["{'name': 'a'}", 'a key in double quotes', ''],
    ['{"name": "a"} x', 'text after the end', ''],
    ['{"name": "a", // c\n}', 'a key in double quotes', ''],
    ['{"name": "a", "name": "b"}', 'the key `name` stands twice', ''],
    ['{"name": "a", "dash": {"skills": [], "sk\\u0069lls": []}}', 'the key `skills` stands twice', ''],
    ['{"name": "a", "version": 1}', '`version` has the wrong form: expected string', 'PACKAGE_FORMAT'],
    ['{"name": 01}', '`,` or `}` is missing', ''],
    ['{"name": "a\nb"}', 'a string does not end', ''],
    ['{"name": "\\x"}', 'an unknown escape', ''],
    ['[]', 'the file has the wrong form: expected object', ''],
    ['{}', '`name` is missing', '"name"'],
    ['{"name": "../x"}', 'not the name of a package', ''],
    ['{"name": "a", "dash": []}', '`dash` has the wrong form: expected object', ''],
    ['{"name": "a", "dash": {"extension": []}}', '`dash` has no key `extension`', 'did you mean `extensions`'],
    ['{"name": "a", "dash": {"frobnicate": []}}', '`dash` has no key `frobnicate`', 'the keys are `extensions`'],
    ['{"name": "a", "dash": {"skills": "./skills"}}', '`dash.skills` has the wrong form: expected array', ''],
    ['{"name": "a", "dash": {"skills": [""]}}', '`dash.skills.0` has the wrong form', ''],
    ['{"name": "a", "dash": {"permissions": {"fs:read": {"why": "x"}}}}', '`dash.permissions.fs:read.why`', ''],
    ['{"name": "a", "dash": {"permissions": {"model": {"max": "lots"}}}}', '`dash.permissions.model.max`', ''],
    ['{"name": "a", "dash": {"permissions": ["fs:read", "fs:read:./"]}}', '`fs:read` stands twice', ''],
  ];
  it.each(broken)('refuses %j: %s', (text, message, hint) => {
    const error = failure(text);
    expect(error).toMatchObject({ code: 'INVALID_MANIFEST', where: { path: 'package.json' } });
    expect(error.message).toContain(message);
    expect(error.hint).toContain(hint);
  });

  it('reads the manifests of the packages it was built with', () => {
    for (const name of ['semver', 'libnpmpublish', '@clack/prompts', '@earendil-works/pi-coding-agent', 'typebox', 'fast-check']) {
      const path = new URL(`../../node_modules/${name}/package.json`, import.meta.url);
      expect(parseManifest(readFileSync(path, 'utf8'), `${name}/package.json`).name).toBe(name);
    }
  });
});

describe('parseJson', () => {
  it('reads what JSON.parse reads, and refuses what it refuses', () => {
    const text = fc.oneof(
      fc.json(),
      fc.json().map((json) => json.slice(0, -1)),
      fc.string(),
    );
    fc.assert(
      fc.property(text, (source) => {
        let expected: unknown;
        try {
          expected = JSON.parse(source);
        } catch {
          expect(() => parseJson(source, 'x', 'INVALID_MANIFEST')).toThrow(expect.objectContaining({ code: 'INVALID_MANIFEST' }));
          return;
        }
        expect(parseJson(source, 'x', 'INVALID_MANIFEST').value).toEqual(expected);
      }),
    );
  });

  it('refuses a tower of brackets instead of falling off the stack', () => {
    expect(() => parseJson('['.repeat(100_000), 'x', 'LOCK_INVALID')).toThrow(expect.objectContaining({ code: 'LOCK_INVALID' }));
  });

  it('reads a file with a byte order mark and CRLF', () => {
    const { value, where } = parseJson('\uFEFF{\r\n "a/b": [1,\r\n  2]}', 'x', 'INVALID_MANIFEST');
    expect(value).toEqual({ 'a/b': [1, 2] });
    expect(where('/a~1b/1')).toEqual({ path: 'x', line: 3, column: 3 });
    expect(where('/a~1b/7')).toEqual({ path: 'x', line: 2, column: 2 });
  });
});

function failure(text: string) {
  try {
    parseManifest(text, 'package.json');
  } catch (error) {
    if (isDashError(error)) return error;
    throw error;
  }
  throw new Error(`accepted ${text}`);
}
