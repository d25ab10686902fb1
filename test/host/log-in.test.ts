import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { openModels } from '../../host/index.ts';
import { readCredentials } from '../../host/model/credentials.ts';
import type { OAuthClient } from '../../host/model/custom-providers.ts';
import { freshToken, keepKey, logInByBrowser, loginWay } from '../../host/model/log-in.ts';
import type { LoginStep } from '../../host/model/oauth.ts';
import { PROVIDERS, REFUSED } from '../../host/model/providers.ts';
import { userMessage } from '../../host/loop/transcript.ts';
import { startCompletionsServer } from '../support/completions-server.ts';
import { type Answer, startOAuthServer } from '../support/oauth-server.ts';

const homes: string[] = [];
afterEach(async () => {
  for (const home of homes.splice(0)) await rm(home, { recursive: true, force: true });
});

/** A home whose `models.json` describes a provider with a client of the user's own. */
async function homeWith(oauth: Partial<OAuthClient> & { readonly tokenUrl: string }, baseUrl = 'http://127.0.0.1:9/v1'): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'dash-home-'));
  homes.push(home);
  const provider = { id: 'company', baseUrl, api: 'openai-completions', oauth: { clientId: 'ours', ...oauth }, models: [{ id: 'm' }] };
  await writeFile(join(home, 'models.json'), JSON.stringify({ providers: [provider] }));
  return home;
}

const company = (oauth: OAuthClient) => ({ id: 'company', baseUrl: 'http://127.0.0.1:9', api: 'openai-completions' as const, oauth, models: [{ id: 'm' }] });
const never = new AbortController().signal;

describe('a login with a device code', () => {
  it('shows where to type it, waits as it is told, and keeps the token where only its owner reads it', async () => {
    const answers: readonly Answer[] = [
      () => ({ device_code: 'd', user_code: 'WDJB-MJHT', verification_uri: 'https://example.com/device', interval: 0, expires_in: 60 }),
      () => ({ error: 'authorization_pending' }),
      () => ({ access_token: 'the-token', refresh_token: 'the-refresh', expires_in: 3600 }),
    ];
    await using server = await startOAuthServer(...answers);
    const home = await homeWith({ deviceUrl: `${server.url}/device`, tokenUrl: `${server.url}/token`, scope: 'models' });
    const steps: LoginStep[] = [];
    await logInByBrowser(home, 'company', { signal: never, show: (step) => void steps.push(step) });
    expect(steps).toEqual([{ kind: 'code', url: 'https://example.com/device', code: 'WDJB-MJHT' }]);
    expect(server.forms).toMatchObject([
      { path: '/device', client_id: 'ours', scope: 'models' },
      { path: '/token', device_code: 'd', client_id: 'ours' },
      { path: '/token', grant_type: 'urn:ietf:params:oauth:grant-type:device_code' },
    ]);
    expect((await readCredentials(home)).tokens['company']).toMatchObject({ access: 'the-token', refresh: 'the-refresh' });
    expect((await stat(join(home, 'credentials.json'))).mode & 0o777).toBe(0o600);
  });

  it.each<[string, Answer, RegExp]>([
    ['was refused', () => ({ error: 'access_denied', error_description: 'not you' }), /access_denied, not you/],
    ['has ended', () => ({ error: 'expired_token' }), /expired_token/],
    ['is answered with something else', () => ({ token: 'x' }), /something else than a token/],
  ])('says so where it %s, and keeps nothing', async (_, answer, message) => {
    await using server = await startOAuthServer(
      () => ({ device_code: 'd', user_code: 'c', verification_uri: 'https://example.com', interval: 0, expires_in: 60 }),
      answer,
    );
    const home = await homeWith({ deviceUrl: server.url, tokenUrl: server.url });
    await expect(logInByBrowser(home, 'company', { signal: never, show: () => undefined })).rejects.toThrow(message);
    expect((await readCredentials(home)).tokens).toEqual({});
  });

  it('takes no address that could be read on the way, and none that opens something else than a page', async () => {
    const home = await homeWith({ deviceUrl: 'http://example.com/device', tokenUrl: 'https://example.com/token' });
    await expect(loginWay(home, 'company')).rejects.toMatchObject({ code: 'SETTINGS_INVALID' });
    await using server = await startOAuthServer(() => ({ device_code: 'd', user_code: 'c', verification_uri: 'file:///bin/sh', interval: 0, expires_in: 60 }));
    const other = await homeWith({ deviceUrl: server.url, tokenUrl: server.url });
    await expect(logInByBrowser(other, 'company', { signal: never, show: () => undefined })).rejects.toMatchObject({ code: 'LOGIN_FAILED' });
  });
});

