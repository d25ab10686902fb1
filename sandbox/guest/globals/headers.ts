type HeadersInit = Iterable<readonly [string, string]> | Readonly<Record<string, string>> | Headers;

/** The fetch class: names in lower case, values of one name joined, `set-cookie` kept apart. */
export class Headers {
  readonly #values = new Map<string, string[]>();

  constructor(init?: HeadersInit | null) {
    if (init === undefined || init === null) return;
    if (typeof init !== 'object') throw new TypeError('Headers constructor: init must be an object or a sequence of pairs');
    const pairs = isIterable(init) ? init : Object.entries(init);
    for (const pair of pairs) {
      const [name, value] = [...pair];
      if (name === undefined || value === undefined) throw new TypeError('Headers constructor: expected name/value pair to be length 2');
      this.append(name, value);
    }
  }

  append(name: string, value: string): void {
    const key = assertName(name);
    this.#values.set(key, [...(this.#values.get(key) ?? []), assertValue(value)]);
  }

  set(name: string, value: string): void {
    this.#values.set(assertName(name), [assertValue(value)]);
  }

  delete(name: string): void {
    this.#values.delete(assertName(name));
  }

  get(name: string): string | null {
    return this.#values.get(assertName(name))?.join(', ') ?? null;
  }

  has(name: string): boolean {
    return this.#values.has(assertName(name));
  }

  getSetCookie(): string[] {
    return [...(this.#values.get('set-cookie') ?? [])];
  }

  forEach(callback: (value: string, name: string, headers: Headers) => void, receiver?: unknown): void {
    for (const [name, value] of this) callback.call(receiver, value, name, this);
  }

  *entries(): IterableIterator<[string, string]> {
    for (const name of [...this.#values.keys()].sort()) {
      const values = this.#values.get(name) ?? [];
      if (name === 'set-cookie') for (const value of values) yield [name, value];
      else yield [name, values.join(', ')];
    }
  }

  *keys(): IterableIterator<string> {
    for (const [name] of this.entries()) yield name;
  }

  *values(): IterableIterator<string> {
    for (const [, value] of this.entries()) yield value;
  }

  [Symbol.iterator](): IterableIterator<[string, string]> {
    return this.entries();
  }

  get [Symbol.toStringTag](): string {
    return 'Headers';
  }

  [Symbol.for('nodejs.util.inspect.custom')](): object {
    return Object.fromEntries(this);
  }
}

function isIterable(value: object): value is Iterable<readonly [string, string]> {
  return Symbol.iterator in value;
}

function assertName(name: string): string {
  const text = String(name);
  if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(text)) throw new TypeError(`Headers: ${text} is an invalid header name`);
  return text.toLowerCase();
}

function assertValue(value: string): string {
  const text = String(value).replaceAll(/^[\t\n\r ]+|[\t\n\r ]+$/g, '');
  // A line break would let a value add headers of its own.
  if (/[\0\n\r]/.test(text)) throw new TypeError(`Headers: ${JSON.stringify(text)} is an invalid header value`);
  return text;
}
