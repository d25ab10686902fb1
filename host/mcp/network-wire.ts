import type { IncomingMessage } from 'node:http';
import { readEvents } from './event-stream.ts';
import { openConnections, type Route } from './network-route.ts';
import { DEAF, MAX_MESSAGE, MAX_UNTAKEN, type OutgoingMessage, type Wire, type WireEvents } from './wire.ts';

/** How long a server that is left may take to hear of it. */
const GOODBYE_MS = 2_000;
/** How long one may take to take what it need not answer: what follows waits for that. */
const TAKE_MS = 30_000;
const JSON_TYPE = { 'content-type': 'application/json' } as const;

/** Speaks with a server that answers each message by itself, at once or as a stream of events (“streamable HTTP”). */
export function openHttpWire(route: Route, { message, unanswered, ended }: WireEvents): Wire {
  const connections = openConnections(route);
  const closing = new AbortController();
  const open = new Map<number, AbortController>();
  let session: Readonly<Record<string, string>> = {};
  let version: Readonly<Record<string, string>> = {};
  /** What asks for nothing goes out before what follows it. */
  let told = Promise.resolve();
  let untaken = 0;

  const post = async (outgoing: OutgoingMessage, signal: AbortSignal): Promise<void> => {
    const headers = { ...JSON_TYPE, accept: 'application/json, text/event-stream', ...session, ...version };
    const reply = await connections.request(route.url, { method: 'POST', headers, body: JSON.stringify(outgoing), signal });
    if (reply.statusCode === 404 && session['mcp-session-id'] !== undefined) {
      reply.destroy();
      return ended('it knows this session no more');
    }
    assertGood(reply);
    const given = reply.headers['mcp-session-id'];
    if (outgoing.method === 'initialize' && typeof given === 'string') session = { 'mcp-session-id': given };
    if (isOfType(reply, 'text/event-stream')) {
      for await (const { event, data } of readEvents(reply)) if (event === 'message') message(data);
    } else if (isOfType(reply, 'application/json')) message(await readText(reply));
    else reply.resume();
  };
  const ask = async (id: number, outgoing: OutgoingMessage): Promise<void> => {
    const stop = new AbortController();
    open.set(id, stop);
    try {
      await post(outgoing, AbortSignal.any([closing.signal, stop.signal]));
      unanswered(id, 'its connection ended before the answer');
    } catch (error) {
      unanswered(id, wordsOf(error));
    } finally {
      open.delete(id);
      // what it says that is no answer need not end by itself
      stop.abort();
    }
  };
  return {
    send(outgoing) {
      const { id, method } = outgoing;
      if (typeof id === 'number' && method !== undefined) return void told.then(() => ask(id, outgoing));
      if (untaken >= MAX_UNTAKEN.messages) return ended(DEAF);
      untaken += 1;
      // whoever waits for an answer learns of it by its own failure
      told = told
        .then(() => post(outgoing, AbortSignal.any([closing.signal, AbortSignal.timeout(TAKE_MS)])))
        .catch(() => undefined)
        .finally(() => void (untaken -= 1));
      if (method === 'notifications/cancelled') void told.then(() => open.get(cancelledBy(outgoing))?.abort());
    },
    negotiated: (spoken) => void (version = { 'mcp-protocol-version': spoken }),
    async close() {
      closing.abort();
      const goodbye = AbortSignal.timeout(GOODBYE_MS);
      if (session['mcp-session-id'] !== undefined)
        await connections.request(route.url, { method: 'DELETE', headers: { ...session, ...version }, signal: goodbye }).then(
          (reply) => reply.destroy(),
          () => undefined,
        );
      connections[Symbol.dispose]();
    },
  };
}

/** Speaks with a server that answers everything in one stream, and says there where it wants its messages (“HTTP with SSE”). */
export function openSseWire(route: Route, { message, unanswered, ended }: WireEvents): Wire {
  const connections = openConnections(route);
  const closing = new AbortController();
  const { signal } = closing;
  const endpoint = Promise.withResolvers<URL>();
  endpoint.promise.catch(() => undefined);
  let told: Promise<unknown> = Promise.resolve();
  let untaken = 0;

  const listen = async (): Promise<void> => {
    const reply = await connections.request(route.url, { method: 'GET', headers: { accept: 'text/event-stream' }, signal });
    assertGood(reply);
    if (!isOfType(reply, 'text/event-stream')) throw new Error('it answers with something else than a stream of events');
    for await (const { event, data } of readEvents(reply)) {
      if (event === 'message') message(data);
      if (event !== 'endpoint') continue;
      const url = new URL(data, route.url);
      // what was agreed to is this server
      if (url.origin !== route.url.origin) throw new Error(`it wants its messages sent to ${url.origin}`);
      endpoint.resolve(url);
    }
    throw new Error('its stream ended');
  };
  const listening = listen().catch((error: unknown) => {
    endpoint.reject(error);
    ended(wordsOf(error));
  });
  const post = async (outgoing: OutgoingMessage): Promise<void> => {
    const url = await endpoint.promise;
    const until = AbortSignal.any([signal, AbortSignal.timeout(TAKE_MS)]);
    const reply = await connections.request(url, { method: 'POST', headers: JSON_TYPE, body: JSON.stringify(outgoing), signal: until });
    assertGood(reply);
    reply.resume();
  };
  return {
    send(outgoing) {
      if (untaken >= MAX_UNTAKEN.messages) return ended(DEAF);
      untaken += 1;
      told = told
        .then(() => post(outgoing))
        .catch((error: unknown) => {
          if (typeof outgoing.id === 'number') unanswered(outgoing.id, wordsOf(error));
        })
        .finally(() => void (untaken -= 1));
    },
    negotiated: () => undefined,
    async close() {
      closing.abort();
      await listening;
      connections[Symbol.dispose]();
    },
  };
}

function cancelledBy({ params }: OutgoingMessage): number {
  return params !== undefined && 'requestId' in params ? Number(params.requestId) : Number.NaN;
}

function isOfType({ headers }: IncomingMessage, type: string): boolean {
  return headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase() === type;
}

function assertGood(reply: IncomingMessage): void {
  const { statusCode = 0, statusMessage = '' } = reply;
  if (statusCode >= 200 && statusCode < 300) return;
  reply.destroy();
  const hint = statusCode === 401 ? ': give it a key as a header in the editor; it cannot be logged in to from here' : '';
  throw new Error(`HTTP ${statusCode} ${statusMessage}`.trim() + hint);
}

async function readText(reply: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of reply) {
    size += (chunk as Buffer).length;
    if (size > MAX_MESSAGE) throw new Error('its answer has no end');
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Where several addresses were tried, the first failure says enough. */
function wordsOf(error: unknown): string {
  const one = error instanceof AggregateError ? error.errors[0] : error;
  return one instanceof Error ? one.message : String(one);
}
