import { randomBytes } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import type { IncomingMessage, RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { parsePermissionSet } from '../../format/index.ts';
import { listSecrets, readSecret, removeSecret, setSecret } from '../../registry/index.ts';
import { PrivateStorage } from '../../sandbox/private-storage.ts';
import { fixedAuthority } from '../../sandbox/authority.ts';
import { Broker } from '../../sandbox/broker.ts';
import type { Denial } from '../../sandbox/extension.ts';
import { createSecretHandles } from '../../sandbox/secret-handles.ts';
import { BIN, environment, run } from '../../scripts/demo/stage.ts';
import { selfSignedCertificate } from '../support/certificate.ts';
import { startJourney } from '../support/journey.ts';
import { leaseOf } from '../support/lease.ts';
import { recordingPorts } from '../support/sandbox-fixture.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { NO_SURFACES } from '../support/no-surfaces.ts';

/** A secret that looks different in every encoding. */
const VALUE = 'tök/en+"pa?ss\\word=91';

let server: Server;
let port = 0;
const hits: { readonly url: string; readonly headers: IncomingMessage['headers'] }[] = [];
let route: RequestListener = (_request, response) => void response.end('ok');
const trusted = getCACertificates('default');

beforeAll(async () => {
  const pair = selfSignedCertificate();
  setDefaultCACertificates([...trusted, pair.cert]);
  server = createServer(pair, (request, response) => {
    hits.push({ url: request.url ?? '', headers: request.headers });
    route(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
beforeEach(() => {
  hits.length = 0;
  route = (_request, response) => void response.end('ok');
});
afterAll(async () => {
  setDefaultCACertificates([...trusted]);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** A guest that has taken over its own runtime, with the handle that stands in its environment. */
function guest(permissions: readonly string[] = ['secret:TOKEN@localhost'], value: string | null = VALUE) {
  const secrets = createSecretHandles(['TOKEN'], () => value ?? undefined, port);
  const [denials, records]: [Denial[], unknown[]] = [[], []];
  const broker = new Broker({
    context: {
      packageName: 'p',
      places: { workspace: '/w', home: '/h', data: '/d', tmp: '/t' },
      ports: recordingPorts([]),
      secrets,
      storage: new PrivateStorage('p', [], 0),
      surfaces: NO_SURFACES,
      ownDirectory: () => undefined,
      random: randomBytes,
    },
    version: '1.0.0',
    contentHash: 'x',
    authority: fixedAuthority(parsePermissionSet([`net:localhost:${port}`, `net:127.0.0.1:${port}`, ...permissions])),
    audit: { append: (record) => void records.push(record) },
    lease: () => leaseOf(),
    budgets: { take: () => true, spent: () => undefined },
    pauseClocks: () => ({ [Symbol.dispose]: () => undefined }),
    onDenial: (denial) => denials.push(denial),
  });
  const handle = secrets.environment['TOKEN'] ?? '';
  let id = 1;
  const fetch = async (path: string, headers: Readonly<Record<string, string>>, more: object = {}) => {
    const url = path.startsWith('http') ? path : `https://localhost:${port}${path}`;
    const answer = await broker.request(id++, 'net.fetch', { url, method: 'GET', headers: Object.entries(headers), redirect: 'follow', ...more });
    // nothing that the guest or the trail gets may hold the value
    expect(JSON.stringify([answer, denials, records])).not.toContain('ss\\\\\\\\word');
    return answer as { value?: { base64: string; headers: [string, string][]; statusText: string }; error?: { code: string; message: string } };
  };
  return { fetch, handle, denials, records };
}

const bodyOf = (answer: { value?: { base64: string } }): string => Buffer.from(answer.value?.base64 ?? '', 'base64').toString('utf8');
const latin1 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

describe('a secret goes out', () => {
  const HEADER_SAFE = 'sk-0123456789abcdef';

  test('in the headers it was granted for, to the host it was granted for, in bearer and in basic form', async () => {
    const { fetch, handle } = guest(undefined, HEADER_SAFE);
    await fetch('/', { authorization: `Bearer ${handle}` });
    await fetch('/', { 'X-Api-Key': handle });
    await fetch('/', { authorization: `Basic ${Buffer.from(`user:${handle}`).toString('base64')}` });
    const basic = Buffer.from(`user:${HEADER_SAFE}`).toString('base64');
    expect(hits.map(({ headers }) => headers.authorization ?? headers['x-api-key'])).toEqual([`Bearer ${HEADER_SAFE}`, HEADER_SAFE, `Basic ${basic}`]);
    expect(hits.map(({ headers }) => headers['accept-encoding'])).toEqual(['identity', 'identity', 'identity']);
  });

  test.each([
    ['another header', 'EACCES', { 'x-other': '' }, undefined],
    ['a header that was granted, on another host', 'EACCES', { authorization: '' }, () => `https://127.0.0.1:${port}/`],
    ['plain http', 'EACCES', { authorization: '' }, () => `http://localhost:${port}/`],
    ['the URL', 'EACCES', {}, (handle: string) => `https://localhost:${port}/?key=${handle}`],
    ['the path', 'EACCES', {}, (handle: string) => `https://localhost:${port}/${handle}`],
  ] as const)('not in %s', async (_, code, headers, url) => {
    const { fetch, handle } = guest(undefined, HEADER_SAFE);
    const filled = Object.fromEntries(Object.keys(headers).map((name) => [name, handle]));
    expect(await fetch(url?.(handle) ?? '/', filled)).toMatchObject({ error: { code } });
    expect(hits).toEqual([]);
    // the control arm: the same request without the handle goes through
    if (url === undefined) expect(await fetch('/', Object.fromEntries(Object.keys(headers).map((name) => [name, 'x'])))).toHaveProperty('value');
  });

  test('not in a body, not without a grant, and not when it is not set', async () => {
    const { fetch, handle } = guest(undefined, HEADER_SAFE);
    expect(await fetch('/', {}, { method: 'POST', body: { text: `token=${handle}` } })).toMatchObject({ error: { code: 'EACCES' } });
    const none = guest([], HEADER_SAFE);
    expect(await none.fetch('/', { authorization: none.handle })).toMatchObject({ error: { code: 'EACCES' } });
    expect(none.denials).toMatchObject([{ permission: 'secret:TOKEN@localhost', hint: "dash permissions grant p 'secret:TOKEN@localhost'" }]);
    const unset = guest(undefined, null);
    expect(await unset.fetch('/', { authorization: unset.handle })).toMatchObject({
      error: { code: 'ENOENT', message: expect.stringContaining('`dash secret set TOKEN`') },
    });
    expect(hits).toEqual([]);
  });

  test('a header that the grant names, and no other', async () => {
    const { fetch, handle } = guest(['secret:TOKEN@localhost header private-token'], HEADER_SAFE);
    expect(await fetch('/', { 'Private-Token': handle })).toHaveProperty('value');
    expect(await fetch('/', { authorization: handle })).toMatchObject({ error: { code: 'EACCES' } });
    expect(hits.map(({ headers }) => headers['private-token'])).toEqual([HEADER_SAFE]);
  });

  test.each([301, 302, 303, 307, 308])('and along with no redirect (%i), not even to the same host', async (status) => {
    const { fetch, handle } = guest(undefined, HEADER_SAFE);
    route = (request, response) => {
      if (request.url === '/end') return void response.end('end');
      response.writeHead(status, { location: '/end' }).end();
    };
    expect(bodyOf(await fetch('/', { authorization: `Bearer ${handle}`, 'x-kept': 'kept' }))).toBe('end');
    expect(hits.map(({ headers }) => [headers.authorization, headers['x-kept']])).toEqual([[`Bearer ${HEADER_SAFE}`, 'kept'], [undefined, 'kept']]); // prettier-ignore
    // the control arm: what is no secret of ours follows to the same origin
    hits.length = 0;
    await fetch('/', { authorization: 'Bearer plain' });
    expect(hits.map(({ headers }) => headers.authorization)).toEqual(['Bearer plain', 'Bearer plain']);
  });
});

describe('a server that repeats a secret', () => {
  const SAFE = 'sk+live/9A8b7C6d5E4f?~';
  const forms = (value: string): readonly (readonly [string, string])[] => [
    ['plain', value],
    ['percent', encodeURIComponent(value)],
    ['percent in small letters', encodeURIComponent(value).replaceAll(/%[0-9A-F]{2}/g, (code) => code.toLowerCase())],
    ['JSON', JSON.stringify({ token: value })],
    ['hex', Buffer.from(value).toString('hex')],
    ['base64', Buffer.from(value).toString('base64')],
    ['base64 after one byte', Buffer.from(`:${value}`).toString('base64')],
    ['base64 in the middle', Buffer.from(`ab${value}yz`).toString('base64')],
    ['base64 for URLs', Buffer.from(`user:${value}`).toString('base64url')],
  ];

  test.each(forms(SAFE))('in its body as %s shows the package nothing', async (_, echo) => {
    const { fetch, handle } = guest(undefined, SAFE);
    route = (_request, response) => {
      // in two pieces
      response.write(`before ${echo.slice(0, 9)}`);
      setImmediate(() => response.end(`${echo.slice(9)} after`));
    };
    const text = bodyOf(await fetch('/', { authorization: `Bearer ${handle}` }));
    expect(text).toContain('[secret TOKEN]');
    expect(text).toMatch(/^before .* after$/);
    expect(revealed(text, SAFE)).toBe(false);
    // the control arm: without the secret on its way the answer is as it is
    const plain = bodyOf(await fetch('/', {}));
    expect(plain).toBe(`before ${echo} after`);
    expect(revealed(plain, SAFE)).toBe(true);
  });

  test('in a header, a status line, or compressed against our wish', async () => {
    const { fetch, handle } = guest(undefined, SAFE);
    const { gzipSync } = await import('node:zlib');
    route = (_request, response) => {
      response.writeHead(200, `fine ${latin1(SAFE)}`, { 'x-echo': SAFE, 'content-encoding': 'gzip' }).end(gzipSync(`you sent ${SAFE}`));
    };
    const answer = await fetch('/', { authorization: `Bearer ${handle}` });
    expect(JSON.stringify(answer)).not.toContain(SAFE);
    expect(bodyOf(answer)).toBe('you sent [secret TOKEN]');
    expect(answer.value?.headers).toContainEqual(['x-echo', '[secret TOKEN]']);
    expect(answer.value?.statusText).toBe('fine [secret TOKEN]');
  });

  test('in an error: a header that cannot be sent, a server that is not there', async () => {
    const { fetch, handle } = guest(); // its umlaut is legal in a header, its letters beyond latin1 would not be
    for (const path of ['/', 'https://localhost:1/']) {
      const answer = await fetch(path, { authorization: `Bearer ${handle}` });
      expect(JSON.stringify(answer)).not.toContain('ss\\\\word');
    }
    const odd = guest(undefined, 'snow\u2603man-\u2603-value');
    const answer = await odd.fetch('/', { authorization: odd.handle });
    expect(answer).toHaveProperty('error');
    expect(JSON.stringify(answer)).not.toContain('man-');
  });
});

test('a handle is new for every process, and tells nothing', () => {
  const [a, b] = [createSecretHandles(['TOKEN'], () => VALUE), createSecretHandles(['TOKEN'], () => undefined)];
  expect(a.environment['TOKEN']).toMatch(/^dash-secret-TOKEN-[0-9a-f]{32}$/);
  expect(a.environment['TOKEN']).not.toBe(b.environment['TOKEN']);
});

describe('`dash secret`', () => {
  test('keeps what is piped in for the user alone, and shows it to nobody', async () => {
    const { dash, user, workspace } = await startJourney();
    const child = run('bash', ['-c', `printf '%s\\n' 'sk-0123456789' | '${process.execPath}' '${BIN}' secret set API_KEY`], {
      cwd: workspace,
      env: environment(user),
    });
    expect(await child).toMatchObject({ exitCode: 0, stdout: expect.not.stringContaining('sk-') });
    expect((await stat(join(user.dashHome, 'secrets.json'))).mode & 0o777).toBe(0o600);
    expect(readSecret(user.dashHome, 'API_KEY')).toBe('sk-0123456789');
    for (const args of [
      ['secret', 'list'],
      ['secret', 'list', '--json'],
      ['doctor', '--offline'],
      ['permissions', 'list'],
    ]) {
      expect(JSON.stringify(await dash(...args))).not.toContain('sk-');
    }
    expect((await dash('secret', 'remove', 'API_KY')).stderr).toContain('did you mean `API_KEY`?');
    expect((await dash('secret', 'remove', 'API_KEY')).exitCode).toBe(0);
    expect(readSecret(user.dashHome, 'API_KEY')).toBeUndefined();
  });

  test('refuses what is no secret, and an agent that would set one', async () => {
    const home = await temporaryDirectory();
    for (const [name, value] of [
      ['A', ''],
      ['A', '\n'],
      ['A', 'two\nlines'],
      ['A', 'x'.repeat(20_000)],
      ['A-B', 'x'],
      ['', 'x'],
      ['A', '\u001B[2J'],
    ] as const) {
      // prettier-ignore
      await expect(setSecret(home, name, value)).rejects.toMatchObject({ code: 'USAGE' });
    }
    process.env['DASH_TOOL_PROCESS'] = '1';
    try {
      await expect(setSecret(home, 'A', 'x')).rejects.toMatchObject({ code: 'DELEGATED_CONSENT' });
      await expect(removeSecret(home, 'A')).rejects.toMatchObject({ code: 'DELEGATED_CONSENT' });
    } finally {
      delete process.env['DASH_TOOL_PROCESS'];
    }
    expect(listSecrets(home)).toEqual([]);
  });

  test('says that a file is damaged without a word of what is in it', async () => {
    const home = await temporaryDirectory();
    await writeFile(join(home, 'secrets.json'), '{"version": 1, "secrets": {"A": {"value": "sk-hidden"');
    const error: unknown = await Promise.resolve()
      .then(() => listSecrets(home))
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'STORE_CORRUPT' });
    const seen = error instanceof Error ? `${error.message}${String(error.cause)}${error.stack ?? ''}` : '';
    expect(seen).not.toContain('sk-hidden');
  });
});

test('a package sees a handle where the value would stand, and never the value', async () => {
  const { publish, install, call, user, auditRecords } = await startJourney();
  await publish(
    'looker',
    `export default (pi) => pi.registerTool({ name: 'look', description: 'looks', parameters: { type: 'object', properties: {} },
        execute: async () => ({ content: [{ type: 'text', text: JSON.stringify(process.env) }] }) });`,
    ['secret:API_KEY@api.example.com'],
  );
  await install('looker');
  await setSecret(user.dashHome, 'API_KEY', 'sk-0123456789');
  const { document } = await call('looker', 'look', {});
  const env = JSON.parse(document.result?.content[0]?.text ?? '{}') as Record<string, string>;
  expect(env['API_KEY']).toMatch(/^dash-secret-API_KEY-/);
  expect(JSON.stringify([document, await auditRecords()])).not.toContain('sk-0123456789');
  expect(await readFile(join(user.dashHome, 'secrets.json'), 'utf8')).toContain('sk-0123456789');
});

/** Whether a text shows the secret to somebody who decodes it in any usual way. */
function revealed(text: string, value: string): boolean {
  const words = text.split(/[\s"{}:]+/);
  const decoded = words.flatMap((word) => [
    word,
    safely(() => decodeURIComponent(word)),
    Buffer.from(word, 'hex').toString('latin1'),
    Buffer.from(word, 'base64').toString('latin1'),
  ]);
  return decoded.some((one) => one.includes(value)) || text.includes(value);
}

function safely(decode: () => string): string {
  try {
    return decode();
  } catch {
    return '';
  }
}