describe('a login in a browser', () => {
  it('comes back to this machine with a code that only this login can redeem', async () => {
    await using server = await startOAuthServer(() => ({ access_token: 'the-token' }));
    const home = await homeWith({ authorizeUrl: `${server.url}/authorize?tenant=1`, tokenUrl: `${server.url}/token` });
    const opened = Promise.withResolvers<URL>();
    const login = logInByBrowser(home, 'company', { signal: never, show: ({ url }) => opened.resolve(new URL(url)) });
    const asked = (await opened.promise).searchParams;
    expect(Object.fromEntries(asked)).toMatchObject({ tenant: '1', response_type: 'code', client_id: 'ours', code_challenge_method: 'S256' });
    const back = asked.get('redirect_uri') ?? '';
    expect(back).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/callback$/);
    // somebody else who finds the port ends nothing
    for (const wrong of [`${back}?code=evil`, `${back}?code=evil&state=guess`, back.replace('callback', '')]) expect((await fetch(wrong)).status).toBe(404);
    expect((await fetch(`${back}?code=good&state=${asked.get('state')}`)).status).toBe(200);
    await login;
    const [form] = server.forms;
    expect(form).toMatchObject({ grant_type: 'authorization_code', code: 'good', redirect_uri: back, client_id: 'ours' });
    const challenge = createHash('sha256')
      .update(form?.['code_verifier'] ?? '')
      .digest('base64url');
    expect(challenge).toBe(asked.get('code_challenge'));
    expect((await readCredentials(home)).tokens).toEqual({ company: { access: 'the-token' } });
  });

  it('ends when it is stopped, and when the user refuses', async () => {
    const home = await homeWith({ authorizeUrl: 'https://example.com/authorize', tokenUrl: 'https://example.com/token' });
    const stop = new AbortController();
    await expect(logInByBrowser(home, 'company', { signal: stop.signal, show: () => stop.abort() })).rejects.toMatchObject({ code: 'INTERRUPTED' });
    const refuse = async (url: string): Promise<void> => {
      const { searchParams } = new URL(url);
      await fetch(`${searchParams.get('redirect_uri')}?error=access_denied&state=${searchParams.get('state')}`);
    };
    const login = logInByBrowser(home, 'company', { signal: never, show: ({ url }) => void refuse(url) });
    await expect(login).rejects.toMatchObject({ code: 'LOGIN_FAILED', message: expect.stringContaining('access_denied') });
  });
});

