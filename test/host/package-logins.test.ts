import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Host, UserInterface } from '../../host/index.ts';
import { withoutUser } from '../../host/index.ts';
import { chooseModel } from '../../host/model/choose-model.ts';
import { changeShelf, readShelf } from '../../host/model/provider-shelf.ts';
import { startCompletionsServer } from '../support/completions-server.ts';
import { ask } from '../support/in-test-host.ts';
import { type Answer, startOAuthServer } from '../support/oauth-server.ts';
import { type SandboxedHost, type Source, startSandboxedHost } from '../support/sandboxed-host.ts';

const MODEL = `{ id: 'small', name: 'Small', reasoning: false, input: ['text'], cost: { input: 1, output: 2, cacheRead: 0, cacheWrite: 0 }, contextWindow: 1000, maxTokens: 100 }`;
const SENDING = 'provider:127.0.0.1';
const net = (url: string): string => `net:${new URL(url).host}`;
const never = new AbortController().signal;

let dashHome: string;
let world: SandboxedHost | undefined;
beforeEach(async () => {
  dashHome = await mkdtemp(join(tmpdir(), 'dash-home-'));
});
afterEach(async () => {
  await world?.[Symbol.asyncDispose]();
  world = undefined;
  await rm(dashHome, { recursive: true, force: true });
});

/** Who is asked by a login: what was shown, and what is typed. */
function user(...typed: readonly (string | undefined)[]): { readonly ui: UserInterface; readonly shown: string[] } {
  const shown: string[] = [];
  const answers = [...typed];
  const answer = (what: string, by: string | undefined): string | undefined => {
    shown.push(`${by} asks ${what}`);
    return answers.shift();
  };
  const ui: UserInterface = {
    ...withoutUser('rpc', () => undefined),
    hasUI: true,
    notify: (message, _level, by) => void shown.push(`${by} says ${message}`),
    input: async (title, _placeholder, { by, isSecret }) => answer(`${title}${isSecret === true ? ' (unheard)' : ''}`, by),
    select: async (title, choices, { by }) => answer(`${title} ${choices.join('/')}`, by),
  };
  return { ui, shown };
}

async function start(sources: readonly Source[], ui: UserInterface = user().ui): Promise<Host> {
  world = await startSandboxedHost({ turns: [{ text: 'scripted' }], repeat: true }, sources, { dashHome, ui });
  return world.host;
}

const warnings = (host: Host): string => host.diagnostics.map(({ message }) => message).join('\n');
const providersOf = (host: Host): string[] => [...new Set(host.models.map(({ provider }) => provider))];
const lastOf = (host: Host) => host.conversation.messages.at(-1);

/** pi's `oauth`, with the ways of its examples: a code that is pasted, a form that is posted. */
const oauth = (tokens: string, more = ''): string => `{
  name: 'Company',
  async login({ onAuth, onPrompt, onSelect, onProgress, onDeviceCode, signal }) {
    onAuth({ url: '${tokens.replace('http://127.0.0.1', 'https://127.0.0.1')}/authorize?challenge=x', instructions: 'allow it' });
    const account = await onSelect({ message: 'which account?', options: [{ id: 'w', label: 'work' }, { id: 'h', label: 'home' }] });
    const code = await onPrompt({ message: 'paste the code' });
    onProgress('one moment');
    const answer = await (await fetch('${tokens}/token', { method: 'POST', body: new URLSearchParams({ code, account }) })).json();
    if (answer.error) throw new Error(answer.error);
    return { access: answer.access_token, refresh: answer.refresh_token, expires: Date.now() + answer.expires_in * 1000, account };
  },
  async refreshToken(login, signal) {
    const answer = await (await fetch('${tokens}/token', { method: 'POST', body: new URLSearchParams({ refresh: login.refresh }), signal })).json();
    if (answer.error) throw new Error(answer.error);
    return { access: answer.access_token, refresh: answer.refresh_token, expires: Date.now() + answer.expires_in * 1000 };
  },
  getApiKey: (login) => login.access + '@' + login.account,
  ${more}
}`;
const company = (baseUrl: string, tokens: string, more = ''): string =>
  `export default (pi) => { pi.registerProvider('company', { baseUrl: '${baseUrl}', api: 'openai-completions', models: [${MODEL}], oauth: ${oauth(tokens)}, ${more} }); };`;

const first: Answer = () => ({ access_token: 'token-1', refresh_token: 'again-1', expires_in: 3600 });

