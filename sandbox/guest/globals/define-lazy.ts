/**
 * Defines globals whose library is evaluated at the first use of any of them.
 * While `load` runs the names are absent, so that a polyfill which looks for a native version does not come back here.
 */
export function defineLazy(target: object, names: readonly string[], load: () => Readonly<Record<string, unknown>>): void {
  const define = (name: string, value: unknown) => Object.defineProperty(target, name, { value, writable: true, enumerable: false, configurable: true });
  const pending = new Set(names);
  const settle = () => {
    for (const name of pending) Reflect.deleteProperty(target, name);
    const values = load();
    for (const name of pending) define(name, values[name]);
    pending.clear();
  };
  for (const name of names) {
    Object.defineProperty(target, name, {
      configurable: true,
      enumerable: false,
      get() {
        settle();
        return Reflect.get(target, name);
      },
      set(value: unknown) {
        pending.delete(name);
        define(name, value);
      },
    });
  }
}
