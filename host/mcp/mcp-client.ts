import { Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import type { OutgoingMessage } from './wire.ts';

/** The side of the Model Context Protocol that asks. */
export interface McpClient {
  /** Takes one message of the server's. */
  receive(text: string): void;
  request(method: string, params: object, how: { readonly signal: AbortSignal; readonly timeoutMs: number }): Promise<unknown>;
  notify(method: string, params?: object): void;
  /** A request has got no answer, and will get none. */
  unanswered(id: number, why: string): void;
  /** The server is gone: whoever waits waits no longer. */
  close(why: string): void;
}

const Id = Type.Union([Type.String(), Type.Number()]);
const Asked = Type.Object({ id: Id, method: Type.String() });
const Answered = Type.Object({
  id: Type.Number(),
  result: Type.Optional(Type.Unknown()),
  error: Type.Optional(Type.Object({ message: Type.String() })),
});

/** Makes a client that speaks with `send`; `broken` is told when what comes is no protocol. */
export function createMcpClient(send: (message: OutgoingMessage) => void, broken: (why: string) => void): McpClient {
  const waiting = new Map<number, { readonly resolve: (result: unknown) => void; readonly reject: (error: Error) => void }>();
  let last = 0;
  let closed: string | undefined;
  const write = (message: Omit<OutgoingMessage, 'jsonrpc'>): void => send({ jsonrpc: '2.0', ...message });

  const take = (message: unknown): void => {
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
    receive(text) {
      if (text.trim() === '') return;
      let message: unknown;
      try {
        message = JSON.parse(text);
      } catch {
        return broken('it wrote something that is no JSON');
      }
      // an earlier version of the protocol knows several in one
      for (const each of Array.isArray(message) ? message : [message]) take(each);
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
    unanswered(id, why) {
      waiting.get(id)?.reject(new Error(why));
      waiting.delete(id);
    },
    close(why) {
      closed ??= why;
      for (const { reject } of waiting.values()) reject(new Error(why));
      waiting.clear();
    },
  };
}
