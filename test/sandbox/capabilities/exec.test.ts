import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readAuditTrails } from '../../../sandbox/index.ts';
import { osLayer, type OsLayer } from '../../../sandbox/os-layer/index.ts';
import { extensionOf, openFixture, textOf, type Fixture } from '../../support/sandbox-fixture.ts';

/** Programs as a package runs them: whole processes, through its own `child_process`. */
const TOOLS = {
  sync: `const r = require('node:child_process').spawnSync(params.file, params.args ?? [], { encoding: 'utf8', ...params.options }); return JSON.stringify({ status: r.status, signal: r.signal, stdout: r.stdout, stderr: r.stderr, code: r.error?.code, message: r.error?.message })`,
  execSync: `return require('node:child_process').execSync(params.command, { encoding: 'utf8' })`,
  pi: `return JSON.stringify(await pi.exec(params.file, params.args ?? [], params.options))`,
  talk: `const child = require('node:child_process').spawn('sh', ['-c', 'while read line; do echo "heard $line"; done; echo bye >&2; exit 3']);
    const heard = []; let rest = ''; child.stderr.on('data', (d) => (rest += d));
    child.stdout.on('data', (d) => { heard.push(String(d).trim()); if (heard.length < 3) child.stdin.write('line ' + heard.length + '\\n'); else child.stdin.end(); });
    child.stdin.write('first\\n');
    const [code] = await new Promise((r) => child.on('close', (...a) => r(a))); return JSON.stringify([heard, rest, code])`,
  signal: `const child = require('node:child_process').spawn('sh', ['-c', params.script]); const got = await new Promise((r) => { let out = ''; child.stdout.on('data', (d) => { out += d; if (out.trim() === 'ready') child.kill(params.signal); }); child.on('close', (code, signal) => r([out.trim(), code, signal])); }); return JSON.stringify(got)`,
  leave: `const child = require('node:child_process').spawn('sh', ['-c', params.script], { detached: true, stdio: 'ignore' }); await new Promise((r) => child.on('spawn', r)); return 'left'`,
  abort: `const controller = new AbortController(); const child = require('node:child_process').execFile('sh', ['-c', 'echo ready; exec sleep 60'], { signal: controller.signal }, () => {}); child.stdout.on('data', () => controller.abort()); return await new Promise((r) => child.on('error', (e) => r(e.name + ' ' + e.code)))`,
  wait: `return require('node:child_process').execFileSync('sleep', ['60'])`,
};

export interface Result {
  readonly status: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly code?: string;
  readonly message?: string;
}

const layer = await osLayer();
const absent: () => Promise<OsLayer> = () => Promise.resolve({ kind: 'absent', reason: 'this test has none' });
const git = (cwd: string, ...args: string[]): string =>
  execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], {
    cwd,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], HOME: '/nonexistent' },
  });

const open = (granted: readonly string[], more: Partial<Parameters<typeof openFixture>[0]> = {}): Promise<Fixture> =>
  openFixture({
    files: { 'index.ts': extensionOf(TOOLS) },
    granted,
    environment: { PATH: process.env['PATH'] ?? '', TOKEN: 'the-token', SECRET_KEY: 'the-key' },
    ...more,
  });

const sync = async (fixture: Fixture, file: string, args: readonly string[] = [], options: object = {}): Promise<Result> =>
  JSON.parse(await fixture.text('sync', { file, args, options })) as Result;

