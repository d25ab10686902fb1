import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createHost } from '../../host/index.ts';
import { createScriptedModel } from '../../host/model/scripted.ts';
import { describeOrigin } from '../../host/session/origins.ts';
import type { HostPorts } from '../../sandbox/index.ts';
import { ask, startTestHost, type TestHost, type TestPackage } from '../support/in-test-host.ts';
import { type InTestExtension, says } from '../support/in-test-package.ts';

const ALL = ['session:read', 'session:write', 'session:control', 'prompt:modify', 'tools:intercept'];
const call = (name: string, args = {}) => ({ name, arguments: args });
const pack = (name: string, extension: TestPackage['extension']): TestPackage => ({ name, granted: ALL, ...(extension === undefined ? {} : { extension }) });
const on = (...handlers: NonNullable<InTestExtension['on']>): InTestExtension => ({ on: handlers });
/** What each message of the session carries. */
const carried = ({ host }: TestHost): [string, readonly string[] | undefined][] =>
  host.conversation.session.tree.entries.flatMap((entry): [string, readonly string[] | undefined][] =>
    entry.type === 'message' ? [[entry.message.role, entry.origins]] : entry.type === 'custom_message' ? [['custom', entry.origins]] : [],
  );
const weather = pack('weather', { tools: { look: () => says('rain') } });

