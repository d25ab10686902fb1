import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { BIN, type CliResult, environment, type Person } from '../../scripts/demo/stage.ts';
import { type PublishedVersion, startNpmRegistry } from '../support/npm-registry.ts';
import { packTarball } from '../support/tar.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

async function makePerson(registry = 'http://127.0.0.1:9/') {
  const root = await temporaryDirectory();
  const [home, workspace] = [join(root, 'home'), join(root, 'workspace')];
  await Promise.all([mkdir(home), mkdir(workspace)]);
  const person: Person = { home, dashHome: join(home, '.dash'), variables: { npm_config_registry: registry } };
  return { dashHome: person.dashHome, dash: (args: readonly string[], input?: Buffer) => dash(person, workspace, args, input) };
}

async function dash(person: Person, cwd: string, args: readonly string[], input: Buffer = Buffer.alloc(0)): Promise<CliResult> {
  const child = spawn(process.execPath, [BIN, ...args], { cwd, env: environment(person) });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  // a command that reads nothing closes the pipe
  child.stdin.on('error', () => undefined).end(input);
  const { promise, resolve } = Promise.withResolvers<CliResult>();
  child.on('close', (code) => resolve({ exitCode: code ?? 1, stdout, stderr }));
  return promise;
}

function skillPackage(name: string, version = '1.0.0'): Buffer {
  return packTarball({
    'package.json': JSON.stringify({ name, version, dash: { skills: ['skills'] } }),
    'skills/wave/SKILL.md': '---\nname: wave\ndescription: Waves when somebody comes by. Use it for greetings.\n---\nWave.\n',
  });
}

describe('`dash install -`', () => {
  test('installs the tarball on standard input, pinned by its bytes', async () => {
    const { dash: run, dashHome } = await makePerson();
    const installed = await run(['install', '-', '--json'], skillPackage('piped'));
    expect(installed.exitCode, installed.stderr).toBe(0);
    const [pkg] = JSON.parse(installed.stdout).installed;
    expect(pkg).toMatchObject({ name: 'piped', spec: expect.stringMatching(/^stdin:sha512-/), source: { kind: 'tarball' } });
    const lock = JSON.parse(await readFile(join(dashHome, 'dash.lock'), 'utf8'));
    expect(lock.roots.piped).toMatchObject({ spec: pkg.spec, id: pkg.id });
    expect(lock.packages[pkg.id].source).toEqual({ kind: 'tarball', integrity: pkg.source.integrity });
    expect(await run(['install', '--frozen'])).toMatchObject({ exitCode: 0 });
    // the same bytes are the same package, other bytes take its place
    expect(JSON.parse((await run(['install', '-', '--json'], skillPackage('piped'))).stdout)).toMatchObject({ installed: [], unchanged: [{ name: 'piped' }] });
    expect(JSON.parse((await run(['install', '-', '--json'], skillPackage('piped', '1.1.0'))).stdout)).toMatchObject({ installed: [{ version: '1.1.0' }] });
    expect((await run(['update'])).stdout).toContain('up to date');
  });

  test('is made again from the store alone, and says what to do when the store has lost it', async () => {
    const { dash: run, dashHome } = await makePerson();
    await run(['install', '-'], skillPackage('piped'));
    await rm(join(dashHome, 'state'), { recursive: true });
    expect(await run(['install', '--frozen'])).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('piped') });
    for (const gone of ['state', 'store']) await rm(join(dashHome, gone), { recursive: true });
    const lost = await run(['install', '--frozen']);
    expect(lost).toMatchObject({ exitCode: 7, stderr: expect.stringContaining('PIPED_ARCHIVE_GONE') });
    expect(lost.stderr).toContain('dash install - <file.tgz');
    expect(await run(['install', '-'], skillPackage('piped'))).toMatchObject({ exitCode: 0 });
  });

  test.each([
    ['nothing', '', ['install', '-'], 'standard input is empty'],
    ['a list of packages', 'npm:left-pad\nnpm:is-odd\n', ['install', '-'], 'xargs dash install'],
    ['one pipe for two', 'x', ['install', '-', '-'], 'stands twice'],
    ['something that has no use for it', 'x', ['install', 'npm:@', '-'], 'is not an npm name'],
  ])('refuses %s', async (_, input, args, said) => {
    const { dash: run } = await makePerson();
    expect(await run(args, Buffer.from(input))).toMatchObject({ exitCode: 2, stderr: expect.stringContaining(said) });
  });

  test('can be looked at first', async () => {
    const { dash: run, dashHome } = await makePerson();
    expect((await run(['inspect', '-'], skillPackage('piped'))).stdout).toContain('piped');
    expect((await run(['info', '-'], skillPackage('piped'))).stdout).toContain('not installed');
    expect((await run(['install', '-', '--dry-run'], skillPackage('piped'))).stdout).toContain('would install piped 1.0.0');
    expect(existsSync(join(dashHome, 'dash.lock'))).toBe(false);
  });
});

