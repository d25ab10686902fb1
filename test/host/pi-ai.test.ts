import { execFileSync } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type ModelPort, openModels } from '../../host/index.ts';
import { chooseModel } from '../../host/model/choose-model.ts';
import { PROVIDER_KEY_NAMES, PROVIDERS } from '../../host/model/providers.ts';
import type { ModelEvent } from '../../host/model/port.ts';
import { readScript } from '../../host/model/scripted.ts';
import { userMessage } from '../../host/loop/transcript.ts';
import { startCompletionsServer, type WireAnswer } from '../support/completions-server.ts';
import { ask, startTestHost } from '../support/in-test-host.ts';
import { says } from '../support/in-test-package.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

async function connect(baseUrl: string, env: Record<string, string> = { LOCAL_KEY: 'the-key' }): Promise<ModelPort> {
  const dashHome = await temporaryDirectory();
  await writeFile(
    join(dashHome, 'models.json'),
    JSON.stringify({ providers: [{ id: 'local', baseUrl, api: 'openai-completions', apiKeyEnv: 'LOCAL_KEY', models: [{ id: 'small' }] }] }),
  );
  return openModels({ reference: undefined, dashHome, env });
}

async function stream(answer: WireAnswer, signal?: AbortSignal, onEvent?: (event: ModelEvent) => void) {
  await using server = await startCompletionsServer([answer]);
  const port = await connect(server.baseUrl);
  const model = chooseModel(await port.models(), undefined);
  const events: ModelEvent[] = [];
  for await (const event of port.stream(
    model,
    {
      systemPrompt: 'be kind',
      tools: [{ name: 't', description: 'd', parameters: { type: 'object', properties: { a: { type: 'string' } } } }],
      messages: [userMessage('hello')],
    },
    signal === undefined ? {} : { signal },
  )) {
    events.push(event);
    onEvent?.(event);
  }
  return { events, last: events.at(-1), requests: server.requests };
}

