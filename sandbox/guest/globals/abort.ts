import type { GuestLink } from '../link.ts';
import { argumentError } from '../builtins/system-error.ts';
import { Event, EventTarget } from './event-target.ts';

type AbortHandler = ((event: Event) => void) | null;

const abort = Symbol('abort');
const mayConstruct = Symbol('may construct');

/** Makes AbortController and AbortSignal; `AbortSignal.timeout` needs the link's timers. */
export function createAbortClasses(link: GuestLink) {
  class AbortSignal extends EventTarget {
    #aborted = false;
    #reason: unknown;
    #onabort: AbortHandler = null;

    constructor(permit?: symbol) {
      if (permit !== mayConstruct) throw Object.assign(new TypeError('Illegal constructor'), { code: 'ERR_ILLEGAL_CONSTRUCTOR' });
      super();
    }

    get aborted(): boolean {
      return this.#aborted;
    }

    get reason(): unknown {
      return this.#reason;
    }

    get onabort(): AbortHandler {
      return this.#onabort;
    }

    set onabort(handler: AbortHandler) {
      if (this.#onabort !== null) this.removeEventListener('abort', this.#onabort);
      this.#onabort = typeof handler === 'function' ? handler : null;
      if (this.#onabort !== null) this.addEventListener('abort', this.#onabort);
    }

    throwIfAborted(): void {
      if (this.#aborted) throw this.#reason;
    }

    [abort](reason: unknown): void {
      if (this.#aborted) return;
      this.#aborted = true;
      this.#reason = reason === undefined ? new DOMException('This operation was aborted', 'AbortError') : reason;
      this.dispatchEvent(new Event('abort'));
    }

    static abort(reason?: unknown): AbortSignal {
      const signal = new AbortSignal(mayConstruct);
      signal[abort](reason);
      return signal;
    }

    static timeout(delayMs: number): AbortSignal {
      const signal = new AbortSignal(mayConstruct);
      link.startTimer(delayMs, () => signal[abort](new DOMException('The operation was aborted due to timeout', 'TimeoutError')));
      return signal;
    }

    static any(signals: Iterable<AbortSignal>): AbortSignal {
      const combined = new AbortSignal(mayConstruct);
      if (typeof (signals as Partial<Iterable<unknown>> | undefined)?.[Symbol.iterator] !== 'function')
        throw argumentError('signals', 'an instance of Iterable', signals);
      const sources = [...signals];
      const first = sources.find((source) => source.aborted);
      if (first !== undefined) {
        combined[abort](first.reason);
        return combined;
      }
      for (const source of sources) source.addEventListener('abort', () => combined[abort](source.reason), { once: true });
      return combined;
    }
  }

  class AbortController {
    readonly signal = new AbortSignal(mayConstruct);

    abort(reason?: unknown): void {
      this.signal[abort](reason);
    }
  }

  for (const [type, name] of [
    [AbortSignal, 'AbortSignal'],
    [AbortController, 'AbortController'],
  ] as const) {
    Object.defineProperty(type.prototype, Symbol.toStringTag, { value: name, configurable: true });
  }
  return { AbortController, AbortSignal };
}
