import { completeModule } from './throwing-members.ts';

type Stores = ReadonlyMap<AsyncLocalStorage<unknown>, unknown>;

const none: Stores = new Map();
let current: Stores = none;
let following = false;
let lastId = 0;
/** As it was before anything wrapped it. */
const { then } = Promise.prototype;

/**
 * Node's class without its hooks. A store is seen in everything that `run` calls, and in what that registers with
 * `then`, `catch`, `finally`, timers, `queueMicrotask` and `process.nextTick`. V8 offers no hook for `await`: of a package
 * that imports this module the bundler turns async functions into generators, which use `then`.
 */
export class AsyncLocalStorage<T> {
  readonly #default: T | undefined;
  readonly name: string;

  constructor(options: { defaultValue?: T; name?: string } = {}) {
    this.#default = options.defaultValue;
    this.name = options.name ?? '';
    followCallbacks();
  }

  getStore(): T | undefined {
    return current.has(this) ? (current.get(this) as T) : this.#default;
  }

  run<R, A extends unknown[]>(store: T, callback: (...args: A) => R, ...args: A): R {
    return within(new Map(current).set(this, store), callback, ...args);
  }

  exit<R, A extends unknown[]>(callback: (...args: A) => R, ...args: A): R {
    return within(new Map(current).set(this, undefined), callback, ...args);
  }

  /** For the rest of this turn and what it begins; the next message finds nothing of it. */
  enterWith(store: T): void {
    current = new Map(current).set(this, store);
    forgetAfterThisTurn();
  }

  disable(): void {
    const without = new Map(current);
    without.delete(this);
    current = without;
  }

  static bind<A extends unknown[], R>(callback: (...args: A) => R): (...args: A) => R {
    return bound(callback);
  }

  static snapshot(): <A extends unknown[], R>(callback: (...args: A) => R, ...args: A) => R {
    const stores = current;
    return (callback, ...args) => within(stores, callback, ...args);
  }
}

/** Node's class: what is run in its scope sees the stores of the place where it was made. */
export class AsyncResource {
  readonly type: string;
  readonly #stores = current;
  readonly #id = ++lastId;

  constructor(type: string) {
    this.type = type;
  }

  runInAsyncScope<R, A extends unknown[]>(callback: (...args: A) => R, receiver?: unknown, ...args: A): R {
    return within(this.#stores, () => Reflect.apply(callback, receiver, args));
  }

  bind<A extends unknown[], R>(callback: (...args: A) => R): (...args: A) => R {
    return (...args) => this.runInAsyncScope(callback, undefined, ...args);
  }

  emitDestroy(): this {
    return this;
  }

  asyncId(): number {
    return this.#id;
  }

  triggerAsyncId(): number {
    return 0;
  }

  static bind<A extends unknown[], R>(callback: (...args: A) => R): (...args: A) => R {
    return bound(callback);
  }
}

/** Makes `async_hooks`; `createHook` and async ids throw, as there is nothing that could count. */
export function createAsyncHooks(): Record<string, unknown> {
  return completeModule('async_hooks', { AsyncLocalStorage, AsyncResource });
}

function within<R, A extends unknown[]>(stores: Stores, callback: (...args: A) => R, ...args: A): R {
  const before = current;
  current = stores;
  try {
    return callback(...args);
  } finally {
    current = before;
  }
}

/** What waits in the microtask queue carries its own stores; between two of them there are none. */
function forgetAfterThisTurn(): void {
  void Reflect.apply(then, Promise.resolve(), [() => (current = none)]);
}

function bound<A extends unknown[], R>(callback: (...args: A) => R): (...args: A) => R {
  const stores = current;
  return function (this: unknown, ...args: A) {
    return within(stores, () => Reflect.apply(callback, this, args));
  };
}

/** From the first storage on, callbacks carry the stores of the place where they were registered. */
function followCallbacks(): void {
  if (following) return;
  following = true;
  const carry = (callback: unknown) => (typeof callback === 'function' ? bound(callback as (...args: unknown[]) => unknown) : callback);
  void Object.defineProperty(Promise.prototype, 'then', {
    value: function (this: Promise<unknown>, resolved?: unknown, rejected?: unknown) {
      return Reflect.apply(then, this, [carry(resolved), carry(rejected)]);
    },
    writable: true,
    configurable: true,
  });
  wrapFirstArgument(globalThis, ['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask'], carry);
  wrapFirstArgument(process, ['nextTick'], carry);
}

function wrapFirstArgument(target: object, names: readonly string[], carry: (callback: unknown) => unknown): void {
  for (const name of names) {
    const original: unknown = Reflect.get(target, name);
    if (typeof original !== 'function') continue;
    const wrapped = (callback: unknown, ...args: unknown[]) => Reflect.apply(original, target, [carry(callback), ...args]);
    for (const key of Reflect.ownKeys(original)) {
      const property = Object.getOwnPropertyDescriptor(original, key);
      if (property?.configurable) Object.defineProperty(wrapped, key, property);
    }
    Object.defineProperty(target, name, { value: wrapped, writable: true, configurable: true });
  }
}