describe('a login at a provider of a package', () => {
  it('is made by the package, kept for it alone, and opens its models', async () => {
    await using tokens = await startOAuthServer(first);
    await using server = await startCompletionsServer([{ text: 'fine' }]);
    const { ui, shown } = user('home', 'the-code');
    const host = await start([{ name: 'p', text: company(server.baseUrl, tokens.url), granted: [SENDING, net(tokens.url)] }], ui);
    expect(providersOf(host)).toEqual(['scripted']);
    expect(warnings(host)).toMatch(/`company` has to be logged in to: `dash login company`/);
    expect(await host.providers.places()).toEqual([{ provider: 'company', package: 'p', isLoggedIn: false }]);

    await host.providers.logIn('company', never);
    expect(shown).toEqual([
      expect.stringMatching(/^p says log in to company: allow it\nopen https:\/\/127\.0\.0\.1:\d+\/authorize\?challenge=x$/),
      'p asks log in to company: which account? work/home',
      'p asks log in to company: paste the code (unheard)',
      'p says log in to company: one moment',
    ]);
    expect(tokens.forms).toMatchObject([{ path: '/token', code: 'the-code', account: 'h' }]);
    const [file = ''] = await readdir(join(dashHome, 'providers'));
    expect((await stat(join(dashHome, 'providers', file))).mode & 0o777).toBe(0o600);

    await host.refreshModels();
    expect(host.models.find(({ provider }) => provider === 'company')).toMatchObject({ id: 'small', package: 'p' });
    host.conversation.setModel(chooseModel(host.models, 'company/small'));
    await ask(host, 'go');
    expect(lastOf(host)).toMatchObject({ stopReason: 'stop' });
    expect(server.requests[0]?.headers).toMatchObject({ authorization: 'Bearer token-1@h' });

    expect(await host.providers.logOut('company')).toBe(true);
    expect(await readdir(join(dashHome, 'providers'))).toEqual([]);
    await host.refreshModels();
    expect(providersOf(host)).toEqual(['scripted']);
    expect(await host.providers.logOut('company')).toBe(false);
  });

  it('is brought up to date by the package before it ends, and what it kept beside the token stays', async () => {
    await using tokens = await startOAuthServer((form) => ({ access_token: `after-${form['refresh']}`, refresh_token: 'again-2', expires_in: 3600 }));
    await using server = await startCompletionsServer([{ text: 'fine' }, { text: 'fine' }]);
    const host = await start([{ name: 'p', text: company(server.baseUrl, tokens.url), granted: [SENDING, net(tokens.url)] }]);
    await changeShelf(dashHome, 'name:p', 'company', async () => ({
      login: { access: 'old', refresh: 'again-1', expires: Date.now(), account: 'w' } as never,
    }));
    await host.refreshModels();
    host.conversation.setModel(chooseModel(host.models, 'company/small'));
    await ask(host, 'go');
    await ask(host, 'go on');
    expect(server.requests.map(({ headers }) => headers['authorization'])).toEqual(['Bearer after-again-1@w', 'Bearer after-again-1@w']);
    expect(tokens.forms).toHaveLength(1);
    expect((await readShelf(dashHome, 'name:p')).get('company')?.login).toMatchObject({ access: 'after-again-1', refresh: 'again-2', account: 'w' });
  });

  it('sends no token of another program that a package kept beside its own', async () => {
    await using tokens = await startOAuthServer();
    await using server = await startCompletionsServer([{ text: 'fine' }, { text: 'fine' }]);
    const host = await start([{ name: 'p', text: company(server.baseUrl, tokens.url), granted: [SENDING, net(tokens.url)] }]);
    const keep = (account: string) =>
      changeShelf(dashHome, 'name:p', 'company', async () => ({ login: { access: 'own', expires: Date.now() + 3_600_000, account } as never }));
    await keep('w');
    await host.refreshModels();
    host.conversation.setModel(chooseModel(host.models, 'company/small'));
    await ask(host, 'go');
    await keep('sk-ant-oat-1');
    await ask(host, 'go on').catch(() => undefined);
    expect(server.requests.map(({ headers }) => headers['authorization'])).toEqual(['Bearer own@w']);
  });

  it('says what failed, keeps nothing of it, and never a token of another program', async () => {
    await using tokens = await startOAuthServer(
      () => ({ error: 'not you' }),
      () => ({ access_token: 'sk-ant-oat-1', refresh_token: 'r', expires_in: 60 }),
      () => ({ access_token: { nested: true }, expires_in: 60 }),
    );
    const { ui } = user('work', 'code', 'work', 'code', 'work', 'code', 'work', undefined);
    const host = await start([{ name: 'p', text: company('https://api.example', tokens.url), granted: [net(tokens.url), 'provider:api.example'] }], ui);
    await expect(host.providers.logIn('company', never)).rejects.toMatchObject({ code: 'LOGIN_FAILED', message: expect.stringMatching(/not you/) });
    await expect(host.providers.logIn('company', never)).rejects.toMatchObject({ code: 'LOGIN_REFUSED' });
    await expect(host.providers.logIn('company', never)).rejects.toMatchObject({ code: 'LOGIN_FAILED', message: expect.stringMatching(/something else/) });
    await expect(host.providers.logIn('company', never)).rejects.toMatchObject({ code: 'LOGIN_FAILED', message: expect.stringMatching(/nothing was typed/) });
    await expect(host.providers.logIn('nobody', never)).rejects.toMatchObject({ code: 'USAGE' });
    expect(await host.providers.places()).toMatchObject([{ isLoggedIn: false }]);
  });

  it('goes with pi-ai\u2019s own form of a provider, whose login may name an address', async () => {
    await using server = await startCompletionsServer([{ text: 'fine' }]);
    const text = `export default (pi) => { pi.registerProvider({ id: 'whole', name: 'Whole', baseUrl: 'https://api.example', api: 'openai-completions',
      getModels: () => [{ ...${MODEL}, provider: 'whole', api: 'openai-completions', baseUrl: 'https://api.example' }],
      auth: { oauth: { name: 'Whole',
        async login({ prompt, notify }) {
          notify({ type: 'device_code', userCode: 'AB-12', verificationUri: 'https://api.example/device' });
          return { type: 'oauth', access: await prompt({ type: 'text', message: 'token' }), refresh: '', expires: Date.now() + 3600000 };
        },
        async refresh(credential) { return credential; },
        async toAuth({ type, access }) { return { apiKey: '!' + type + '$' + access, baseUrl: '${server.baseUrl}', headers: { 'x-a': '$HOME', 'x-b': null } }; },
      } } }); };`;
    const { ui, shown } = user('t');
    const host = await start([{ name: 'p', text, granted: ['provider:api.example', 'provider:127.0.0.1'] }], ui);
    await host.providers.logIn('whole', never);
    expect(shown[0]).toBe('p says log in to whole: open https://api.example/device on any machine, and type AB-12');
    await host.refreshModels();
    host.conversation.setModel(chooseModel(host.models, 'whole/small'));
    await ask(host, 'go');
    // what a token looks like is never read as the name of a variable, or as a command
    expect(server.requests[0]?.headers).toMatchObject({ authorization: 'Bearer !oauth$t', 'x-a': '$HOME' });
  });

  it('gives its key to the package\u2019s own wire', async () => {
    const text = `export default (pi) => { pi.registerProvider('own', { baseUrl: 'https://own.example', api: 'own-wire', models: [${MODEL}],
      oauth: { name: 'x', login: async () => ({ access: 'own-token', refresh: '', expires: Date.now() + 3600000 }), refreshToken: async (l) => l, getApiKey: (l) => l.access },
      streamSimple: async function* (model, context, options) {
        const usage = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, totalTokens: 0, cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, total: 0 } };
        yield { type: 'done', reason: 'stop', message: { role: 'assistant', content: [{ type: 'text', text: 'with ' + options.apiKey }], usage, stopReason: 'stop' } };
      } }); };`;
    const host = await start([{ name: 'p', text, granted: ['provider:own.example'] }]);
    await host.providers.logIn('own', never);
    host.conversation.setModel(chooseModel(await host.refreshModels(), 'own/small'));
    await ask(host, 'go');
    expect(lastOf(host)).toMatchObject({ content: [{ type: 'text', text: 'with own-token' }] });
  });
});

