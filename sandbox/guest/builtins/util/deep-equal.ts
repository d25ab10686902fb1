type Seen = Map<object, object>;

/** Node's strict deep equality: same prototypes, same own enumerable properties, `Object.is` for primitives. */
export function isDeepStrictEqual(left: unknown, right: unknown): boolean {
  return equal(left, right, true, new Map());
}

/** Node's legacy deep equality, `==` for primitives. */
export function isDeepLooseEqual(left: unknown, right: unknown): boolean {
  return equal(left, right, false, new Map());
}

function equal(left: unknown, right: unknown, strict: boolean, seen: Seen): boolean {
  if (Object.is(left, right)) return true;
  if (!isObject(left) || !isObject(right)) {
    // oxlint-disable-next-line eqeqeq -- the legacy comparison is this
    return !strict && !isObject(left) && !isObject(right) && (left == right || (left !== left && right !== right));
  }
  if (strict && Object.getPrototypeOf(left) !== Object.getPrototypeOf(right)) return false;
  if (Object.prototype.toString.call(left) !== Object.prototype.toString.call(right)) return false;
  if (seen.get(left) === right) return true;
  seen.set(left, right);
  const result = sameSlots(left, right, strict, seen) && sameProperties(left, right, strict, seen);
  seen.delete(left);
  return result;
}

function sameSlots(left: object, right: object, strict: boolean, seen: Seen): boolean {
  if (Array.isArray(left) !== Array.isArray(right)) return false;
  if (Array.isArray(left) && Array.isArray(right)) return left.length === right.length;
  if (left instanceof Date && right instanceof Date) return Object.is(left.getTime(), right.getTime());
  if (left instanceof RegExp && right instanceof RegExp)
    return left.source === right.source && left.flags === right.flags && left.lastIndex === right.lastIndex;
  if (left instanceof Error && right instanceof Error)
    return left.message === right.message && left.name === right.name && equal(left.cause, right.cause, strict, seen);
  if (ArrayBuffer.isView(left) && ArrayBuffer.isView(right)) return sameBytes(left, right);
  if (left instanceof ArrayBuffer && right instanceof ArrayBuffer) return sameBytes(new Uint8Array(left), new Uint8Array(right));
  if (left instanceof Set && right instanceof Set) return sameSet(left, right, strict, seen);
  if (left instanceof Map && right instanceof Map) return sameMap(left, right, strict, seen);
  for (const type of [Number, String, Boolean, BigInt, Symbol]) {
    if (left instanceof type && right instanceof type) return Object.is(left.valueOf(), right.valueOf());
  }
  if (typeof left === 'function' || typeof right === 'function') return false;
  // Two of these may differ in what cannot be seen.
  return !(left instanceof WeakMap || left instanceof WeakSet || left instanceof Promise);
}

function sameBytes(left: ArrayBufferView, right: ArrayBufferView): boolean {
  if (left.byteLength !== right.byteLength) return false;
  const a = new Uint8Array(left.buffer, left.byteOffset, left.byteLength);
  const b = new Uint8Array(right.buffer, right.byteOffset, right.byteLength);
  return a.every((byte, index) => byte === b[index]);
}

function sameSet(left: Set<unknown>, right: Set<unknown>, strict: boolean, seen: Seen): boolean {
  if (left.size !== right.size) return false;
  const open = [...right].filter((item) => !left.has(item));
  return [...left].filter((item) => !right.has(item)).every((item) => take(open, (other) => equal(item, other, strict, seen)));
}

function sameMap(left: Map<unknown, unknown>, right: Map<unknown, unknown>, strict: boolean, seen: Seen): boolean {
  if (left.size !== right.size) return false;
  const open = [...right].filter(([key]) => !left.has(key));
  return [...left].every(([key, value]) =>
    right.has(key)
      ? equal(value, right.get(key), strict, seen)
      : take(open, ([otherKey, other]) => equal(key, otherKey, strict, seen) && equal(value, other, strict, seen)),
  );
}

function take<T>(items: T[], matches: (item: T) => boolean): boolean {
  const index = items.findIndex(matches);
  if (index < 0) return false;
  items.splice(index, 1);
  return true;
}

function sameProperties(left: object, right: object, strict: boolean, seen: Seen): boolean {
  if (ArrayBuffer.isView(left)) return true;
  const keys = enumerableKeys(left, strict);
  const others = enumerableKeys(right, strict);
  return (
    keys.length === others.length &&
    keys.every((key) => Object.prototype.propertyIsEnumerable.call(right, key) && equal(Reflect.get(left, key), Reflect.get(right, key), strict, seen))
  );
}

function enumerableKeys(value: object, withSymbols: boolean): PropertyKey[] {
  const symbols = withSymbols ? Object.getOwnPropertySymbols(value).filter((key) => Object.prototype.propertyIsEnumerable.call(value, key)) : [];
  return [...Object.keys(value), ...symbols];
}

function isObject(value: unknown): value is object {
  return typeof value === 'function' || (typeof value === 'object' && value !== null);
}
