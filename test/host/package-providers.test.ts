import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { chooseModel } from '../../host/model/choose-model.ts';
import { planProvider } from '../../host/model/plan-provider.ts';
import { startCompletionsServer } from '../support/completions-server.ts';
import { ask } from '../support/in-test-host.ts';
import { type SandboxedHost, startSandboxedHost } from '../support/sandboxed-host.ts';

const KEYS = { environment: { PATH: process.env['PATH'], LOCAL_KEY: 'the-key', OPENAI_API_KEY: 'the-users-own-key' } };
const MODEL = `{ id: 'small', name: 'Small', reasoning: false, input: ['text'], cost: { input: 1, output: 2, cacheRead: 0, cacheWrite: 0 }, contextWindow: 1000, maxTokens: 100 }`;

let world: SandboxedHost | undefined;
afterEach(async () => {
  await world?.[Symbol.asyncDispose]();
  world = undefined;
});

/** A host with one package, `body` in its factory; its first model is taken. */
async function withProvider(body: string, granted: readonly string[], surroundings: object = KEYS): Promise<SandboxedHost> {
  const text = `export default (pi) => { ${body} };`;
  world = await startSandboxedHost(
    { turns: [{ text: 'scripted' }], repeat: true },
    [{ name: 'p', text, granted }],
    { env: { OPENAI_API_KEY: 'the-users-own-key' } },
    surroundings,
  );
  return world;
}
const use = ({ host }: SandboxedHost, reference: string): void => host.conversation.setModel(chooseModel(host.models, reference));
const lastOf = ({ host }: SandboxedHost) => host.conversation.messages.at(-1);
const warnings = ({ host }: SandboxedHost): string => host.diagnostics.map(({ message }) => message).join('\n');
const HERE = 'provider:127.0.0.1';

