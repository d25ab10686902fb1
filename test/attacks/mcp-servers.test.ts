import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { describe, expect, onTestFinished, test } from 'vitest';
import { readEvents } from '../../host/mcp/event-stream.ts';
import { createMcpClient } from '../../host/mcp/mcp-client.ts';
import { findRoute } from '../../host/mcp/network-route.ts';
import { openHttpWire, openSseWire } from '../../host/mcp/network-wire.ts';
import { MAX_MESSAGE, MAX_UNTAKEN, type Wire } from '../../host/mcp/wire.ts';

async function serve(handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>): Promise<string> {
  const server = createServer((request, response) => void handle(request, response).catch(() => response.destroy()));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  return `http://127.0.0.1:${(server.address() as { readonly port: number }).port}/`;
}

const pings = (count: number): string => JSON.stringify(Array.from({ length: count }, (_, id) => ({ jsonrpc: '2.0', id, method: 'ping' })));

/** The host's side of one server: as `createMcpServers` puts it together. */
async function connect(transport: 'http' | 'sse', url: string) {
  const over = Promise.withResolvers<string>();
  const route = await findRoute({ kind: 'network', name: 'far', transport, url, headers: [] });
  let wire: Wire | undefined;
  const end = (why: string): void => {
    over.resolve(why);
    wire = undefined;
  };
  const client = createMcpClient((message) => wire?.send(message), end);
  const opened = (transport === 'http' ? openHttpWire : openSseWire)(route, { message: client.receive, unanswered: client.unanswered, ended: end });
  wire = opened;
  onTestFinished(() => opened.close());
  return { client, over: over.promise };
}

describe('a server that was agreed to', () => {
  test('does not hold the host up with one long line in small pieces', async () => {
    // Read again with every piece, as `rest.split(…)` would, this is 500 thousand million characters: an hour.
    const size = 256;
    const stream = async function* (): AsyncGenerator<Buffer> {
      yield Buffer.from('data: ');
      const piece = Buffer.alloc(size, 'x');
      for (let sent = 0; sent < MAX_MESSAGE - 2 * size; sent += size) yield piece;
      yield Buffer.from('\n\n');
    };
    const lengths: number[] = [];
    for await (const { data } of readEvents(stream())) lengths.push(data.length);
    expect(lengths).toEqual([MAX_MESSAGE - 2 * size]);
  });

  test.each(['http', 'sse'] as const)('by %s fills no memory with answers that it asks for and does not take', async (transport) => {
    let answered = 0;
    const ask = (count: number): string => `event: endpoint\ndata: /messages\n\nevent: message\ndata: ${pings(count)}\n\n`;
    // the control: as many as a server may have in mind at once are answered, each
    const patient = await serve(async (request, response) => {
      const text = Buffer.concat((await request.toArray()) as Buffer[]).toString('utf8');
      if (request.method === 'GET' || text.includes('"initialize"'))
        return void response.writeHead(200, { 'content-type': 'text/event-stream' }).write(ask(20));
      answered += 1;
      response.writeHead(202).end();
    });
    const good = await connect(transport, patient);
    const stop = new AbortController();
    const asked = good.client.request('initialize', {}, { signal: stop.signal, timeoutMs: 60_000 });
    await expect.poll(() => answered, { timeout: 50_000 }).toBeGreaterThanOrEqual(20);
    stop.abort();
    await expect(asked).rejects.toThrow('aborted');

    const deaf = await serve(async (request, response) => {
      const text = Buffer.concat((await request.toArray()) as Buffer[]).toString('utf8');
      if (request.method === 'GET' || text.includes('"initialize"'))
        response.writeHead(200, { 'content-type': 'text/event-stream' }).write(ask(MAX_UNTAKEN.messages + 500));
    });
    const bad = await connect(transport, deaf);
    void bad.client.request('initialize', {}, { signal: AbortSignal.timeout(60_000), timeoutMs: 60_000 }).catch(() => undefined);
    expect(await bad.over).toBe('it does not take what it is sent');
    bad.client.close('the test is over');
  });
});