describe('a provider that looks its models up', () => {
  const text = (server: string): string => `export default (pi) => { pi.registerProvider('live', { baseUrl: '${server}', api: 'openai-completions', apiKey: 'k',
    async refreshModels({ stored, signal, allowNetwork, publish }) {
      const { names } = await (await fetch('${server}/names', { method: 'POST', body: '', signal })).json();
      await publish({ persist: { models: [] } });
      return names.map((id) => ({ ...${MODEL}, id: id + stored.models.length }));
    } }); };`;

  it('has them there when it was asked, and the next agent has them without asking', async () => {
    await using server = await startOAuthServer(() => ({ names: ['a', 'b'] }));
    const packages = [{ name: 'p', text: text(server.url), granted: [SENDING, net(server.url)] }];
    const host = await start(packages);
    expect(warnings(host)).toMatch(/`live` has not looked its models up yet: `dash models --refresh`/);
    expect(await host.providers.lookUpModels({ olderThanMs: 60_000, signal: never })).toEqual([]);
    expect((await host.refreshModels()).map(({ id }) => id)).toEqual([expect.any(String), 'a0', 'b0']);
    expect(await host.providers.lookUpModels({ olderThanMs: 60_000, signal: never })).toEqual([]);
    expect(server.forms).toHaveLength(1);
    await host.providers.lookUpModels({ olderThanMs: 0, signal: never });
    await world?.[Symbol.asyncDispose]();
    const later = await start(packages);
    expect(later.models.map(({ provider, id }) => [provider, id])).toContainEqual(['live', 'a2']);
    expect(world?.host.generation.extensions[0]?.sandboxed?.pid).toBeUndefined();
  });

  it('says why it could not, where it may not, and keeps what there was', async () => {
    await using server = await startOAuthServer(() => ({ names: [] }));
    const host = await start([{ name: 'p', text: text(server.url), granted: ['provider:127.0.0.1'] }]);
    const [problem] = await host.providers.lookUpModels({ olderThanMs: 0, signal: never });
    expect(problem?.message).toMatch(/the models of `live` could not be looked up: .*net:127\.0\.0\.1/s);
    expect(server.forms).toEqual([]);
  });
});