describe.skipIf(layer.kind !== 'live')('confined by the operating system (skipped where the probe of `dash sandbox layers` fails)', () => {
  let fixture: Fixture;
  beforeAll(async () => {
    fixture = await open(['fs:read', 'fs:write:./output', 'exec:sh', 'exec:cat', 'exec:env', 'exec:git', 'exec:sleep', 'env:TOKEN'], {
      workspaceFiles: { 'a.txt': 'text of a', '.env': 'the-secret', 'output/here.txt': 'old' },
    });
    git(fixture.workspace, 'init', '-q');
  });
  afterAll(() => fixture[Symbol.asyncDispose]());

  test('reads what the package may read, writes what it may write, and nothing else', async () => {
    expect(await sync(fixture, 'cat', ['a.txt'])).toMatchObject({ status: 0, stdout: 'text of a' });
    expect(await sync(fixture, 'sh', ['-c', 'echo new > output/new.txt && echo no > b.txt'])).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/Read-only/),
    });
    expect(readFileSync(join(fixture.workspace, 'output/new.txt'), 'utf8')).toBe('new\n');
    expect(await sync(fixture, 'cat', ['.env'])).toMatchObject({ status: 1, stdout: '', stderr: expect.stringMatching(/Permission denied/) });
    expect(await sync(fixture, 'cat', [join(fixture.home, 'x')])).toMatchObject({ status: 1, stdout: '' });
  });

  test('the environment is the granted names and what every program needs', async () => {
    const { stdout } = await sync(fixture, 'env');
    const names = stdout
      .trim()
      .split('\n')
      .map((line) => line.split('=')[0]);
    expect(stdout).toContain('TOKEN=the-token');
    expect(stdout).not.toContain('the-key');
    expect(new Set(names)).toEqual(new Set(['HOME', 'LANG', 'LOGNAME', 'PATH', 'PWD', 'SHELL', 'SHLVL', 'TMPDIR', 'TOKEN', 'USER']));
    expect((await sync(fixture, 'env', [], { env: { GREETING: 'hello' } })).stdout).toContain('GREETING=hello');
  });

  test('a program talks: input while it runs, output as it comes, its exit code', async () => {
    expect(JSON.parse(await fixture.text('talk'))).toEqual([['heard first', 'heard line 1', 'heard line 2'], 'bye\n', 3]);
  });

  test.each([
    ['SIGTERM', `echo ready; exec sleep 60`, ['ready', null, 'SIGTERM']],
    ['SIGKILL', `echo ready; exec sleep 60`, ['ready', null, 'SIGKILL']],
    ['SIGUSR1', `trap 'echo caught; exit 7' USR1; echo ready; while :; do sleep 0.05; done`, ['ready\ncaught', 7, null]],
  ])('takes %s', async (signal, script, expected) => {
    expect(JSON.parse(await fixture.text('signal', { signal, script }))).toEqual(expected);
  });

  test('pi.exec gives output and code', async () => {
    expect(JSON.parse(await fixture.text('pi', { file: 'sh', args: ['-c', 'echo out; echo err >&2; exit 4'] }))).toEqual({
      stdout: 'out\n',
      stderr: 'err\n',
      code: 4,
      killed: false,
    });
  });

  test('plain words need no shell; everything else is `exec:sh`', async () => {
    expect(await fixture.text('execSync', { command: `cat 'a.txt'` })).toBe('text of a');
    expect(await fixture.text('execSync', { command: `cat a.txt | cat` })).toBe('text of a');
    await using without = await open(['fs:read', 'exec:cat'], { workspaceFiles: { 'a.txt': 'text of a' } });
    expect(await without.text('execSync', { command: `cat 'a.txt'` })).toBe('text of a');
    expect(textOf(await without.call('execSync', { command: 'cat a.txt | cat' }))).toContain('`exec:sh`');
  });

  test('time, output and an abort end a program', async () => {
    expect(await sync(fixture, 'sleep', ['60'], { timeout: 200 })).toMatchObject({ status: null, signal: 'SIGTERM', code: 'ETIMEDOUT' });
    expect(await sync(fixture, 'sh', ['-c', 'while :; do echo yyyyyyyyyyyyyyyy; done'], { maxBuffer: 100_000 })).toMatchObject({
      status: null,
      code: 'ENOBUFS',
    });
    expect(await fixture.text('abort')).toBe('AbortError ABORT_ERR');
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 300);
    expect((await fixture.call('wait', {}, { signal: controller.signal }).catch(() => ({ isError: true }))).isError).toBe(true);
  });

  test('git works on the repository, and cannot change it', async () => {
    expect(await sync(fixture, 'git', ['status', '--porcelain'])).toMatchObject({ status: 0, stdout: expect.stringContaining('?? a.txt') });
    expect(await sync(fixture, 'git', ['config', 'user.name', 'x'])).toMatchObject({ status: 255, stderr: expect.stringMatching(/Read-only|could not lock/) });
  });

  test('a directory that is not granted has no files in it, and the program is told so when it fails', async () => {
    await using blind = await open(['exec:cat'], { workspaceFiles: { 'a.txt': 'text of a' } });
    expect(await sync(blind, 'cat', ['a.txt'])).toMatchObject({ status: 1, stderr: expect.stringContaining('not granted `fs:read`') });
    expect(await sync(blind, 'cat', ['a.txt'], { cwd: '.' })).toMatchObject({ code: 'EACCES', message: expect.stringContaining('fs:read') });
  });

  test('a new file that runs later is put aside, denied by its name, and named to the program\u2019s reader', async () => {
    await using wide = await open(['fs:read', 'fs:write', 'exec:sh'], { workspaceFiles: { 'package.json': '{}', 'src/a.ts': 'a' } });
    const script = 'mkdir -p src/.vscode; echo evil > src/.vscode/tasks.json; echo evil > .envrc; echo fine > src/b.ts';
    const { status, stderr } = await sync(wide, 'sh', ['-c', script]);
    expect([status, stderr]).toEqual([0, expect.stringMatching(/`\.envrc` was put aside.*fs:write:\.\/\.envrc/)]);
    expect([existsSync(join(wide.workspace, '.envrc')), existsSync(join(wide.workspace, 'src/.vscode'))]).toEqual([false, false]);
    expect(readFileSync(join(wide.workspace, 'src/b.ts'), 'utf8')).toBe('fine\n');
    expect(new Set(wide.denials.map(({ permission }) => permission))).toEqual(new Set(['fs:write:./.envrc', 'fs:write:./src/.vscode']));
    await using named = await open(['fs:read', 'fs:write', 'fs:write:./.envrc', 'exec:sh'], {});
    expect(await sync(named, 'sh', ['-c', 'echo mine > .envrc'])).toMatchObject({ status: 0, stderr: '' });
    expect(existsSync(join(named.workspace, '.envrc'))).toBe(true);
  });

  test('what a call started ends with it, detached or not; `background` lets it live', async () => {
    const marker = join(fixture.workspace, 'output/alive');
    await fixture.text('leave', { script: `sleep 2; echo alive > ${marker}` });
    await using patient = await open(['fs:read', 'fs:write:./output', 'exec:sh', 'background'], { workspaceFiles: { 'output/x': '' } });
    await patient.text('leave', { script: `sleep 1; echo alive > output/alive` });
    await expect.poll(() => existsSync(join(patient.workspace, 'output/alive')), { timeout: 20_000 }).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(existsSync(marker)).toBe(false);
  });

  test('the trail names the program, a digest of its arguments, how it ran and how it ended', async () => {
    await sync(fixture, 'sh', ['-c', 'exit 9', 'a-secret-argument']);
    const records = JSON.stringify(readAuditTrails(fixture.auditDirectory));
    expect(records).toMatch(/"target":"sh sha256:[0-9a-f]{16}"/);
    expect(records).toContain('"outcome":"confined, exit code 9"');
    expect(records).not.toContain('a-secret-argument');
  });
});

