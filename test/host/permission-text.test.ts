import { describe, expect, it } from 'vitest';
import { parsePermissionSet } from '../../format/index.ts';
import { describeQuestion } from '../../host/approval/permission-text.ts';
import { type Authority, fixedAuthority, type PermissionQuestion, type QuestionPort } from '../../sandbox/index.ts';
import { context, extensionOf, openFixture } from '../support/sandbox-fixture.ts';

const QUESTION: PermissionQuestion = {
  chain: '1',
  message: 'go on',
  sources: [],
  package: 'p',
  version: '1.0.0',
  capability: 'env',
  target: 'A',
  permissions: ['env:A'],
  mayPause: false,
};
const partOf = (question: Partial<PermissionQuestion>): string | undefined =>
  describeQuestion({ ...QUESTION, ...question }).find((line) => line.startsWith('  part of'));

describe('the words of a question', () => {
  it('say how much there will be at most', () => {
    expect(partOf({ permissions: ['model'], max: '100/day' })).toBe('  part of: ask your models, at your cost [model], at most 100 times a day');
    expect(partOf({ permissions: ['model'], max: '$2/month' })).toContain('at most $2 a month');
    expect(partOf({ permissions: ['model'] })).toBe('  part of: ask your models, at your cost [model]');
  });

  it('show a call to its end; of one that nobody could read, both ends and how much is between them', () => {
    const call = (target: string): string => describeQuestion({ ...QUESTION, capability: 'exec', target })[1] ?? '';
    const long = `bash -c ${'echo ok; '.repeat(40)}rm -rf ~`;
    expect(call(long)).toBe(`  the call: exec “${long}”`);
    const endless = call(`bash -c ${'x'.repeat(5_000)} rm -rf ~`);
    expect(endless).toMatch(/^  the call: exec “bash -c x+” … 4617 characters not shown … “x+ rm -rf ~”$/);
    expect(endless.length).toBeLessThan(500);
  });

  it('say dozens of variables as one thing, by all their names', () => {
    const names = Array.from({ length: 30 }, (_, index) => `NAME_${index}`);
    expect(partOf({ permissions: names.map((name) => `env:${name}`) as unknown as PermissionQuestion['permissions'] })).toBe(
      `  part of: see 30 environment variables: ${names.join(', ')}`,
    );
  });
});

it('a running package that has a limit is asked about with it', async () => {
  const files = {
    'index.ts': extensionOf({
      ask: `try { await ctx.modelRegistry.complete({ provider: 'p', id: 'm' }, { messages: [] }) } catch (error) { return error.code } return 'asked'`,
    }),
  };
  await using fixture = await openFixture({ files });
  const asked: PermissionQuestion[] = [];
  const questions: QuestionPort = { ask: async (question) => (asked.push(question), 'once') };
  const authority: Authority = {
    ...fixedAuthority(parsePermissionSet([])),
    requested: () => [{ permission: 'model' }],
    maxOf: (permission) => (permission === 'model' ? '100/day' : undefined),
  };
  const opened = fixture.reopen({ authority, ports: { questions } });
  await opened.callTool('ask', {}, { toolCallId: '1', context, origin: { chain: '1', message: 'go', sources: [] } });
  expect(asked.map(({ permissions, max }) => [...permissions, max])).toEqual([['model', '100/day']]);
});
