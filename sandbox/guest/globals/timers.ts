import { inspecting } from '../builtins/util/inspect.ts';
import type { GuestLink } from '../link.ts';

type Callback = (...args: unknown[]) => void;

const promisifyCustom = Symbol.for('nodejs.util.promisify.custom');

/** What `setTimeout` returns in Node: an object that is also a number when asked for one. */
export class Timeout {
  readonly #id: number;
  readonly #refresh: () => void;
  readonly #close: () => void;
  #referenced = true;

  constructor(id: number, refresh: () => void, close: () => void) {
    this.#id = id;
    this.#refresh = refresh;
    this.#close = close;
  }

  // An isolate lives as long as its process wants it: a reference keeps nothing alive, only the answer of hasRef is kept.
  ref(): this {
    this.#referenced = true;
    return this;
  }

  unref(): this {
    this.#referenced = false;
    return this;
  }

  hasRef(): boolean {
    return this.#referenced;
  }

  refresh(): this {
    this.#refresh();
    return this;
  }

  close(): this {
    this.#close();
    return this;
  }

  [Symbol.toPrimitive](): number {
    return this.#id;
  }

  [Symbol.dispose](): void {
    this.#close();
  }
}

/** Makes the timer globals over the link's timers. */
export function createTimers(link: GuestLink) {
  const running = new Map<number, { cancel(): void }>();
  let lastId = 0;

  const start = (callback: Callback, delayMs: unknown, repeat: boolean, args: unknown[]): Timeout => {
    if (typeof callback !== 'function') {
      throw Object.assign(new TypeError(`The "callback" argument must be of type function. Received ${typeof callback}`), { code: 'ERR_INVALID_ARG_TYPE' });
    }
    const id = ++lastId;
    const wanted = Number(delayMs);
    const delay = wanted >= 1 && wanted <= 2_147_483_647 ? Math.trunc(wanted) : 1;
    const arm = () => {
      running.get(id)?.cancel();
      running.set(
        id,
        link.startTimer(delay, () => {
          running.delete(id);
          if (repeat) arm();
          callback(...args);
        }),
      );
    };
    arm();
    return new Timeout(id, arm, () => stop(id));
  };

  const stop = (timer: unknown) => {
    const id = Number(timer);
    running.get(id)?.cancel();
    running.delete(id);
  };

  const setTimeout = (callback: Callback, delayMs?: number, ...args: unknown[]) => start(callback, delayMs, false, args);
  const setInterval = (callback: Callback, delayMs?: number, ...args: unknown[]) => start(callback, delayMs, true, args);
  // The shortest timer: what runs before it is every microtask, which is what callers of setImmediate want.
  const setImmediate = (callback: Callback, ...args: unknown[]) => start(callback, 0, false, args);
  const clear = (timer?: unknown) => {
    if (timer !== undefined && timer !== null) stop(timer);
  };
  const queueMicrotask = (callback: () => void) => {
    if (typeof callback !== 'function') {
      throw Object.assign(new TypeError(`The "callback" argument must be of type function. Received ${typeof callback}`), { code: 'ERR_INVALID_ARG_TYPE' });
    }
    void settled.then(() => {
      try {
        callback();
      } catch (error) {
        // A bare isolate has no place where uncaught errors go; a rejection would be silent.
        link.log('error', `uncaught: ${inspecting().inspect(error)}`);
      }
    });
  };

  const wait = (delayMs: number | undefined, value: unknown, signal: AbortSignal | undefined) =>
    new Promise<unknown>((resolve, reject) => {
      const aborted = () => Object.assign(new Error('The operation was aborted', { cause: signal?.reason }), { name: 'AbortError', code: 'ABORT_ERR' });
      if (signal?.aborted) {
        reject(aborted());
        return;
      }
      const onAbort = () => {
        stop(timer);
        reject(aborted());
      };
      const timer = start(
        () => {
          signal?.removeEventListener('abort', onAbort);
          resolve(value);
        },
        delayMs,
        false,
        [],
      );
      signal?.addEventListener('abort', onAbort, { once: true });
    });

  async function* every(delayMs?: number, value?: unknown, options: { signal?: AbortSignal } = {}) {
    for (;;) yield await wait(delayMs, value, options.signal);
  }

  const promises = {
    setTimeout: (delayMs?: number, value?: unknown, options: { signal?: AbortSignal } = {}) => wait(delayMs, value, options.signal),
    setImmediate: (value?: unknown, options: { signal?: AbortSignal } = {}) => wait(0, value, options.signal),
    setInterval: every,
    scheduler: {
      wait: (delayMs: number, options: { signal?: AbortSignal } = {}) => wait(delayMs, undefined, options.signal),
      yield: () => wait(0, undefined, undefined),
    },
  };
  Object.defineProperty(setTimeout, promisifyCustom, { value: promises.setTimeout });
  Object.defineProperty(setImmediate, promisifyCustom, { value: promises.setImmediate });

  return {
    setTimeout,
    setInterval,
    setImmediate,
    clearTimeout: clear,
    clearInterval: clear,
    clearImmediate: clear,
    queueMicrotask,
    promises,
  };
}

const settled = Promise.resolve();

export type GuestTimers = ReturnType<typeof createTimers>;
