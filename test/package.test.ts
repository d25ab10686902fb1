import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

/** What a user gets from npm: packed, installed into an empty folder without scripts, and run there. */
const ROOT = join(import.meta.dirname, '..');
const work = mkdtempSync(join(tmpdir(), 'dash-packed-'));
const user = join(work, 'user');
const environment = { PATH: process.env['PATH'] ?? '', HOME: join(work, 'home'), DASH_HOME: join(work, 'home', '.dash'), NO_COLOR: '1' };

beforeAll(() => {
  execFileSync('node', ['scripts/build.ts'], { cwd: ROOT, stdio: 'pipe' });
  execFileSync('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', work], { cwd: ROOT, stdio: 'pipe' });
  mkdirSync(user);
  writeFileSync(join(user, 'package.json'), '{"private": true}');
  const { version } = readJson(join(ROOT, 'package.json'));
  execFileSync('npm', ['install', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', '--silent', join(work, `dash-agent-${version}.tgz`)], {
    cwd: user,
    stdio: 'pipe',
  });
  mkdirSync(join(user, 'fixture'));
  writeFileSync(
    join(user, 'fixture', 'package.json'),
    JSON.stringify({ name: 'fixture', version: '1.0.0', dash: { extensions: ['./index.ts'], permissions: { 'fs:read:./note.txt': 'reads the note' } } }),
  );
  writeFileSync(join(user, 'fixture', 'index.ts'), FIXTURE);
  writeFileSync(join(user, 'note.txt'), 'remember the milk');
});

afterAll(() => rmSync(work, { recursive: true, force: true }));

describe('the packed package', () => {
  test('brings the program, its templates and its guest, and no source, test or map of ours', () => {
    const root = join(user, 'node_modules', 'dash-agent');
    for (const path of ['bin/dash.js', 'dist/cli/main.js', 'dist/sdk/index.d.ts', 'dist/guest', 'starter-templates/extension/src/index.ts']) {
      expect(existsSync(join(root, path)), path).toBe(true);
    }
    for (const name of ['core', 'typebox', 'pi-tui'])
      expect(existsSync(join(root, `dist/guest/${name}-${process.platform}-${process.arch}-${process.versions.v8}.cache`)), name).toBe(true);
    for (const path of ['cli', 'test', 'scripts', 'bench', '.ci', 'tsconfig.json']) expect(existsSync(join(root, path)), path).toBe(false);
  });

  test('tells its version', () => {
    expect(dash('--version')).toEqual({ status: 0, stdout: `${readJson(join(ROOT, 'package.json')).version}\n`, stderr: '' });
  });

  test('installs a directory and calls its tool in the sandbox, with the permission that was granted', () => {
    const installed = dash('install', './fixture', '--grant', 'fs:read:./note.txt', '--json');
    expect(installed).toMatchObject({ status: 0 });
    expect(JSON.parse(installed.stdout)).toMatchObject({ installed: [{ name: 'fixture', version: '1.0.0' }] });

    const called = dash('call', 'read_note', '{}', '--package', 'fixture', '--json');
    expect(called).toMatchObject({ status: 0 });
    expect(JSON.parse(called.stdout)).toMatchObject({ result: { content: [{ type: 'text', text: 'remember the milk' }], isError: false }, denials: [] });
  });

  test('creates an extension that passes its own check', () => {
    expect(dash('create', 'extension', 'my-weather')).toMatchObject({ status: 0, stdout: expect.stringContaining('check passed') });
  });

  test('its entry points can be imported, and all but the sandbox without native code', () => {
    for (const entry of ['dash-agent', 'dash-agent/registry', 'dash-agent/sandbox', 'dash-agent/skills', 'dash-agent/sdk', 'dash-agent/format']) {
      const program = `await import(${JSON.stringify(entry)}); console.log(process.report.getReport().sharedObjects.filter((file) => file.includes('isolated')).length)`;
      expect(execFileSync(process.execPath, ['--input-type=module', '-e', program], { cwd: user, encoding: 'utf8' }), entry).toBe('0\n');
    }
  });
});

const older = findOlderNode();

test.skipIf(older === undefined)(`an older Node is told which one is needed${older === undefined ? ' (skipped: no older Node on this machine)' : ''}`, () => {
  const bin = join(user, 'node_modules', 'dash-agent', 'bin', 'dash.js');
  const plain = spawnSync(older ?? '', [bin, 'list'], { encoding: 'utf8' });
  expect(plain.status).toBe(2);
  expect(plain.stderr).toMatch(/^NODE_TOO_OLD: dash needs Node 24 or newer; this is Node \d+/);
  const json = spawnSync(older ?? '', [bin, 'list', '--json'], { encoding: 'utf8' });
  expect(JSON.parse(json.stdout)).toMatchObject({ error: { code: 'NODE_TOO_OLD' } });
});

function dash(...args: readonly string[]) {
  const bin = join(user, 'node_modules', '.bin', 'dash');
  const { status, stdout, stderr } = spawnSync(bin, args, { cwd: user, env: environment, encoding: 'utf8' });
  return { status, stdout, stderr };
}

function findOlderNode(): string | undefined {
  const candidates = [...new Set((process.env['PATH'] ?? '').split(delimiter))]
    .map((dir) => join(dir, 'node'))
    .filter((path) => existsSync(path) && dirname(path) !== dirname(process.execPath));
  return candidates.find((path) => Number.parseInt(spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout.slice(1), 10) < 24);
}

function readJson(path: string): { readonly version: string } {
  return JSON.parse(readFileSync(path, 'utf8'));
}

const FIXTURE = `import { readFileSync } from 'node:fs';
import type { ExtensionAPI } from 'dash-agent/sdk';

export default function (dash: ExtensionAPI) {
  dash.registerTool({
    name: 'read_note',
    label: 'Read note',
    description: 'Reads the note',
    parameters: { type: 'object', properties: {} },
    async execute() {
      return { content: [{ type: 'text', text: readFileSync('note.txt', 'utf8') }], details: {} };
    },
  });
}
`;