describe('where programs cannot be confined', () => {
  const reopened = async (granted: readonly string[], files: Readonly<Record<string, string>> = {}) => {
    const fixture = await open(granted, { workspaceFiles: files, osLayer: absent });
    return fixture;
  };

  test('a granted program is denied by the name of what would allow it: full access', async () => {
    await using fixture = await reopened(['exec:cat', 'fs:read'], { 'a.txt': 'a' });
    const { code, message } = await sync(fixture, 'cat', ['a.txt']);
    expect([code, message]).toEqual(['EACCES', expect.stringContaining('`node`')]);
    expect(fixture.denials).toMatchObject([{ permission: 'node', target: expect.stringContaining('full access: this test has none') }]);
  });

  test('with `node` it runs with full access, and the trail says so', async () => {
    await using fixture = await reopened(['exec:cat', 'node'], { 'a.txt': 'a', '.env': 's' });
    expect(await sync(fixture, 'cat', ['a.txt', '.env'])).toMatchObject({ status: 0, stdout: 'as' });
    expect(JSON.stringify(readAuditTrails(fixture.auditDirectory))).toContain('"outcome":"not confined, exit code 0"');
    expect((await sync(fixture, 'env')).code).toBe('EACCES');
  });

  test('commands that only read run, hardened', async () => {
    await using fixture = await reopened(['exec:git'], { 'a.txt': 'a' });
    git(fixture.workspace, 'init', '-q', '-b', 'trunk');
    git(fixture.workspace, 'add', '.');
    git(fixture.workspace, 'commit', '-qm', 'first words');
    expect(await sync(fixture, 'git', ['log', '-n1', '--format=%s'])).toMatchObject({ status: 0, stdout: 'first words\n' });
    expect(await sync(fixture, 'git', ['rev-parse', '--abbrev-ref', 'HEAD'])).toMatchObject({ status: 0, stdout: 'trunk\n' });
    expect(await sync(fixture, 'git', ['status', '--porcelain'])).toMatchObject({ status: 0, stdout: '' });
    expect(await sync(fixture, 'git', ['log', '-n1', '--output=a.txt'])).toMatchObject({ code: 'EACCES' });
  });
});

