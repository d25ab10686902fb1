import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type ComputedSubject, parsePermissionSet, union } from '../../format/index.ts';
import type { Authority } from '../../sandbox/authority.ts';
import { PrivateStorage } from '../../sandbox/private-storage.ts';
import { NO_SECRETS } from '../../sandbox/secret-handles.ts';
import { Broker, type BrokerOptions } from '../../sandbox/broker.ts';
import type { CallOrigin, PermissionAnswer, PermissionQuestion } from '../../sandbox/index.ts';
import { createQuestionDesk } from '../../sandbox/question-desk.ts';
import { leaseOf, OUTSIDE } from '../support/lease.ts';
import { recordingPorts, temporaryDirectory, writeFiles } from '../support/sandbox-fixture.ts';
import { NO_SURFACES } from '../support/no-surfaces.ts';

const ORIGIN: CallOrigin = { chain: '1', message: 'read my notes', sources: ['output of commands'] };

/** A broker over real files, and a person who gives these answers, one after the other; then nobody is there. */
async function scene(
  answers: readonly PermissionAnswer[],
  { granted = [], requested = ['fs:read:~/notes'], computes = [], origin = ORIGIN, more = {} }: Scene = {},
) {
  const root = await temporaryDirectory();
  const at = (name: string): string => join(root.path, name);
  await writeFiles(root.path, { 'workspace/a.txt': 'a', 'home/notes/n.txt': 'n', 'home/notes/m.txt': 'm', 'home/other.txt': 'o', 'data/x': '', 'tmp/x': '' });
  const asked: PermissionQuestion[] = [];
  const records: Record<string, unknown>[] = [];
  const left = [...answers];
  let clock = 0;
  const questions = createQuestionDesk(
    {
      async ask(question) {
        const answer = left.shift();
        if (answer !== undefined) asked.push(question);
        return answer;
      },
    },
    () => clock,
  );
  let held = parsePermissionSet(granted);
  const lasting: string[] = [];
  const authority: Authority = {
    granted: () => held,
    requested: () => requested.map((permission) => ({ permission, reason: 'to sort them' })),
    computes: (subject) => computes.includes(subject),
    maxOf: () => undefined,
    used: () => undefined,
    async allow(permissions, how) {
      lasting.push(`${how} ${permissions.join(' ')}`);
      held = union(held, parsePermissionSet(permissions));
    },
  };
  let from: CallOrigin | undefined = origin;
  const broker = new Broker({
    context: {
      packageName: 'p',
      places: { workspace: at('workspace'), home: at('home'), data: at('data'), tmp: at('tmp') },
      ports: { ...recordingPorts([]), questions },
      secrets: NO_SECRETS,
      storage: new PrivateStorage('p', [at('data'), at('tmp')], 1_000_000),
      surfaces: NO_SURFACES,
      ownDirectory: () => undefined,
      random: randomBytes,
    },
    version: '1.0.0',
    contentHash: 'x',
    authority,
    audit: { append: (record) => void records.push(record) },
    lease: () => leaseOf({ origin: from }),
    budgets: { take: () => true, spent: () => undefined },
    pauseClocks: () => ({ [Symbol.dispose]: () => undefined }),
    onDenial: () => undefined,
    ...more,
  });
  let id = 1;
  const noEnd = new AbortController().signal;
  return {
    broker,
    asked,
    records,
    lasting,
    read: (name: string) => broker.request(id++, 'fs.readFile', { path: at(name) }),
    readSync: (name: string) => broker.requestSync('fs.readFile', { path: at(name) }, noEnd),
    at,
    set origin(next: CallOrigin | undefined) {
      from = next;
    },
    set clock(ms: number) {
      clock = ms;
    },
    [Symbol.asyncDispose]: () => root[Symbol.asyncDispose](),
  };
}

interface Scene {
  readonly granted?: readonly string[];
  readonly requested?: readonly string[];
  readonly computes?: readonly ComputedSubject[];
  readonly origin?: CallOrigin | undefined;
  readonly more?: Partial<BrokerOptions>;
}

const DENIED = { error: { code: 'EACCES' } };
const READ = { value: expect.anything() };

