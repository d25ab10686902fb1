import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AgentEvent } from '../../host/loop/agent-event.ts';
import { type LoopPorts, runAgent } from '../../host/loop/agent-loop.ts';
import { toolCallsOf } from '../../host/model/messages.ts';
import { createScriptedModel, type Script } from '../../host/model/scripted.ts';
import { createQueues } from '../../host/loop/queues.ts';
import { type AgentTool, type ToolHooks, textAnswer } from '../../host/loop/tool-call.ts';
import { type AgentMessage, toModelMessages, userMessage } from '../../host/loop/transcript.ts';

const openHooks: ToolHooks = {
  before: async ({ args }) => ({ kind: 'proceed', args }),
  approve: async () => undefined,
  after: async (_, answer) => answer,
};

async function setUp(script: Script, tools: readonly AgentTool[], change: Partial<LoopPorts> = {}) {
  const model = createScriptedModel(script);
  const [info] = await model.models();
  if (info === undefined) throw new Error('the scripted port has one model');
  const queues = createQueues();
  const events: AgentEvent[] = [];
  const ports: LoopPorts = {
    model,
    retry: () => ({ attempts: 2, baseDelayMs: 0 }),
    waitToRetry: async () => true,
    fit: async () => undefined,
    hooks: openHooks,
    turn: () => ({ model: info, systemPrompt: '', tools }),
    emit: async (event) => {
      events.push(event);
    },
    finish: async (message) => message,
    toModel: async (messages) => ({ messages: toModelMessages(messages) }),
    takeSteering: () => queues.takeSteering(),
    takeFollowUps: () => queues.takeFollowUps(),
    ...change,
  };
  const controller = new AbortController();
  return { queues, events, controller, run: (prompt = 'go') => runAgent([], [userMessage(prompt)], ports, controller.signal) };
}

function tool(name: string, execute: AgentTool['execute'], extra: Partial<AgentTool> = {}): AgentTool {
  return { name, description: name, parameters: { type: 'object' }, execute, ...extra };
}

const call = (name: string, args = {}) => ({ name, arguments: args });
const rolesOf = (messages: readonly AgentMessage[]): string[] => messages.map(({ role }) => role);
const textsOf = (messages: readonly AgentMessage[]) =>
  messages.flatMap((message) => (message.role === 'toolResult' ? message.content.flatMap((block) => (block.type === 'text' ? [block.text] : [])) : []));

