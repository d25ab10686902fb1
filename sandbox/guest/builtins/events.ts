import { listenersOf, type EventTarget as GuestEventTarget } from '../globals/event-target.ts';
import { argumentError } from './system-error.ts';
import { completeModule } from './throwing-members.ts';
import { inspecting } from './util/inspect.ts';

type Listener = (...args: unknown[]) => void;

interface Emitter {
  on(name: string | symbol, listener: Listener): unknown;
  once(name: string | symbol, listener: Listener): unknown;
  off(name: string | symbol, listener: Listener): unknown;
  listeners(name: string | symbol): Listener[];
  setMaxListeners(count: number): unknown;
}

type EmitterClass = { new (): Emitter; defaultMaxListeners: number } & Record<string, unknown>;

/** Makes `events`: the npm package, and what Node has added since. */
export function createEvents(): Record<string, unknown> {
  const EventEmitter: EmitterClass = require('events/');
  const members = {
    EventEmitter,
    errorMonitor: Symbol('events.errorMonitor'),
    captureRejectionSymbol: Symbol.for('nodejs.rejection'),
    captureRejections: false,
    usingDomains: false,
    once: (emitter: Emitter | EventTarget, name: string, options: { signal?: AbortSignal } = {}) => onceEmitted(emitter, name, options.signal),
    on: (emitter: Emitter, name: string, options: { signal?: AbortSignal; close?: readonly string[] } = {}) => everyEmitted(emitter, name, options),
    getEventListeners: (emitter: Emitter | EventTarget, name: string) => (isEmitter(emitter) ? emitter.listeners(name) : targetListeners(emitter, name)),
    listenerCount: (emitter: Emitter | EventTarget, name: string) => (isEmitter(emitter) ? emitter.listeners(name) : targetListeners(emitter, name)).length,
    setMaxListeners(count: number, ...emitters: Emitter[]) {
      if (emitters.length === 0) EventEmitter.defaultMaxListeners = count;
      for (const emitter of emitters) if (isEmitter(emitter)) emitter.setMaxListeners(count);
    },
    addAbortListener(signal: AbortSignal, listener: () => void) {
      signal.addEventListener('abort', listener, { once: true });
      return { [Symbol.dispose]: () => signal.removeEventListener('abort', listener) };
    },
  };
  Object.assign(EventEmitter, members);
  // A listener of `errorMonitor` hears errors without counting as a handler.
  const prototype = (EventEmitter as unknown as { prototype: { emit(name: unknown, ...args: unknown[]): boolean } }).prototype;
  const { emit } = prototype;
  prototype.emit = function (this: Emitter, name, ...args) {
    if (name === 'error') {
      Reflect.apply(emit, this, [members.errorMonitor, ...args]);
      const [error] = args;
      if (!(error instanceof Error) && this.listeners('error').length === 0)
        throw Object.assign(new Error(`Unhandled error. (${typeof error === 'string' ? `'${error}'` : inspecting().inspect(error)})`), {
          code: 'ERR_UNHANDLED_ERROR',
          context: error,
        });
    }
    return Reflect.apply(emit, this, [name, ...args]);
  };
  for (const method of ['on', 'addListener', 'once', 'prependListener', 'prependOnceListener', 'off', 'removeListener']) {
    const original = Reflect.get(prototype, method) as (...args: unknown[]) => unknown;
    const checked = function (this: unknown, name: unknown, listener: unknown): unknown {
      if (typeof listener !== 'function') throw argumentError('listener', 'of type function', listener);
      return Reflect.apply(original, this, [name, listener]);
    };
    Object.defineProperty(prototype, method, { value: Object.defineProperty(checked, 'name', { value: method }), writable: true, configurable: true });
  }
  return completeModule('events', EventEmitter);
}

function onceEmitted(emitter: Emitter | EventTarget, name: string, signal: AbortSignal | undefined): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    const finish = (settle: () => void) => {
      signal?.removeEventListener('abort', onAbort);
      if (isEmitter(emitter)) {
        emitter.off(name, onEvent);
        emitter.off('error', onError);
      } else {
        emitter.removeEventListener(name, onEvent);
      }
      settle();
    };
    const onEvent = (...args: unknown[]) => finish(() => resolve(args));
    const onError = (error: unknown) => finish(() => reject(error));
    const onAbort = () => finish(() => reject(abortError(signal)));
    if (signal?.aborted) {
      reject(abortError(signal));
      return;
    }
    signal?.addEventListener('abort', onAbort, { once: true });
    if (isEmitter(emitter)) {
      emitter.once(name, onEvent);
      if (name !== 'error') emitter.once('error', onError);
    } else {
      emitter.addEventListener(name, onEvent, { once: true });
    }
  });
}

async function* everyEmitted(
  emitter: Emitter,
  name: string,
  { signal, close = [] }: { signal?: AbortSignal; close?: readonly string[] },
): AsyncGenerator<unknown[]> {
  const events: unknown[][] = [];
  const failures: unknown[] = [];
  let wake = () => {};
  const onEvent = (...args: unknown[]) => {
    events.push(args);
    wake();
  };
  const onError = (error: unknown) => {
    failures.push(error);
    wake();
  };
  const onAbort = () => onError(abortError(signal));
  let isClosed = false;
  const onClose = () => {
    isClosed = true;
    wake();
  };
  emitter.on(name, onEvent);
  for (const closing of close) emitter.on(closing, onClose);
  if (name !== 'error') emitter.on('error', onError);
  if (signal?.aborted) onAbort();
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    for (;;) {
      const next = events.shift();
      if (next !== undefined) yield next;
      else if (failures.length > 0) throw failures[0];
      else if (isClosed) return;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    emitter.off(name, onEvent);
    emitter.off('error', onError);
    for (const closing of close) emitter.off(closing, onClose);
    signal?.removeEventListener('abort', onAbort);
  }
}

function abortError(signal: AbortSignal | undefined): Error {
  return Object.assign(new Error('The operation was aborted', { cause: signal?.reason }), { name: 'AbortError', code: 'ABORT_ERR' });
}

function isEmitter(value: Emitter | EventTarget): value is Emitter {
  return 'on' in value && typeof value.on === 'function';
}

// In an isolate the global EventTarget is ours; the types of Node describe another class.
function targetListeners(target: EventTarget, name: string): readonly unknown[] {
  return listenersOf(target as unknown as GuestEventTarget, name);
}
