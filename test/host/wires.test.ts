import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LLMock } from '@copilotkit/aimock';
import { describe, expect, it } from 'vitest';
import { failureOf } from '../../host/model/failure.ts';
import type { AssistantMessage } from '../../host/model/messages.ts';
import type { ModelEvent, ModelInfo, ModelPort } from '../../host/model/port.ts';
import { userMessage } from '../../host/loop/transcript.ts';
import { ask, startTestHost } from '../support/in-test-host.ts';
import { says } from '../support/in-test-package.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { startWireModels, USAGE, type WireModels, type WireName, WIRES } from '../support/wire-models.ts';

const tool = { name: 'echo', description: 'says it again', parameters: { type: 'object', properties: { a: { type: 'string' } } } };

async function say(port: ModelPort, model: ModelInfo, prompt: string, signal?: AbortSignal) {
  const events: ModelEvent[] = [];
  const transcript = { systemPrompt: 'be kind', tools: [tool], messages: [userMessage(prompt)] };
  for await (const event of port.stream(model, transcript, { thinking: 'low', ...(signal === undefined ? {} : { signal }) })) events.push(event);
  const last = events.at(-1);
  return { events, last, message: last?.type === 'done' ? last.message : last?.type === 'error' ? last.error : undefined };
}

const echoing = { name: 'p', extension: { tools: { echo: (args: unknown) => says(JSON.stringify(args)) } } };

/** A host over the wires, whose retries do not wait. */
async function startHost(world: WireModels, model: string) {
  const dashHome = await temporaryDirectory();
  await writeFile(join(dashHome, 'settings.json'), '{"retry": {"baseDelayMs": 0}}');
  return startTestHost({ turns: [{}] }, [echoing], { models: world.port, model, dashHome });
}

interface WireMessage {
  readonly role: string;
  readonly content?: unknown;
  readonly tool_call_id?: string;
  readonly tool_calls?: readonly { readonly id: string }[];
}

/** What the server was asked, in one form for all wires. */
function asked(mock: LLMock): readonly (readonly WireMessage[])[] {
  return mock.getRequests().flatMap(({ body }) => (body !== null && 'messages' in body ? [body.messages as readonly WireMessage[]] : []));
}

describe.each(WIRES.map(({ api }) => api))('the wire %s', (wire) => {
  it('carries text, thoughts and what was used', async () => {
    await using world = await startWireModels();
    world.mock.onMessage('hello', { content: 'hello there friend', reasoning: 'I wonder', usage: USAGE });
    const { events, message } = await say(world.port, await world.model(wire), 'hello');
    expect([...new Set(events.map(({ type }) => type))].toSorted()).toEqual(
      ['done', 'start', 'text_delta', 'text_end', 'text_start', 'thinking_delta', 'thinking_end', 'thinking_start'].toSorted(),
    );
    expect(message).toMatchObject({
      provider: wire,
      stopReason: 'stop',
      content: [
        { type: 'thinking', thinking: 'I wonder' },
        { type: 'text', text: 'hello there friend' },
      ],
      usage: { input: 11, output: 3, totalTokens: 14, cost: { input: 11 / 1_000_000, output: 6 / 1_000_000 } },
    });
    expect(JSON.stringify(asked(world.mock))).toContain('be kind');
  });

  it('carries a call, its arguments as an object, and its result', async () => {
    await using world = await startWireModels();
    world.mock.on(
      { userMessage: 'go', hasToolResult: false },
      { content: 'let me', reasoning: 'hm', toolCalls: [{ name: 'echo', arguments: '{"a":"b"}' }], ...finishing(wire) },
    );
    world.mock.on({ userMessage: 'go', hasToolResult: true }, { content: 'done' });
    await using host = await startHost(world, `${wire}/model`);
    await ask(host.host, 'go');
    const { messages } = host.host.conversation;
    expect(messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'toolResult', 'assistant']);
    expect(messages[1]).toMatchObject({ stopReason: 'toolUse', content: expect.arrayContaining([expect.objectContaining({ arguments: { a: 'b' } })]) });
    const [result] = asked(world.mock)[1]?.filter(({ role }) => role === 'tool') ?? [];
    // Gemini's results are objects
    expect(JSON.stringify(result)).toContain(wire === 'google-generative-ai' ? 'output' : '{\\"a\\":\\"b\\"}');
  });

  it.each([
    [429, 'rate_limit_error', 'slow down'],
    [500, 'api_error', 'something broke'],
    [529, 'overloaded_error', 'Overloaded'],
  ])('tells an error %i as an answer that failed and may be asked for again', async (status, type, text) => {
    await using world = await startWireModels();
    world.mock.onMessage('hello', { error: { message: text, type }, status, retryAfter: 7 });
    const { last, message } = await say(world.port, await world.model(wire), 'hello');
    expect(last).toMatchObject({ type: 'error', reason: 'error', error: { stopReason: 'error', content: [] } });
    expect(message?.errorMessage).toContain(text);
    expect(message === undefined ? undefined : failureOf(message)).toBe('transient');
    // Google's client gives no headers
    if (status === 429 && wire !== 'google-generative-ai') expect(last).toMatchObject({ retryAfterMs: 7000 });
  });

  it('tells of a connection that broke in the middle, and the loop asks again', async () => {
    await using world = await startWireModels();
    const cut = { truncateAfterChunks: 8, chunkSize: 4, latency: 20 };
    world.mock.on({ userMessage: 'hello', sequenceIndex: 0 }, { content: 'this will be cut short in the middle of it all, and nobody hears its end' }, cut);
    world.mock.on({ userMessage: 'hello', sequenceIndex: 1 }, { content: 'whole' });
    await using host = await startHost(world, `${wire}/model`);
    await ask(host.host, 'hello');
    const answers = host.host.conversation.messages.filter((message): message is AssistantMessage => message.role === 'assistant');
    expect(answers).toMatchObject([{ stopReason: 'error' }, { stopReason: 'stop', content: [{ type: 'text', text: 'whole' }] }]);
    expect(JSON.stringify(answers[0]?.content)).toContain('this');
    expect(host.events.filter(({ type }) => type.startsWith('auto_retry'))).toMatchObject([{ attempt: 1 }, { success: true }]);
    // the half of an answer is not sent to the model
    expect(asked(world.mock)[1]?.filter(({ role }) => role === 'assistant')).toEqual([]);
  });

  it('says what is wrong with a request that is wrong, and does not ask again', async () => {
    await using world = await startWireModels();
    world.mock.onMessage('hello', { error: { message: 'tools.0.name: invalid', type: 'invalid_request_error' }, status: 400 });
    await using host = await startHost(world, `${wire}/model`);
    await ask(host.host, 'hello');
    expect(asked(world.mock)).toHaveLength(1);
    expect(host.host.conversation.messages.at(-1)).toMatchObject({ errorMessage: expect.stringContaining('tools.0.name') });
  });
});

