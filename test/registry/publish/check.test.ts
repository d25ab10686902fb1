import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { check } from '../../../registry/publish/index.ts';
import { type Files, GOOD, GOOD_FILES, makePackage, TEXT_PORTS } from './package-fixture.ts';

async function codesOf(manifest: Readonly<Record<string, unknown>> | undefined, files: Files = GOOD_FILES) {
  const { ok, diagnostics } = await check(await makePackage(manifest, files), TEXT_PORTS);
  return { ok, codes: diagnostics.map(({ severity, code }) => `${severity} ${code}`) };
}

test('a good package passes without a word', async () => {
  expect(await codesOf(GOOD)).toEqual({ ok: true, codes: [] });
});

describe('the manifest', () => {
  test.for([
    ['a version that is none', { ...GOOD, version: '1' }, 'error INVALID_VERSION'],
    ['no version', { ...GOOD, version: undefined }, 'error INVALID_VERSION'],
    ['upper case in the name', { ...GOOD, name: 'Good' }, 'error INVALID_NAME'],
    ['an unknown key', { ...GOOD, dash: { prompt: [] } }, 'error INVALID_MANIFEST'],
    ['a permission that is none', { ...GOOD, dash: { ...GOOD.dash, permissions: ['fs:reed'] } }, 'error INVALID_PERMISSION'],
    ['a dependency from git', { ...GOOD, dependencies: { x: 'git+https://example.com/x.git' } }, 'error DEPENDENCY_NOT_ON_REGISTRY'],
    ['a dependency from a folder', { ...GOOD, dependencies: { x: 'file:../x' } }, 'error DEPENDENCY_NOT_ON_REGISTRY'],
    ['no description', { ...GOOD, description: undefined }, 'warning DESCRIPTION_MISSING'],
    ['no license', { ...GOOD, license: undefined }, 'warning LICENSE_MISSING'],
    [
      'a setting that nobody can make',
      { ...GOOD, dash: { ...GOOD.dash, settings: { properties: { a: { $ref: '#' } } } } },
      'error SETTING_DECLARATION_INVALID',
    ],
    [
      'a secret that would be shown',
      { ...GOOD, dash: { ...GOOD.dash, settings: { properties: { apiKey: { type: 'string' } } } } },
      'warning SETTING_LOOKS_SECRET',
    ],
    ['a script that would run at install', { ...GOOD, scripts: { postinstall: 'node x' } }, 'warning SCRIPTS_IGNORED'],
  ] as const)('%s', async ([, manifest, expected]) => {
    const { ok, codes } = await codesOf(manifest);
    expect(codes).toEqual([expected]);
    expect(ok).toBe(!expected.startsWith('error'));
  });

  test('an alias and a range are dependencies from the registry', async () => {
    expect(await codesOf({ ...GOOD, dependencies: { a: '^1.0.0', b: 'npm:c@2', d: 'latest' } })).toEqual({ ok: true, codes: [] });
  });

  test('text that is not JSON is an error with its line', async () => {
    const dir = await makePackage(undefined, { 'package.json': '{\n  "name": oops\n}' });
    expect(await check(dir, TEXT_PORTS)).toMatchObject({ ok: false, diagnostics: [{ code: 'INVALID_MANIFEST', where: { path: 'package.json', line: 2 } }] });
  });
});

describe('permissions', () => {
  const asking = (permission: string, reason: string | undefined = 'because') => ({
    ...GOOD,
    dash: { ...GOOD.dash, permissions: reason === undefined ? [permission] : { [permission]: reason } },
  });

  test.for([
    ['fs:read:./data', []],
    ['net:api.example.com', []],
    ['fs:read', ['warning PERMISSION_BROAD']],
    ['fs:write', ['warning PERMISSION_BROAD']],
    ['fs:read:~/Documents', ['warning PERMISSION_BROAD']],
    ['exec:git', []],
    ['node', ['warning PERMISSION_BROAD']],
    ['env:GITHUB_TOKEN', ['warning SECRET_AS_ENV']],
    ['fs:read:~/.dash', ['error PERMISSION_NOT_GRANTABLE']],
  ] as const)('%s draws %j', async ([permission, expected]) => {
    expect((await codesOf(asking(permission))).codes).toEqual(expected);
  });

  test('a host in part is no way out for programs that speak https', async () => {
    const reasons = (...permissions: string[]) => ({
      ...GOOD,
      dash: { ...GOOD.dash, permissions: Object.fromEntries(permissions.map((one) => [one, 'because'])) },
    });
    expect((await codesOf(reasons('net:GET:api.example.com', 'exec:curl'))).codes).toEqual(['warning PERMISSION_NARROW']);
    expect((await codesOf(reasons('net:api.example.com/v1', 'exec:curl'))).codes).toEqual(['warning PERMISSION_NARROW']);
    expect((await codesOf(reasons('net:GET:api.example.com'))).codes).toEqual([]);
    expect((await codesOf(reasons('net:GET:api.example.com', 'net:api.example.com', 'exec:curl'))).codes).toEqual([]);
  });

  test('each has a reason', async () => {
    const manifest = { ...GOOD, dash: { ...GOOD.dash, permissions: ['net:api.example.com'] } };
    expect((await codesOf(manifest)).codes).toEqual(['warning REASON_MISSING']);
  });
});

