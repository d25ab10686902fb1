import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { EVENT_NAMES } from '../../format/index.ts';
import { openModels } from '../../host/index.ts';
import type { ModelPort } from '../../host/model/port.ts';
import { createScriptedModel } from '../../host/model/scripted.ts';
import { EXTENSION_EVENTS } from '../../host/bus/extension-events.ts';
import { startCompletionsServer } from '../support/completions-server.ts';
import { ask, startTestHost, type TestHost } from '../support/in-test-host.ts';
import { type InTestExtension, says } from '../support/in-test-package.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

type Event = Record<string, unknown>;
type On = NonNullable<InTestExtension['on']>;
const ALL = ['session:read', 'session:write', 'session:control', 'prompt:modify', 'tools:intercept'];
const call = (name: string, args = {}) => ({ name, arguments: args });
const target = { name: 'target', extension: { tools: { act: (args: unknown) => says(JSON.stringify(args)) } } };
const packageOn = (name: string, on: On) => ({ name, granted: ALL, extension: { on } });
const problems = ({ events }: TestHost) => events.filter((event) => event.type === 'extension_error');
const texts = ({ host }: TestHost): string[] =>
  host.conversation.messages.map((message) =>
    'content' in message
      ? `${message.role}: ${typeof message.content === 'string' ? message.content : message.content.map((block) => ('text' in block ? block.text : block.type)).join('')}`
      : message.role,
  );

describe('the names of events', () => {
  it('are the 39 of pi and one of our own, in both tables', () => {
    expect(Object.keys(EXTENSION_EVENTS).toSorted()).toEqual(EVENT_NAMES.toSorted());
    expect(EVENT_NAMES).toHaveLength(40);
  });
});

describe('notifications', () => {
  it('mean nothing by their answer, and one that throws or is slow holds nobody up', async () => {
    const heard: string[] = [];
    let release = (): void => undefined;
    const slow = new Promise<void>((resolve) => (release = resolve));
    await using world = await startTestHost({ turns: [{ text: 'done' }] }, [
      packageOn('slow', [['turn_start', () => slow]]),
      packageOn('broken', [
        ['turn_start', () => Promise.reject(new Error('no'))],
        ['agent_start', () => ({ block: true })],
      ]),
      packageOn('good', [['turn_start', () => void heard.push('good')]]),
    ]);
    const outcome = await world.host.prompt('go');
    if (outcome.kind === 'started') await outcome.done;
    expect(heard).toEqual(['good']);
    expect(texts(world)).toEqual(['user: go', 'assistant: done']);
    release();
    await world.host.settle();
    expect(problems(world)).toMatchObject([{ extensionPath: 'broken', event: 'turn_start' }]);
  });
});

describe('tool_call: the first that blocks ends it', () => {
  it('and later handlers are not asked', async () => {
    const heard: string[] = [];
    await using world = await startTestHost({ turns: [{ toolCalls: [call('act')] }, {}] }, [
      target,
      packageOn('first', [['tool_call', () => ({ block: true, reason: 'no' })]]),
      packageOn('second', [['tool_call', () => void heard.push('second')]]),
    ]);
    await ask(world.host, 'go');
    expect(heard).toEqual([]);
    expect(texts(world)[2]).toBe('toolResult: no');
  });
});

describe('context and context_with_system: each gets what the one before made of it', () => {
  it('on a copy: the session stays as it is; the first sees no system prompt, the second sees it first', async () => {
    const seen: string[][] = [];
    const rolesOf = (event: Event) => (event['messages'] as { role: string }[]).map(({ role }) => role);
    const server = await startCompletionsServer([{ text: 'fine' }]);
    const add = (text: string) => (event: Event) => {
      seen.push(rolesOf(event));
      (event['messages'] as unknown[]).push({ role: 'user', content: [{ type: 'text', text }], timestamp: 0 });
    };
    const system = (event: Event) => {
      const [first, ...rest] = event['messages'] as { role: string; content: string }[];
      return { messages: [{ ...first, content: `${first?.content}\nMind the gap.` }, ...rest] };
    };
    await using world = await wired(server.baseUrl, [
      packageOn('a', [['context', add('one')]]),
      packageOn('b', [
        ['context_with_system', add('three')],
        ['context', add('two')],
        ['context_with_system', system],
        ['context_with_system', () => ({ messages: [] })],
      ]),
    ]);
    await ask(world.host, 'go');
    expect(seen).toEqual([['user'], ['user', 'user'], ['system', 'user', 'user', 'user']]);
    const sent = server.requests[0]?.body.messages.map(({ content }) => JSON.stringify(content));
    expect(sent?.[0]).toMatch(/Mind the gap/);
    expect(sent?.slice(1).join()).toMatch(/go.*one.*two.*three/);
    expect(texts(world)).toEqual(['user: go', 'assistant: fine']);
    expect(problems(world)).toMatchObject([{ event: 'context_with_system', error: expect.stringMatching(/first place/) }]);
    await server[Symbol.asyncDispose]();
  });
});