/** Gemini ends an answer with calls as it ends any other. */
function finishing(wire: WireName): { finishReason?: string } {
  return wire === 'google-generative-ai' ? { finishReason: 'stop' } : {};
}

describe('a conversation', () => {
  it('is handed through all four wires and back: thoughts as text, calls and results together', async () => {
    await using world = await startWireModels();
    const round: readonly WireName[] = [...WIRES.map(({ api }) => api), 'anthropic-messages'];
    round.forEach((wire, turn) => {
      const match = { userMessage: `turn ${turn}` };
      const toolCalls = [1, 2].map((n) => ({ name: 'echo', arguments: JSON.stringify({ a: `${turn}.${n}` }) }));
      world.mock.on({ ...match, hasToolResult: false }, { content: `looking ${turn}`, reasoning: `thought ${turn}`, toolCalls, ...finishing(wire) });
      world.mock.on({ ...match, hasToolResult: true }, { content: `found ${turn}` });
    });
    await using host = await startHost(world, 'anthropic-messages/model');
    const { conversation } = host.host;
    for (const [turn, wire] of round.entries()) {
      conversation.setModel(await world.model(wire));
      await ask(host.host, `turn ${turn}`);
      expect(conversation.messages.at(-1)).toMatchObject({
        provider: wire,
        content: expect.arrayContaining([expect.objectContaining({ text: `found ${turn}` })]),
      });
    }
    const requests = asked(world.mock);
    expect(requests).toHaveLength(round.length * 2);
    for (const [index, messages] of requests.entries()) {
      const called = messages.flatMap(({ tool_calls: calls = [] }) => calls.map(({ id }) => id));
      const answered = messages.flatMap(({ tool_call_id: id }) => (id === undefined ? [] : [id]));
      expect(answered).toEqual(called);
      // Gemini's wire has no ids: there calls and results go by their order
      if (round[Math.floor(index / 2)] !== 'google-generative-ai') expect(new Set(called).size).toBe(called.length);
    }
    const last = JSON.stringify(requests.at(-1));
    for (const turn of [1, 2, 3]) {
      expect(last).toContain(`<thinking>\\nthought ${turn}\\n</thinking>`);
      expect(last).toContain(`found ${turn}`);
    }
    // its own first thoughts are no text to the model that had them
    expect(last).not.toContain('<thinking>\\nthought 0');
    expect(conversation.session.tree.entries.filter(({ type }) => type === 'model_change')).toHaveLength(round.length);
  });
});