describe('resources', () => {
  test('an entry that does not exist is an error', async () => {
    expect(await codesOf({ ...GOOD, dash: { prompts: ['./prompts/none.md'] } })).toEqual({ ok: false, codes: ['error ENTRY_NOT_FOUND'] });
  });

  test('an entry outside the package is an error', async () => {
    expect(await codesOf({ ...GOOD, dash: { prompts: ['./prompts', '../other'] } })).toEqual({ ok: false, codes: ['error ENTRY_OUTSIDE_PACKAGE'] });
  });

  test('an entry that `files` leaves out is an error that says so', async () => {
    const dir = await makePackage({ ...GOOD, files: ['docs'], dash: { prompts: ['./prompts/review.md'] } }, GOOD_FILES);
    const { diagnostics } = await check(dir, TEXT_PORTS);
    expect(diagnostics).toMatchObject([
      { severity: 'error', code: 'ENTRY_NOT_FOUND', message: expect.stringContaining('`files` in package.json leaves it out') },
    ]);
  });

  test('a package that brings nothing is an error', async () => {
    expect(await codesOf({ ...GOOD, dash: {} }, { 'README.md': 'x' })).toEqual({ ok: false, codes: ['error NO_RESOURCES'] });
  });

  test('skills are held to the strict rules', async () => {
    const files = { 'README.md': 'x', 'skills/notes/SKILL.md': '---\nname: other\ndescription: d\nversion: 1\n---\nbody\n' };
    const { diagnostics } = await check(await makePackage({ ...GOOD, dash: { skills: ['./skills'] } }, files), TEXT_PORTS);
    expect(diagnostics.map(({ message, where }) => [message, where?.path])).toEqual([
      ['`name` is `other` but the directory is `notes`', 'skills/notes/SKILL.md'],
      ['`version` is not a field of the standard; put it under `metadata`', 'skills/notes/SKILL.md'],
    ]);
  });

  test('a theme that cannot be read is an error', async () => {
    expect(await codesOf({ ...GOOD, dash: { themes: ['./themes'] } }, { 'README.md': 'x', 'themes/dark.json': '{"name":' })).toMatchObject({ ok: false });
  });

  test('a plain folder of skills is checked without a package.json', async () => {
    const dir = await makePackage(undefined, { 'skills/notes/SKILL.md': '---\nname: notes\ndescription: writes notes\n---\nbody\n' });
    expect(await check(dir, TEXT_PORTS)).toEqual({ ok: true, diagnostics: [] });
  });

  test('a directory that does not exist is an error', async () => {
    expect(await check(join(await makePackage(undefined), 'none'), TEXT_PORTS)).toMatchObject({ ok: false, diagnostics: [{ code: 'MANIFEST_NOT_FOUND' }] });
  });
});

describe('what must not be published', () => {
  test.for([
    ['a private key', 'prompts/review.md', `x\n-----BEGIN ${'RSA '}PRIVATE KEY-----\n`, 'SECRET_IN_TEXT', 2],
    ['an AWS key', 'lib/x.js', `\n\nconst key = "${'AKIA'}ABCDEFGHIJKLMNOP"`, 'SECRET_IN_TEXT', 3],
    ['a GitHub token', 'lib/x.js', `${'ghp_'}${'a'.repeat(36)}`, 'SECRET_IN_TEXT', 1],
    ['an environment file', '.env.local', 'A=b', 'SECRET_FILE', undefined],
    ['a key file', 'certs/server.pem', 'x', 'SECRET_FILE', undefined],
    ['a bidi override', 'lib/x.js', 'a\n"\u202Eevil"', 'HIDDEN_TEXT', 2],
    ['text in tag characters', 'README.md', `hello\u{E0068}\u{E0069}`, 'HIDDEN_TEXT', 1],
  ] as const)('%s', async ([, path, text, code, line]) => {
    const { ok, diagnostics } = await check(await makePackage(GOOD, { ...GOOD_FILES, [path]: text }), TEXT_PORTS);
    expect(ok).toBe(false);
    expect(diagnostics).toEqual([expect.objectContaining({ severity: 'error', code, where: line === undefined ? { path } : { path, line } })]);
  });

  test('examples, binaries and flags raise no alarm', async () => {
    const files = {
      ...GOOD_FILES,
      '.env.example': 'KEY=',
      'image.png': Buffer.from('\0AKIAABCDEFGHIJKLMNOP'),
      'docs/flags.md': '\u{1F3F4}\u{E0067}\u{E0062}\u{E0073}\u{E0063}\u{E0074}\u{E007F}',
    };
    expect(await codesOf(GOOD, files)).toEqual({ ok: true, codes: [] });
  });
});
