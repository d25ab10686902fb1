import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parsePermissionSet, union } from '../../../format/index.ts';
import { type Authority, osLayer, type PermissionAnswer, type PermissionQuestion } from '../../../sandbox/index.ts';
import { refusals } from '../../../sandbox/os-layer/index.ts';
import { context, extensionOf, openFixture, textOf } from '../../support/sandbox-fixture.ts';

/** What is closed to a program becomes one question, or a denial that says what would open it. */
const layer = await osLayer();
const TOOLS = {
  waits: `const { stdout, stderr, code } = await pi.exec('sh', ['-c', params.script]); return code + ' ' + stdout + stderr`,
  sync: `const r = require('node:child_process').spawnSync('sh', ['-c', params.script], { encoding: 'utf8' }); return r.status + ' ' + r.stdout + r.stderr`,
  streams: `return await new Promise((done) => require('node:child_process').execFile('sh', ['-c', params.script], (error, stdout, stderr) => done((error?.code ?? 0) + ' ' + stdout + stderr)))`,
  node: `const { stdout, stderr } = await pi.exec(params.node, ['-e', params.script]); return stdout + stderr`,
};

async function scene(granted: readonly string[], requested: readonly string[], answers: readonly PermissionAnswer[]) {
  const asked: PermissionQuestion[] = [];
  const left = [...answers];
  let held = parsePermissionSet(granted);
  const authority: Authority = {
    granted: () => held,
    requested: () => requested.map((permission) => ({ permission })),
    computes: () => false,
    maxOf: () => undefined,
    used: () => undefined,
    allow: (permissions) => {
      held = union(held, parsePermissionSet(permissions));
      return Promise.resolve();
    },
  };
  const questions = {
    ask: (question: PermissionQuestion) => {
      const answer = left.shift();
      if (answer !== undefined) asked.push(question);
      return Promise.resolve(answer);
    },
  };
  const fixture = await openFixture({
    files: { 'index.ts': extensionOf(TOOLS) },
    authority,
    workspaceFiles: { 'notes/old.txt': 'old', '.env': 'the-secret', 'a.txt': 'a' },
    homeFiles: { 'diary.txt': 'dear diary' },
    environment: { PATH: process.env['PATH'] ?? '' },
    ...(answers.length > 0 && { ports: { questions } }),
  });
  const run = async (tool: keyof typeof TOOLS, script: string): Promise<string> => {
    const how = { toolCallId: '1', context, timeoutMs: 30_000, origin: { chain: '1', message: 'do it', sources: [] } };
    return textOf(await fixture.extension.callTool(tool, { script, node: process.execPath }, how));
  };
  return { ...fixture, asked, run };
}

const BASE = ['fs:read', 'exec:sh'];

