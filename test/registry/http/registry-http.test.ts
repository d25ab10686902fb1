import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { createServer as createTcpServer } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { credentialsFor } from '../../../registry/http/credentials.ts';
import { openRegistryHttp } from '../../../registry/http/registry-http.ts';
import type { NpmConfig } from '../../../registry/npm-config.ts';
import { fetchPackument } from '../../../registry/resolve/fetch-packument.ts';
import { makeLoopbackCertificate } from '../../support/loopback-certificate.ts';
import { temporaryDirectory } from '../../support/sandbox-fixture.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

interface Served {
  readonly url: string;
  readonly host: string;
  readonly asked: IncomingMessage[];
}

async function serve(listener: RequestListener): Promise<Served> {
  const asked: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    asked.push(request);
    void listener(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const host = `127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  return { url: `http://${host}/`, host, asked };
}

const get = async (url: string, npm: NpmConfig = {}, maxBytes = 1000): Promise<string> =>
  (await openRegistryHttp({ npm: { fetchRetryMintimeout: 1, ...npm } }).get(url, { what: 'it', maxBytes })).body.toString();

describe('credentials', () => {
  const registry = new URL('https://registry.example/npm/');
  const of = (npm: NpmConfig, url = 'https://registry.example/npm/pkg', at: URL | undefined = registry) => credentialsFor(new URL(url), npm, at).authorization;

  test.each<[string, NpmConfig, string | undefined]>([
    ['a token', { '//registry.example/npm/:_authToken': 't' }, 'Bearer t'],
    ['a token of digits', { '//registry.example/npm/:_authToken': 42 }, 'Bearer 42'],
    ['of the host', { '//registry.example/:_authToken': 't' }, 'Bearer t'],
    ['basic', { '//registry.example/npm/:_auth': 'dTpw' }, 'Basic dTpw'],
    ['name and password', { '//registry.example/npm/:username': 'u', '//registry.example/npm/:_password': 'cA==' }, 'Basic dTpw'],
    ['of another host', { '//registry.example.org/npm/:_authToken': 't' }, undefined],
    ['of another port', { '//registry.example:8443/npm/:_authToken': 't' }, undefined],
    ['of a sibling path', { '//registry.example/other/:_authToken': 't' }, undefined],
    ['without a host', { _authToken: 't' }, undefined],
  ])('%s', (_, npm, expected) => {
    expect(of(npm)).toBe(expected);
  });

  test('of the registry go to an archive on its host, and nowhere else', () => {
    const npm = { '//registry.example/npm/:_authToken': 't' };
    expect(of(npm, 'https://registry.example/files/pkg.tgz')).toBe('Bearer t');
    expect(of(npm, 'https://files.example/pkg.tgz')).toBeUndefined();
  });

  test('do not follow to another host, and do to the same', async () => {
    const other = await serve((_, response) => response.end('there'));
    const own = await serve((request, response) => {
      if (request.url === '/end') return response.end('here');
      return response.writeHead(302, { location: request.url === '/same' ? '/end' : other.url }).end();
    });
    const npm = { [`//${own.host}/:_authToken`]: 'secret' };
    expect([await get(`${own.url}same`, npm), await get(`${own.url}other`, npm)]).toEqual(['here', 'there']);
    expect(own.asked.map(({ headers }) => headers.authorization)).toEqual(['Bearer secret', 'Bearer secret', 'Bearer secret']);
    expect(other.asked.map(({ headers }) => headers.authorization)).toEqual([undefined]);
  });
});

test('a registry over https that sends us on over http is not followed', async () => {
  const plain = await serve((_, response) => response.end('anybody could have written this'));
  const { key, cert } = makeLoopbackCertificate();
  const server = createHttpsServer({ key, cert }, (request, response) =>
    request.url === '/end' ? response.end('here') : response.writeHead(302, { location: request.url === '/same' ? '/end' : plain.url }).end(),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const host = `127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  const npm = { ca: cert, [`//${host}/:_authToken`]: 'secret' };
  expect(await get(`https://${host}/same`, npm)).toBe('here');
  await expect(get(`https://${host}/other`, npm)).rejects.toMatchObject({ code: 'REGISTRY_ERROR', message: expect.stringContaining('https') });
  expect(plain.asked).toHaveLength(0);
});

describe('an answer', () => {
  test('that is refused for the moment is asked for again', async () => {
    const statuses = [500, 429, 200];
    const { url } = await serve((_, response) => response.writeHead(statuses.shift() ?? 200, { 'retry-after': '0' }).end('ok'));
    expect(await get(url)).toBe('ok');
  });

  test('that breaks off in the middle is asked for again', async () => {
    let tries = 0;
    const { url } = await serve((_, response) => {
      if (++tries > 1) return response.end('whole');
      response.writeHead(200, { 'content-length': '5' }).write('who');
      return setImmediate(() => response.destroy());
    });
    expect(await get(url)).toBe('whole');
  });

  test.each([
    ['404', 404, {}, 'PACKAGE_NOT_FOUND', 1],
    ['401', 401, {}, 'REGISTRY_ERROR', 1],
    ['503', 503, {}, 'REGISTRY_ERROR', 3],
    ['429 with an hour to wait', 429, { 'retry-after': '3600' }, 'REGISTRY_ERROR', 1],
    ['redirects in a circle', 302, { location: '/again' }, 'REGISTRY_ERROR', 6],
    ['a redirect to a file', 302, { location: 'file:///etc/passwd' }, 'REGISTRY_ERROR', 1],
  ])('of %s is an error with a code', async (_, status, headers, code, requests) => {
    const { url, asked } = await serve((_request, response) => response.writeHead(status, headers).end('no'));
    await expect(get(url)).rejects.toMatchObject({ code });
    expect(asked).toHaveLength(requests);
  });

  test('is read up to a limit, announced or not', async () => {
    const { url } = await serve((request, response) => {
      if (request.url === '/announced') response.setHeader('content-length', '2000');
      response.write('x'.repeat(1500));
      response.end('x'.repeat(500));
    });
    for (const path of ['announced', 'chunked']) await expect(get(`${url}${path}`)).rejects.toMatchObject({ code: 'REGISTRY_REPLY_INVALID' });
  });

  test('that unpacks to more than the limit is refused', async () => {
    const { url } = await serve((_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(100_000))));
    await expect(openRegistryHttp({ npm: {} }).get(url, { what: 'it', maxBytes: 1000, compressed: true })).rejects.toMatchObject({
      code: 'REGISTRY_REPLY_INVALID',
    });
  });

  test.each<[string, RequestListener]>([
    ['never begins', () => undefined],
    ['stalls after its head', (_, response) => response.writeHead(200).flushHeaders()],
    [
      'comes a byte at a time',
      (_, response) => {
        const drip = setInterval(() => response.write('x'), 200);
        response.on('close', () => clearInterval(drip));
      },
    ],
  ])('that %s is not waited for', async (_, listener) => {
    const { url } = await serve(listener);
    await expect(get(url, { timeout: 500 })).rejects.toMatchObject({ code: 'REGISTRY_ERROR', message: expect.stringContaining('too slow') });
  });
});

test('what does not speak https is said in words, not in those of a library', async () => {
  const { host } = await serve((_, response) => response.end());
  await expect(get(`https://${host}/`)).rejects.toMatchObject({
    code: 'REGISTRY_ERROR',
    message: 'the registry did not answer for `it`: what answers there does not speak https',
  });
});

test('nobody there is an error, and so is a user who has enough', async () => {
  const { url } = await serve((_, response) => void response);
  closers.pop()?.();
  await expect(get(url)).rejects.toMatchObject({ code: 'REGISTRY_ERROR' });
  await expect(openRegistryHttp({ npm: {}, signal: AbortSignal.abort() }).get(url, { what: 'it', maxBytes: 1 })).rejects.toMatchObject({ code: 'INTERRUPTED' });
});

test('a proxy of the settings is asked, except for the hosts it is not for', async () => {
  const proxy = await serve((request, response) => response.end(`proxied ${request.url}`));
  expect(await get('http://registry.invalid/x', { proxy: proxy.url })).toBe('proxied http://registry.invalid/x');
  const direct = await serve((_, response) => response.end('direct'));
  expect(await get(direct.url, { proxy: proxy.url, noProxy: '127.0.0.1' })).toBe('direct');
});

test('a proxy that never says whether there is a tunnel is an error', async () => {
  const proxy = createTcpServer((socket) => void socket.resume().on('error', () => undefined));
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  closers.push(() => proxy.close());
  const address = proxy.address();
  const httpsProxy = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  await expect(get('https://registry.invalid/it', { httpsProxy, timeout: 100 })).rejects.toMatchObject({ code: 'REGISTRY_ERROR' });
});

test.each(['not a url', 'proxy.example:3128', 'ftp://proxy.example/'])('a proxy that is `%s` is not gone round', async (proxy) => {
  const { url, asked } = await serve((_, response) => response.end('direct'));
  await expect(get(url, { proxy })).rejects.toMatchObject({ code: 'REGISTRY_ERROR' });
  expect(asked).toEqual([]);
});

test.each([0, 99_999_999_999])('a `fetch-timeout` of %d is patience, not haste', async (timeout) => {
  const { url } = await serve((_, response) => void setTimeout(() => response.end('late'), 200));
  expect(await get(url, { timeout })).toBe('late');
});

test.each<[string, string, (host: string) => NpmConfig]>([
  ['an address that is none', 'registry', () => ({})],
  ['an address of something else', 'ftp://127.0.0.1/', () => ({})],
  ['a token with a line break', '', (host) => ({ [`//${host}/:_authToken`]: 'a\nb' })],
  ['a user agent with a line break', '', () => ({ userAgent: 'a\nb' })],
  ['a local address that is none', '', () => ({ localAddress: 'here' })],
])('%s is an error that says so', async (_, address, npm) => {
  const { url, host } = await serve((__, response) => response.end('got'));
  const refused = await get(address === '' ? url : address, npm(host)).catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: 'REGISTRY_ERROR' });
  expect(String(refused)).not.toContain('a\nb');
});

