import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { decideAccess, parseApprovalRules } from '../../host/approval/approval.ts';
import type { ToolCall } from '../../host/model/messages.ts';
import { skillInForce } from '../../host/approval/skill-in-force.ts';
import { type AgentMessage, userMessage } from '../../host/loop/transcript.ts';
import { type FoundSkill, skillInvocation, skillReminder } from '../../skills-lib/index.ts';
import { ask, startTestHost } from '../support/in-test-host.ts';

const skill = (name: string, allowedTools?: string): FoundSkill => ({
  name,
  description: name,
  path: `/s/${name}/SKILL.md`,
  directory: `/s/${name}`,
  body: `body of ${name}`,
  allowedTools: allowedTools?.split(/\s+/),
  modelMayInvoke: true,
  argumentHint: undefined,
  data: {},
  origin: 'pack',
});
const reader = skill('reader', 'Read, Grep Bash(git status:*)');
const free = skill('free');
const said = (text: string): AgentMessage => userMessage(text);
const calls = (...toolCalls: readonly ToolCall[]): AgentMessage => ({
  role: 'assistant',
  content: [...toolCalls],
  api: 'a',
  provider: 'p',
  model: 'm',
  usage: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, totalTokens: 0, cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, total: 0 } },
  stopReason: 'toolUse',
  timestamp: 0,
});
const opens = (path: string): AgentMessage => calls({ type: 'toolCall', id: '1', name: 'read', arguments: { path } });
const run = (command: string) => ({ kind: 'run', command, argv: command.split(' '), confinement: 'confined' }) as const;

describe('the skill that leads a run', () => {
  it.each([
    ['was started by the user', [said(skillInvocation(reader, 'go'))], 'reader'],
    ['was started again', [said(skillReminder(reader, ''))], 'reader'],
    ['was read by the model', [said('hello'), opens('/s/reader/SKILL.md')], 'reader'],
    ['is the newest', [said(skillInvocation(reader, '')), opens('/s/free/SKILL.md')], undefined],
    ['ends with the next words of the user', [said(skillInvocation(reader, '')), said('thanks')], undefined],
    ['is none that is only quoted', [said(`see ${skillInvocation(reader, '')}`)], undefined],
    ['is none of another file', [said('hello'), opens('/s/reader/notes.md')], undefined],
  ])('%s', (_why, messages, expected) => {
    expect(skillInForce(messages, [reader, free], '/w')?.skill).toBe(expected);
  });

  it('covers the tools it names, and commands by how they begin, alone', () => {
    const limit = skillInForce([said(skillInvocation(reader, ''))], [reader], '/w');
    expect(
      ['git status', 'git status -s', 'git push', 'git statusx', 'git status; rm x', 'git status $(rm x)'].map((command) =>
        limit?.covers('bash', run(command)),
      ),
    ).toEqual([true, true, false, false, false, false]);
    expect(limit?.covers('grep', run('x'))).toBe(true);
    expect(limit?.covers('write', { kind: 'write', path: '/w/a' })).toBe(false);
  });

  it('only takes away what a mode gives: it allows nothing, and the user\u2019s own rules and modes stand', () => {
    const places = { workspace: '/w', home: '/h', data: '/d', tmp: '/t', dashHome: '/h/.dash' };
    const facts = { mode: 'edits', rules: parseApprovalRules(), places, readable: [], isUsersTask: true, canAsk: true } as const;
    const write = { kind: 'write', path: '/w/a.txt' } as const;
    const narrowedBy = { skill: 'reader', says: 'Read' };
    expect(decideAccess(write, facts).kind).toBe('allow');
    expect(decideAccess(write, { ...facts, narrowedBy })).toMatchObject({ kind: 'ask', question: expect.stringContaining('`reader`') });
    expect(decideAccess(write, { ...facts, narrowedBy, canAsk: false })).toMatchObject({ kind: 'deny', refusal: expect.stringContaining('`reader`') });
    expect(decideAccess(write, { ...facts, narrowedBy, rules: parseApprovalRules({ allow: ['fs:write:./a.txt'] }) }).kind).toBe('allow');
    expect(decideAccess(write, { ...facts, narrowedBy, mode: 'all' }).kind).toBe('allow');
    expect(decideAccess(write, { ...facts, narrowedBy, mode: 'none' }).kind).toBe('deny');
  });
});

it('narrows the tools of a run that it leads, and of that run only', async () => {
  const home = await mkdtemp(join(tmpdir(), 'dash-home-'));
  await mkdir(join(home, 'skills', 'look'), { recursive: true });
  await writeFile(join(home, 'skills', 'look', 'SKILL.md'), '---\nname: look\ndescription: looks\nallowed-tools: Read Grep\n---\nLook.');
  const write = (path: string) => ({ toolCalls: [{ name: 'write', arguments: { path, content: 'x' } }] });
  await using world = await startTestHost({ turns: [write('a.txt'), { text: 'no' }, write('b.txt'), { text: 'yes' }] }, [], {
    dashHome: home,
    approval: 'edits',
  });
  await ask(world.host, '/skill:look here');
  await expect(readFile(join(world.cwd, 'a.txt'))).rejects.toThrow(/ENOENT/);
  expect(JSON.stringify(world.host.conversation.messages)).toContain('the skill `look` says that it needs `Read Grep`');
  await ask(world.host, 'now write');
  expect(await readFile(join(world.cwd, 'b.txt'), 'utf8')).toBe('x');
  await rm(home, { recursive: true });
});
