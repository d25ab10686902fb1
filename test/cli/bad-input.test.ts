import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import { describe, expect, test } from 'vitest';

import { type FixtureRegistry, startNpmRegistry } from '../support/npm-registry.ts';
import { packTarball } from '../support/tar.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/** The program as a user starts it without a terminal, against a registry on loopback. */
const BIN = join(import.meta.dirname, '..', '..', 'bin', 'dash.js');

const ANY: unknown = expect.stringMatching(/./);

const ANSWERS = `export default (dash) => dash.registerTool({
  name: 'answer', description: 'Answers', parameters: { type: 'object', properties: {} },
  async execute() { return { content: [{ type: 'text', text: 'version 1' }] } },
});
`;

interface User {
  readonly home: string;
  readonly dir: string;
  readonly env: Readonly<Record<string, string>>;
}

interface Outcome {
  readonly status: number;
  readonly document: unknown;
}

async function newUser(registry: FixtureRegistry): Promise<User> {
  const root = await temporaryDirectory();
  const dir = join(root, 'work');
  await mkdir(dir);
  const home = join(root, 'home');
  const npm = { npm_config_registry: registry.url, npm_config_fetch_retries: '0' };
  return { home, dir, env: { PATH: process.env['PATH'] ?? '', HOME: root, DASH_HOME: home, ...npm } };
}

/** A user who has `good` 1.0.0, the state that nothing below may touch. */
async function userWithGood(): Promise<{ readonly registry: FixtureRegistry; readonly user: User }> {
  const registry = await startNpmRegistry({ name: 'good', ...extension(ANSWERS) });
  const user = await newUser(registry);
  expect(await dash(user, 'install', 'npm:good')).toMatchObject({ status: 0 });
  return { registry, user };
}

async function dash({ dir, env }: User, ...args: readonly string[]): Promise<Outcome> {
  const child = spawn(process.execPath, [BIN, ...args, '--json'], { cwd: dir, env, stdio: ['ignore', 'pipe', 'ignore'] });
  const [stdout, [status]] = await Promise.all([text(child.stdout), once(child, 'close')]);
  return { status, document: JSON.parse(stdout) };
}

function extension(source: string, manifest: Readonly<Record<string, unknown>> = {}) {
  return { manifest: { type: 'module', dash: { extensions: ['./index.js'], ...manifest } }, files: { 'index.js': source } };
}

async function directory(user: User, name: string, files: Readonly<Record<string, string>>): Promise<string> {
  const dir = join(user.dir, name);
  await mkdir(dir, { recursive: true });
  for (const [path, content] of Object.entries(files)) await writeFile(join(dir, path), content);
  return `./${name}`;
}

/** What an install changes: the lock, the grants, the generations and which of them is current, the store. */
async function stateOf({ home }: User): Promise<unknown> {
  const files = [
    'dash.lock',
    'grants.json',
    'state/current',
    ...(await readdir(join(home, 'state', 'generations'))).map((name) => `state/generations/${name}`),
  ];
  const contents = await Promise.all(files.map(async (path) => [path, await readFile(join(home, path), 'utf8').catch(() => undefined)]));
  const store = await readdir(join(home, 'store', 'v1'), { recursive: true });
  return { contents, store: store.toSorted() };
}

async function expectAnswer(user: User, answer: string): Promise<void> {
  expect(await dash(user, 'call', 'answer', '--package', 'good')).toMatchObject({
    status: 0,
    document: { result: { content: [{ type: 'text', text: answer }], isError: false } },
  });
}

/** Runs a command that must fail with this error and leave everything as it was, the installed tool included. */
async function expectRefusal(user: User, args: readonly string[], status: number, error: Readonly<Record<string, unknown>>): Promise<void> {
  const before = await stateOf(user);
  const outcome = await dash(user, ...args);
  expect(outcome).toMatchObject({ status, document: { error } });
  expect(outcome.document).toMatchObject({ error: { message: ANY, hint: ANY } });
  expect(await stateOf(user)).toEqual(before);
  await expectAnswer(user, 'version 1');
}