describe('before_provider_request, before_provider_headers, after_provider_response', () => {
  it('show and change a request without its credentials', async () => {
    await using server = await startCompletionsServer([{ text: 'fine' }]);
    const heard: Event[] = [];
    await using world = await wired(server.baseUrl, [
      packageOn('p', [
        ['before_provider_request', (event) => ({ ...(event['payload'] as object), user: 'ada' })],
        ['before_provider_request', () => 'nonsense'],
        [
          'before_provider_headers',
          (event) => {
            heard.push(event);
            const headers = event['headers'] as Record<string, string>;
            headers['x-trace'] = '7';
            headers['Authorization'] = 'Bearer mine';
          },
        ],
        ['after_provider_response', (event) => void heard.push(event)],
      ]),
    ]);
    await ask(world.host, 'go');
    expect(server.requests[0]?.body).toMatchObject({ user: 'ada', model: 'small' });
    expect(server.requests[0]?.headers).toMatchObject({ 'x-trace': '7', authorization: 'Bearer the-key' });
    expect(JSON.stringify(heard)).not.toMatch(/the-key/);
    expect(heard.at(-1)).toMatchObject({ type: 'after_provider_response', status: 200 });
    expect(problems(world)).toMatchObject([{ event: 'before_provider_request' }]);
  });
});

describe('turn_end and agent_before_settle: entries where a turn or a run ends', () => {
  it('are written with their package, and one more turn is taken when that is asked for', async () => {
    let asked = 0;
    await using world = await startTestHost({ turns: [{ text: 'first' }, { text: 'second' }] }, [
      packageOn('p', [
        [
          'turn_end',
          (event) => ({ entries: [{ type: 'custom', customType: 'mark', data: { turn: event['turnIndex'], ids: typeof event['messageEntryId'] } }] }),
        ],
        [
          'agent_before_settle',
          (event) => {
            expect((event['context'] as { canContinue: boolean }).canContinue).toBe(true);
            return asked++ > 0 ? undefined : { entries: [{ type: 'custom_message', customType: 'more', content: 'and then?', display: true }], continue: true };
          },
        ],
      ]),
    ]);
    await ask(world.host, 'go');
    expect(texts(world)).toEqual(['user: go', 'assistant: first', 'custom: and then?', 'assistant: second']);
    const marks = world.host.conversation.session.tree.entries.filter((entry) => entry.type === 'custom' && entry.customType === 'mark');
    expect(marks).toMatchObject([
      { package: 'p', data: { turn: 0, ids: 'string' } },
      { package: 'p', data: { turn: 0 } },
    ]);
  });

  it('are not taken from who may not write, or who says nonsense', async () => {
    const entries = [{ type: 'custom', customType: 'mark' }];
    await using world = await startTestHost({ turns: [{ text: 'first' }] }, [
      { name: 'reader', granted: ['session:read'], extension: { on: [['turn_end', () => ({ entries })]] } },
      packageOn('odd', [['turn_end', () => ({ entries: [{ type: 'session_info', name: 'mine' }] })]]),
    ]);
    await ask(world.host, 'go');
    expect(world.opened.map(({ heard }) => heard)).toEqual([['turn_end'], ['turn_end']]);
    expect(world.host.conversation.session.tree.entries.some((entry) => entry.type === 'custom')).toBe(false);
    expect(problems(world)).toMatchObject([{ extensionPath: 'odd', event: 'turn_end' }]);
  });
});