describe.skipIf(layer.kind !== 'live')('what a program says was closed to it (skipped where the probe of `dash sandbox layers` fails)', () => {
  test('is asked for once, and the call is made again with exactly that', async () => {
    await using where = await scene(BASE, ['fs:write:./notes'], ['once']);
    const script = 'echo begun; echo new > notes/new.txt && echo new > b.txt';
    expect(await where.run('waits', script)).toMatch(/^2 begun\n.*b\.txt: Read-only file system\n.*has no `fs:write:\.\/b\.txt`/s);
    expect(where.asked).toMatchObject([{ capability: 'exec.run', target: join(where.workspace, 'notes/new.txt'), permissions: ['fs:write:./notes'] }]);
    expect(readFileSync(join(where.workspace, 'notes/new.txt'), 'utf8')).toBe('new\n');
    expect(existsSync(join(where.workspace, 'b.txt'))).toBe(false);
    // `once` was once.
    expect(await where.run('waits', 'echo newer > notes/new.txt')).toMatch(/^2 .*Read-only/s);
  });

  test('covers a secret that the package asked for by name, and a file outside of the workspace', async () => {
    await using where = await scene(BASE, ['fs:read:./.env', 'fs:read:~/diary.txt'], ['once', 'session']);
    expect(await where.run('waits', 'cat .env')).toBe('0 the-secret');
    expect(await where.run('waits', `cat ${join(where.home, 'diary.txt')}`)).toBe('0 dear diary');
    expect(where.asked.map(({ permissions }) => permissions[0])).toEqual(['fs:read:./.env', 'fs:read:~/diary.txt']);
  });

  test('is declined, and the program is told so', async () => {
    await using where = await scene(BASE, ['fs:write:./notes'], ['no']);
    expect(await where.run('waits', 'echo new > notes/new.txt')).toMatch(/^2 .*the user declined `fs:write:\.\/notes\/new\.txt`/s);
    expect(existsSync(join(where.workspace, 'notes/new.txt'))).toBe(false);
  });

  test('of a program whose output was heard already, it is the package that starts it again', async () => {
    await using where = await scene(BASE, ['fs:write:./notes'], ['once']);
    expect(await where.run('streams', 'echo new > notes/new.txt')).toMatch(/^2 .*`fs:write:\.\/notes` was allowed: run it again/s);
    expect(await where.run('streams', 'echo other > notes/new.txt')).toMatch(/^2 /); // it was allowed to other words
    expect(await where.run('streams', 'echo new > notes/new.txt')).toBe('0 ');
  });

  test('of a call that cannot wait, the answer counts for the next one', async () => {
    await using where = await scene(BASE, ['fs:write:./notes'], ['once']);
    expect(await where.run('sync', 'echo new > notes/new.txt')).toMatch(/^2 /);
    expect(await where.run('sync', 'echo new > notes/new.txt')).toBe('0 ');
  });

  test('without a user is a denial with package, capability, target, rule and the command that would allow it', async () => {
    await using where = await scene(BASE, ['fs:write:./notes'], []);
    expect(await where.run('waits', 'cat .env; echo new > notes/new.txt')).toMatch(/has no `fs:read:\.\/\.env` \(protected path\)/);
    const target = (name: string): string => join(where.workspace, name);
    expect(where.denials).toEqual([
      {
        package: 'probe',
        capability: 'exec.run',
        target: target('.env'),
        permission: 'fs:read:./.env',
        rule: 'protected path',
        hint: `dash permissions grant probe 'fs:read:./.env'`,
      },
      {
        package: 'probe',
        capability: 'exec.run',
        target: target('notes/new.txt'),
        permission: 'fs:write:./notes/new.txt',
        rule: 'no grant',
        hint: `dash permissions grant probe 'fs:write:./notes/new.txt'`,
      },
    ]);
  });

  test('a program that only mentions files asks for nothing', async () => {
    await using where = await scene(BASE, ['fs:read:~/diary.txt'], ['session']);
    const script = 'echo "/etc/shadow: Permission denied; ~/x: No such file or directory; a.txt: Permission denied"; exit 1';
    expect(await where.run('waits', script)).toMatch(/^1 \/etc\/shadow: Permission denied.*denied\n$/s);
    expect([where.asked, where.denials]).toEqual([[], []]);
  });

  const hasDoor = layer.kind === 'live' && layer.tools.nsenter !== undefined;
  test.skipIf(!hasDoor)('a host that the package asked for and was not given is asked for while the program waits', async () => {
    const server = createServer((socket) => socket.on('error', () => undefined).end('raw'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const script = `const s = require('net').connect(3128, '127.0.0.1'); let t = ''; s.on('data', (d) => (t += d)); s.on('error', () => console.log('no way')); s.on('close', () => console.log(t)); s.write('CONNECT ${host} HTTP/1.1\\r\\n\\r\\n')`;
    const granted = ['fs:read', `exec:${process.execPath}`];
    try {
      await using where = await scene(granted, [`net:${host}`], ['once']);
      expect(await where.run('node', script)).toMatch(/^HTTP\/1\.1 200 .*raw/s);
      expect(where.asked).toMatchObject([{ target: `CONNECT ${host}`, permissions: [`net:${host}`] }]);
      await using alone = await scene(granted, [`net:${host}`], []);
      expect(await alone.run('node', script)).toMatch(/^HTTP\/1\.1 403 .*has no `net:/s);
      expect(alone.denials).toMatchObject([{ target: `CONNECT ${host}`, rule: 'no grant', hint: `dash permissions grant probe 'net:${host}'` }]);
      // In a tunnel nobody sees method and path: what was granted for some of them is not granted for a tunnel.
      await using part = await scene([...granted, `net:GET:${host}/ok/**`], [], []);
      expect(await part.run('node', script)).toMatch(
        /^HTTP\/1\.1 403 .*has no `net:127\.0\.0\.1:\d+` \(granted in part: net:GET:.*https hides method and path/s,
      );
      expect(part.denials).toMatchObject([{ rule: expect.stringContaining('granted in part'), hint: `dash permissions grant probe 'net:${host}'` }]);
      await using denied = await scene([...granted, `net:${host}`, `!net:${host}/secret`], [], []);
      expect(await denied.run('node', script)).toMatch(/^HTTP\/1\.1 403 .*denied in part/s);
    } finally {
      server.close();
    }
  });
});

test('paths are read from what shells, coreutils, git, Python and Node say', () => {
  const say = (program: string, args: readonly string[]): string => {
    try {
      execFileSync(program, args, { cwd: '/', encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
      return '';
    } catch (error) {
      return String((error as { stderr: string }).stderr);
    }
  };
  expect(refusals(say('cat', ['/nowhere/x y']), '/w')).toContainEqual({ path: '/nowhere/x', kind: 'missing' }); // a space parts words
  expect(refusals(say('sh', ['-c', 'echo > /nowhere/x']), '/w')).toContainEqual({ path: '/nowhere/x', kind: 'missing' });
  expect(refusals(say(process.execPath, ['-e', `require('fs').readFileSync('/nowhere/x')`]), '/w')).toContainEqual({ path: '/nowhere/x', kind: 'missing' });
  expect(refusals(`error: could not lock config file .git/config: Read-only file system`, '/w')).toContainEqual({ path: '/w/.git/config', kind: 'read-only' });
  expect(refusals(`OSError: [Errno 30] Read-only file system: 'out/x.txt'`, '/w')).toContainEqual({ path: '/w/out/x.txt', kind: 'read-only' });
  expect(refusals(`cp: cannot create regular file ‘b’: Permission denied`, '/w')).toContainEqual({ path: '/w/b', kind: 'denied' });
  expect(refusals('all is well', '/w')).toEqual([]);
});
