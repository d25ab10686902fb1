import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { openRegistryHttp } from '../../registry/http/registry-http.ts';
import { fetchPackument } from '../../registry/resolve/fetch-packument.ts';
import { openPackuments } from '../../registry/resolve/packuments.ts';
import { toRelease } from '../../registry/resolve/npm.ts';
import { temporaryDirectory } from '../support/sandbox-fixture.ts';

/** Answers of a registry that mean harm to who asks. */
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function registryThat(answer: (response: ServerResponse) => void): Promise<string> {
  const server = createServer((_, response) => answer(response.writeHead(200, { 'content-type': 'application/json' })));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/`;
}

const CHUNK = Buffer.alloc(64 * 1024, ' ');
/** Sends spaces, which are legal before JSON, for as long as anybody reads. */
const endless =
  (limit: number, sent: { bytes: number }) =>
  (response: ServerResponse): void => {
    const more = (): void => {
      while (!response.destroyed && sent.bytes < limit) {
        sent.bytes += CHUNK.length;
        if (!response.write(CHUNK)) return void response.once('drain', more);
      }
      response.end('{"name":"x"}');
    };
    more();
  };

describe('an answer of any size', () => {
  const MAX = 1024 * 1024;
  const ask = async (registry: string): Promise<unknown> => {
    await using cache = await temporaryDirectory();
    return await fetchPackument('x', { registry, http: openRegistryHttp({ npm: { registry } }), cacheDir: cache.path, maxBytes: MAX });
  };

  test('control: below the limit it is read', async () => {
    const registry = await registryThat(endless(MAX / 2, { bytes: 0 }));
    expect(await ask(registry)).toEqual({ name: 'x' });
  });

  test('is not read to its end', async () => {
    const sent = { bytes: 0 };
    const registry = await registryThat(endless(1024 * MAX, sent));
    await expect(ask(registry)).rejects.toMatchObject({ code: 'REGISTRY_REPLY_INVALID' });
    expect(sent.bytes).toBeLessThan(64 * MAX);
  });
});

test.each(['null', '5', '[]', '"x"', '<html>', '{"name":"x","versions":null,"dist-tags":{}}'])('the answer %j is a named error', async (body) => {
  await using cache = await temporaryDirectory();
  const registry = await registryThat((response) => response.end(body));
  await expect(openPackuments({ npm: { registry }, http: openRegistryHttp({ npm: { registry } }), cacheDir: cache.path }).get('x')).rejects.toMatchObject({
    code: 'REGISTRY_REPLY_INVALID',
  });
});

test('the address of an archive holds nothing that a terminal or a header obeys', async () => {
  const packument = { name: 'x', 'dist-tags': {}, versions: {} };
  const packuments = { get: async () => packument, forget: async () => false, registryOf: async () => undefined };
  const dist = { tarball: 'https://example.org/x\u001B[2J\r\n.tgz', integrity: `sha512-${'A'.repeat(86)}==` };
  const { tarball } = await toRelease({ name: 'x', version: '1.0.0', dist }, { packuments });
  expect(tarball).toBe('https://example.org/x%1B[2J.tgz');
});
