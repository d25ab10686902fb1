import { completeModule } from './throwing-members.ts';

type Subscriber = (message: unknown, name: string | symbol) => void;

/** Makes `diagnostics_channel` within the isolate: nothing of the host publishes here. */
export function createDiagnosticsChannel(): Record<string, unknown> {
  class Channel {
    readonly name: string | symbol;
    readonly #subscribers = new Set<Subscriber>();

    constructor(name: string | symbol) {
      this.name = name;
    }

    get hasSubscribers(): boolean {
      return this.#subscribers.size > 0;
    }

    subscribe(subscriber: Subscriber): void {
      this.#subscribers.add(subscriber);
    }

    unsubscribe(subscriber: Subscriber): boolean {
      return this.#subscribers.delete(subscriber);
    }

    publish(message: unknown): void {
      for (const subscriber of this.#subscribers) {
        try {
          subscriber(message, this.name);
        } catch (error) {
          queueMicrotask(() => {
            throw error;
          });
        }
      }
    }

    runStores<T>(message: unknown, callback: (...args: unknown[]) => T, receiver?: unknown, ...args: unknown[]): T {
      this.publish(message);
      return Reflect.apply(callback, receiver, args);
    }
  }

  const channels = new Map<string | symbol, Channel>();
  const channel = (name: string | symbol) => {
    const made = channels.get(name) ?? new Channel(name);
    channels.set(name, made);
    return made;
  };
  const tracingChannel = (name: string) => {
    const parts = Object.fromEntries(
      ['start', 'end', 'asyncStart', 'asyncEnd', 'error'].map((event) => [event, channel(`tracing:${name}:${event}`)]),
    ) as Record<'start' | 'end' | 'asyncStart' | 'asyncEnd' | 'error', Channel>;
    const traceSync = <T>(callback: (...args: unknown[]) => T, context: Record<string, unknown> = {}, receiver?: unknown, ...args: unknown[]): T => {
      parts.start.publish(context);
      try {
        context['result'] = Reflect.apply(callback, receiver, args);
        return context['result'] as T;
      } catch (error) {
        context['error'] = error;
        parts.error.publish(context);
        throw error;
      } finally {
        parts.end.publish(context);
      }
    };
    const tracePromise = async (callback: (...args: unknown[]) => unknown, context: Record<string, unknown> = {}, receiver?: unknown, ...args: unknown[]) => {
      try {
        context['result'] = await traceSync(callback, context, receiver, ...args);
        return context['result'];
      } finally {
        parts.asyncStart.publish(context);
        parts.asyncEnd.publish(context);
      }
    };
    return {
      ...parts,
      get hasSubscribers() {
        return Object.values(parts).some((part) => part.hasSubscribers);
      },
      traceSync,
      tracePromise,
      subscribe(subscribers: Readonly<Record<string, Subscriber>>) {
        for (const [event, part] of Object.entries(parts)) if (subscribers[event] !== undefined) part.subscribe(subscribers[event]);
      },
      unsubscribe: (subscribers: Readonly<Record<string, Subscriber>>) =>
        Object.entries(parts).every(([event, part]) => subscribers[event] === undefined || part.unsubscribe(subscribers[event])),
    };
  };
  return completeModule('diagnostics_channel', {
    Channel,
    channel,
    tracingChannel,
    hasSubscribers: (name: string | symbol) => channels.get(name)?.hasSubscribers ?? false,
    subscribe: (name: string | symbol, subscriber: Subscriber) => channel(name).subscribe(subscriber),
    unsubscribe: (name: string | symbol, subscriber: Subscriber) => channel(name).unsubscribe(subscriber),
  });
}
