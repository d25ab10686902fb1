import { argumentError, missingArguments } from '../builtins/system-error.ts';

type Listener = ((event: Event) => void) | { handleEvent(event: Event): void };

interface Registration {
  readonly listener: Listener;
  readonly capture: boolean;
  readonly once: boolean;
}

interface ListenOptions {
  readonly capture?: boolean;
  readonly once?: boolean;
  readonly passive?: boolean;
  readonly signal?: AbortSignal;
}

/** The DOM class, for targets without a tree: there is one phase, and nothing bubbles. */
export class Event {
  static readonly NONE = 0;
  static readonly CAPTURING_PHASE = 1;
  static readonly AT_TARGET = 2;
  static readonly BUBBLING_PHASE = 3;
  readonly type: string;
  readonly bubbles: boolean;
  readonly cancelable: boolean;
  readonly composed: boolean;
  readonly timeStamp = Date.now();
  readonly isTrusted = false;
  target: EventTarget | null = null;
  currentTarget: EventTarget | null = null;
  eventPhase = Event.NONE;
  cancelBubble = false;
  #prevented = false;
  #stopped = false;

  constructor(...args: readonly [type?: string, options?: { bubbles?: boolean; cancelable?: boolean; composed?: boolean }]) {
    if (args.length === 0) throw missingArguments('The "type" argument must be specified');
    const [type, options = {}] = args;
    this.type = String(type);
    this.bubbles = options.bubbles === true;
    this.cancelable = options.cancelable === true;
    this.composed = options.composed === true;
  }

  get srcElement(): EventTarget | null {
    return this.target;
  }

  get defaultPrevented(): boolean {
    return this.#prevented;
  }

  get returnValue(): boolean {
    return !this.#prevented;
  }

  composedPath(): EventTarget[] {
    return this.currentTarget === null ? [] : [this.currentTarget];
  }

  preventDefault(): void {
    if (this.cancelable) this.#prevented = true;
  }

  stopPropagation(): void {
    this.cancelBubble = true;
  }

  stopImmediatePropagation(): void {
    this.cancelBubble = true;
    this.#stopped = true;
  }

  get [Symbol.toStringTag](): string {
    return 'Event';
  }

  static wasStopped(event: Event): boolean {
    return event.#stopped;
  }
}

const { wasStopped } = Event;
Reflect.deleteProperty(Event, 'wasStopped');

/** The DOM class with a `detail`. */
export class CustomEvent<T = unknown> extends Event {
  readonly detail: T | null;

  constructor(type: string, options: { bubbles?: boolean; cancelable?: boolean; composed?: boolean; detail?: T } = {}) {
    super(type, options);
    this.detail = options.detail ?? null;
  }
}

/** The DOM class. What a listener throws is thrown again in a microtask, as an uncaught error. */
export class EventTarget {
  readonly #registrations = new Map<string, Registration[]>();

  addEventListener(type: string, listener: Listener | null, options: ListenOptions | boolean = {}): void {
    if (listener === null || listener === undefined) return;
    const { capture = false, once = false, signal } = typeof options === 'boolean' ? { capture: options } : options;
    if (signal?.aborted) return;
    const list = this.#registrations.get(type) ?? [];
    if (list.some((existing) => existing.listener === listener && existing.capture === capture)) return;
    this.#registrations.set(type, [...list, { listener, capture, once }]);
    signal?.addEventListener('abort', () => this.removeEventListener(type, listener, { capture }), { once: true });
  }

  removeEventListener(type: string, listener: Listener | null, options: ListenOptions | boolean = {}): void {
    const capture = typeof options === 'boolean' ? options : options.capture === true;
    const list = this.#registrations.get(type) ?? [];
    this.#registrations.set(
      type,
      list.filter((existing) => existing.listener !== listener || existing.capture !== capture),
    );
  }

  get [Symbol.toStringTag](): string {
    return 'EventTarget';
  }

  dispatchEvent(event: Event): boolean {
    if (!(event instanceof Event)) throw argumentError('event', 'an instance of Event', event);
    event.target = this;
    event.currentTarget = this;
    event.eventPhase = Event.AT_TARGET;
    for (const registration of this.#registrations.get(event.type) ?? []) {
      if (wasStopped(event)) break;
      if (!this.#registrations.get(event.type)?.includes(registration)) continue;
      if (registration.once) this.removeEventListener(event.type, registration.listener, { capture: registration.capture });
      try {
        if (typeof registration.listener === 'function') registration.listener.call(this, event);
        else registration.listener.handleEvent(event);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
    event.eventPhase = Event.NONE;
    event.currentTarget = null;
    return !event.defaultPrevented;
  }

  static listenersOf(target: EventTarget, type: string): readonly Listener[] {
    return (target.#registrations.get(type) ?? []).map((registration) => registration.listener);
  }
}

/** What listens on a target, for `events.getEventListeners`; taken off the class, which has the standard members only. */
export const { listenersOf } = EventTarget;
Reflect.deleteProperty(EventTarget, 'listenersOf');
