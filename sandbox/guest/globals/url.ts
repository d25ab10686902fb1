type UrlClass = typeof URL;

/** Gives the library's class what Node's has beyond the standard: the code of an error, and a form to be printed in. */
export function likeNode(Library: UrlClass, SearchParams: typeof URLSearchParams): UrlClass {
  const NodeUrl = function URL(...args: [string, (string | URL)?]): URL {
    if (new.target === undefined) throw new TypeError("Class constructor URL cannot be invoked without 'new'");
    try {
      return Reflect.construct(Library, args, new.target) as URL;
    } catch (error) {
      const [input, base] = args;
      throw Object.assign(new TypeError('Invalid URL', { cause: error }), {
        code: 'ERR_INVALID_URL',
        input: String(input),
        ...(base !== undefined && { base: String(base) }),
      });
    }
  } as unknown as UrlClass;
  for (const key of Reflect.ownKeys(Library)) {
    const own = Object.getOwnPropertyDescriptor(Library, key);
    if (own !== undefined && !['length', 'name', 'prototype'].includes(String(key))) Object.defineProperty(NodeUrl, key, own);
  }
  Object.defineProperty(NodeUrl, 'prototype', { value: Library.prototype });
  Object.defineProperty(Library.prototype, 'constructor', { value: NodeUrl, writable: true, configurable: true });
  printAs(Library.prototype, function (this: URL, depth, options, inspect) {
    if (depth < 0) return '[Object]';
    const names = ['href', 'origin', 'protocol', 'username', 'password', 'host', 'hostname', 'port', 'pathname', 'search', 'searchParams', 'hash'] as const;
    return `URL ${inspect(Object.fromEntries(names.map((name) => [name, this[name]])), options)}`;
  });
  printAs(SearchParams.prototype, function (this: URLSearchParams, depth, options, inspect) {
    if (depth < 0) return '[Object]';
    const pairs = Array.from(this, ([name, value]) => `${inspect(name, options)} => ${inspect(value, options)}`);
    return pairs.length === 0 ? 'URLSearchParams {}' : `URLSearchParams { ${pairs.join(', ')} }`;
  });
  return NodeUrl;
}

type Print = (depth: number, options: object, inspect: (value: unknown, options: object) => string) => string;

function printAs(prototype: object, print: Print): void {
  Object.defineProperty(prototype, Symbol.for('nodejs.util.inspect.custom'), { value: print, writable: true, configurable: true });
}