describe('whose word an entry is', () => {
  it('stands beside it: the package of a tool with its version, the host\u2019s own tools, commands; nothing for the user', async () => {
    await using world = await startTestHost({ turns: [{ toolCalls: [call('look'), call('ls')] }, { text: 'it rains' }] }, [weather], { tools: ['look', 'ls'] });
    await ask(world.host, 'go');
    expect(carried(world)).toEqual([
      ['user', undefined],
      ['assistant', undefined],
      ['toolResult', ['package:weather@1.0.0']],
      ['toolResult', ['tool:ls']],
      ['assistant', undefined],
    ]);
    expect(world.host.conversation.origins).toEqual(['tool:ls', 'package:weather@1.0.0']);
  });

  it('is never the user\u2019s where a package said or changed it', async () => {
    let ports: HostPorts | undefined;
    const speaker = pack('speaker', (given) => {
      ports = given;
      return {};
    });
    const shaper = pack(
      'shaper',
      on(
        ['input', (event) => ({ action: 'transform', text: `${String(event['text'])}!` })],
        ['tool_result', () => ({ content: [{ type: 'text', text: 'sun' }] })],
        [
          'message_end',
          (event) => ((event['message'] as { role: string }).role === 'assistant' ? { message: { ...(event['message'] as object), note: 1 } } : undefined),
        ],
        ['context', (event) => ({ messages: [...(event['messages'] as object[]), { role: 'user', content: 'psst', timestamp: 0 }] })],
      ),
    );
    const watcher = pack('watcher', on(['context', () => undefined], ['message_end', () => undefined]));
    await using world = await startTestHost({ turns: [{ toolCalls: [call('look')] }, { text: 'done' }], repeat: true }, [weather, speaker, shaper, watcher]);
    await ask(world.host, 'go');
    expect(carried(world)).toEqual([
      ['user', ['changed:shaper@1.0.0']],
      ['assistant', ['changed:shaper@1.0.0']],
      ['toolResult', ['package:weather@1.0.0', 'changed:shaper@1.0.0']],
      ['assistant', ['changed:shaper@1.0.0']],
    ]);
    expect(world.host.conversation.origins[0]).toBe('changed:shaper@1.0.0');
    expect(world.host.conversation.origins.join()).not.toMatch(/watcher/);
    ports?.session.sendMessage('speaker', { customType: 'note', content: 'hear me', display: true }, {});
    const ended = new Promise<void>((resolve) => world.host.subscribe(({ type }) => (type === 'agent_settled' ? resolve() : undefined)));
    ports?.session.sendUserMessage('speaker', 'do as I say', {});
    await ended;
    expect(carried(world).slice(4, 6)).toEqual([
      ['custom', ['package:speaker@1.0.0']],
      ['user', ['package:speaker@1.0.0', 'changed:shaper@1.0.0']],
    ]);
  });

  it('is kept by compactions, branches, forks and reopening, when the package is gone', async () => {
    const turns = [
      { toolCalls: [call('look')] },
      { text: 'it rains' },
      { text: 'so it is' },
      { text: 'a summary of rain' },
      { text: 'later' },
      { text: 'a branch' },
    ];
    await using world = await startTestHost({ turns }, [weather]);
    await ask(world.host, 'go');
    await ask(world.host, 'and?');
    world.packages = [];
    await world.host.reload();
    await world.host.conversation.compact();
    const { tree, file = '' } = world.host.conversation.session;
    expect(tree.entries.find(({ type }) => type === 'compaction')).toMatchObject({ origins: ['package:weather@1.0.0'] });
    expect(world.host.conversation.originOf('x').sources).toEqual(['words of weather@1.0.0']);
    await ask(world.host, 'more');
    const back = tree.entries.findLast((entry) => entry.type === 'message' && entry.message.role === 'user');
    await world.host.sessions.navigate(back?.id ?? '', { summarize: true });
    expect(tree.entries.findLast(({ type }) => type === 'branch_summary')).toMatchObject({ origins: ['package:weather@1.0.0'] });
    await world.host.sessions.fork(tree.leafId ?? '', 'at');
    expect(world.host.conversation.origins).toEqual(['package:weather@1.0.0']);
    await using again = await createHost({
      dashHome: world.home,
      cwd: world.cwd,
      env: {},
      models: createScriptedModel({ turns: [{}] }),
      session: { kind: 'open', path: file },
    });
    expect(again.conversation.origins).toEqual(['package:weather@1.0.0']);
  });

  it('of a summary that a package wrote is that package\u2019s, too', async () => {
    const turns = [{ toolCalls: [call('look')] }, { text: 'it rains' }, { text: 'so it is' }];
    const summer = pack(
      'summer',
      on([
        'session_before_compact',
        (event) => ({
          compaction: { summary: 'rain <skill name="x">', firstKeptEntryId: (event['preparation'] as { firstKeptEntryId: string }).firstKeptEntryId },
        }),
      ]),
    );
    await using world = await startTestHost({ turns }, [weather, summer]);
    await ask(world.host, 'go');
    await ask(world.host, 'and?');
    await world.host.conversation.compact();
    const entry = world.host.conversation.session.tree.entries.find(({ type }) => type === 'compaction');
    expect(entry).toMatchObject({ fromHook: true, origins: ['package:summer', 'package:weather@1.0.0'], summary: expect.not.stringContaining('<skill') });
  });

  it('of a template that a package brings is that package\u2019s, though the user typed its name; of the user\u2019s own it is the user\u2019s', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'dash-test-'));
    await writeFile(join(dir, 'deploy.md'), 'Deploy $1 without asking');
    const ops: TestPackage = { name: 'ops', dir, resources: { prompts: ['deploy.md'] } };
    await using world = await startTestHost({ turns: [{ text: 'deployed' }, { text: 'done' }] }, [ops]);
    await ask(world.host, '/deploy staging');
    await mkdir(join(world.home, 'prompts'));
    await writeFile(join(world.home, 'prompts', 'mine.md'), 'Do what I say');
    await world.host.reload();
    await ask(world.host, '/mine');
    expect(carried(world).filter(([role]) => role === 'user')).toEqual([
      ['user', ['template:deploy of ops']],
      ['user', undefined],
    ]);
    expect(world.host.conversation.originOf('x').sources).toEqual(['the prompt template deploy of ops']);
    await rm(dir, { recursive: true });
  });

  it.each([
    ['command', 'output of commands'],
    ['changed:a@1', 'what a@1 changed'],
    ['skill:sing of choir', 'the skill sing of choir'],
    ['template:deploy of ops', 'the prompt template deploy of ops'],
    ['file:AGENTS.md', 'the project\u2019s AGENTS.md'.replace('\u2019', "'")],
    ['results of `x` of an older session', 'results of `x` of an older session'],
  ])('%s reads as %s', (origin, words) => {
    expect(describeOrigin(origin)).toBe(words);
  });
});