describe('which program runs', () => {
  test('never one from the workspace, from where the package writes, or from a relative PATH', async () => {
    await using fixture = await open(['exec:tool', 'node', 'fs:read', 'fs:write:./bin'], { osLayer: absent });
    for (const place of ['bin', 'node_modules/.bin']) {
      mkdirSync(join(fixture.workspace, place), { recursive: true });
      writeFileSync(join(fixture.workspace, place, 'tool'), '#!/bin/sh\necho hijacked\n', { mode: 0o755 });
    }
    const outside = join(fixture.home, 'outside');
    mkdirSync(outside);
    symlinkSync(join(fixture.workspace, 'bin/tool'), join(outside, 'tool'));
    const PATH = ['', '.', 'bin', join(fixture.workspace, 'bin'), join(fixture.workspace, 'node_modules/.bin'), outside, process.env['PATH'] ?? ''].join(':');
    const extension = fixture.reopen({ environment: { PATH } });
    const call = async (): Promise<Result> =>
      JSON.parse(textOf(await extension.callTool('sync', { file: 'tool' }, { toolCallId: '1', context: { mode: 'print', hasUI: false } }))) as Result;
    expect(await call()).toMatchObject({ code: 'ENOENT' });
    const honest = join(fixture.home, 'honest');
    mkdirSync(honest);
    writeFileSync(join(honest, 'tool'), '#!/bin/sh\necho honest\n', { mode: 0o755 });
    const other = fixture.reopen({ environment: { PATH: `${PATH}:${honest}` } });
    expect(JSON.parse(textOf(await other.callTool('sync', { file: 'tool' }, { toolCallId: '1', context: { mode: 'print', hasUI: false } })))).toMatchObject({
      stdout: 'honest\n',
    });
    chmodSync(honest, 0o777);
    expect(JSON.parse(textOf(await other.callTool('sync', { file: 'tool' }, { toolCallId: '1', context: { mode: 'print', hasUI: false } })))).toMatchObject({
      code: 'ENOENT',
    });
  });

  test.each([
    ['LD_PRELOAD', '/tmp/x.so'],
    ['GIT_CONFIG_COUNT', '1'],
    ['NODE_OPTIONS', '--require=/tmp/x'],
    ['BASH_ENV', '/tmp/x'],
    ['PAGER', 'sh'],
  ])('a package does not set %s', async (name, value) => {
    await using fixture = await open(['exec:env', 'node']);
    expect(await sync(fixture, 'env', [], { env: { [name]: value } })).toMatchObject({ code: 'EACCES', message: expect.stringContaining(name) });
  });
});
