import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { osLayer } from '../../sandbox/index.ts';
import { extensionOf, openFixture, type Fixture } from '../support/sandbox-fixture.ts';

/**
 * A package under development is linked, and lies in the workspace. Another package that may write there would get what
 * that one was granted, by changing its code before the next reload.
 */
const layer = await osLayer();
const FILES = { 'plugins/mine/index.ts': 'export default () => {}', 'plugins/mine/lib/a.ts': 'a', 'plugins/other.txt': 'o', 'src/b.ts': 'b' };
const TRICKS: Readonly<Record<string, string>> = {
  'writing its code': `fs.writeFileSync('plugins/mine/index.ts', 'evil')`,
  'appending to it': `fs.appendFileSync('plugins/mine/lib/a.ts', 'evil')`,
  'a stream into it': `await new Promise((done, fail) => fs.createWriteStream('plugins/mine/index.ts').on('error', fail).on('close', done).end('evil'))`,
  'a new file beside it': `fs.writeFileSync('plugins/mine/lib/evil.ts', 'evil')`,
  'a copy over it': `fs.writeFileSync('evil.ts', 'evil'); fs.copyFileSync('evil.ts', 'plugins/mine/index.ts')`,
  'a rename over it': `fs.writeFileSync('evil.ts', 'evil'); fs.renameSync('evil.ts', 'plugins/mine/index.ts')`,
  'moving it away': `fs.renameSync('plugins/mine', 'plugins/yours')`,
  'moving the directory around it away': `fs.renameSync('plugins', 'gone')`,
  'removing it': `fs.rmSync('plugins/mine', { recursive: true })`,
  'removing the directory around it': `fs.rmSync('plugins', { recursive: true })`,
  'making it shorter': `fs.truncateSync('plugins/mine/index.ts', 0)`,
  'another spelling': `fs.writeFileSync('src/../plugins/./mine//index.ts', 'evil')`,
};
const PROGRAMS: Readonly<Record<string, string>> = {
  'a program that writes': 'echo evil > plugins/mine/index.ts',
  'a program that replaces': 'echo evil > e; mv e plugins/mine/index.ts',
  'a program that moves the directory around it': 'mv plugins gone && mkdir -p plugins/mine && echo evil > plugins/mine/index.ts',
};
const body = (trick: string): string => `const fs = require('fs'); try { ${trick}; return 'done' } catch (error) { return error.code }`;
const TOOLS = {
  ...Object.fromEntries(Object.values(TRICKS).map((trick, index) => [`t${index}`, body(trick)])),
  run: `const r = require('node:child_process').spawnSync('sh', ['-c', params.script], { encoding: 'utf8' }); return r.status + ' ' + r.stderr`,
};
const open = (linked: readonly string[], granted: readonly string[] = ['fs:read', 'fs:write', 'exec:sh']): Promise<Fixture> =>
  openFixture({ files: { 'index.ts': extensionOf(TOOLS) }, granted, workspaceFiles: FILES, linked, environment: { PATH: process.env['PATH'] ?? '' } });

let [fixture, control]: Fixture[] = [];
beforeEach(async () => {
  [fixture, control] = await Promise.all([open(['plugins/mine']), open([])]);
});
afterEach(async () => {
  await fixture?.[Symbol.asyncDispose]();
  await control?.[Symbol.asyncDispose]();
});

const isWhole = ({ workspace }: Fixture): boolean =>
  ['plugins/mine/index.ts', 'plugins/mine/lib/a.ts'].every(
    (path, index) => existsSync(join(workspace, path)) && readFileSync(join(workspace, path), 'utf8') === (index === 0 ? FILES['plugins/mine/index.ts'] : 'a'),
  ) && !existsSync(join(workspace, 'plugins/mine/lib/evil.ts'));

describe('the code of a linked package', () => {
  test.each(Object.keys(TRICKS).map((name, index) => [name, index] as const))('is not changed by %s', async (_name, index) => {
    if (fixture === undefined || control === undefined) throw new Error('no fixture');
    expect(await fixture.text(`t${index}`)).toMatch(/^E(ACCES|PERM)/);
    expect(isWhole(fixture)).toBe(true);
    expect(await control.text(`t${index}`)).toBe('done');
    expect(isWhole(control)).toBe(false);
  });

  test.skipIf(layer.kind !== 'live').each(Object.entries(PROGRAMS))('is not changed by %s (skipped where nothing confines it)', async (_name, script) => {
    if (fixture === undefined || control === undefined) throw new Error('no fixture');
    expect(await fixture.text('run', { script })).toMatch(/^[1-9]/);
    expect(isWhole(fixture)).toBe(true);
    expect(await control.text('run', { script })).toMatch(/^0 /);
    expect(isWhole(control)).toBe(false);
  });

  test('is changed by who was granted the file by its name', async () => {
    await using named = await open(['plugins/mine'], ['fs:read', 'fs:write', 'fs:write:./plugins/mine/index.ts']);
    expect(await named.text('t0')).toBe('done');
    expect(await named.text('t1')).toMatch(/^EACCES/);
  });
});