describe('a token', () => {
  const ended = { access: 'old', refresh: 'r1', expires: 0 };
  const keep = (home: string, token: object): Promise<void> =>
    writeFile(join(home, 'credentials.json'), JSON.stringify({ version: 1, keys: { openai: 'k' }, tokens: { company: token } }));

  it('that has ended is brought up to date once, however many ask for it', async () => {
    await using server = await startOAuthServer(({ refresh_token: spent }) =>
      spent === 'r1' ? { access_token: 'new', refresh_token: 'r2', expires_in: 3600 } : { error: 'invalid_grant' },
    );
    const client = { clientId: 'ours', tokenUrl: server.url };
    const home = await homeWith(client);
    await keep(home, ended);
    expect(await Promise.all([1, 2, 3, 4].map(() => freshToken(home, company(client))))).toEqual(['new', 'new', 'new', 'new']);
    expect(server.forms).toHaveLength(1);
    expect(JSON.parse(await readFile(join(home, 'credentials.json'), 'utf8'))).toMatchObject({ keys: { openai: 'k' }, tokens: { company: { refresh: 'r2' } } });
  });

  it('that the provider does not renew asks for a login, and the request names it', async () => {
    await using server = await startOAuthServer(() => ({ error: 'invalid_grant' }));
    const home = await homeWith({ tokenUrl: server.url });
    await keep(home, ended);
    const port = await openModels({ reference: 'company/m', dashHome: home, env: {} });
    const model = (await port.models()).find(({ provider }) => provider === 'company');
    if (model === undefined) throw new Error('the provider is not listed');
    const [event] = await Array.fromAsync(port.stream(model, { systemPrompt: '', tools: [], messages: [userMessage('hello')] }, {}));
    expect(event).toMatchObject({ type: 'error', error: { errorMessage: expect.stringContaining('invalid_grant') } });
  });

  it('is what a request carries', async () => {
    await using models = await startCompletionsServer([{ text: 'ok' }]);
    const home = await homeWith({ tokenUrl: 'https://example.com/token' }, models.baseUrl);
    await keep(home, { access: 'the-token' });
    const port = await openModels({ reference: 'company/m', dashHome: home, env: {} });
    const model = (await port.models()).find(({ provider }) => provider === 'company');
    if (model === undefined) throw new Error('the provider is not listed');
    await Array.fromAsync(port.stream(model, { systemPrompt: '', tools: [], messages: [userMessage('hello')] }, {}));
    expect(models.requests[0]?.headers).toMatchObject({ authorization: 'Bearer the-token', 'user-agent': 'dash-agent' });
  });
});

describe('nobody is impersonated', () => {
  it('logins under the name of another program are refused with the reason', async () => {
    const home = await homeWith({ tokenUrl: 'https://example.com/token' });
    for (const id of ['github-copilot', 'openai-codex', 'radius'])
      expect(await loginWay(home, id)).toMatchObject({ kind: 'refused', reason: expect.stringMatching(/client id/) });
    for (const id of ['anthropic', 'xai', 'meta', 'kimi-coding'])
      expect(await loginWay(home, id)).toMatchObject({ kind: 'key', alsoBrowser: false, noBrowser: REFUSED.get(id) });
    expect(await loginWay(home, 'openrouter')).toEqual({ kind: 'key', alsoBrowser: true });
  });

  it('every login in a browser that the library beneath offers was looked at', async () => {
    const offered = (await Promise.all(PROVIDERS.map(({ load }) => load()))).filter(({ auth }) => auth.oauth !== undefined).map(({ id }) => id);
    expect(offered.filter((id) => !REFUSED.has(id))).toEqual(['openrouter']);
  });

  it('the token of a subscription is neither kept nor sent', async () => {
    const home = await homeWith({ tokenUrl: 'https://example.com/token' });
    await expect(keepKey(home, 'anthropic', 'sk-ant-oat01-x')).rejects.toMatchObject({ code: 'LOGIN_REFUSED' });
    const port = await openModels({ reference: 'anthropic/', dashHome: home, env: { ANTHROPIC_API_KEY: 'sk-ant-oat01-x' } });
    const model = (await port.models()).find(({ provider }) => provider === 'anthropic');
    if (model === undefined) throw new Error('the provider is not listed');
    const [event] = await Array.fromAsync(port.stream(model, { systemPrompt: '', tools: [], messages: [userMessage('hello')] }, {}));
    expect(event).toMatchObject({ type: 'error', error: { errorMessage: expect.stringContaining('Claude Code') } });
  });
});
