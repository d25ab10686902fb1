import { execFileSync } from 'node:child_process';
import { createServer } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { osLayer } from '../../sandbox/index.ts';
import { extensionOf, openFixture, type Fixture } from '../support/sandbox-fixture.ts';

/**
 * Confined programs of a package on the network: only by the proxy of their call, and only where the package may go.
 * The program is this Node, which needs no other tool; the control arm runs the same script unconfined.
 */
const layer = await osLayer();
const isLive = layer.kind === 'live' && layer.tools.nsenter !== undefined;

const run = `return await new Promise((done) => require('child_process').execFile(params.node, ['-e', params.script, ...(params.args ?? [])], { timeout: 30000 }, (error, stdout, stderr) => done(stdout + stderr)))`;
/** A request by the proxy in whole words, as curl makes one; without a proxy straight to the server. */
const GET = `const url = process.argv[1]; const proxied = process.env.http_proxy !== undefined; const { hostname, port, pathname } = new URL(url); const request = require('http').get(proxied ? { host: '127.0.0.1', port: 3128, path: url, agent: false } : { host: hostname.replace(/^\\[|\\]$/g, ''), port, path: pathname, agent: false }, (reply) => { let text = ''; reply.on('data', (chunk) => (text += chunk)); reply.on('end', () => console.log(reply.statusCode, text)); }); request.on('error', (error) => console.log('failed', error.code)); setTimeout(() => request.destroy(), 10000).unref();`;
const FETCH = `fetch(process.argv[1]).then(async (reply) => console.log(reply.status, await reply.text()), (error) => console.log('failed', error.message))`;
const DIRECT = `const socket = require('net').connect(Number(process.argv[2]), process.argv[1]); socket.on('connect', () => { console.log('connected'); socket.destroy(); }); socket.on('error', (error) => console.log('failed', error.code)); setTimeout(() => { console.log('failed by time'); process.exit(); }, 5000).unref();`;
/** Says a head to the proxy, word for word, and prints what comes back. */
const RAW = `const socket = require('net').connect(3128, '127.0.0.1'); let text = ''; socket.on('data', (chunk) => (text += chunk)); socket.on('close', () => console.log(text.slice(0, 400))); socket.on('error', (error) => console.log('failed', error.code)); socket.write(JSON.parse(process.argv[1])); setTimeout(() => socket.destroy(), 10000).unref();`;

const seen: string[] = [];
const http = createServer((request, response) => {
  seen.push(`${request.method} ${request.url} ${request.headers.host}`);
  response.end(request.url === '/away' ? 'away' : 'reached');
});
const other = createServer((request, response) => {
  seen.push(`other ${request.url}`);
  response.end('the other');
});
const whole = createServer((_request, response) => response.end('the whole'));
const tcp: Server = createTcpServer((socket) => socket.on('error', () => undefined).end('raw'));
let [port, otherPort, tcpPort, wholePort] = [0, 0, 0, 0];
let fixture: Fixture;

beforeAll(async () => {
  for (const server of [http, other, tcp, whole]) await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  [port, otherPort, tcpPort, wholePort] = [http, other, tcp, whole].map((server) => (server.address() as AddressInfo).port) as [number, number, number, number];
  fixture = await openFixture({
    files: { 'index.ts': extensionOf({ run }) },
    granted: ['fs:read', `exec:${process.execPath}`, `net:GET:127.0.0.1:${port}/ok/**`, `net:127.0.0.1:${tcpPort}`, `net:127.0.0.1:${wholePort}`],
  });
});
afterAll(async () => {
  await fixture[Symbol.asyncDispose]();
  for (const server of [http, other, tcp, whole]) await new Promise((resolve) => server.close(resolve));
});

const confined = (script: string, ...args: readonly string[]): Promise<string> =>
  fixture.text('run', { node: process.execPath, script, args }, { timeoutMs: 60_000 });
const plain = (script: string, ...args: readonly string[]): string =>
  execFileSync(process.execPath, ['-e', script, ...args], { encoding: 'utf8', env: {}, timeout: 30_000 });

/** The control arm blocks this process while its servers must answer: it runs beside it. */
async function control(script: string, ...args: readonly string[]): Promise<string> {
  const { execFile } = await import('node:child_process');
  return new Promise((resolve) => execFile(process.execPath, ['-e', script, ...args], { env: {} }, (_error, stdout, stderr) => resolve(stdout + stderr)));
}

