import { Event, EventTarget } from './event-target.ts';

/** What a port is told with a message. */
export class MessageEvent extends Event {
  readonly data: unknown;
  readonly origin = '';
  readonly lastEventId = '';
  readonly source = null;
  readonly ports: readonly MessagePort[];

  constructor(
    type: string,
    { data = null, ports = [], ...options }: { data?: unknown; ports?: readonly MessagePort[]; bubbles?: boolean; cancelable?: boolean } = {},
  ) {
    super(type, options);
    this.data = data;
    this.ports = ports;
  }
}

/** Only a channel makes ports. */
const BY_CHANNEL = Symbol('by a channel');

/**
 * One end of a channel. Messages are cloned when they are posted and arrive in a turn of their own, in order; they wait
 * until the port is started, which setting `onmessage` does.
 */
export class MessagePort extends EventTarget {
  #peer: MessagePort | undefined;
  #waiting: unknown[] = [];
  #started = false;
  #closed = false;
  #onmessage: ((event: MessageEvent) => void) | null = null;
  onmessageerror: ((event: MessageEvent) => void) | null = null;

  constructor(...args: readonly unknown[]) {
    super();
    if (args[0] !== BY_CHANNEL) throw Object.assign(new TypeError('Illegal constructor'), { code: 'ERR_ILLEGAL_CONSTRUCTOR' });
  }

  static connect(one: MessagePort, other: MessagePort): void {
    one.#peer = other;
    other.#peer = one;
  }

  get onmessage(): ((event: MessageEvent) => void) | null {
    return this.#onmessage;
  }

  set onmessage(handler: ((event: MessageEvent) => void) | null) {
    this.#onmessage = typeof handler === 'function' ? handler : null;
    if (this.#onmessage !== null) this.start();
  }

  postMessage(message: unknown, options?: readonly ArrayBuffer[] | { readonly transfer?: readonly ArrayBuffer[] }): void {
    const transfer = options === undefined ? [] : 'transfer' in options ? (options.transfer ?? []) : (options as readonly ArrayBuffer[]);
    // also where nobody is left to hear it: what cannot be cloned is the sender's mistake
    const copy: unknown = structuredClone(message, { transfer: [...transfer] });
    const peer = this.#peer;
    if (peer === undefined || peer.#closed) return;
    peer.#waiting.push(copy);
    if (peer.#started) peer.#deliverSoon();
  }

  start(): void {
    if (this.#started || this.#closed) return;
    this.#started = true;
    for (const _ of this.#waiting) this.#deliverSoon();
  }

  close(): void {
    const peer = this.#peer;
    for (const port of [this, peer]) {
      if (port === undefined || port.#closed) continue;
      port.#closed = true;
      setTimeout(() => port.dispatchEvent(new Event('close')), 0);
    }
  }

  /** A listener that is added the way of Node's emitters starts the port as well. */
  on(type: string, listener: (value: unknown) => void): this {
    this.addEventListener(type, (event: Event) => listener(type === 'message' ? (event as MessageEvent).data : event));
    if (type === 'message') this.start();
    return this;
  }

  ref(): this {
    return this; // nothing ends for want of something to wait for
  }

  unref(): this {
    return this;
  }

  #deliverSoon(): void {
    setTimeout(() => {
      if (this.#waiting.length === 0) return;
      const event = new MessageEvent('message', { data: this.#waiting.shift() });
      this.#onmessage?.call(this, event);
      this.dispatchEvent(event);
    }, 0);
  }
}

/** Two ports that hear each other. */
export class MessageChannel {
  readonly port1 = new MessagePort(BY_CHANNEL);
  readonly port2 = new MessagePort(BY_CHANNEL);

  constructor() {
    MessagePort.connect(this.port1, this.port2);
  }
}
