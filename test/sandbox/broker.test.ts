import { randomBytes } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parsePermissionSet } from '../../format/index.ts';
import { fixedAuthority } from '../../sandbox/authority.ts';
import { PrivateStorage } from '../../sandbox/private-storage.ts';
import { NO_SECRETS } from '../../sandbox/secret-handles.ts';
import { Broker, type BrokerOptions } from '../../sandbox/broker.ts';
import type { Denial } from '../../sandbox/extension.ts';
import { leaseOf } from '../support/lease.ts';
import { recordingPorts, temporaryDirectory, writeFiles } from '../support/sandbox-fixture.ts';
import { NO_SURFACES } from '../support/no-surfaces.ts';

async function scene(permissions: readonly string[], more: Partial<BrokerOptions> = {}) {
  const root = await temporaryDirectory();
  const at = (name: string): string => join(root.path, name);
  await writeFiles(root.path, { 'workspace/a.txt': 'a', 'home/secret.txt': 's', 'data/x': '', 'tmp/x': '' });
  const [records, denials, said]: [Record<string, unknown>[], Denial[], unknown[]] = [[], [], []];
  const broker = new Broker({
    context: {
      packageName: 'p',
      places: { workspace: at('workspace'), home: at('home'), data: at('data'), tmp: at('tmp') },
      ports: recordingPorts(said),
      secrets: NO_SECRETS,
      storage: new PrivateStorage('p', [at('data'), at('tmp')], 1_000_000),
      surfaces: NO_SURFACES,
      ownDirectory: () => undefined,
      random: randomBytes,
    },
    version: '1.0.0',
    contentHash: 'x',
    authority: fixedAuthority(parsePermissionSet(permissions)),
    audit: { append: (record) => void records.push(record) },
    lease: () => leaseOf(),
    budgets: { take: () => true, spent: () => undefined },
    pauseClocks: () => ({ [Symbol.dispose]: () => undefined }),
    onDenial: (denial) => denials.push(denial),
    ...more,
  });
  return { broker, records, denials, said, at, [Symbol.asyncDispose]: () => root[Symbol.asyncDispose]() };
}

const write = { path: 'new.txt', text: 'x', flag: 'w' };

describe('the broker', () => {
  test('writes the decision down before the effect, and what cannot be written down does not happen', async () => {
    await using where = await scene(['fs:write'], {
      audit: {
        append: () => {
          throw new Error('no space left on /var/log/dash');
        },
      },
    });
    expect(await where.broker.request(1, 'fs.writeFile', write)).toEqual({ error: { code: 'EIO', message: 'the operation failed inside the host' } });
    await expect(stat(where.at('workspace/new.txt'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('records package, call, capability, target, decision and rule, for both decisions', async () => {
    await using where = await scene(['fs:read']);
    await where.broker.request(1, 'fs.readFile', { path: 'a.txt' });
    await where.broker.request(2, 'fs.writeFile', write);
    expect(where.records).toMatchObject([
      {
        'event.name': 'decision',
        'dash.package': 'p',
        'call.id': '7',
        capability: 'fs.readFile',
        target: where.at('workspace/a.txt'),
        decision: 'allow',
        rule: 'fs:read',
      },
      { decision: 'deny', rule: 'no grant', permission: 'fs:write:./new.txt' },
    ]);
    expect(JSON.stringify(where.records)).not.toContain('"text"');
  });

  test('asks nothing of an unknown capability, of a wrong form, or of a subscription asked for as a request', async () => {
    await using where = await scene(['fs:read', 'background']);
    for (const [capability, params] of [
      ['fs.nothing', {}],
      ['__proto__', {}],
      ['fs.readFile', {}],
      ['fs.readFile', { path: 'a', more: 1 }],
      ['fs.watch', { path: '.', recursive: false }],
    ] as const) {
      expect(await where.broker.request(1, capability, params)).toHaveProperty('error');
    }
    expect([where.records, where.denials]).toEqual([[], []]);
  });

  test('decides on both paths of a copy, and on none of them alone', async () => {
    for (const [permissions, happens] of [
      [['fs:read', 'fs:write'], true],
      [['fs:read'], false],
      [['fs:write'], false],
    ] as const) {
      await using where = await scene(permissions);
      await where.broker.request(1, 'fs.copy', { from: 'a.txt', to: 'b.txt', recursive: false, force: true });
      expect(
        await readFile(where.at('workspace/b.txt'), 'utf8').then(
          () => true,
          () => false,
        ),
      ).toBe(happens);
    }
  });

  test('a revocation is felt by the next request', async () => {
    let granted = parsePermissionSet(['fs:read']);
    await using where = await scene([], { authority: { ...fixedAuthority(granted), granted: () => granted } });
    expect(await where.broker.request(1, 'fs.readFile', { path: 'a.txt' })).toHaveProperty('value');
    granted = parsePermissionSet(['fs:read', '!fs:read:./a.txt']);
    expect(await where.broker.request(2, 'fs.readFile', { path: 'a.txt' })).toMatchObject({ error: { code: 'EACCES' } });
  });

  test('ends subscriptions and requests when it is closed', async () => {
    await using where = await scene(['fs:read', 'background']);
    const heard: unknown[] = [];
    await where.broker.subscribe(1, 'fs.watch', { path: '.', recursive: false }, (answer) => heard.push(answer));
    expect(heard).toEqual([]);
    await where.broker.subscribe(1, 'fs.watch', { path: '.', recursive: false }, (answer) => heard.push(answer));
    expect(heard).toMatchObject([{ error: { code: 'EINVAL' } }]);
    where.broker.close();
  });

  test('a file watcher needs `background`, because it speaks outside of calls', async () => {
    await using where = await scene(['fs:read']);
    const heard: unknown[] = [];
    await where.broker.subscribe(1, 'fs.watch', { path: '.', recursive: false }, (answer) => heard.push(answer));
    expect(heard).toMatchObject([{ error: { code: 'EACCES' } }]);
    expect(where.denials).toMatchObject([{ permission: 'background' }]);
  });

  test('`exec` is denied even where it is granted, when there is nothing to run programs with', async () => {
    await using where = await scene(['exec:true', 'exec:sh']);
    for (const params of [
      { file: 'true', args: [], shell: false },
      { file: `touch ${where.at('workspace/ran')} &`, args: [], shell: true },
    ]) {
      expect(await where.broker.request(1, 'exec.run', params)).toMatchObject({ error: { code: 'EACCES' } });
    }
    await expect(stat(where.at('workspace/ran'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('errors of the host keep their code and lose their paths', async () => {
    await using where = await scene(['fs:read', 'fs:write']);
    for (const [capability, params, code] of [
      ['fs.readFile', { path: 'none' }, 'ENOENT'],
      ['fs.readFile', { path: '.' }, 'EISDIR'],
      ['fs.readdir', { path: 'a.txt', recursive: false }, 'ENOTDIR'],
      ['fs.mkdir', { path: 'a.txt', recursive: false }, 'EEXIST'],
      ['fs.rename', { from: 'none', to: 'x' }, 'ENOENT'],
    ] as const) {
      const answer = await where.broker.request(1, capability, params);
      expect(answer).toMatchObject({ error: { code } });
      expect(JSON.stringify(answer)).not.toMatch(/\/proc\/self|dash-test|stack/);
    }
  });
});