describe.skipIf(!isLive)('a confined program (skipped where nothing confines it, or its namespace cannot be entered)', () => {
  test('reaches what its package may reach, by the proxy of its call', async () => {
    expect(await confined(GET, `http://127.0.0.1:${port}/ok/1`)).toBe('200 reached\n');
    expect(seen).toContain(`GET /ok/1 127.0.0.1:${port}`);
    // Node's own fetch makes a tunnel of everything.
    expect(await confined(FETCH, `http://127.0.0.1:${wholePort}/`)).toBe('200 the whole\n');
  });

  test.each([
    ['another path', () => `http://127.0.0.1:${port}/secret`],
    ['a path with dots', () => `http://127.0.0.1:${port}/ok/%2e%2e/secret`],
    ['another port', () => `http://127.0.0.1:${otherPort}/ok/1`],
    ['another name of the same machine', () => `http://localhost:${port}/ok/1`],
    ['a short form of the address', () => `http://127.1:${otherPort}/`],
    ['a number for an address', () => `http://2130706433:${otherPort}/`],
    ['a mapped address', () => `http://[::ffff:127.0.0.1]:${otherPort}/`],
    ['an unspecified address', () => `http://0.0.0.0:${otherPort}/`],
  ])('is refused %s', async (_name, url) => {
    expect(await control(GET, url())).toMatch(/^200 (reached|the other)/); // control arm: unconfined it gets there
    const reachedAlone = seen.length;
    expect(await confined(GET, url())).toMatch(/^403 dash: /);
    expect(seen.length).toBe(reachedAlone);
  });

  test('has no other way out than the proxy', async () => {
    expect(await control(DIRECT, '127.0.0.1', String(tcpPort))).toBe('connected\n');
    expect(await confined(DIRECT, '127.0.0.1', String(tcpPort))).toMatch(/^failed/);
    expect(await confined(DIRECT, '192.0.2.1', '80')).toMatch(/^failed/);
    expect(await confined(`require('dns').lookup('localhost.test', (error) => console.log('failed', error.code))`)).toMatch(/^failed/);
  });

  const crlf = '\r\n';
  test('gets a tunnel to a host that was granted as a whole, and to no other', async () => {
    const connectTo = (target: string): Promise<string> => confined(RAW, JSON.stringify(`CONNECT ${target} HTTP/1.1${crlf}Host: x${crlf}${crlf}`));
    expect(await connectTo(`127.0.0.1:${tcpPort}`)).toMatch(/^HTTP\/1\.1 200 .*raw/s);
    // Granted for one method and some paths: in a tunnel nobody would see which.
    expect(await connectTo(`127.0.0.1:${port}`)).toMatch(/^HTTP\/1\.1 403 /);
    expect(await connectTo(`127.0.0.1:${otherPort}`)).toMatch(/^HTTP\/1\.1 403 /);
    expect(await connectTo('169.254.169.254:80')).toMatch(/^HTTP\/1\.1 403 /);
    for (const nonsense of ['', 'x', ':80', `user@127.0.0.1:${tcpPort}`, `127.0.0.1:${tcpPort}/x`, '127.0.0.1:99999', '127.0.0.1'])
      expect(await connectTo(nonsense)).not.toMatch(/^HTTP\/1\.1 200/);
  });

  test('cannot name one host to us and another to the server', async () => {
    const before = seen.length;
    const head = (lines: readonly string[]): string => JSON.stringify(`${lines.join(crlf)}${crlf}${crlf}`);
    await confined(RAW, head([`GET http://127.0.0.1:${port}/ok/2 HTTP/1.1`, 'Host: evil.example', 'Connection: close']));
    expect(seen.slice(before)).toEqual([`GET /ok/2 127.0.0.1:${port}`]);
    for (const lines of [
      [`GET /ok/3 HTTP/1.1`, `Host: 127.0.0.1:${port}`],
      [
        `GET http://127.0.0.1:${port}/ok/4 HTTP/1.1`,
        'Host: x',
        'Transfer-Encoding: chunked',
        'Content-Length: 4',
        '',
        '0',
        '',
        `GET http://127.0.0.1:${otherPort}/smuggled HTTP/1.1`,
        'Host: y',
      ],
      [`GET http://user:password@127.0.0.1:${port}/ok/5 HTTP/1.1`, 'Host: x', 'Connection: close'],
      [`GET https://127.0.0.1:${port}/ok/6 HTTP/1.1`, 'Host: x'],
      [`POST http://127.0.0.1:${port}/ok/7 HTTP/1.1`, 'Host: x', 'Content-Length: 0', 'Connection: close'],
    ])
      await confined(RAW, head(lines));
    expect(seen.slice(before + 1).filter((line) => /other|smuggled|ok\/[3567]/.test(line))).toEqual([]);
  });

  test('loses its way out with its call', async () => {
    expect(await confined(GET, `http://127.0.0.1:${port}/ok/8`)).toBe('200 reached\n');
    // Nothing listens where the proxy was: the next program of the package has one of its own.
    expect(
      plain(`require('net').connect(3128, '127.0.0.1').on('error', (error) => console.log(error.code)).on('connect', () => console.log('connected'))`),
    ).toBe('ECONNREFUSED\n');
  });

  test('has no network at all where its package may not reach any host', async () => {
    await using alone = await openFixture({ files: { 'index.ts': extensionOf({ run }) }, granted: ['fs:read', `exec:${process.execPath}`] });
    expect(await alone.text('run', { node: process.execPath, script: DIRECT, args: ['127.0.0.1', '3128'] })).toMatch(/^failed ECONNREFUSED/);
  });
});
