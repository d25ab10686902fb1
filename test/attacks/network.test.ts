import { randomBytes } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { parsePermissionSet } from '../../format/index.ts';
import { PrivateStorage } from '../../sandbox/private-storage.ts';
import { type Authority, fixedAuthority } from '../../sandbox/authority.ts';
import { NO_SECRETS } from '../../sandbox/secret-handles.ts';
import { Broker } from '../../sandbox/broker.ts';
import { leaseOf, OUTSIDE } from '../support/lease.ts';
import { extensionOf, openFixture, recordingPorts } from '../support/sandbox-fixture.ts';
import { NO_SURFACES } from '../support/no-surfaces.ts';

/**
 * Network tricks, asked for as a guest asks that has taken over its own runtime: straight at the broker. The
 * control arm is the `fetch` of this process, or the bare string comparison that people write first.
 */
interface Hit {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
}

async function listen(handler: RequestListener, host = '127.0.0.1') {
  const hits: Hit[] = [];
  const server = createServer((request, response) => {
    hits.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers });
    handler(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return {
    hits,
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

let target: Awaited<ReturnType<typeof listen>>;
let granted: Awaited<ReturnType<typeof listen>>;
let route: RequestListener = (_request, response) => void response.end('ok');

beforeAll(async () => {
  target = await listen((_request, response) => void response.end('SECRET OF THE INTRANET'));
  granted = await listen((request, response) => route(request, response));
});
beforeEach(() => {
  target.hits.length = 0;
  granted.hits.length = 0;
  route = (_request, response) => void response.end('ok');
});
afterAll(async () => {
  await target[Symbol.asyncDispose]();
  await granted[Symbol.asyncDispose]();
});

function broker(permissions: readonly string[], inCall = true, authority: Authority = fixedAuthority(parsePermissionSet(permissions))): Broker {
  return new Broker({
    context: {
      packageName: 'p',
      places: { workspace: '/w', home: '/h', data: '/d', tmp: '/t' },
      ports: recordingPorts([]),
      secrets: NO_SECRETS,
      storage: new PrivateStorage('p', [], 0),
      surfaces: NO_SURFACES,
      ownDirectory: () => undefined,
      random: randomBytes,
    },
    version: '1.0.0',
    contentHash: 'x',
    authority,
    audit: { append: () => undefined },
    lease: () => (inCall ? leaseOf() : OUTSIDE),
    budgets: { take: () => true, spent: () => undefined },
    pauseClocks: () => ({ [Symbol.dispose]: () => undefined }),
    onDenial: () => undefined,
  });
}

let id = 1;
const fetchAs = (permissions: readonly string[], url: string, more: object = {}) =>
  broker(permissions).request(id++, 'net.fetch', { url, method: 'GET', headers: [], redirect: 'follow', ...more });
const base = (): string => `http://127.0.0.1:${granted.port}`;
const grant = (): string[] => [`net:127.0.0.1:${granted.port}`];

describe('what was granted', () => {
  test('works', async () => {
    expect(await fetchAs(grant(), `${base()}/x`)).toMatchObject({ value: { status: 200, base64: Buffer.from('ok').toString('base64') } });
    expect(granted.hits).toHaveLength(1);
  });

  test('and works from a guest, whose other requests are denied', async () => {
    await using fixture = await openFixture({
      files: { 'index.ts': extensionOf({ get: `const r = await fetch(params.url); return await r.text()` }) },
      granted: grant(),
    });
    expect(await fixture.text('get', { url: base() })).toBe('ok');
    expect((await fixture.call('get', { url: `http://127.0.0.1:${target.port}/` })).isError).toBe(true);
    expect(target.hits).toEqual([]);
    expect(fixture.denials[0]?.permission).toBe(`net:127.0.0.1:${target.port}`);
  });
});

describe('another spelling of an address that nobody granted', () => {
  const port = (): number => target.port;
  const spellings: Record<string, () => string> = {
    plain: () => `http://127.0.0.1:${port()}/`,
    name: () => `http://localhost:${port()}/`,
    'name in capitals': () => `http://LOCALHOST:${port()}/`,
    'trailing dot': () => `http://localhost.:${port()}/`,
    'address with a dot': () => `http://127.0.0.1.:${port()}/`,
    decimal: () => `http://2130706433:${port()}/`,
    hex: () => `http://0x7f000001:${port()}/`,
    'hex by part': () => `http://0x7f.0x0.0x0.0x1:${port()}/`,
    octal: () => `http://0177.0.0.1:${port()}/`,
    short: () => `http://127.1:${port()}/`,
    zero: () => `http://0:${port()}/`,
    'another of 127/8': () => `http://127.9.9.9:${port()}/`,
    'circled digits': () => `http://①②⑦.⓪.⓪.①:${port()}/`,
    'full-width dots': () => `http://127。0。0。1:${port()}/`,
    percent: () => `http://%31%32%37.0.0.1:${port()}/`,
    'mapped IPv6': () => `http://[::ffff:127.0.0.1]:${port()}/`,
    'mapped IPv6 in hex': () => `http://[::ffff:7f00:1]:${port()}/`,
    userinfo: () => `http://example.com@127.0.0.1:${port()}/`,
    'userinfo with a password': () => `http://example.com:443@127.0.0.1:${port()}/`,
    backslash: () => `http://127.0.0.1:${port()}\\@example.com/`,
    tab: () => `http://127.0.\t0.1:${port()}/`,
    'leading space': () => `  http://127.0.0.1:${port()}/`,
    'one slash': () => `http:/127.0.0.1:${port()}/`,
    fragment: () => `http://127.0.0.1:${port()}/#@example.com`,
  };
  test.each(Object.keys(spellings))('%s is denied', async (name) => {
    const url = spellings[name]?.() ?? '';
    if (!/\[|userinfo|trailing dot|127\.9|zero/.test(name + url) && !url.includes('@127')) {
      await fetch(url).then((response) => response.text());
      expect(target.hits.length).toBe(1); // control arm: plain fetch gets there
      target.hits.length = 0;
    }
    for (const permissions of [
      ['net:example.com', `net:example.com:${port()}`],
      [`net:*.example.com:${port()}`],
      [`!net:127.0.0.1:${port()}`, `net:example.com:${port()}`],
    ]) {
      expect(await fetchAs(permissions, url)).toHaveProperty('error');
    }
    expect(target.hits).toEqual([]);
  });

  test('a host is compared whole, not by its end or its beginning', async () => {
    const naive = (host: string): boolean => host.endsWith('example.com') || host.startsWith('example.com');
    for (const host of ['evilexample.com', 'example.com.evil.test', 'example.com.']) {
      expect(naive(host)).toBe(true); // control arm
      const answer = await fetchAs(['net:*.example.com', 'net:api.example.com'], `https://${host}/`);
      expect(answer).toMatchObject({ error: { code: 'EACCES' } });
    }
    expect(await fetchAs(['net:*.example.com'], 'https://example.com/')).toMatchObject({ error: { code: 'EACCES' } });
  });

  test('method, port and path are part of a grant', async () => {
    const narrow = [`net:GET:127.0.0.1:${granted.port}/public/**`];
    expect(await fetchAs(narrow, `${base()}/public/a`)).toHaveProperty('value');
    for (const [path, more] of [
      ['/private', {}],
      ['/public/a', { method: 'POST' }],
      ['/public/a', { method: 'gET ' }],
      ['/public/../private', {}],
      ['/public/%2e%2e/private', {}],
      ['/public/..%2fprivate', {}],
      ['/public/%252e%252e/private', {}],
    ] as const) {
      const before = granted.hits.length;
      const answer = await fetchAs(narrow, base() + path, more);
      if ('value' in answer) expect(granted.hits.at(-1)?.url).toMatch(/^\/public\/(?!.*(\.\.|%2e|%25))/i);
      else expect(granted.hits.length).toBe(before);
    }
    expect(granted.hits.some(({ url }) => url.includes('private'))).toBe(false);
  });

  test.each([
    'file:///etc/passwd',
    'ftp://127.0.0.1/',
    'data:text/plain,x',
    'ws://127.0.0.1/',
    'javascript:1',
    'about:blank',
    'blob:x',
    '//example.com',
    '',
    'http://',
    'http://a b/',
    'http://[::1',
    'http://[fe80::1%25eth0]/',
    'http://256.256.256.256/',
  ])('%j cannot be fetched', async (url) => {
    expect(await fetchAs(['net:127.0.0.1:80', 'net:example.com'], url)).toHaveProperty('error');
  });
});

describe('a name that leads to a private address', () => {
  test('is refused although the name was granted (DNS rebinding)', async ({ skip }) => {
    const name = hostname();
    const address = await lookup(name).then(
      (found) => found.address,
      () => undefined,
    );
    if (address === undefined || name === 'localhost') skip('this machine has no name of its own');
    const server = await listen((_request, response) => void response.end('SECRET'), '0.0.0.0');
    try {
      expect(await (await fetch(`http://${name}:${server.port}/`)).text()).toBe('SECRET'); // control arm
      server.hits.length = 0;
      expect(await fetchAs([`net:${name.toLowerCase()}:${server.port}`], `http://${name}:${server.port}/`)).toMatchObject({ error: { code: 'EACCES' } });
      expect(server.hits).toEqual([]);
    } finally {
      await server[Symbol.asyncDispose]();
    }
  });
});

describe('a redirect', () => {
  const to = (location: string, status = 302): void => {
    route = (request, response) => void (request.url === '/end' ? response.end('end') : response.writeHead(status, { location }).end());
  };

  test('to another host is a new request, and denied', async () => {
    to(`http://127.0.0.1:${target.port}/steal`);
    await fetch(base());
    expect(target.hits).toHaveLength(1); // control arm
    target.hits.length = 0;
    expect(await fetchAs(grant(), base())).toMatchObject({ error: { code: 'EACCES' } });
    expect(target.hits).toEqual([]);
  });

  test.each(['file:///etc/passwd', 'http://user:pw@127.0.0.1/', 'gopher://x', 'http://0x7f.1/', '\\\\127.0.0.1\\x'])('to %j is refused', async (location) => {
    to(location);
    expect(await fetchAs(grant(), base())).toHaveProperty('error');
  });

  test('drops credentials when it crosses origins, even where both were granted', async () => {
    to(`http://127.0.0.1:${target.port}/`);
    const names = ['authorization', 'x-api-key', 'x-auth-token', 'private-token', 'x-goog-api-key', 'api-key', 'x-amz-security-token'];
    const headers = names.map((name) => [name, 'THE-KEY']);
    expect(await fetchAs([...grant(), `net:127.0.0.1:${target.port}`], base(), { headers: [...headers, ['accept', 'text/plain']] })).toHaveProperty('value');
    expect(granted.hits[0]?.headers['authorization']).toBe('THE-KEY');
    expect(JSON.stringify(target.hits[0]?.headers)).not.toContain('THE-KEY');
    expect(target.hits[0]?.headers['accept']).toBe('text/plain');
  });

  test('in a circle ends', async () => {
    to('/again');
    expect(await fetchAs(grant(), base())).toMatchObject({ error: { code: 'ERR_REDIRECT' } });
    expect(granted.hits.length).toBeLessThan(20);
  });

  test('turns a POST into a GET without its body, or keeps both, as browsers do', async () => {
    const body = { text: 'payload' };
    for (const [status, method] of [
      [302, 'GET'],
      [303, 'GET'],
      [307, 'POST'],
    ] as const) {
      granted.hits.length = 0;
      to('/end', status);
      await fetchAs(grant(), base(), { method: 'POST', body });
      expect(granted.hits.map((hit) => hit.method)).toEqual(['POST', method]);
    }
  });

  test('with a body that never ends does not keep the agent reading', async () => {
    let closed = false;
    route = (request, response) => {
      if (request.url === '/end') return void response.end('end');
      response.writeHead(302, { location: '/end' });
      const drip = setInterval(() => response.write('x'.repeat(10_000)), 5);
      response.on('close', () => {
        closed = true;
        clearInterval(drip);
      });
    };
    expect(await fetchAs(grant(), base())).toHaveProperty('value');
    await expect.poll(() => closed, { timeout: 5_000 }).toBe(true);
  });

  test('can be refused by the guest', async () => {
    to('/end');
    expect(await fetchAs(grant(), base(), { redirect: 'error' })).toMatchObject({ error: { code: 'ERR_REDIRECT' } });
    expect(await fetchAs(grant(), base(), { redirect: 'manual' })).toMatchObject({ value: { status: 302 } });
  });
});

describe('headers', () => {
  test.each([
    'host',
    'Host',
    'connection',
    'transfer-encoding',
    'content-length',
    'cookie',
    'proxy-authorization',
    'Proxy-Connection',
    'upgrade',
    'sec-fetch-site',
    'te',
    'expect',
  ])('%s is not the guest’s to set', async (name) => {
    expect(
      await fetchAs(grant(), base(), {
        headers: [
          [name, 'forged'],
          ['x-fine', 'yes'],
        ],
      }),
    ).toHaveProperty('value');
    expect(JSON.stringify(granted.hits[0]?.headers)).not.toContain('forged');
    expect(granted.hits[0]?.headers['x-fine']).toBe('yes');
  });

  test.each([
    ['x-a', 'b\r\nx-smuggled: 1'],
    ['x-a', 'b\nx-smuggled: 1'],
    ['x-a\r\nx-smuggled', '1'],
    ['x a', '1'],
    ['', '1'],
    ['x-a', 'b\0'],
    ['x-a:', '1'],
  ])('%j: %j smuggles nothing', async (name, value) => {
    await fetchAs(grant(), base(), { headers: [[name, value]] });
    expect(JSON.stringify(granted.hits)).not.toContain('smuggled');
  });

  test.each(['GET / HTTP/1.1\r\nx-smuggled: 1\r\n\r\nGET', 'CONNECT', 'TRACE', 'G ET', ''])('the method %j is refused', async (method) => {
    expect(await fetchAs([`net:127.0.0.1:${granted.port}`], base(), { method })).toHaveProperty('error');
    expect(granted.hits).toEqual([]);
  });

  test('a path smuggles no second request', async () => {
    await fetchAs(grant(), `${base()}/a b\r\nx-smuggled: 1`);
    for (const { url, headers } of granted.hits) expect([url, headers['x-smuggled']]).toEqual([expect.not.stringMatching(/\s/), undefined]);
  });

  test('cookies of an answer do not reach the guest', async () => {
    route = (_request, response) => void response.writeHead(200, { 'set-cookie': 'session=1' }).end();
    expect(JSON.stringify(await fetchAs(grant(), base()))).not.toContain('session=1');
  });
});

describe('a body', () => {
  test('that unpacks to a hundred times its size stops at the limit', async () => {
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));
    route = (_request, response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb);
    expect((await (await fetch(base())).arrayBuffer()).byteLength).toBe(64 * 1024 * 1024); // control arm
    expect(await fetchAs(grant(), base())).toMatchObject({ error: { code: 'EFBIG' } });
  });

  test('without an end stops at the limit, and the connection with it', async () => {
    let closed = false;
    route = (_request, response) => {
      response.on('close', () => (closed = true));
      const chunk = Buffer.alloc(1024 * 1024);
      const more = (): void => {
        if (!closed) response.write(chunk, more);
      };
      more();
    };
    expect(await fetchAs(grant(), base())).toMatchObject({ error: { code: 'EFBIG' } });
    await expect.poll(() => closed, { timeout: 5_000 }).toBe(true);
  });

  test('that is no gzip although it says so is an error, not a crash', async () => {
    route = (_request, response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end('not gzip at all');
    expect(await fetchAs(grant(), base())).toHaveProperty('error');
  });

  test('that breaks off is an error', async () => {
    route = (_request, response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('x', () => response.destroy());
    };
    expect(await fetchAs(grant(), base())).toHaveProperty('error');
  });

  test('that never comes ends with the request', async () => {
    let closed = false;
    route = (_request, response) => void response.on('close', () => (closed = true));
    let held = parsePermissionSet(grant());
    const one = broker([], true, { ...fixedAuthority(held), granted: () => held });
    const answer = one.request(1, 'net.fetch', { url: base(), method: 'GET', headers: [], redirect: 'follow' });
    await expect.poll(() => granted.hits.length, { timeout: 5_000 }).toBe(1);
    one.cancel(1);
    expect(await answer).toHaveProperty('error');
    await expect.poll(() => closed, { timeout: 5_000 }).toBe(true);
  });
});

test('nothing is fetched outside of a call without `background`', async () => {
  for (const [permissions, hits] of [
    [grant(), 0],
    [[...grant(), 'background'], 1],
  ] as const) {
    await broker(permissions, false).request(1, 'net.fetch', { url: base(), method: 'GET', headers: [], redirect: 'follow' });
    expect(granted.hits).toHaveLength(hits);
  }
});

test('a revocation takes effect on the next hop of a request in flight', async () => {
  let held = parsePermissionSet(grant());
  const one = broker([], true, { ...fixedAuthority(held), granted: () => held });
  route = (request, response) => {
    if (request.url === '/end') return void response.end('end');
    held = parsePermissionSet([]);
    response.writeHead(302, { location: '/end' }).end();
  };
  expect(await one.request(1, 'net.fetch', { url: base(), method: 'GET', headers: [], redirect: 'follow' })).toMatchObject({ error: { code: 'EACCES' } });
  expect(granted.hits).toHaveLength(1);
});
