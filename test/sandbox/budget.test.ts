import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parsePermissionSet } from '../../format/index.ts';
import { fixedAuthority } from '../../sandbox/authority.ts';
import { Broker } from '../../sandbox/broker.ts';
import { Budgets, parseMax } from '../../sandbox/budget.ts';
import type { Denial } from '../../sandbox/extension.ts';
import { PrivateStorage } from '../../sandbox/private-storage.ts';
import { NO_SECRETS } from '../../sandbox/secret-handles.ts';
import { leaseOf } from '../support/lease.ts';
import { recordingPorts, temporaryDirectory } from '../support/sandbox-fixture.ts';
import { NO_SURFACES } from '../support/no-surfaces.ts';

test.each([
  ['100/day', { amount: 100, unit: 'calls', period: 'day' }],
  ['3 calls/minute', { amount: 3, unit: 'calls', period: 'minute' }],
  ['50000 tokens/hour', { amount: 50_000, unit: 'tokens', period: 'hour' }],
  ['$0.5/month', { amount: 0.5, unit: 'usd', period: 'month' }],
  ['100/year', undefined],
  ['$5 tokens', undefined],
])('reads %s', (text, max) => expect(parseMax(text)).toEqual(max));

describe('a budget', () => {
  test('ends, and begins anew with the next period', async () => {
    await using root = await temporaryDirectory();
    let now = new Date('2026-03-31T23:59:30Z');
    const budgets = new Budgets(root.path, () => now);
    const max = { amount: 2, unit: 'calls', period: 'minute' } as const;
    const take = (): boolean => budgets.take('model', max);
    expect([take(), take(), take(), take()]).toEqual([true, true, false, false]);
    expect(budgets.take('net:a.com', max)).toBe(true); // each permission has one of its own
    now = new Date('2026-04-01T00:00:01Z');
    expect([take(), take(), take()]).toEqual([true, true, false]);
    expect(readdirSync(root.path).flatMap((place) => readdirSync(`${root.path}/${place}`))).toHaveLength(2); // the past is not kept
  });

  test('is one for all agents, and outlives them', async () => {
    await using root = await temporaryDirectory();
    const max = { amount: 3, unit: 'calls', period: 'month' } as const;
    const taken = Array.from({ length: 5 }, () => new Budgets(root.path).take('model', max));
    expect(taken).toEqual([true, true, true, false, false]);
  });

  test('of tokens or money is over when what was spent reaches it', async () => {
    await using root = await temporaryDirectory();
    const budgets = new Budgets(root.path);
    for (const [unit, amount] of [
      ['tokens', 1_000],
      ['usd', 0.5],
    ] as const) {
      const max = { amount, unit, period: 'month' } as const;
      expect(budgets.take('model', max)).toBe(true);
      budgets.spent('model', max, { tokens: 600, usd: 0.3 });
      expect(budgets.take('model', max)).toBe(true);
      budgets.spent('model', max, { tokens: 600, usd: 0.3 });
      expect(budgets.take('model', max)).toBe(false);
    }
  });

  test.each([
    ['2/month', 2],
    ['1500 tokens/month', 2],
    ['$0.01/month', 1],
  ])('of %s stops the completions of a package after %i', async (max, times) => {
    await using root = await temporaryDirectory();
    const denials: Denial[] = [];
    const ports = recordingPorts([]);
    const broker = new Broker({
      context: {
        packageName: 'p',
        places: { workspace: '/w', home: '/h', data: '/d', tmp: '/t' },
        ports: { ...ports, agent: { ...ports.agent, complete: async () => ({ usage: { totalTokens: 1_000, cost: { total: 0.02 } } }) } },
        secrets: NO_SECRETS,
        storage: new PrivateStorage('p', [], 0),
        surfaces: NO_SURFACES,
        ownDirectory: () => undefined,
        random: randomBytes,
      },
      version: '1.0.0',
      contentHash: 'x',
      authority: { ...fixedAuthority(parsePermissionSet(['model'])), maxOf: (permission) => (permission === 'model' ? max : undefined) },
      audit: { append: () => undefined },
      lease: () => leaseOf(),
      budgets: new Budgets(root.path),
      pauseClocks: () => ({ [Symbol.dispose]: () => undefined }),
      onDenial: (denial) => denials.push(denial),
    });
    for (let n = 1; n <= times; n++) expect(await broker.request(n, 'model.complete', {})).toHaveProperty('value');
    expect(await broker.request(9, 'model.complete', {})).toMatchObject({
      error: { code: 'EACCES', message: expect.stringContaining(`used up what it may of \`model\`: ${max}`) },
    });
    expect(denials).toMatchObject([{ permission: 'model', rule: `used up: ${max}` }]);
  });
});
