import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as readAll } from 'node:stream/consumers';
import { afterAll, expect, it } from 'vitest';
import { makeLoopbackCertificate } from '../support/loopback-certificate.ts';
import { startOAuthServer } from '../support/oauth-server.ts';

const root = join(import.meta.dirname, '../..');
const base = mkdtempSync(join(tmpdir(), 'dash-login-cli-'));
const home = join(base, '.dash');
afterAll(() => rmSync(base, { recursive: true, force: true }));

function dash(args: readonly string[], { input = '', env = {} }: { readonly input?: string; readonly env?: Record<string, string> } = {}) {
  const { stdout, stderr, status } = spawnSync(process.execPath, [join(root, 'bin/dash.js'), ...args, '--json'], {
    cwd: base,
    env: { PATH: process.env['PATH'], HOME: base, DASH_HOME: home, ...env },
    encoding: 'utf8',
    input,
  });
  return { status, stdout, stderr, document: JSON.parse(stdout) };
}
const providers = (options = {}): string[] =>
  [...new Set(dash(['models'], options).document.models.map(({ provider }: { provider: string }) => provider))] as string[];

it('`dash login` keeps a key where only its owner reads it, `dash models` lists what it opens, `dash logout` forgets it', () => {
  expect(providers()).toEqual([]);
  expect(dash(['login', 'anthropic'], { input: 'sk-the-key\n' })).toMatchObject({ status: 0, document: { provider: 'anthropic', loggedIn: true } });
  const path = join(home, 'credentials.json');
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readFileSync(path, 'utf8')).toContain('sk-the-key');
  const listed = dash(['models', 'claude', 'sonnet']);
  expect(listed.document.models[0]).toMatchObject({ provider: 'anthropic', id: expect.stringContaining('sonnet') });
  expect(listed.stdout).not.toContain('sk-the-key');
  expect(providers({ env: { OPENAI_API_KEY: 'k' } })).toEqual(['anthropic', 'openai', 'auto']);
  expect(dash(['login', 'antropic'], { input: 'k' })).toMatchObject({ status: 2, document: { error: { hint: 'did you mean `anthropic`?' } } });
  expect(dash(['login', 'openai'])).toMatchObject({ status: 2, document: { error: { code: 'INPUT_REQUIRED' } } });
  // no tool of an agent logs in, out, or trusts
  for (const args of [['login', 'openai'], ['logout', 'anthropic'], ['trust'], ['trust', '--revoke']])
    expect(dash(args, { input: 'k', env: { DASH_TOOL_PROCESS: '1' } })).toMatchObject({ document: { error: { code: 'DELEGATED_CONSENT' } } });
  expect(dash(['logout', 'anthropic'])).toMatchObject({ status: 0 });
  expect(providers()).toEqual([]);
});

it('says which variable a model needs, and keeps a damaged file to itself', () => {
  mkdirSync(join(base, 'work'), { recursive: true });
  const { status, document } = dash(['-p', 'hello', '--model', 'openai/gpt-5.5']);
  expect(status).not.toBe(0);
  expect(document).toMatchObject({ error: { code: 'NO_MODEL', hint: 'set OPENAI_API_KEY, or run `dash login openai`' } });
  writeFileSync(join(home, 'credentials.json'), '{"version":1,"keys":{"openai":"sk-broken');
  const broken = dash(['models']);
  expect(broken).toMatchObject({ document: { error: { code: 'SETTINGS_INVALID' } } });
  expect(broken.stdout + broken.stderr).not.toContain('sk-broken');
});

/** A login that waits for somebody: what it has printed to stderr so far is looked through until `sought` is there. */
async function waiting(child: ChildProcess, sought: RegExp): Promise<RegExpExecArray> {
  let said = '';
  for await (const chunk of child.stderr ?? []) {
    said += String(chunk);
    const found = sought.exec(said);
    if (found !== null) return found;
  }
  throw new Error(`it ended and had said: ${said}`);
}