describe('without a terminal and without a grant', () => {
  test.for([[[]], [['--yes']], [['--no-input']]] as const)('an install %j is CONSENT_REQUIRED and changes nothing', async ([flags]) => {
    const { registry, user } = await userWithGood();
    registry.publish({ name: 'wants', ...extension(ANSWERS, { permissions: ['net:api.example.com'] }) });
    await expectRefusal(user, ['install', 'npm:wants', ...flags], 4, {
      code: 'CONSENT_REQUIRED',
      hint: expect.stringContaining('--grant net:api.example.com'),
    });
  });

  test('a new version that asks for more is CONSENT_REQUIRED, and the old one stays', async () => {
    const { registry, user } = await userWithGood();
    registry.publish({ name: 'good', version: '2.0.0', ...extension(ANSWERS.replace('version 1', 'version 2'), { permissions: ['net:api.example.com'] }) });
    await expectRefusal(user, ['install', 'npm:good@2.0.0'], 4, { code: 'CONSENT_REQUIRED' });
  });

  test('one of two that asks for something keeps both from being installed', async () => {
    const { registry, user } = await userWithGood();
    registry.publish({ name: 'modest', ...extension(ANSWERS) }, { name: 'wants', ...extension(ANSWERS, { permissions: ['net:api.example.com'] }) });
    await expectRefusal(user, ['install', 'npm:modest', 'npm:wants'], 4, { code: 'CONSENT_REQUIRED' });
  });
});

describe('what cannot be found', () => {
  test.for([
    ['zzz:good', 2, 'INVALID_SPEC'],
    ['npm:', 2, 'INVALID_SPEC'],
    ['ftp://example.com/x', 2, 'INVALID_SPEC'],
    ['./nowhere', 2, 'INVALID_SPEC'],
    ['npm:missing', 7, 'PACKAGE_NOT_FOUND'],
    ['npm:good@9.9.9', 7, 'VERSION_NOT_FOUND'],
    ['git:file:///nowhere/at/all', 7, 'GIT_FAILED'],
  ] as const)('`dash install %s` exits %i with %s', async ([spec, status, code]) => {
    const { user } = await userWithGood();
    await expectRefusal(user, ['install', spec], status, { code });
  });
});

describe('a broken package', () => {
  const UNCLOSED = 'export default (dash) => {\n  dash.registerTool({\n';
  const THROWS = 'export default () => {\n  throw new Error("no luck");\n};\n';
  const HANGS = 'export default () => {\n  for (;;);\n};\n';
  const manifest = (fields: Readonly<Record<string, unknown>>): string => JSON.stringify({ name: 'good', version: '2.0.0', type: 'module', ...fields });
  const entry = (source: string) => ({ 'package.json': manifest({ dash: { extensions: ['./index.js'] } }), 'index.js': source });
  const manifestFile = { path: expect.stringMatching(/package\.json$/) };
  const [fromNpm, both, fromDirectory] = [['npm'], ['npm', 'directory'], ['directory']] as const;
  test.for([
    // an archive must carry the manifest that the registry shows: what is no manifest at all is no honest archive
    [fromNpm, 'a manifest that is not JSON', 'INVALID_MANIFEST', 1, { 'package.json': '{"name": "good",\n "version": }' }, { ...manifestFile, line: 2 }],
    [fromDirectory, 'a manifest that is not JSON', 'INVALID_MANIFEST', 1, { 'package.json': '{"name": "good",\n "version": }' }, { ...manifestFile, line: 2 }],
    [both, 'a manifest with a field of the wrong type', 'INVALID_MANIFEST', 1, { 'package.json': manifest({ dash: { extensions: 7 } }) }, manifestFile],
    [
      both,
      'an unknown permission',
      'INVALID_PERMISSION',
      1,
      { 'package.json': manifest({ dash: { extensions: ['./index.js'], permissions: ['fly'] } }), 'index.js': ANSWERS },
      manifestFile,
    ],
    [both, 'an entry point that does not exist', 'ENTRY_NOT_FOUND', 1, { 'package.json': manifest({ dash: { extensions: ['./gone.js'] } }) }, manifestFile],
    [both, 'an entry point that does not compile', 'COMPILE_FAILED', 1, entry(UNCLOSED), { path: 'index.js', line: 3 }],
    [both, 'a factory that throws', 'FACTORY_FAILED', 1, entry(THROWS), { path: 'index.js', line: 2 }],
    [fromDirectory, 'a factory that hangs', 'FACTORY_TIMEOUT', 1, entry(HANGS), { path: 'index.js' }],
  ] as const)('%j: %s is %s, exit %i, with its place', async ([sources, , code, status, files, where]) => {
    const { registry, user } = await userWithGood();
    registry.publish({ name: 'good', version: '2.0.0', tarball: packTarball(files) });
    const specs = { npm: 'npm:good@2.0.0', directory: await directory(user, 'broken', files) };
    for (const source of sources) await expectRefusal(user, ['install', specs[source]], status, { code, where });
  });
});

