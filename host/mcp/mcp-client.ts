import { StringDecoder } from 'node:string_decoder';
import { Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';

/** The side of the Model Context Protocol that asks, over lines of JSON. */
export interface McpClient {
  /** Takes what the server wrote, in any pieces. */
  receive(bytes: Buffer): void;
  request(method: string, params: object, how: { readonly signal: AbortSignal; readonly timeoutMs: number }): Promise<unknown>;
  notify(method: string, params?: object): void;
  /** The server is gone: whoever waits waits no longer. */
  close(why: string): void;
}

/** A server that never ends a line must not fill the memory. */
const MAX_LINE = 16 * 1024 * 1024;

const Id = Type.Union([Type.String(), Type.Number()]);
const Asked = Type.Object({ id: Id, method: Type.String() });
const Answered = Type.Object({
  id: Type.Number(),
  result: Type.Optional(Type.Unknown()),
  error: Type.Optional(Type.Object({ message: Type.String() })),
});

/** Makes a client that writes with `send`; `broken` is told when what comes is no protocol. */
export function createMcpClient(send: (line: string) => void, broken: (why: string) => void): McpClient {
  const waiting = new Map<number, { readonly resolve: (result: unknown) => void; readonly reject: (error: Error) => void }>();
  const decoder = new StringDecoder('utf8');
  let rest = '';
  let last = 0;
  let closed: string | undefined;
  const write = (message: object): void => send(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);

  const take = (line: string): void => {
    if (line.trim() === '') return;
    let message: unknown;
    try {
      message = JSON.parse(line);
    } catch {
      return broken('it wrote something that is no JSON');
    }
    if (Value.Check(Asked, message)) {
      // we offered nothing that a server could ask for
      if (message.method === 'ping') return write({ id: message.id, result: {} });
      return write({ id: message.id, error: { code: -32601, message: `there is no ${message.method} here` } });
    }
    if (!Value.Check(Answered, message)) return;
    const { resolve, reject } = waiting.get(message.id) ?? {};
    waiting.delete(message.id);
    if (message.error === undefined) resolve?.(message.result);
    else reject?.(new Error(message.error.message));
  };

  return {
    receive(bytes) {
      rest += decoder.write(bytes);
      for (let end = rest.indexOf('\n'); end !== -1; end = rest.indexOf('\n')) {
        const line = rest.slice(0, end);
        rest = rest.slice(end + 1);
        take(line);
      }
      if (rest.length > MAX_LINE) broken('it wrote a line without an end');
    },
    async request(method, params, { signal, timeoutMs }) {
      if (closed !== undefined) throw new Error(closed);
      signal.throwIfAborted();
      const id = (last += 1);
      const { promise, resolve, reject } = Promise.withResolvers<unknown>();
      waiting.set(id, { resolve, reject });
      const cancel = (why: string): void => {
        if (!waiting.delete(id)) return;
        write({ method: 'notifications/cancelled', params: { requestId: id, reason: why } });
        reject(new Error(why));
      };
      const onAbort = (): void => cancel('aborted');
      const timer = setTimeout(() => cancel(`no answer within ${Math.round(timeoutMs / 1000)} seconds`), timeoutMs);
      signal.addEventListener('abort', onAbort, { once: true });
      try {
        write({ id, method, params });
        return await promise;
      } finally {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
      }
    },
    notify: (method, params = {}) => write({ method, params }),
    close(why) {
      closed ??= why;
      for (const { reject } of waiting.values()) reject(new Error(why));
      waiting.clear();
    },
  };
}