const start = (args: readonly string[], env: Record<string, string> = {}): ChildProcess =>
  spawn(process.execPath, [join(root, 'bin/dash.js'), ...args, '--json'], {
    cwd: base,
    env: { PATH: process.env['PATH'], HOME: base, DASH_HOME: home, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });

it("logs in with a device code where models.json describes a client of the user's own, and out again", async () => {
  await using server = await startOAuthServer(
    () => ({ device_code: 'd', user_code: 'WDJB-MJHT', verification_uri: 'https://example.com/device', interval: 0, expires_in: 60 }),
    () => ({ access_token: 'the-token' }),
  );
  mkdirSync(home, { recursive: true });
  rmSync(join(home, 'credentials.json'), { force: true });
  const oauth = { clientId: 'ours', deviceUrl: server.url, tokenUrl: server.url };
  writeFileSync(
    join(home, 'models.json'),
    JSON.stringify({ providers: [{ id: 'company', baseUrl: 'http://127.0.0.1:9/v1', api: 'openai-completions', oauth, models: [{ id: 'm' }] }] }),
  );
  expect(dash(['models']).document.providers[0]).toMatchObject({ id: 'company', missing: [], begun: true });
  const login = start(['login', 'company']);
  const ended = once(login, 'exit');
  await waiting(login, /open https:\/\/example\.com\/device on any machine, and type WDJB-MJHT/);
  login.stderr?.resume();
  expect(await ended).toEqual([0, null]);
  expect(statSync(join(home, 'credentials.json')).mode & 0o777).toBe(0o600);
  expect(providers()).toEqual(['company']);
  expect(dash(['logout', 'company'])).toMatchObject({ status: 0 });
  expect(readFileSync(join(home, 'credentials.json'), 'utf8')).not.toContain('the-token');
  rmSync(join(home, 'models.json'));
});

it('takes a key from OpenRouter through the browser', async () => {
  const { key, cert } = makeLoopbackCertificate('openrouter.ai');
  writeFileSync(join(base, 'ca.pem'), cert);
  const asked: string[] = [];
  const openrouter = createTlsServer({ key, cert }, (request, response) => {
    asked.push(`${request.method} ${request.headers.host}${request.url}`);
    void readAll(request).then((body) => {
      asked.push(body);
      response.end('{"key":"sk-or-given"}');
    });
  }).listen(0, '127.0.0.1');
  await once(openrouter, 'listening');
  // what Node takes for the way out leads back here
  const proxy = createServer().listen(0, '127.0.0.1');
  proxy.on('connect', (_, socket) => {
    const there = connect((openrouter.address() as AddressInfo).port, '127.0.0.1');
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    socket.pipe(there).pipe(socket);
    for (const each of [socket, there]) each.on('error', () => each.destroy());
  });
  await once(proxy, 'listening');
  try {
    const way = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    const login = start(['login', 'openrouter', '--browser'], {
      NODE_USE_ENV_PROXY: '1',
      HTTPS_PROXY: way,
      NO_PROXY: '127.0.0.1',
      NODE_EXTRA_CA_CERTS: join(base, 'ca.pem'),
    });
    const ended = once(login, 'exit');
    const [, address = ''] = await waiting(login, /open this on this machine: (https:\/\/openrouter\.ai\/auth\S+)/);
    login.stderr?.resume();
    const back = new URL(address).searchParams.get('callback_url') ?? '';
    expect((await fetch(`${back}?code=the-code`)).status).toBe(200);
    expect(await ended).toEqual([0, null]);
    expect(asked).toEqual(['POST openrouter.ai/api/v1/auth/keys', expect.stringContaining('"code":"the-code"')]);
    expect(providers()).toEqual(['openrouter']);
    expect(JSON.parse(readFileSync(join(home, 'credentials.json'), 'utf8')).keys).toEqual({ openrouter: 'sk-or-given' });
  } finally {
    openrouter.closeAllConnections();
    openrouter.close();
    proxy.closeAllConnections();
    proxy.close();
    dash(['logout', 'openrouter']);
  }
});

it('refuses a login under the name of another program, and says what can be done instead', () => {
  expect(dash(['login', 'github-copilot'])).toMatchObject({
    status: 1,
    document: { error: { code: 'LOGIN_REFUSED', message: expect.stringContaining('Copilot Chat') } },
  });
  expect(dash(['login', 'anthropic', '--browser'])).toMatchObject({
    document: { error: { code: 'LOGIN_REFUSED', hint: '`dash login anthropic` keeps an API key' } },
  });
  expect(dash(['login', 'groq', '--browser'])).toMatchObject({ status: 2, document: { error: { code: 'USAGE' } } });
  expect(dash(['-p', 'hello', '--model', 'openai-codex/gpt-5.5'])).toMatchObject({ document: { error: { code: 'NO_MODEL' } } });
});

it('says of a provider that is half there which variable is missing, and lists all with their prices', () => {
  const { document } = dash(['models'], {
    env: { CLOUDFLARE_API_KEY: 'k', AWS_ACCESS_KEY_ID: 'k', AZURE_OPENAI_API_KEY: 'k', AZURE_OPENAI_BASE_URL: 'http://127.0.0.1:9', GOOGLE_CLOUD_PROJECT: 'p' },
  });
  const begun = document.providers.filter((provider: { begun: boolean }) => provider.begun);
  expect(Object.fromEntries(begun.map(({ id, missing }: { id: string; missing: string[] }) => [id, missing]))).toEqual({
    'amazon-bedrock': ['AWS_SECRET_ACCESS_KEY'],
    'cloudflare-workers-ai': ['CLOUDFLARE_ACCOUNT_ID'],
    'cloudflare-ai-gateway': ['CLOUDFLARE_ACCOUNT_ID', 'CLOUDFLARE_GATEWAY_ID'],
    'google-vertex': ['GOOGLE_CLOUD_LOCATION'],
  });
  expect(new Set(document.models.map(({ provider }: { provider: string }) => provider))).toEqual(new Set(['azure-openai-responses']));
  const all = dash(['models', '--all', 'claude', 'sonnet-5']).document;
  expect(all.models.find(({ provider }: { provider: string }) => provider === 'anthropic')).toMatchObject({
    missing: ['ANTHROPIC_API_KEY'],
    cost: { input: expect.any(Number) },
  });
  expect(all.models.some(({ provider }: { provider: string }) => provider === 'amazon-bedrock')).toBe(true);
  expect(all.refused).toContainEqual({ id: 'github-copilot', reason: expect.stringContaining('client id') });
});

it('logs in through a package, whose models are listed with its name, and out again', async () => {
  await using server = await startOAuthServer(() => ({ access_token: 'the-token', names: ['seen'] }));
  const directory = join(base, 'gateway');
  mkdirSync(directory, { recursive: true });
  writeFileSync(
    join(directory, 'package.json'),
    JSON.stringify({ name: 'gateway', version: '1.0.0', keywords: ['dash-package'], dash: { extensions: ['index.ts'] } }),
  );
  writeFileSync(
    join(directory, 'index.ts'),
    `const SERVER = '${server.url}';
     const model = (id) => ({ id, name: id, reasoning: false, input: ['text'], cost: { input: 1, output: 2, cacheRead: 0, cacheWrite: 0 }, contextWindow: 1000, maxTokens: 100 });
     const post = async (path) => (await fetch(SERVER + path, { method: 'POST', body: '' })).json();
     export default (pi) => pi.registerProvider('gateway', { baseUrl: SERVER, api: 'openai-completions', models: [model('described')],
       oauth: {
         name: 'Gateway',
         async login({ onDeviceCode }) {
           onDeviceCode({ userCode: 'WDJB-MJHT', verificationUri: 'https://example.com/device' });
           return { access: (await post('/token')).access_token, refresh: '', expires: Date.now() + 3600000 };
         },
         refreshToken: async (login) => login,
         getApiKey: (login) => login.access,
       },
       refreshModels: async ({ credential }) => (await post('/models?' + credential.access)).names.map(model),
     });`,
  );
  const grants = ['provider:127.0.0.1', `net:${new URL(server.url).host}`].flatMap((permission) => ['--grant', permission]);
  expect(dash(['install', directory, '--yes', ...grants])).toMatchObject({ status: 0 });
  expect(dash(['models']).document.diagnostics).toMatchObject([{ code: 'PROVIDER_NOT_OFFERED', message: expect.stringContaining('`dash login gateway`') }]);
  expect(dash(['login', 'gatewy'])).toMatchObject({ status: 2, document: { error: { hint: 'did you mean `gateway`?' } } });
  expect(dash(['login', 'gateway'], { env: { DASH_TOOL_PROCESS: '1' } })).toMatchObject({ document: { error: { code: 'DELEGATED_CONSENT' } } });
  const login = start(['login', 'gateway']);
  const ended = once(login, 'exit');
  await waiting(login, /gateway \| log in to gateway: open https:\/\/example\.com\/device on any machine, and type WDJB-MJHT/);
  login.stderr?.resume();
  expect(await ended).toEqual([0, null]);
  expect(server.forms.map(({ path }) => path)).toEqual(['/token', '/models?the-token']);
  expect(dash(['models']).document.models).toMatchObject([{ provider: 'gateway', id: 'seen', package: 'gateway' }]);
  // not waited for by the thread: the server that it asks is in this process
  expect(await once(start(['models', '--refresh']), 'exit')).toEqual([0, null]);
  expect(server.forms).toHaveLength(3);
  expect(dash(['logout', 'gateway'])).toMatchObject({ status: 0 });
  expect(providers()).toEqual([]);
  expect(dash(['remove', 'gateway', '--purge'])).toMatchObject({ status: 0 });
});
