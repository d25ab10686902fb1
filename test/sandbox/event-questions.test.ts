import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parsePermissionSet, union } from '../../format/index.ts';
import { type Authority, fixedAuthority, type PermissionAnswer, type PermissionQuestion } from '../../sandbox/index.ts';
import { openFixture } from '../support/sandbox-fixture.ts';

const origin = (chain: string) => ({ chain, message: 'do it', sources: [] });

/** A package that wants to judge tool calls, and a person who answers as written. */
async function scene(answers: readonly PermissionAnswer[], granted: readonly string[] = [], requested: readonly string[] = ['tools:intercept']) {
  const left = [...answers];
  const asked: PermissionQuestion[] = [];
  let held = parsePermissionSet(granted);
  const authority: Authority = {
    ...fixedAuthority(held),
    granted: () => held,
    requested: () => requested.map((permission) => ({ permission, reason: 'to guard you' })),
    allow: async (permissions) => void (held = union(held, parsePermissionSet(permissions))),
  };
  const fixture = await openFixture({
    files: { 'index.ts': `export default (pi) => { pi.on('tool_call', () => ({ block: true })); };` },
    authority,
    ports: {
      questions: {
        async ask(question) {
          const answer = left.shift();
          if (answer !== undefined) asked.push(question);
          return answer;
        },
      },
    },
  });
  const hears = (from?: ReturnType<typeof origin>): Promise<boolean> =>
    fixture.extension.mayHear('tool_call', ['tools:intercept'], { ...(from !== undefined && { origin: from }) });
  return { ...fixture, asked, hears, [Symbol.asyncDispose]: () => fixture[Symbol.asyncDispose]() };
}

describe('the right to an event', () => {
  test('is asked for when the event comes, in a call that goes back to a message of the user', async () => {
    await using where = await scene(['session']);
    expect(await where.hears()).toBe(false);
    expect(where.asked).toEqual([]);
    expect(await where.hears(origin('1'))).toBe(true);
    expect(where.asked).toMatchObject([
      { package: 'probe', capability: 'event', target: 'tool_call', permissions: ['tools:intercept'], reason: 'to guard you' },
    ]);
    expect([where.extension.holds('tools:intercept'), await where.hears()]).toEqual([true, true]);
    expect(readFileSync(where.audit.file, 'utf8')).toContain('"capability":"event","target":"tool_call","decision":"allow","rule":"asked: session"');
  });

  test('given once holds for what one message set going, and no longer', async () => {
    await using where = await scene(['once', 'no']);
    expect([await where.hears(origin('1')), await where.hears(origin('1'))]).toEqual([true, true]);
    expect(where.asked).toHaveLength(1);
    expect(await where.hears(origin('2'))).toBe(false);
    expect(where.asked).toHaveLength(2);
    expect(where.extension.holds('tools:intercept')).toBe(false);
  });

  test('is not asked for where it was denied, or never requested, or nobody is there', async () => {
    for (const [answers, granted, requested] of [
      [['session'], ['!tools:intercept'], ['tools:intercept']],
      [['session'], [], []],
      [[], [], ['tools:intercept']],
    ] as const) {
      await using where = await scene(answers, granted, requested);
      expect(await where.hears(origin('1'))).toBe(false);
      expect(where.asked).toEqual([]);
    }
  });
});
