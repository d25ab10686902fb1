import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';

import { describe, expect, onTestFinished, test } from 'vitest';

import { openRegistryHttp, type RegistryHttp } from '../../../registry/http/registry-http.ts';

/** Answers raw, and says on which connection each path was asked for. */
async function serveRaw(answers: Readonly<Record<string, (socket: Socket) => void>>) {
  const asked: { readonly path: string; readonly connection: number }[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    const connection = sockets.size;
    let pending = '';
    socket
      .on('error', () => undefined)
      .on('data', (chunk) => {
        pending += chunk.toString('latin1');
        for (let end = pending.indexOf('\r\n\r\n'); end >= 0; end = pending.indexOf('\r\n\r\n')) {
          const path = pending.split(' ', 2)[1] ?? '';
          pending = pending.slice(end + 4);
          asked.push({ path, connection });
          (answers[path] ?? whole(path))(socket);
        }
      });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  return { url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`, asked };
}

function whole(body: string): (socket: Socket) => void {
  return (socket) => socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
}

const text = async (http: RegistryHttp, url: string) => (await http.get(url, { what: url, maxBytes: 1000 })).body.toString();

describe('a connection that is used again', () => {
  test.each<[string, (socket: Socket) => void, boolean]>([
    ['a 500', (socket) => socket.write('HTTP/1.1 500 No\r\ncontent-length: 4\r\n\r\nnope'), true],
    ['a 404', (socket) => socket.write('HTTP/1.1 404 No\r\ncontent-length: 4\r\n\r\nnope'), true],
    ['a body that is cut off', (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 40\r\n\r\nhalf'), false],
    ['chunks that are cut off', (socket) => socket.end('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n40\r\nhalf'), false],
    ['a reset', (socket) => void socket.write('HTTP/1.1 200 OK\r\ncontent-length: 40\r\n\r\nhalf', () => socket.resetAndDestroy()), false],
    ['something that is no http', (socket) => socket.write('SSH-2.0-OpenSSH\r\n\r\n'), false],
    ['more than may be', (socket) => socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 2000\r\n\r\n${'x'.repeat(2000)}`), false],
    ['more than may be, in chunks', (socket) => socket.write(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n7d0\r\n${'x'.repeat(2000)}\r\n`), false],
    ['one that closes behind the answer', (socket) => socket.end('HTTP/1.1 503 No\r\ncontent-length: 4\r\nconnection: close\r\n\r\nnope'), false],
  ])('after %s gives the next request its own answer', async (_, answer, isKept) => {
    const { url, asked } = await serveRaw({ '/bad': answer });
    const http = openRegistryHttp({ npm: { fetchRetries: 0, registry: url } });
    expect(await text(http, `${url}/first`)).toBe('/first');
    await expect(text(http, `${url}/bad`)).rejects.toMatchObject({ code: expect.stringMatching(/^(REGISTRY_|PACKAGE_)/) });
    expect(await text(http, `${url}/next`)).toBe('/next');
    expect(await Promise.all(['/a', '/b', '/c'].map((path) => text(http, `${url}${path}`)))).toEqual(['/a', '/b', '/c']);
    const of = (path: string) => asked.find((one) => one.path === path)?.connection;
    expect(of('/bad')).toBe(of('/first'));
    expect(of('/next') === of('/bad')).toBe(isKept);
  });

  test('is given up by the other side behind an answer, and the next request asks on another', async () => {
    const { url, asked } = await serveRaw({ '/last': (socket) => (whole('/last')(socket), socket.end()) });
    const http = openRegistryHttp({ npm: { fetchRetryMintimeout: 1 } });
    expect(await text(http, `${url}/last`)).toBe('/last');
    expect(await text(http, `${url}/next`)).toBe('/next');
    expect(asked.at(-1)?.connection).toBe(2);
  });

  test('is dropped where the second request on it gets no answer, and that is asked for again', async () => {
    let dropped = 0;
    const { url } = await serveRaw({ '/second': (socket) => (dropped++ === 0 ? socket.destroy() : whole('/second')(socket)) });
    const http = openRegistryHttp({ npm: { fetchRetryMintimeout: 1 } });
    expect(await text(http, `${url}/first`)).toBe('/first');
    expect(await text(http, `${url}/second`)).toBe('/second');
    expect(dropped).toBe(2);
  });

  test('with something on it that nobody asked for is not believed', async () => {
    const { url } = await serveRaw({ '/more': (socket) => (whole('/more')(socket), whole('/forged')(socket)) });
    const http = openRegistryHttp({ npm: { fetchRetryMintimeout: 1 } });
    expect(await text(http, `${url}/more`)).toBe('/more');
    expect(await text(http, `${url}/next`)).toBe('/next');
  });
});