describe('auto', () => {
  const reference = 'auto:anthropic-messages/model,openai-completions/model';
  const overloaded = { error: { message: 'Overloaded', type: 'overloaded_error' }, status: 529 };
  const auto = async ({ port }: WireModels): Promise<ModelInfo> => {
    const found = (await port.models()).find(({ id }) => id === 'auto');
    if (found === undefined) throw new Error('there is no model `auto`');
    return found;
  };
  const onWire =
    (path: RegExp) =>
    ({ mock }: WireModels) =>
      mock.getRequests().filter((request) => path.test(request.path)).length;
  const anthropicRequests = onWire(/messages/);
  const openaiRequests = onWire(/chat\/completions/);

  it('lets the next one answer when the first one cannot, says so, and leaves the first one alone for a while', async () => {
    await using world = await startWireModels(reference);
    world.mock.on({ userMessage: 'hello', sequenceIndex: 0 }, overloaded);
    world.mock.on({ userMessage: 'hello', sequenceIndex: 1 }, { content: 'at your service' });
    world.mock.onMessage('again', { content: 'still here' });
    await using host = await startHost(world, reference);
    await ask(host.host, 'hello');
    expect(host.events.filter(({ type }) => type === 'model_failover')).toMatchObject([
      { from: { provider: 'anthropic-messages' }, to: { provider: 'openai-completions' }, reason: expect.stringContaining('Overloaded') },
    ]);
    expect(host.host.conversation.messages).toMatchObject([{ role: 'user' }, { role: 'assistant', provider: 'openai-completions' }]);
    expect(host.events.filter(({ type }) => type === 'auto_retry_start')).toEqual([]);
    await ask(host.host, 'again');
    expect([anthropicRequests(world), openaiRequests(world)]).toEqual([1, 2]);
    // another program finds a model it knows
    expect(host.host.conversation.session.context().model).toEqual({ provider: 'openai-completions', modelId: 'model' });
    expect(JSON.stringify(host.host.conversation.session.tree.entries)).not.toContain('"auto"');
  });

  it('does not change the speaker once something was said', async () => {
    await using world = await startWireModels(reference);
    world.mock.onMessage('hello', { content: 'this will be cut short in the middle of it all' }, { truncateAfterChunks: 8, chunkSize: 4, latency: 20 });
    const { events, message } = await say(world.port, await auto(world), 'hello');
    expect(events.filter(({ type }) => type === 'failover')).toEqual([]);
    expect(message).toMatchObject({ stopReason: 'error', provider: 'anthropic-messages' });
    expect(openaiRequests(world)).toBe(0);
  });

  it('does not try a request elsewhere that is wrong, or that somebody stopped', async () => {
    await using world = await startWireModels(reference);
    world.mock.onMessage('wrong', { error: { message: 'messages: invalid', type: 'invalid_request_error' }, status: 400 });
    expect((await say(world.port, await auto(world), 'wrong')).last).toMatchObject({ type: 'error', error: { provider: 'anthropic-messages' } });
    const stopped = await say(world.port, await auto(world), 'stopped', AbortSignal.abort());
    expect(stopped.last).toMatchObject({ type: 'error', reason: 'aborted' });
    expect(openaiRequests(world)).toBe(0);
  });

  it('gives the last failure when nobody answers, and asks the first one again later', async () => {
    await using world = await startWireModels(reference);
    world.mock.onMessage('hello', overloaded);
    const first = await say(world.port, await auto(world), 'hello');
    expect(first.events.map(({ type }) => type)).toEqual(['failover', 'error']);
    expect(first.message).toMatchObject({ provider: 'openai-completions' });
    const second = await say(world.port, await auto(world), 'hello');
    // the one whose rest is over first is asked, and only that one
    expect(second.events.map(({ type }) => type)).toEqual(['error']);
    expect(anthropicRequests(world) + openaiRequests(world)).toBe(3);
  });

  it('goes to the next one for a key that does not hold', async () => {
    await using world = await startWireModels(reference);
    world.mock.on({ userMessage: 'hello', sequenceIndex: 0 }, { error: { message: 'invalid x-api-key', type: 'authentication_error' }, status: 401 });
    world.mock.on({ userMessage: 'hello', sequenceIndex: 1 }, { content: 'here' });
    expect((await say(world.port, await auto(world), 'hello')).message).toMatchObject({ provider: 'openai-completions' });
  });
});