describe('a question at first use', () => {
  test('names the exact call, what it is part of, the reason, what began it and what else is in the context', async () => {
    await using where = await scene(['once']);
    expect(await where.read('home/notes/n.txt')).toMatchObject(READ);
    expect(where.asked).toEqual([
      {
        ...ORIGIN,
        package: 'p',
        version: '1.0.0',
        capability: 'fs.readFile',
        target: where.at('home/notes/n.txt'),
        permissions: ['fs:read:~/notes'],
        reason: 'to sort them',
        mayPause: false,
      },
    ]);
    expect(where.records).toMatchObject([
      { 'event.name': 'consent', decision: 'allow', rule: 'asked: once', permission: 'fs:read:~/notes' },
      { 'event.name': 'decision', decision: 'allow', rule: 'asked: once' },
    ]);
  });

  test('is asked again after `once`, and not after `session` or `project`', async () => {
    for (const [answer, questions, lasting] of [
      ['once', 2, []],
      ['session', 1, ['session fs:read:~/notes']],
      ['project', 1, ['project fs:read:~/notes']],
    ] as const) {
      await using where = await scene([answer, answer]);
      expect(await where.read('home/notes/n.txt')).toMatchObject(READ);
      expect(await where.read('home/notes/m.txt')).toMatchObject(READ);
      expect([where.asked.length, where.lasting]).toEqual([questions, lasting]);
    }
  });

  test('that is declined tells the model not to try another way, and is not put again in the same run', async () => {
    await using where = await scene(['no', 'once']);
    expect(await where.read('home/notes/n.txt')).toMatchObject({ error: { code: 'EACCES', message: expect.stringContaining('do not try another way') } });
    expect(await where.read('home/notes/m.txt')).toMatchObject(DENIED);
    expect(where.asked).toHaveLength(1);
    where.origin = { ...ORIGIN, chain: '2' };
    expect(await where.read('home/notes/m.txt')).toMatchObject(READ);
    expect(where.asked).toHaveLength(2);
  });

  test('is one question when many calls wait for it', async () => {
    await using where = await scene(['session', 'session', 'session']);
    const answers = await Promise.all(['n', 'm', 'n', 'm'].map((name) => where.read(`home/notes/${name}.txt`)));
    expect(answers).toMatchObject([READ, READ, READ, READ]);
    expect(where.asked).toHaveLength(1);
  });

  test('is never put for what was not requested, was denied, or has no message of the user behind it', async () => {
    for (const [path, options] of [
      ['home/other.txt', {}],
      ['home/notes/n.txt', { granted: ['!fs:read:~/notes'] }],
      ['home/notes/n.txt', { requested: ['fs:read:~/notes', '!fs:read:~/notes/n.txt'] }],
      ['home/notes/n.txt', { more: { lease: () => leaseOf() } }],
      ['home/notes/n.txt', { more: { lease: () => OUTSIDE } }],
      ['home/notes/n.txt', { requested: [] }],
    ] as const) {
      await using where = await scene(['session'], options);
      expect(await where.read(path)).toMatchObject(DENIED);
      expect(where.asked).toEqual([]);
    }
  });

  test('is put for the very target of a path that its code computes, and never for a protected one', async () => {
    await using where = await scene(['project'], { requested: [], computes: ['path to read'] });
    expect(await where.read('home/notes/n.txt')).toMatchObject(READ);
    expect(where.asked).toMatchObject([{ permissions: ['fs:read:~/notes/n.txt'] }]);
    expect(where.lasting).toEqual(['project fs:read:~/notes/n.txt']);
    expect(await where.read('home/.ssh/id_rsa')).toMatchObject(DENIED);
    expect(where.asked).toHaveLength(1);
  });

  test('is put for what the code computes, with the narrowest permission for it', async () => {
    await using where = await scene(['session'], { requested: [], computes: ['path to read'] });
    expect(await where.read('home/other.txt')).toMatchObject(READ);
    expect(await where.read('home/notes/n.txt')).toMatchObject(DENIED);
    expect(where.asked).toMatchObject([{ permissions: ['fs:read:~/other.txt'], seenAt: 'its code computes it' }]);
    expect(await where.broker.request(99, 'fs.writeFile', { path: where.at('home/x'), text: 'x', flag: 'w' })).toMatchObject(DENIED);
  });

  test('is never put for what is looked for on the way up from the workspace, nor for what the kernel tells', async () => {
    await using where = await scene(['session'], { requested: [], computes: ['path to read'] });
    for (const path of ['.git', '../.git', '../../.pi', '..']) expect(await where.read(join('workspace', '..', path))).toMatchObject(DENIED);
    for (const path of ['/.git', '/proc/uptime', '/dev/zero', '/usr/lib/node_modules/x'])
      expect(await where.broker.request(98, 'fs.readFile', { path })).toMatchObject(DENIED);
    expect(where.asked).toEqual([]);
    expect(await where.read('home/other.txt')).toMatchObject(READ);
  });

  test('is one for reading and changing the same place', async () => {
    await using where = await scene(['session'], { requested: ['fs:write:~/notes', 'fs:read:~/notes', 'fs:read:~/other.txt'] });
    expect(await where.read('home/notes/n.txt')).toMatchObject(READ);
    expect(where.lasting).toEqual(['session fs:read:~/notes fs:write:~/notes']);
    expect(await where.broker.request(99, 'fs.writeFile', { path: where.at('home/notes/x'), text: 'x', flag: 'w' })).toHaveProperty('value');
  });

  test('with nobody there is a denial that names the permission and the command', async () => {
    const denials: unknown[] = [];
    await using where = await scene([], { more: { onDenial: (denial) => denials.push(denial) } });
    expect(await where.read('home/notes/n.txt')).toMatchObject(DENIED);
    expect(denials).toEqual([
      {
        package: 'p',
        capability: 'fs.readFile',
        target: where.at('home/notes/n.txt'),
        permission: 'fs:read:~/notes/n.txt',
        rule: 'no grant',
        hint: "dash permissions grant p 'fs:read:~/notes/n.txt'",
      },
    ]);
  });

  test('never answers a request that cannot wait: it is denied, and the answer counts for the next try', async () => {
    await using where = await scene(['once']);
    expect(await where.readSync('home/notes/n.txt')).toMatchObject(DENIED);
    await expect.poll(() => where.records.some((record) => record['event.name'] === 'consent')).toBe(true);
    expect(await where.readSync('home/notes/n.txt')).toMatchObject(READ);
    expect(await where.readSync('home/notes/n.txt')).toMatchObject(DENIED);
  });

  test('that cannot be written down lets nothing pass', async () => {
    await using where = await scene(['project']);
    await using broken = await scene(['project'], {
      more: {
        authority: {
          granted: () => parsePermissionSet([]),
          requested: () => [{ permission: 'fs:read:~/notes' }],
          computes: () => false,
          maxOf: () => undefined,
          used: () => undefined,
          allow: () => Promise.reject(Object.assign(new Error('no space left'), { code: 'ENOSPC' })),
        },
      },
    });
    expect(await where.read('home/notes/n.txt')).toMatchObject(READ);
    expect(await broken.read('home/notes/n.txt')).toMatchObject({ error: { code: 'ENOSPC' } });
  });
});

describe('many questions', () => {
  const MANY = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => `fs:read:~/${name}`);

  test('offer to pause the package with the fifth in ten minutes, and a paused one asks no more', async () => {
    await using where = await scene(['once', 'no', 'once', 'no', 'pause', 'once', 'once'], { requested: MANY });
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) await where.read(`home/${name}`);
    expect(where.asked.map(({ mayPause }) => mayPause)).toEqual([false, false, false, false, true]);
    where.origin = { ...ORIGIN, chain: '2' };
    expect(await where.read('home/a')).toMatchObject(DENIED);
    expect(where.asked).toHaveLength(5);
  });

  test('that are ten minutes apart are no flood', async () => {
    await using where = await scene(
      MANY.map(() => 'once'),
      { requested: MANY },
    );
    for (const [index, name] of ['a', 'b', 'c', 'd', 'e', 'f', 'g'].entries()) {
      where.clock = index * 600_000;
      await where.read(`home/${name}`);
    }
    expect(where.asked.map(({ mayPause }) => mayPause)).toEqual(MANY.map(() => false));
  });
});
