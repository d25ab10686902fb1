import type { InterceptAnswer, RemoteSurface } from '../../../sandbox/index.ts';

export interface KeySink {
  /** Sees keys before everybody but a question of Dash's own; answering `consume` it keeps them. */
  listen(listener: (data: string) => { readonly consume: boolean } | undefined): void;
  /** Gives a key to whoever has the focus. */
  deliver(data: string): void;
}

/** Packages that hear every key. While there are any, each key goes through them, in the order in which it was typed. */
export class RemoteKeys {
  readonly #listeners = new Set<RemoteSurface>();
  readonly #sink: KeySink;
  #queue: Promise<void> = Promise.resolve();
  #waiting = 0;

  constructor(sink: KeySink) {
    this.#sink = sink;
    sink.listen((data) => {
      // Also when the last one has gone: what is typed now may not overtake what still waits.
      if (this.#listeners.size === 0 && this.#waiting === 0) return undefined;
      this.#waiting++;
      this.#queue = this.#queue.then(() => this.#pass(data)).finally(() => this.#waiting--);
      return { consume: true };
    });
  }

  add(surface: RemoteSurface): { remove(): void } {
    this.#listeners.add(surface);
    return { remove: () => this.#listeners.delete(surface) };
  }

  async #pass(data: string): Promise<void> {
    let current = data;
    for (const listener of this.#listeners) {
      const verdict: InterceptAnswer = await listener.intercept(current).catch(() => ({}));
      if (verdict.consume === true) return;
      current = verdict.data ?? current;
    }
    this.#sink.deliver(current);
  }
}