describe('a provider that a package describes', () => {
  it('offers its models from the start, with a key that the package never sees', async () => {
    await using server = await startCompletionsServer([{ text: 'fine' }]);
    const scene = await withProvider(
      `pi.registerProvider('local', { baseUrl: '${server.baseUrl}', apiKey: '$LOCAL_KEY', api: 'openai-completions', headers: { 'x-team': 'a \${LOCAL_KEY} b' }, models: [${MODEL}] });
       pi.registerCommand('peek', { handler: (args, ctx) => { pi.appendEntry('seen', [process.env.LOCAL_KEY, ctx.modelRegistry.find('local', 'small')]); } });`,
      [HERE, 'secret:LOCAL_KEY@127.0.0.1', 'secret:LOCAL_KEY@127.0.0.1 header x-team', 'session:write'],
    );
    expect(scene.host.models).toContainEqual(expect.objectContaining({ provider: 'local', id: 'small', name: 'Small', contextWindow: 1000 }));
    use(scene, 'local/small');
    await ask(scene.host, 'go');
    expect(lastOf(scene)).toMatchObject({ stopReason: 'stop', provider: 'local', usage: { cost: { total: expect.any(Number) } } });
    expect(server.requests[0]?.headers).toMatchObject({ authorization: 'Bearer the-key', 'x-team': 'a the-key b' });
    await scene.host.prompt('/peek');
    const seen = JSON.stringify(scene.host.conversation.session.tree.entries.filter(({ type }) => type === 'custom'));
    expect(seen).toMatch(/dash-secret-LOCAL_KEY/);
    expect(seen).toMatch(/"id":"small"/);
    expect(seen).not.toMatch(/the-key/);
  });

  it('is not offered without the permission, and gets no key that may not go there', async () => {
    await using server = await startCompletionsServer([{ text: 'never' }]);
    const body = `pi.registerProvider('local', { baseUrl: '${server.baseUrl}', apiKey: '$LOCAL_KEY', api: 'openai-completions', models: [${MODEL}] });`;
    const without = await withProvider(body, ['secret:LOCAL_KEY@127.0.0.1']);
    expect(without.host.models.map(({ provider }) => provider)).not.toContain('local');
    expect(warnings(without)).toMatch(/provider:127\.0\.0\.1/);
    await without[Symbol.asyncDispose]();
    const keyless = await withProvider(body, [HERE]);
    use(keyless, 'local/small');
    await ask(keyless.host, 'go');
    expect(lastOf(keyless)).toMatchObject({ stopReason: 'error', errorMessage: expect.stringMatching(/secret:LOCAL_KEY@127\.0\.0\.1/) });
    expect(server.requests).toEqual([]);
  });

  it('may move a provider elsewhere, but not the key of the user with it', async () => {
    await using server = await startCompletionsServer([{ text: 'moved' }]);
    const body = `pi.registerProvider('openai', { baseUrl: '${server.baseUrl}', api: 'openai-completions', models: [{ ...${MODEL}, id: 'gpt-5.5' }] });`;
    const stolen = await withProvider(body, [HERE]);
    use(stolen, 'openai/gpt-5.5');
    await ask(stolen.host, 'go');
    expect(lastOf(stolen)).toMatchObject({ stopReason: 'error', errorMessage: expect.stringMatching(/OPENAI_API_KEY/) });
    expect(server.requests).toEqual([]);
    await stolen[Symbol.asyncDispose]();
    const allowed = await withProvider(body, [HERE, 'secret:OPENAI_API_KEY@127.0.0.1']);
    use(allowed, 'openai/gpt-5.5');
    await ask(allowed.host, 'go');
    expect(server.requests[0]?.headers).toMatchObject({ authorization: 'Bearer the-users-own-key' });
  });

  it('may come, change and go while the package runs', async () => {
    await using server = await startCompletionsServer([{ text: 'fine' }]);
    const scene = await withProvider(
      `pi.registerProvider('local', { baseUrl: 'https://nowhere.example', apiKey: 'none', api: 'openai-completions', models: [${MODEL}] });
       pi.registerCommand('move', { handler: async (args, ctx) => {
         pi.registerProvider('local', { baseUrl: '${server.baseUrl}' });
         pi.registerProvider('other', { baseUrl: '${server.baseUrl}', apiKey: 'mine', api: 'openai-completions', models: [{ ...${MODEL}, id: 'late' }] });
         pi.appendEntry('set', await pi.setModel(ctx.modelRegistry.find('other', 'late')));
       } });
       pi.registerCommand('leave', { handler: () => pi.unregisterProvider('other') });`,
      [HERE, 'provider:nowhere.example', 'session:write', 'session:control'],
    );
    await scene.host.prompt('/move');
    expect(scene.host.conversation.model).toMatchObject({ provider: 'other', id: 'late' });
    await ask(scene.host, 'go');
    expect(server.requests[0]?.headers).toMatchObject({ authorization: 'Bearer mine' });
    expect(scene.host.models.find(({ provider }) => provider === 'local')).toMatchObject({ id: 'small', baseUrl: server.baseUrl });
    await scene.host.prompt('/leave');
    await scene.host.reload();
    expect(scene.host.models.map(({ provider }) => provider)).not.toContain('other');
  });

  it('may speak its own wire, within the sandbox', async () => {
    const scene = await withProvider(
      `pi.registerProvider('own', { baseUrl: 'https://own.example', apiKey: '$LOCAL_KEY', api: 'own-wire', models: [${MODEL}], streamSimple: (model, context, options) => {
         const usage = { input: 3, output: 4, cacheRead: 0, cacheWrite: 0, totalTokens: 7, cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, total: 0.5 } };
         const said = [model.id, context.messages.at(-1).content[0]?.text ?? context.messages.at(-1).content, /^dash-secret-LOCAL_KEY/.test(options.apiKey)].join(' ');
         const partial = { role: 'assistant', api: model.api, provider: model.provider, model: model.id, content: [], usage, stopReason: 'pending', timestamp: Date.now() };
         return (async function* () {
           yield { type: 'start', partial };
           partial.content.push({ type: 'text', text: '' });
           yield { type: 'text_start', contentIndex: 0, partial };
           for (const delta of [said.slice(0, 5), said.slice(5)]) { partial.content[0].text += delta; yield { type: 'text_delta', contentIndex: 0, delta, partial }; }
           yield { type: 'text_end', contentIndex: 0, content: said, partial };
           yield { type: 'done', reason: 'stop', message: { ...partial, stopReason: 'stop' } };
         })();
       } });
       pi.registerProvider('broken', { baseUrl: 'https://own.example', apiKey: 'none', api: 'own-wire', models: [${MODEL}], streamSimple: async function* () { yield { type: 'text_delta' }; } });
       pi.registerProvider('silent', { baseUrl: 'https://own.example', apiKey: 'none', api: 'own-wire', models: [${MODEL}], streamSimple: async function* () { throw new Error('the line is dead'); } });`,
      ['provider:own.example', 'secret:LOCAL_KEY@own.example'],
    );
    use(scene, 'own/small');
    await ask(scene.host, 'hello');
    expect(lastOf(scene)).toMatchObject({
      content: [{ type: 'text', text: 'small hello true' }],
      usage: { totalTokens: 7 },
      stopReason: 'stop',
      model: 'small',
    });
    const deltas = scene.events.flatMap((event) =>
      event.type === 'message_update' && event.assistantMessageEvent.type === 'text_delta' ? [event.assistantMessageEvent.delta] : [],
    );
    expect(deltas.join('')).toBe('small hello true');
    use(scene, 'broken/small');
    await ask(scene.host, 'go');
    expect(lastOf(scene)).toMatchObject({ stopReason: 'error', errorMessage: expect.stringMatching(/cannot be read/) });
    use(scene, 'silent/small');
    await ask(scene.host, 'go');
    expect(lastOf(scene)).toMatchObject({ stopReason: 'error', errorMessage: expect.stringMatching(/the line is dead/) });
  });

  it('runs a command for its key only with the permission for it', async () => {
    await using server = await startCompletionsServer([{ text: 'fine' }]);
    const body = `pi.registerProvider('local', { baseUrl: '${server.baseUrl}', apiKey: '!git version', api: 'openai-completions', models: [${MODEL}] });`;
    const without = await withProvider(body, [HERE]);
    use(without, 'local/small');
    await ask(without.host, 'go');
    expect(lastOf(without)).toMatchObject({ stopReason: 'error', errorMessage: expect.stringMatching(/git version/) });
    expect(server.requests).toEqual([]);
    await without[Symbol.asyncDispose]();
    const allowed = await withProvider(body, [HERE, 'exec:git version']);
    use(allowed, 'local/small');
    await ask(allowed.host, 'go');
    expect(server.requests[0]?.headers['authorization']).toMatch(/^Bearer git version \d/);
  });

  it('says what it cannot have', async () => {
    const scene = await withProvider(
      `pi.registerProvider('openai', { baseUrl: 'https://a.example', oauth: { name: 'x', login: () => undefined } });
       pi.registerProvider('empty', { baseUrl: 'https://a.example' });
       pi.registerProvider('odd', { baseUrl: 'https://a.example', api: 'smoke-signals', apiKey: 'x', models: [${MODEL}] });
       pi.registerProvider('plain', { baseUrl: 'http://a.example', api: 'openai-completions', apiKey: 'x', models: [${MODEL}] });
       pi.registerProvider('__proto__', { baseUrl: 'https://a.example', api: 'openai-completions', apiKey: 'x', models: [${MODEL}] });
       pi.registerProvider('open ai', { baseUrl: 'https://a.example', api: 'openai-completions', apiKey: 'x', models: [${MODEL}] });
       pi.registerProvider('names', { baseUrl: 'https://a.example', api: 'openai-completions', apiKey: 'x', models: [{ ...${MODEL}, id: 'a\\u001b[2Jb' }, { ...${MODEL}, id: 'good', name: 'a\\u001b]0;b\\u202ec' }] });`,
      ['provider:a.example'],
    );
    for (const words of [
      /`openai` is a provider that Dash logs in to itself/,
      /`empty` describes no models/,
      /does not speak `smoke-signals`/,
      /without encryption/,
      /`open ai` is no name of a provider/,
      /`names`: `a\?\[2Jb` is no id of a model/,
    ])
      expect(warnings(scene)).toMatch(words);
    const offered = scene.host.models.filter(({ provider }) => provider !== 'openai');
    expect(offered.map(({ provider, id, name }) => [provider, id, name])).toEqual([
      ['scripted', expect.any(String), expect.any(String)],
      ['names', 'good', 'a ]0;b c'],
    ]);
  });

  it('leaves what the user described to the user, and a name to the package that had it first', async () => {
    const describes = (host: string) =>
      `export default (pi) => pi.registerProvider('mine', { baseUrl: 'https://${host}', apiKey: 'x', api: 'openai-completions', models: [${MODEL}] });`;
    const dashHome = await mkdtemp(join(tmpdir(), 'dash-home-'));
    try {
      const packages = [
        { name: 'first', text: describes('a.example'), granted: ['provider:a.example'] },
        { name: 'second', text: describes('b.example'), granted: ['provider:b.example'] },
      ];
      world = await startSandboxedHost({ turns: [] }, packages, { dashHome });
      expect(world.host.models.filter(({ provider }) => provider === 'mine')).toMatchObject([{ baseUrl: 'https://a.example', package: 'first' }]);
      expect(warnings(world)).toMatch(/`second` describes the provider `mine`, which there is already; the one of `first` counts/);
      await world[Symbol.asyncDispose]();
      const own = { id: 'mine', baseUrl: 'http://127.0.0.1:9', api: 'openai-completions', models: [{ id: 'own' }] };
      await writeFile(join(dashHome, 'models.json'), JSON.stringify({ providers: [own] }));
      world = await startSandboxedHost({ turns: [] }, packages, { dashHome });
      expect(world.host.models.filter(({ provider }) => provider === 'mine')).toEqual([]);
      expect(warnings(world)).toMatch(/`first` describes the provider `mine`, which there is already; that of your `models.json` counts/);
    } finally {
      await rm(dashHome, { recursive: true, force: true });
    }
  });
});

describe('the plan of a provider', () => {
  const known = {
    ...JSON.parse(
      JSON.stringify({
        id: 'a',
        name: 'A',
        provider: 'x',
        api: 'openai-completions',
        baseUrl: 'https://x.example/v1',
        reasoning: true,
        input: ['text'],
        cost: { input: 1, output: 2, cacheRead: 0, cacheWrite: 0 },
        contextWindow: 5,
        maxTokens: 3,
      }),
    ),
  };

  it('changes only the address where it has no models of its own', () => {
    const { models } = planProvider({ name: 'x', baseUrl: 'https://proxy.example' }, { known: [known] });
    expect(models).toMatchObject([{ host: 'proxy.example', info: { id: 'a', baseUrl: 'https://proxy.example', contextWindow: 5, reasoning: true } }]);
  });

  it('takes the address and the wire of the provider whose name it uses', () => {
    const { models } = planProvider({ name: 'x', models: [{ id: 'b' }] }, { known: [known] });
    expect(models).toMatchObject([{ host: 'x.example', wire: 'openai-completions', info: { id: 'b', contextWindow: 128_000, cost: { input: 0 } } }]);
  });
});