describe('a tarball by its URL', () => {
  test('is pinned as it was, and another one in its place waits', async () => {
    const registry = await startNpmRegistry({ name: 'kit', tarball: skillPackage('kit') });
    const url = `${registry.url}kit/-/kit-1.0.0.tgz`;
    const [{ dash: run, dashHome }, other] = [await makePerson(), await makePerson()];
    const installed = await run(['install', url, '--json']);
    expect(installed.exitCode, installed.stderr).toBe(0);
    expect(JSON.parse(installed.stdout)).toMatchObject({ installed: [{ name: 'kit', id: `url:${url}`, spec: url, source: { kind: 'tarball', url } }] });
    expect(await run(['install', '--frozen', '--offline'])).toMatchObject({ exitCode: 0 });

    registry.publish({ name: 'kit', tarball: skillPackage('kit', '1.1.0') });
    expect(JSON.parse((await run(['update', '--json'])).stdout)).toMatchObject({
      held: [{ from: '1.0.0', to: '1.1.0', reasons: [{ code: 'RELEASE_TOO_YOUNG' }] }],
    });
    // elsewhere the lock stands against the bytes
    await mkdir(other.dashHome);
    await cp(join(dashHome, 'dash.lock'), join(other.dashHome, 'dash.lock'));
    expect(await other.dash(['install', '--frozen'])).toMatchObject({ exitCode: 5, stderr: expect.stringContaining('LOCK_TAMPERED') });
    // what waits was kept: the place it came from may be gone
    registry.override('/kit/-/kit-1.0.0.tgz', { status: 410 });
    expect(await run(['update', 'kit', '--accept'])).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('1.0.0 → 1.1.0') });
  });
});

const kit = (version: string, permissions: readonly string[], dependencies = {}): PublishedVersion => ({
  name: 'kit',
  version,
  manifest: { dash: { extensions: ['index.ts'], permissions }, dependencies },
  files: { 'index.ts': 'export default () => {};\n' },
});

describe('`dash install --dry-run`', () => {
  test('shows the question and what would change, and changes nothing', async () => {
    const registry = await startNpmRegistry(kit('1.0.0', ['net:one.example.com']), { name: 'dep' });
    const { dash: run, dashHome } = await makePerson(registry.url);
    const first = await run(['install', 'kit', '--dry-run']);
    expect(first, first.stderr).toMatchObject({ exitCode: 0 });
    expect(first.stdout).toContain('would install kit 1.0.0');
    expect(first.stdout).toContain('[net:one.example.com]');
    expect(first.stdout).toContain("--grant 'net:one.example.com'");
    expect(first.stdout).toContain('nothing was changed');
    expect(existsSync(join(dashHome, 'dash.lock'))).toBe(false);
    expect(existsSync(join(dashHome, 'grants.json'))).toBe(false);

    await run(['install', 'kit', '--grant', 'summary']);
    const before = await stateOf(dashHome);
    registry.publish(kit('2.0.0', ['net:two.example.com'], { dep: '1' }));
    const { stdout, exitCode } = await run(['install', 'kit@2', '--dry-run', '--json']);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      dryRun: true,
      isToBeAsked: true,
      packages: [
        {
          action: 'replace',
          from: '1.0.0',
          version: '2.0.0',
          details: {
            permissionDiff: { added: ['net:two.example.com'], removed: ['net:one.example.com'] },
            consent: { summary: [{ permission: 'net:two.example.com' }], replaces: { version: '1.0.0' } },
            dependencies: ['dep@1.0.0'],
          },
        },
      ],
    });
    expect((await run(['install', 'kit@1', '--dry-run', '--json'])).stdout).toContain('"action": "replace"'); // another spec in the lock
    expect((await run(['install', 'kit@2', '--dry-run', '--grant', 'summary'])).stdout).not.toContain('it would ask');
    expect(await stateOf(dashHome)).toEqual(before);
  });

  test('without specs compares disk and lock', async () => {
    const registry = await startNpmRegistry(kit('1.0.0', []));
    const { dash: run, dashHome } = await makePerson(registry.url);
    await run(['install', 'kit']);
    expect((await run(['install', '--dry-run'])).stdout).toMatch(/unchanged kit 1\.0\.0\neverything is as it should be/);
    await rm(join(dashHome, 'state'), { recursive: true });
    expect((await run(['install', '--dry-run'])).stdout).toMatch(/would restore kit 1\.0\.0\nnothing was changed/);
    expect(existsSync(join(dashHome, 'state', 'current'))).toBe(false);
    expect(await run(['install', '--dry-run', '--frozen', '-l'])).toMatchObject({ exitCode: 5, stderr: expect.stringContaining('LOCK_MISSING') });
  });
});

/** What is installed and granted, and which trees the store holds. */
async function stateOf(dashHome: string): Promise<unknown> {
  const read = (name: string) => readFile(join(dashHome, name), 'utf8');
  const store = (await readdir(join(dashHome, 'store', 'v1'))).filter((name) => /^[0-9a-f]{2}$/.test(name));
  return [await read('state/current'), await read('dash.lock'), await read('grants.json'), store];
}
