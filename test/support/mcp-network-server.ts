import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { onTestFinished } from 'vitest';

/** What came to a server. */
export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  /** The method of the message in it. */
  readonly asks?: string;
}

/** A server of the Model Context Protocol on loopback, which speaks both ways that the protocol has for the network. */
export interface NetworkMcpServer {
  readonly origin: string;
  readonly port: number;
  readonly received: readonly Received[];
}

interface Message {
  readonly id?: number;
  readonly method: string;
  readonly params?: { readonly name?: string; readonly arguments?: { readonly text?: string } };
}

/**
 * Serves `/mcp` (an answer is JSON), `/stream` (an answer is a stream of events, after a question of the server's own),
 * `/sse` (the stream of before), and ways to go wrong. The tool `echo` says what it was given, `hang` never, `drop` closes
 * the connection, `forget` the session.
 */
export async function serveMcp(elsewhere = 'http://127.0.0.1:9'): Promise<NetworkMcpServer> {
  const received: Received[] = [];
  const streams = new Map<string, ServerResponse>();
  let isForgotten = false;
  const server = createServer((request, response) => void handle(request, response).catch(() => response.destroy()));
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = '', url: path = '', headers } = request;
    const text = Buffer.concat((await request.toArray()) as Buffer[]).toString('utf8');
    const message = text === '' ? undefined : (JSON.parse(text) as Message);
    received.push({ method, path, headers, ...(message?.method === undefined ? {} : { asks: message.method }) });
    const fail = (status: number, more: Record<string, string> = {}): void => void response.writeHead(status, more).end();
    if (path === '/locked') return fail(401);
    if (path === '/moved') return fail(307, { location: '/mcp' });
    if (path === '/away') return fail(307, { location: `${elsewhere}/mcp` });
    if (path === '/page') return void response.writeHead(200, { 'content-type': 'text/html' }).end('<p>hello');
    if (path === '/garbage') return void response.writeHead(200, { 'content-type': 'application/json' }).end('{');
    if (method === 'GET' && (path === '/sse' || path === '/sse-away')) {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(': hello\r\n\r\n');
      response.write(`event: endpoint\r\ndata: ${path === '/sse' ? '/messages?of=1' : `${elsewhere}/messages`}\r\n\r\n`);
      return void streams.set('1', response);
    }
    if (method === 'DELETE') return fail(204);
    if (message === undefined) return fail(405);
    if (path.startsWith('/messages')) {
      fail(202);
      const answer = answerTo(message);
      if (message.params?.name === 'drop') streams.get('1')?.destroy();
      else if (answer !== undefined) streams.get('1')?.write(`event: message\ndata: ${JSON.stringify(answer)}\n\n`);
      return;
    }
    const isKnown = message.method === 'initialize' || headers['mcp-session-id'] === 's-1';
    if (isForgotten || !isKnown) return fail(404);
    if (message.params?.name === 'forget') isForgotten = true;
    if (isForgotten) return fail(404);
    const answer = answerTo(message);
    if (message.params?.name === 'drop') return void response.destroy();
    if (message.params?.name === 'hang') return;
    if (answer === undefined) return fail(202);
    const session = message.method === 'initialize' ? { 'mcp-session-id': 's-1' } : {};
    if (path === '/stream') {
      response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', ...session });
      response.write(`data: ${JSON.stringify({ jsonrpc: '2.0', id: 'ours', method: 'ping' })}\n\n`);
      // one event, in lines and pieces
      const lines = JSON.stringify(answer, null, 1).split('\n');
      response.write(`id: 7\nevent: message\n${lines.map((line) => `data: ${line}\n`).join('')}`);
      return void response.end('\n');
    }
    response.writeHead(200, { 'content-type': 'application/json', ...session }).end(JSON.stringify(answer));
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  const { port } = server.address() as { readonly port: number };
  return { origin: `http://127.0.0.1:${port}`, port, received };
}

function answerTo({ id, method, params }: Message): object | undefined {
  const answer = (result: object): object => ({ jsonrpc: '2.0', id, result });
  switch (method) {
    case 'initialize':
      return answer({ protocolVersion: '2025-03-26', capabilities: { tools: {} }, serverInfo: { name: 'test', version: '1' } });
    case 'tools/list':
      return answer({
        tools: ['echo', 'hang', 'drop', 'forget'].map((name) => ({ name, description: name, inputSchema: { type: 'object', properties: {} } })),
      });
    case 'tools/call':
      return answer({ content: [{ type: 'text', text: `the server heard: ${params?.arguments?.text}` }] });
    default:
      return undefined;
  }
}
