import { describe } from '../channel.ts';
import type { GuestLink } from '../link.ts';

type Listener = (data: unknown) => unknown;

/** `pi.events`: the package's own listeners run at once, here; the host hands the event to other packages. */
export class EventBus {
  readonly #link: GuestLink;
  readonly #listeners = new Map<string, Set<Listener>>();

  constructor(link: GuestLink) {
    this.#link = link;
  }

  on(channel: string, listener: Listener): () => void {
    const listeners = this.#listeners.get(channel) ?? new Set();
    listeners.add(listener);
    if (this.#listeners.size === 0) this.#link.listens();
    this.#listeners.set(channel, listeners);
    return () => {
      listeners.delete(listener);
    };
  }

  emit(channel: string, data: unknown): void {
    this.deliver(channel, data);
    // Other packages get data: functions and cycles end here, where the package's own listeners still had them.
    new Promise((resolve) => resolve(this.#link.request('agent.emit', { channel, data }))).catch((error: unknown) => {
      this.#link.log('error', `events.emit \`${channel}\`: ${describe(error)}`);
    });
  }

  /** At once, as in pi: whoever emits may read what a listener put into the event. */
  deliver(channel: string, data: unknown): void {
    // those of now: one that is added while they run hears the next event
    const listeners = Array.from(this.#listeners.get(channel) ?? []);
    for (const listener of listeners) {
      new Promise((resolve) => resolve(listener(data))).catch((error: unknown) =>
        this.#link.log('error', `a listener of \`${channel}\` threw: ${describe(error)}`),
      );
    }
  }
}