describe('the agent loop', () => {
  it('asks, runs the tool, asks again', async () => {
    const { run, events } = await setUp({ turns: [{ toolCalls: [call('echo', { text: 'hi' })] }, { text: 'done' }] }, [
      tool('echo', async (args) => textAnswer(JSON.stringify(args['text']).slice(1, -1))),
    ]);
    const messages = await run();
    expect(rolesOf(messages)).toEqual(['user', 'assistant', 'toolResult', 'assistant']);
    expect(textsOf(messages)).toEqual(['hi']);
    expect(events.filter(({ type }) => type !== 'message_update').map(({ type }) => type)).toEqual([
      'agent_start',
      'turn_start',
      'message_start',
      'message_end',
      'message_start',
      'message_end',
      'tool_execution_start',
      'tool_execution_end',
      'message_start',
      'message_end',
      'turn_end',
      'turn_start',
      'message_start',
      'message_end',
      'turn_end',
      'agent_end',
    ]);
  });

  it('runs tools side by side and keeps the order of calls in the results', async () => {
    const gate = Promise.withResolvers<void>();
    const tools = [
      tool('slow', async () => {
        await gate.promise;
        return textAnswer('slow');
      }),
      tool('fast', async () => {
        gate.resolve();
        return textAnswer('fast');
      }),
    ];
    const { run, events } = await setUp({ turns: [{ toolCalls: [call('slow'), call('fast')] }, {}] }, tools);
    expect(textsOf(await run())).toEqual(['slow', 'fast']);
    expect(events.flatMap((event) => (event.type === 'tool_execution_end' ? [event.toolName] : []))).toEqual(['fast', 'slow']);
  });

  it('lets one sequential tool make the whole batch sequential', async () => {
    const order: string[] = [];
    const step = (name: string) => async () => {
      order.push(`${name} begins`);
      await Promise.resolve();
      order.push(`${name} ends`);
      return textAnswer(name);
    };
    const { run } = await setUp({ turns: [{ toolCalls: [call('a'), call('b')] }, {}] }, [
      tool('a', step('a')),
      tool('b', step('b'), { executionMode: 'sequential' }),
    ]);
    await run();
    expect(order).toEqual(['a begins', 'a ends', 'b begins', 'b ends']);
  });

  it('prepares calls one after the other, before any of them runs', async () => {
    const order: string[] = [];
    const hooks: ToolHooks = {
      ...openHooks,
      before: async ({ name, args }) => {
        order.push(`before ${name}`);
        await Promise.resolve();
        order.push(`asked ${name}`);
        return { kind: 'proceed', args };
      },
    };
    const run1 = async () => textAnswer('x');
    const { run } = await setUp({ turns: [{ toolCalls: [call('a'), call('b')] }, {}] }, [tool('a', run1), tool('b', run1)], { hooks });
    await run();
    expect(order).toEqual(['before a', 'asked a', 'before b', 'asked b']);
  });

  it.each<[string, Partial<ToolHooks>, RegExp]>([
    ['an unknown tool', {}, /there is no tool `nothing`/],
    ['a hook that blocks', { before: async () => ({ kind: 'block', reason: 'not today' }) }, /not today/],
    ['a refused approval', { approve: async () => 'declined' }, /declined/],
  ])('answers %s with a result that is an error', async (title, hooks, text) => {
    const name = title === 'an unknown tool' ? 'nothing' : 'a';
    const { run } = await setUp({ turns: [{ toolCalls: [call(name)] }, {}] }, [tool('a', async () => textAnswer('ran'))], {
      hooks: { ...openHooks, ...hooks },
    });
    const messages = await run();
    const result = messages.find(({ role }) => role === 'toolResult');
    expect(result).toMatchObject({ isError: true });
    expect(textsOf(messages)[0]).toMatch(text);
  });

  it('gives the tool what the hook made of the arguments, frozen and checked again', async () => {
    const seen: unknown[] = [];
    const hooks: ToolHooks = { ...openHooks, before: async () => ({ kind: 'proceed', args: { path: 'changed' } }) };
    const validate = (args: { [key: string]: unknown }) => (args['path'] === 'changed' || args['path'] === 'asked' ? undefined : 'wrong');
    const { run } = await setUp(
      { turns: [{ toolCalls: [call('a', { path: 'asked' })] }, {}] },
      [
        tool(
          'a',
          async (args) => {
            seen.push(args, Object.isFrozen(args));
            return textAnswer('x');
          },
          { validate },
        ),
      ],
      { hooks },
    );
    await run();
    expect(seen).toEqual([{ path: 'changed' }, true]);
  });

  it('ends without another request when a tool says so', async () => {
    const { run } = await setUp({ turns: [{ toolCalls: [call('a')] }] }, [tool('a', async () => ({ ...textAnswer('bye'), terminate: true }))]);
    expect(rolesOf(await run())).toEqual(['user', 'assistant', 'toolResult']);
  });

  it('takes steering at the next safe point and follow-ups when it is done', async () => {
    const { run, queues } = await setUp({ turns: [{ toolCalls: [call('a')] }, { text: 'steered' }, { text: 'followed' }] }, [
      tool('a', async () => {
        queues.steer(userMessage('steer'));
        queues.followUp(userMessage('follow'));
        return textAnswer('x');
      }),
    ]);
    const said = (await run()).map((message) =>
      message.role === 'user' && typeof message.content !== 'string' && message.content[0]?.type === 'text' ? message.content[0].text : message.role,
    );
    expect(said).toEqual(['go', 'assistant', 'toolResult', 'steer', 'assistant', 'follow', 'assistant']);
  });

  it('retries what passes, and leaves the failed answer in the transcript but out of the context', async () => {
    const contexts: number[] = [];
    const { run, events } = await setUp({ turns: [{ error: '529 overloaded' }, { text: 'fine' }] }, [], {
      toModel: async (messages) => {
        const forModel = toModelMessages(messages);
        contexts.push(forModel.length);
        return { messages: forModel };
      },
    });
    const messages = await run();
    expect(messages.map((message) => (message.role === 'assistant' ? message.stopReason : message.role))).toEqual(['user', 'error', 'stop']);
    expect(contexts).toEqual([1, 1]);
    expect(events.filter(({ type }) => type.startsWith('auto_retry')).map(({ type }) => type)).toEqual(['auto_retry_start', 'auto_retry_end']);
  });

  it('does not retry what will fail again', async () => {
    const { run } = await setUp({ turns: [{ error: 'insufficient quota' }, { text: 'never' }] }, []);
    expect(await run()).toHaveLength(2);
  });

  it('says that a script is used up', async () => {
    const { run } = await setUp({ turns: [{ toolCalls: [call('a')] }] }, [tool('a', async () => textAnswer('x'))]);
    expect((await run()).at(-1)).toMatchObject({ stopReason: 'error', errorMessage: expect.stringContaining('SCRIPT_EXHAUSTED') });
  });

  it('leaves a well-formed transcript whatever happens in between', async () => {
    const action = fc.constantFrom('answer', 'throw', 'abort', 'steer', 'follow', 'terminate', 'update');
    const turn = fc.record({
      text: fc.option(fc.constant('words and more words'), { nil: undefined }),
      actions: fc.array(action, { maxLength: 4 }),
      error: fc.option(fc.constantFrom('529', 'no'), { nil: undefined, freq: 6 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(turn, { minLength: 1, maxLength: 5 }), fc.boolean(), fc.nat({ max: 60 }), async (turns, sequential, abortAt) => {
        const script: Script = { turns: turns.map(({ text, actions, error }) => ({ text, error, toolCalls: actions.map((name) => call(name)) })) };
        const act = (name: string): AgentTool =>
          tool(
            name,
            async (_, { onUpdate }) => {
              if (name === 'throw') throw new Error('broken');
              if (name === 'abort') world.controller.abort();
              if (name === 'steer') world.queues.steer(userMessage('s'));
              if (name === 'follow') world.queues.followUp(userMessage('f'));
              if (name === 'update') onUpdate(textAnswer('half'));
              await Promise.resolve();
              return { ...textAnswer(name), ...(name === 'terminate' ? { terminate: true } : {}) };
            },
            sequential ? { executionMode: 'sequential' } : {},
          );
        const world = await setUp(script, ['answer', 'throw', 'abort', 'steer', 'follow', 'terminate', 'update'].map(act), {
          emit: async (event) => {
            world.events.push(event);
            if (world.events.length === abortAt) world.controller.abort();
          },
        });
        const messages = await world.run();

        const calls = messages.flatMap((message) => (message.role === 'assistant' ? toolCallsOf(message).map(({ id }) => id) : []));
        const results = messages.flatMap((message) => (message.role === 'toolResult' ? [message.toolCallId] : []));
        expect(results).toEqual(calls);
        // The model never sees an answer that was cut off, so it must not see results of its calls either.
        const shown = toModelMessages(messages);
        const shownCalls = shown.flatMap((message) => (message.role === 'assistant' ? toolCallsOf(message).map(({ id }) => id) : []));
        expect(shown.flatMap((message) => (message.role === 'toolResult' ? [message.toolCallId] : []))).toEqual(shownCalls);
        expect(world.events.filter(({ type }) => type === 'message_start')).toHaveLength(messages.length);
        expect(world.events.filter(({ type }) => type === 'message_end')).toHaveLength(messages.length);
        expect(world.events.at(0)?.type).toBe('agent_start');
        expect(world.events.at(-1)?.type).toBe('agent_end');
        const count = (type: AgentEvent['type']) => world.events.filter((event) => event.type === type).length;
        expect(count('tool_execution_start')).toBe(count('tool_execution_end'));
        expect(count('turn_start')).toBe(count('turn_end'));
        for (const { role, stopReason } of messages.flatMap((message) => (message.role === 'assistant' ? [message] : [])))
          expect([role, stopReason]).not.toContain('pending');
      }),
      { numRuns: 300 },
    );
  });
});