describe('models behind pi-ai', () => {
  it('speak the wire of chat completions: text, usage, key, system prompt and tools', async () => {
    const { events, last, requests } = await stream({ text: 'hello to you', usage: { prompt: 11, completion: 3 } });
    expect(events.map(({ type }) => type)).toEqual(['start', 'text_start', 'text_delta', 'text_delta', 'text_delta', 'text_end', 'done']);
    expect(last).toMatchObject({
      type: 'done',
      reason: 'stop',
      message: { content: [{ type: 'text', text: 'hello to you' }], usage: { input: 11, output: 3, totalTokens: 14 } },
    });
    expect(requests[0]).toMatchObject({ path: '/v1/chat/completions', headers: { authorization: 'Bearer the-key' }, body: { model: 'small', stream: true } });
    expect(requests[0]?.body.messages[0]).toMatchObject({ content: 'be kind' });
    expect(requests[0]?.body.tools).toMatchObject([{ function: { name: 't', parameters: { type: 'object', properties: { a: { type: 'string' } } } } }]);
  });

  it('put tool arguments together as objects', async () => {
    const { last } = await stream({ toolCalls: [{ id: 'c1', name: 't', arguments: '{"a":"b"}' }] });
    expect(last).toMatchObject({ type: 'done', reason: 'toolUse', message: { content: [{ type: 'toolCall', id: 'c1', name: 't', arguments: { a: 'b' } }] } });
  });

  it.each<[string, WireAnswer]>([
    ['an error of the provider', { status: 500 }],
    ['a stream that is cut off', { text: 'a b c d', cutAfter: 2 }],
  ])('end with an error event on %s', async (_, answer) => {
    const { last } = await stream(answer);
    expect(last).toMatchObject({ type: 'error', reason: 'error', error: { stopReason: 'error', errorMessage: expect.any(String) } });
  });

  it('stop at once when they are told to', async () => {
    const controller = new AbortController();
    const { last } = await stream({ text: 'a b c', hang: true }, controller.signal, ({ type }) => {
      if (type === 'start') controller.abort();
    });
    expect(last).toMatchObject({ type: 'error', reason: 'aborted' });
  });

  it('run a whole turn of the host: a call, its result, an answer', async () => {
    await using server = await startCompletionsServer([{ toolCalls: [{ id: 'c1', name: 'echo', arguments: '{"a":"b"}' }] }, { text: 'done' }]);
    await using world = await startTestHost({ turns: [{}] }, [{ name: 'p', extension: { tools: { echo: (args) => says(JSON.stringify(args)) } } }], {
      models: await connect(server.baseUrl),
    });
    await ask(world.host, 'go');
    expect(world.host.conversation.messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'toolResult', 'assistant']);
    expect(server.requests[1]?.body.messages.at(-1)).toMatchObject({
      role: 'tool',
      tool_call_id: 'c1',
      content: '<package_result from="p">\n{"a":"b"}\n</package_result>',
    });
  });

  it('are found by the keys in the environment, and nowhere else', async () => {
    const dashHome = await temporaryDirectory();
    const port = await openModels({ reference: undefined, dashHome, env: { ANTHROPIC_API_KEY: 'k' } });
    const models = await port.models();
    expect(models.length).toBeGreaterThan(3);
    expect(new Set(models.map(({ provider }) => provider))).toEqual(new Set(['anthropic']));
    expect(JSON.stringify(models)).not.toContain('"k"');
    const none = await openModels({ reference: undefined, dashHome, env: {} });
    expect(await none.models()).toEqual([]);
    expect(() => chooseModel([], undefined)).toThrow(/credentials/);
    expect(() => chooseModel(models, 'anthropic/nothing')).toThrow(/no model `anthropic\/nothing`/);
  });

  it('begin, for every provider, with one that can do the work', async () => {
    const dashHome = await temporaryDirectory();
    const env = Object.fromEntries(PROVIDER_KEY_NAMES.map((name) => [name, 'k']));
    const models = await (await openModels({ reference: undefined, dashHome, env })).models();
    const first = [...Map.groupBy(models, ({ provider }) => provider).values()].flatMap(([model]) => model ?? []);
    expect(first.length).toBeGreaterThan(20);
    for (const { provider, contextWindow, reasoning } of first) expect({ provider, reasoning, room: contextWindow >= 100_000 }).toMatchObject({ room: true });
    expect(first.filter(({ reasoning }) => !reasoning).map(({ provider }) => provider)).toEqual(['mistral']);
    // each provider's is named in the table, and is still there; of Vertex a file has to be there as well
    const named = PROVIDERS.map(({ id, model }) => `${id}/${model}`);
    expect(first.filter(({ provider }) => provider !== 'auto').map(({ provider, id }) => `${provider}/${id}`)).toEqual(named);
  });

  it('go where the environment says: Azure by its base URL, Cloudflare by account, under our own name', async () => {
    await using server = await startCompletionsServer([{ status: 500 }]);
    const dashHome = await temporaryDirectory();
    const azure = await openModels({ reference: undefined, dashHome, env: { AZURE_OPENAI_API_KEY: 'the-key', AZURE_OPENAI_BASE_URL: server.baseUrl } });
    const model = (await azure.models()).find(({ id }) => id === 'gpt-5.4');
    if (model === undefined) throw new Error('Azure has no gpt-5.4 any more');
    await Array.fromAsync(azure.stream(model, { systemPrompt: '', tools: [], messages: [userMessage('hello')] }, {}));
    expect(server.requests[0]).toMatchObject({ path: expect.stringContaining('/responses'), headers: { 'api-key': 'the-key', 'user-agent': 'dash-agent' } });
    const half = await openModels({ reference: undefined, dashHome, env: { CLOUDFLARE_API_KEY: 'k' } });
    expect(await half.models()).toEqual([]);
    const whole = await openModels({ reference: undefined, dashHome, env: { CLOUDFLARE_API_KEY: 'k', CLOUDFLARE_ACCOUNT_ID: 'a', AWS_PROFILE: 'p' } });
    expect(new Set((await whole.models()).map(({ provider }) => provider))).toEqual(new Set(['auto', 'cloudflare-workers-ai', 'amazon-bedrock']));
  });

  it('are imported by two files, by subpath, and only when they are needed', async () => {
    const importing: string[] = [];
    for (const file of await readdir('host', { recursive: true })) {
      if (!file.endsWith('.ts')) continue;
      const text = await readFile(join('host', file), 'utf8');
      if (/from '@earendil-works\/pi-ai|import\('@earendil-works\/pi-ai/.test(text)) importing.push(file);
      expect(text).not.toMatch(/['"]@earendil-works\/pi-ai['"]/);
    }
    expect(importing.sort()).toEqual(['model/pi-ai.ts', 'model/providers.ts']);
    const script = `import { registerHooks } from 'node:module'; const seen = []; registerHooks({ load(url, context, next) { if (url.includes('pi-ai/dist')) seen.push(url); return next(url, context); } }); await import('./host/index.ts'); console.log(seen.length);`;
    expect(execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }).trim()).toBe('0');
  });
});

describe('a scripted model', () => {
  it.each([
    ['no JSON', '{', /not JSON/],
    ['another shape', '{"turns": [{"say": "x"}]}', /not a script/],
    ['no turns', '{"turns": []}', /not a script/],
  ])('refuses %s', async (_, text, message) => {
    const path = join(await temporaryDirectory(), 's.json');
    await writeFile(path, text);
    await expect(readScript(path)).rejects.toThrow(message);
  });
});
