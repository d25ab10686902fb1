import { type Agent, type IncomingHttpHeaders, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';

/** One request and its whole answer. */
export interface Exchange {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly agent: Agent;
  /** The answer is not read beyond it. */
  readonly maxBytes: number;
  /** In every stretch of so many milliseconds at least one byte in {@link MS_A_BYTE} has to arrive. */
  readonly windowMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly onReceived?: ((bytes: number, total: number | undefined) => void) | undefined;
}

export type Reply =
  | { readonly kind: 'answer'; readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: Buffer }
  | { readonly kind: 'too-large' }
  | { readonly kind: 'too-slow' }
  /** Enough arrived in every stretch, and there is no end of it. */
  | { readonly kind: 'too-long'; readonly ms: number }
  | { readonly kind: 'interrupted' }
  /** Nobody there, or the connection broke, also in the middle of the answer. */
  | { readonly kind: 'broken'; readonly error: Error };

/** 40 bytes a second: less than the worst line, divided by many downloads. */
const MS_A_BYTE = 25;
/** So many stretches are all there is: half an hour, when a stretch is 30 seconds. */
const MOST_WINDOWS = 60;

/**
 * Sends a GET. Never throws. One rule covers a host that does not accept, one that accepts and is silent, one that stalls
 * in the middle and one that sends a byte a second: too little arrived in a stretch of time. And nothing lasts for ever.
 */
export function exchange({ url, headers, agent, maxBytes, windowMs, signal, onReceived }: Exchange): Promise<Reply> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) return void resolve({ kind: 'interrupted' });
    const send = url.protocol === 'https:' ? requestHttps : requestHttp;
    // the agent's own limit, which also ends a proxy that never says whether there is a tunnel
    const sent = attempt(() => send(url, { agent, headers, timeout: windowMs }));
    if (sent instanceof Error) return void resolve({ kind: 'broken', error: sent });
    const request = sent;
    const chunks: Buffer[] = [];
    let received = 0;
    let inWindow = 0;
    let windows = 0;
    let watch: NodeJS.Timeout | undefined;
    const interrupt = (): void => settle({ kind: 'interrupted' });
    signal?.addEventListener('abort', interrupt, { once: true });

    function settle(reply: Reply): void {
      clearInterval(watch);
      signal?.removeEventListener('abort', interrupt);
      resolve(reply);
      // a connection with an unread answer on it is of no use to the next request
      if (reply.kind !== 'answer') request.destroy();
    }

    // not before: until one is free, a request waits for the others
    request.on('socket', () => {
      watch ??= setInterval(() => {
        if (inWindow < windowMs / MS_A_BYTE) return settle({ kind: 'too-slow' });
        if (++windows === MOST_WINDOWS) return settle({ kind: 'too-long', ms: windows * windowMs });
        inWindow = 0;
      }, windowMs);
    });
    request.on('error', (error) => settle({ kind: 'broken', error }));
    request.on('response', (response) => {
      const length = Number(response.headers['content-length'] ?? Number.NaN);
      const total = Number.isSafeInteger(length) ? length : undefined;
      if (total !== undefined && total > maxBytes) return settle({ kind: 'too-large' });
      response.on('data', (chunk: Buffer) => {
        received += chunk.length;
        inWindow += chunk.length;
        if (received > maxBytes) return settle({ kind: 'too-large' });
        chunks.push(chunk);
        onReceived?.(received, total);
      });
      response.on('error', (error) => settle({ kind: 'broken', error }));
      response.on('end', () => settle({ kind: 'answer', status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks, received) }));
    });
    request.end();
  });
}

/** What cannot be sent at all, for example a header with a line break in it, is thrown at once. */
function attempt<T>(send: () => T): T | Error {
  try {
    return send();
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
