import type { CapabilityErrorData, ToGuest } from '../protocol.ts';
import type { GuestFactsView, GuestLink, SubscriptionListener } from './link.ts';

/** isolated-vm's Reference as the guest sees it. */
export interface SyncReference {
  applySyncPromise(receiver: undefined, args: readonly string[]): string;
}

type FromHost = ToGuest | { readonly kind: 'timer'; readonly id: number };
export type Handler = (message: Exclude<ToGuest, { kind: 'answer' | 'event' }>) => void;

/** Captured before any package code exists: a guest that poisons these later hurts nobody but itself. */
const { apply } = Reflect;
const { parse, stringify } = JSON;
const globals = { RangeError, TypeError };

/** Turns the two ways out into the {@link GuestLink} that the guest's own libraries use. */
export function createLink(
  post: (text: string) => void,
  sync: SyncReference,
  facts: GuestFactsView,
): { link: GuestLink; receive: (text: string, handler: Handler) => void } {
  // `sync` is only ever used as the receiver of the captured `applySyncPromise`, through the captured `apply`:
  // `sync.applySyncPromise(…)` or `f.call(sync)` would hand the Reference to a poisoned prototype.
  const { applySyncPromise } = sync;
  let nextId = 1;
  const answers = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  const subscriptions = new Map<number, SubscriptionListener>();
  const timers = new Map<number, () => void>();

  const link: GuestLink = {
    facts,

    request: (capability, params, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(abortError(signal));
        const id = nextId++;
        const settle =
          <T>(end: (value: T) => void) =>
          (value: T): void => {
            answers.delete(id);
            signal?.removeEventListener('abort', onAbort);
            end(value);
          };
        const onAbort = (): void => {
          send({ kind: 'cancel', id });
          settle(reject)(abortError(signal));
        };
        answers.set(id, { resolve: settle(resolve), reject: settle(reject) });
        signal?.addEventListener('abort', onAbort);
        send({ kind: 'request', id, capability, params });
      }),

    requestSync: (capability, params) => {
      const text = stringify({ capability, params: params ?? null });
      const reply = parse(apply(applySyncPromise, sync, [undefined, [text]]) as string) as { value?: unknown; error?: CapabilityErrorData };
      if (reply.error !== undefined) throw toError(reply.error);
      return reply.value;
    },

    native: (order, bytes) => {
      const reply = apply(applySyncPromise, sync, [undefined, [`N${stringify(order)}\n${bytes}`]]) as string;
      if (reply.startsWith('+')) return reply.slice(1);
      // `{` begins the refusal of an order that is too large
      const { name, ...error } = (reply.startsWith('-') ? parse(reply.slice(1)) : parse(reply).error) as CapabilityErrorData & { name?: string };
      if (name === 'RangeError' || name === 'TypeError') throw Object.assign(new globals[name](error.message), error);
      // What WebCrypto throws is told apart by its name alone.
      throw name === undefined || name === 'Error' ? toError(error) : Object.assign(toError(error), { name });
    },

    subscribe: (capability, params, listener) => {
      const id = nextId++;
      subscriptions.set(id, listener);
      send({ kind: 'subscribe', id, capability, params });
      return {
        close: () => {
          if (subscriptions.delete(id)) send({ kind: 'unsubscribe', id });
        },
      };
    },

    startTimer: (delayMs, fire) => {
      const id = nextId++;
      timers.set(id, fire);
      post(`T+${id} ${delayMs}`);
      return {
        cancel: () => {
          if (timers.delete(id)) post(`T-${id}`);
        },
      };
    },

    listens: () => send({ kind: 'listens' }),
    log: (level, text) => send({ kind: 'log', level, text: text.slice(0, 16_384) }),
  };

  return { link, receive };

  function send(message: object): void {
    post(`M${stringify(message)}`);
  }

  function receive(text: string, handler: Handler): void {
    try {
      const message = parse(text) as FromHost;
      switch (message.kind) {
        case 'timer': {
          const fire = timers.get(message.id);
          timers.delete(message.id);
          return fire?.();
        }
        case 'answer': {
          const waiting = answers.get(message.id);
          if (message.error !== undefined) waiting?.reject(toError(message.error));
          else waiting?.resolve(message.value);
          return;
        }
        case 'event': {
          const listener = subscriptions.get(message.id);
          if (message.error === undefined) return listener?.event(message.value);
          subscriptions.delete(message.id);
          return listener?.error(toError(message.error));
        }
        default:
          return handler(message);
      }
    } catch (error) {
      // Nothing a guest throws may leave the isolate as an exception.
      link.log('error', `uncaught: ${describe(error)}`);
    }
  }
}

function toError({ code, message, ...rest }: CapabilityErrorData): Error {
  return Object.assign(new Error(message), { code, ...rest });
}

function abortError(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason;
  if (reason instanceof Error) return reason;
  return Object.assign(new Error('This operation was aborted'), { name: 'AbortError', code: 'ABORT_ERR' });
}

/** A thrown value as text; a thrown Proxy or an object with a hostile `toString` must not throw again. */
export function describe(error: unknown): string {
  try {
    if (error instanceof Error) return String(error.stack ?? error.message);
    return String(error);
  } catch {
    return 'a value that cannot be shown';
  }
}