describe('a hash that does not match', () => {
  test('a tarball that is not what the registry promised is refused', async () => {
    const { registry, user } = await userWithGood();
    const dist = { integrity: `sha512-${Buffer.alloc(64, 7).toString('base64')}` };
    registry.publish({ name: 'good', version: '2.0.0', ...extension(ANSWERS.replace('version 1', 'version 2')), dist });
    await expectRefusal(user, ['install', 'npm:good@2.0.0'], 5, { code: 'INTEGRITY_MISMATCH' });
  });

  test('a version published again with other bytes is refused, as a package and as a dependency of another', async () => {
    const { registry, user } = await userWithGood();
    registry.publish({ name: 'good', ...extension(ANSWERS.replace('version 1', 'evil')) });
    await expectRefusal(user, ['install', 'npm:good'], 5, {
      code: 'INTEGRITY_MISMATCH',
      message: expect.stringContaining('`good@1.0.0` does not match the lockfile'),
    });

    const needs = extension(`import 'good/index.js';\n${ANSWERS}`);
    registry.publish({ name: 'needs', manifest: { ...needs.manifest, dependencies: { good: '1.0.0' } }, files: needs.files });
    await expectRefusal(user, ['install', 'npm:needs'], 5, { code: 'INTEGRITY_MISMATCH' });
  });

  test('a changed file in the store is not compiled: installing again brings the published bytes back', async () => {
    const { user } = await userWithGood();
    const before = await stateOf(user);
    expect(await dash(user, 'install', 'npm:good')).toMatchObject({ status: 0, document: { installed: [], unchanged: [{ name: 'good' }] } });
    expect(await stateOf(user)).toEqual(before);

    const lock = await readFile(join(user.home, 'dash.lock'), 'utf8');
    const file = await tamper(join(user.home, 'store'), /[/]index\.js$/, (source) => source.replace('version 1', 'tampered'));
    expect(await dash(user, 'install', 'npm:good')).toMatchObject({ status: 0 });
    expect(await readFile(file, 'utf8')).toBe(ANSWERS);
    expect(await readFile(join(user.home, 'dash.lock'), 'utf8')).toBe(lock);
    await rm(join(user.home, 'bundles'), { recursive: true });
    await expectAnswer(user, 'version 1');
  });

  test('a changed file in the store does not run where the bundle has to be made again', async () => {
    const { user } = await userWithGood();
    await tamper(join(user.home, 'store'), /[/]index\.js$/, (source) => source.replace('version 1', 'tampered'));
    await rm(join(user.home, 'bundles'), { recursive: true });
    const before = await stateOf(user);
    expect(await dash(user, 'call', 'answer', '--package', 'good')).toMatchObject({ status: 5, document: { error: { code: 'BUNDLE_MISMATCH', hint: ANY } } });
    expect(await stateOf(user)).toEqual(before);
  });

  test('a changed bundle does not run; it is made again once it is gone', async () => {
    const { user } = await userWithGood();
    await tamper(join(user.home, 'bundles'), /\.js$/, (source) => source.replace('version 1', 'tampered'));
    const before = await stateOf(user);
    expect(await dash(user, 'call', 'answer', '--package', 'good')).toMatchObject({ status: 5, document: { error: { code: 'BUNDLE_MISMATCH', hint: ANY } } });
    expect(await stateOf(user)).toEqual(before);
    await rm(join(user.home, 'bundles'), { recursive: true });
    await expectAnswer(user, 'version 1');
  });
});

/** Edits the first file below `dir` that `name` matches and `edit` changes, as someone with the user's rights could. */
async function tamper(dir: string, name: RegExp, edit: (source: string) => string): Promise<string> {
  for (const path of await readdir(dir, { recursive: true })) {
    if (!name.test(`/${path}`)) continue;
    const file = join(dir, path);
    const before = await readFile(file, 'utf8');
    if (edit(before) === before) continue;
    await chmod(file, 0o644);
    await writeFile(file, edit(before));
    return file;
  }
  throw new Error(`nothing to tamper with below ${dir}`);
}
