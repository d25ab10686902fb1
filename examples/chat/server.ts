/**
 * A chat in a browser over an agent of one's own: `node examples/chat/server.ts`, then open what it prints. Outside of
 * this repository the first import reads `from 'dash-agent'`.
 */
import { createHost, withoutUser, type Host, type HostOptions } from '../../host/index.ts';
import { serve } from '@hono/node-server';
import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { streamSSE } from 'hono/streaming';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));

/** An agent with one extension, which may do nothing but roll dice. */
export function createChatHost(options: HostOptions = {}): Promise<Host> {
  return createHost({ extensions: [{ path: join(here, 'dice.ts'), permissions: [] }], approval: 'none', ...options });
}

export interface Chat extends AsyncDisposable {
  readonly url: string;
}

/** Serves a chat with `host` on loopback, to pages of its own origin only. */
export async function serveChat(host: Host, port = 0): Promise<Chat> {
  host.attach(withoutUser('rpc', (message) => console.error(message)));
  await host.begin();
  const app = new Hono();
  let origin = '';
  // Any page of the web may send requests to loopback; only ours may be heard.
  app.use(async (context, next) => {
    const from = context.req.header('origin');
    const isOurs = `http://${context.req.header('host')}` === origin && (from === undefined ? context.req.method === 'GET' : from === origin);
    if (!isOurs) return context.text('this chat answers to its own page only', 403);
    context.header(
      'Content-Security-Policy',
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'",
    );
    context.header('X-Content-Type-Options', 'nosniff');
    return next();
  });
  const file = (name: string, type: string) => async (context: Context) =>
    context.body(await readFile(join(here, name), 'utf8'), 200, { 'Content-Type': type });
  app.get('/', file('page.html', 'text/html; charset=utf-8'));
  app.get('/page.js', file('page.js', 'text/javascript; charset=utf-8'));
  app.get('/page.css', file('page.css', 'text/css; charset=utf-8'));

  app.get('/events', (context) =>
    streamSSE(context, async (stream) => {
      const unsubscribe = host.subscribe(async (event) => {
        // fragments are enough: the answer so far would make the stream grow with its square
        const data = event.type === 'message_update' ? { type: event.type, fragment: fragmentOf(event.assistantMessageEvent) } : event;
        await stream.writeSSE({ data: JSON.stringify(data) });
      });
      const gone = new Promise<void>((resolve) => stream.onAbort(resolve));
      await stream.writeSSE({ data: JSON.stringify({ type: 'history', messages: host.conversation.messages }) });
      await gone;
      unsubscribe();
    }),
  );
  app.post('/prompt', bodyLimit({ maxSize: 1024 * 1024 }), async (context) => {
    const body: unknown = await context.req.json();
    if (typeof body !== 'object' || body === null || !('text' in body) || typeof body.text !== 'string') return context.text('a prompt is {"text": "…"}', 400);
    const outcome = await host.prompt(body.text, { source: 'rpc', streamingBehavior: 'steer' });
    return context.json({ kind: outcome.kind });
  });
  app.post('/abort', async (context) => {
    await host.conversation.abort();
    return context.json({ kind: 'aborted' });
  });

  return new Promise((resolve) => {
    const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port }, ({ port: at }) => {
      origin = `http://127.0.0.1:${at}`;
      resolve({
        url: origin,
        async [Symbol.asyncDispose]() {
          if ('closeAllConnections' in server) server.closeAllConnections();
          await new Promise((closed) => server.close(closed));
        },
      });
    });
  });
}

function fragmentOf(event: { readonly type: string; readonly delta?: string }): { readonly type: string; readonly delta?: string } {
  return { type: event.type, ...(event.delta === undefined ? {} : { delta: event.delta }) };
}

if (import.meta.main) {
  const host = await createChatHost({ model: process.argv[2] });
  const { url } = await serveChat(host, 8733);
  console.log(`a chat with ${host.conversation.model?.id ?? 'no model'} at ${url}`);
}