describe('a packument', () => {
  const packument = { name: 'x' };

  test('is asked for once while it is fresh, then by its ETag, and offline not at all', async () => {
    await using cache = await temporaryDirectory();
    let control = 'max-age=60';
    const { url, asked } = await serve((request, response) => {
      const isKnown = request.headers['if-none-match'] === '"1"';
      return response.writeHead(isKnown ? 304 : 200, { etag: '"1"', 'cache-control': control }).end(isKnown ? undefined : JSON.stringify(packument));
    });
    const ask = (name = 'x', offline = false) => fetchPackument(name, { registry: url, http: openRegistryHttp({ npm: {} }), cacheDir: cache.path, offline });
    expect([await ask(), await ask()]).toEqual([packument, packument]);
    expect(asked).toHaveLength(1);
    control = 'max-age=0';
    expect([await ask('y'), await ask('y'), await ask('y', true)]).toEqual([packument, packument, packument]);
    expect(asked.map(({ headers }) => headers['if-none-match'])).toEqual([undefined, undefined, '"1"']);
    await expect(ask('z', true)).rejects.toMatchObject({ code: 'OFFLINE' });
  });

  test('that was never sent cannot be unchanged', async () => {
    await using cache = await temporaryDirectory();
    const { url } = await serve((_, response) => response.writeHead(304).end());
    await expect(fetchPackument('x', { registry: url, http: openRegistryHttp({ npm: {} }), cacheDir: cache.path })).rejects.toMatchObject({
      code: 'REGISTRY_REPLY_INVALID',
    });
  });
});
