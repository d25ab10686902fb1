import type { GuestLink } from '../../link.ts';
import { toSystemError } from '../system-error.ts';
import type { Stats } from './entries.ts';
import { runAsync } from './operation.ts';
import { toPath, type Operations, type PathLike } from './operations.ts';

type WatchListener = (event: string, filename: string | null) => void;
type StatListener = (current: Stats, previous: Stats) => void;

interface WatchOptions {
  readonly recursive?: boolean;
  readonly persistent?: boolean;
  readonly encoding?: string;
  readonly signal?: AbortSignal;
}

/** Makes `fs.watch`, its promise form, and `watchFile`, which polls as Node's does. */
export function createWatching(link: GuestLink, operations: Operations, { EventEmitter }: typeof import('node:events')) {
  class FSWatcher extends EventEmitter {
    readonly #subscription: { close(): void };
    #closed = false;

    constructor(path: string, options: WatchOptions) {
      super();
      const target = path.startsWith('/') ? path : `${link.facts.cwd}/${path}`;
      this.#subscription = link.subscribe(
        'fs.watch',
        { path: target, recursive: options.recursive === true },
        {
          event: (value) => {
            const { event, filename } = value as { event: string; filename: string | null };
            if (!this.#closed) this.emit('change', event, filename);
          },
          error: (error) => {
            if (!this.#closed) this.emit('error', toSystemError(error, { syscall: 'watch', path }));
          },
        },
      );
      options.signal?.addEventListener('abort', () => this.close(), { once: true });
    }

    close(): void {
      if (this.#closed) return;
      this.#closed = true;
      this.#subscription.close();
      queueMicrotask(() => this.emit('close'));
    }

    // What runs in the sandbox keeps no process alive.
    ref(): this {
      return this;
    }

    unref(): this {
      return this;
    }
  }

  const watch = (given: PathLike, options?: WatchOptions | string | WatchListener | null, listener?: WatchListener) => {
    const heard = typeof options === 'function' ? options : listener;
    const watcher = new FSWatcher(toPath(given, 'filename'), typeof options === 'object' && options !== null ? options : {});
    if (heard !== undefined) watcher.on('change', heard);
    return watcher;
  };

  async function* watchEvents(given: PathLike, options: WatchOptions = {}) {
    const seen: { eventType: string; filename: string | null }[] = [];
    let wake: () => void = () => {};
    let failure: unknown;
    const watcher = watch(given, options, (eventType, filename) => {
      seen.push({ eventType, filename });
      wake();
    });
    watcher.on('error', (error) => {
      failure = error;
      wake();
    });
    options.signal?.addEventListener('abort', () => wake(), { once: true });
    try {
      for (;;) {
        const next = seen.shift();
        if (next !== undefined) yield next;
        else if (failure !== undefined) throw failure;
        else if (options.signal?.aborted) throw options.signal.reason;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      watcher.close();
    }
  }

  const polled = new Map<string, { readonly listeners: Set<StatListener>; stop(): void }>();

  const poll = (path: string, intervalMs: number) => {
    const listeners = new Set<StatListener>();
    let previous: Stats | undefined;
    const look = async () => {
      const current = await runAsync(link, operations.stat(path)).catch(() => undefined);
      const known = previous;
      if (current !== undefined) previous = current;
      if (known !== undefined && current !== undefined && (known.mtimeMs !== current.mtimeMs || known.size !== current.size)) {
        for (const listener of listeners) listener(current, known);
      }
    };
    void look();
    const timer = setInterval(() => void look(), intervalMs);
    return { listeners, stop: () => clearInterval(timer) };
  };

  const watchFile = (given: PathLike, options: { interval?: number } | StatListener, listener?: StatListener) => {
    const path = toPath(given, 'filename');
    const heard = typeof options === 'function' ? options : listener;
    if (heard === undefined)
      throw Object.assign(new TypeError('The "listener" argument must be of type function. Received undefined'), { code: 'ERR_INVALID_ARG_TYPE' });
    const entry = polled.get(path) ?? poll(path, (typeof options === 'object' ? options.interval : undefined) ?? 5007);
    polled.set(path, entry);
    entry.listeners.add(heard);
  };

  const unwatchFile = (given: PathLike, listener?: StatListener) => {
    const path = toPath(given, 'filename');
    const entry = polled.get(path);
    if (listener === undefined) entry?.listeners.clear();
    else entry?.listeners.delete(listener);
    if (entry?.listeners.size === 0) {
      entry.stop();
      polled.delete(path);
    }
  };

  return { FSWatcher, watch, watchEvents, watchFile, unwatchFile };
}