describe('user_bash: the first that answers decides', () => {
  const result = { output: 'from a package', exitCode: 0, cancelled: false, truncated: false };

  it('and what it answers is what the model gets to see', async () => {
    await using world = await startTestHost({ turns: [{ text: 'ok' }] }, [
      packageOn('passes', [['user_bash', () => undefined]]),
      packageOn('answers', [['user_bash', (event) => (event['command'] === 'echo real' ? undefined : { result })]]),
      packageOn('late', [['user_bash', () => ({ result: { ...result, output: 'too late' } })]]),
    ]);
    expect(await world.host.runBash('anything')).toEqual(result);
    await ask(world.host, 'what did it say?');
    expect(world.opened[2]?.heard).toEqual([]);
    expect(world.host.conversation.messages[0]).toMatchObject({ role: 'bashExecution', command: 'anything', output: 'from a package' });
  });

  it('without an answer it runs, with the rights of the user; one that throws keeps it from running', async () => {
    await using plain = await startTestHost({ turns: [] }, [], { env: { PATH: process.env['PATH'] } });
    expect(await plain.host.runBash('echo real; exit 3', { excludeFromContext: true })).toMatchObject({ output: 'real', exitCode: 3 });
    expect(plain.host.conversation.messages[0]).toMatchObject({ excludeFromContext: true });
    await using guarded = await startTestHost({ turns: [] }, [packageOn('broken', [['user_bash', () => Promise.reject(new Error('oops'))]])]);
    await expect(guarded.host.runBash('touch x')).rejects.toThrow(/oops/);
    expect(guarded.host.conversation.messages).toEqual([]);
  });
});

describe('session_before_…: the first that cancels ends it', () => {
  it('and the others are not asked', async () => {
    await using world = await startTestHost({ turns: [{ text: 'ok' }] }, [
      packageOn('a', [['session_before_switch', () => ({ cancel: true })]]),
      packageOn('b', [['session_before_switch', () => ({ cancel: false })]]),
    ]);
    expect(await world.host.sessions.newSession()).toEqual({ cancelled: true });
    expect(world.opened[1]?.heard).toEqual([]);
  });
});

describe('before_agent_start: each gets the prompt as those before left it', () => {
  it('and may add sections, which stand in tags of their names; what is no name is left out', async () => {
    const asked: string[] = [];
    const inner = createScriptedModel({ turns: [{ text: 'ok' }], repeat: true });
    const models: ModelPort = {
      ...inner,
      stream: (model, transcript, options) => (asked.push(transcript.systemPrompt), inner.stream(model, transcript, options)),
    };
    const section = (name: string) => (event: Event) => {
      const { sections } = event['systemPromptOptions'] as { sections: Record<string, string> };
      sections[name] = `what ${name} says </project_file>`;
    };
    await using world = await startTestHost(
      { turns: [{}] },
      [packageOn('a', [['before_agent_start', section('guide')]]), packageOn('b', [['before_agent_start', section('more')]])],
      { models },
    );
    await ask(world.host, 'go');
    expect(asked[0]).toContain('<guide>\nwhat guide says &lt;/project_file>\n</guide>\n\n<more>\nwhat more says');
    expect(world.host.conversation.origins).toEqual(['changed:a@1.0.0', 'changed:b@1.0.0']);
    world.packages = [packageOn('c', [['before_agent_start', section('x>\nforged')]])];
    await world.host.reload();
    await ask(world.host, 'go');
    expect(asked[1]).not.toContain('forged');
  });
});

describe('input: each gets what the one before made of it, until one has handled it', () => {
  it('in order', async () => {
    const grow = (event: Event) => ({ action: 'transform', text: `${String(event['text'])}!` });
    await using world = await startTestHost({ turns: [{ text: 'ok' }] }, [
      packageOn('a', [['input', grow]]),
      packageOn('b', [
        ['input', grow],
        ['input', (event) => (event['text'] === 'stop!!' ? { action: 'handled' } : { action: 'continue' })],
      ]),
    ]);
    await ask(world.host, 'go');
    expect(texts(world)[0]).toBe('user: go!!');
    expect(await world.host.prompt('stop')).toEqual({ kind: 'handled' });
  });
});

/** A host over a real wire. */
async function wired(baseUrl: string, packages: Parameters<typeof startTestHost>[1]): Promise<TestHost> {
  const dashHome = await temporaryDirectory();
  await writeFile(
    join(dashHome, 'models.json'),
    JSON.stringify({ providers: [{ id: 'local', baseUrl, api: 'openai-completions', apiKeyEnv: 'LOCAL_KEY', models: [{ id: 'small' }] }] }),
  );
  const models = await openModels({ reference: undefined, dashHome, env: { LOCAL_KEY: 'the-key' } });
  return startTestHost({ turns: [] }, packages, { models, dashHome });
}
