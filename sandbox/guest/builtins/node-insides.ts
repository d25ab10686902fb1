import { argumentError, outOfRange, unsupported } from './system-error.ts';
import { types } from './util/types.ts';

/** What the files of Node's own library (build/node-source.ts) find around them there. */
type Anything = (...args: never[]) => unknown;

const { call, apply } = Function.prototype;
const uncurry = (method: unknown) => call.bind(method as Anything);

/** What has no name in the language. */
const special: Readonly<Record<string, unknown>> = {
  TypedArray: Object.getPrototypeOf(Uint8Array),
  SafeMap: class extends Map {},
  SafeSet: class extends Set {},
  SafeStringIterator: class {
    readonly #characters: Iterator<string>;
    constructor(text: string) {
      this.#characters = text[Symbol.iterator]();
    }
    next(): IteratorResult<string> {
      return this.#characters.next();
    }
    [Symbol.iterator](): this {
      return this;
    }
  },
  SafeStringPrototypeSearch: (text: string, pattern: RegExp) => {
    pattern.lastIndex = 0;
    return pattern.exec(text)?.index ?? -1;
  },
  globalThis,
  decodeURIComponent,
  uncurryThis: uncurry,
};

/** `StringPrototypeSlice(text, 1)`: the language's own functions under the names that Node's library has for them. */
export const primordials = new Proxy({} as Record<string, unknown>, {
  get: (known, name: string) => (known[name] ??= find(name)),
});

function find(name: string): unknown {
  if (name in special) return special[name];
  const holders = [...Object.keys(special), ...Object.getOwnPropertyNames(globalThis)].filter((holder) => name.startsWith(holder));
  for (const holder of holders.sort((a, b) => b.length - a.length)) {
    const type = special[holder] ?? (Reflect.get(globalThis, holder) as object);
    const rest = name.slice(holder.length);
    if (rest === '') return type;
    const value = rest.startsWith('Prototype') ? ofPrototype(Reflect.get(type, 'prototype') as object, rest.slice('Prototype'.length)) : ofType(type, rest);
    if (value !== undefined) return value;
  }
  throw new Error(`Node's library uses ${name}, which is not here`);
}

function ofType(type: object, rest: string): unknown {
  const value: unknown = Reflect.get(type, keyOf(rest));
  return typeof value === 'function' ? value.bind(type) : value;
}

function ofPrototype(prototype: object, rest: string): unknown {
  if (rest === '') return prototype;
  const own = descriptor(prototype, keyOf(rest))?.value as unknown;
  if (typeof own === 'function') return uncurry(own);
  const getter = rest.startsWith('Get') ? descriptor(prototype, keyOf(rest.slice('Get'.length)))?.get : undefined;
  if (getter !== undefined) return uncurry(getter);
  const list = rest.endsWith('Apply') ? (descriptor(prototype, keyOf(rest.slice(0, -'Apply'.length)))?.value as unknown) : undefined;
  return typeof list === 'function' ? apply.bind(list) : undefined;
}

function descriptor(holder: object, key: PropertyKey): PropertyDescriptor | undefined {
  return Object.getOwnPropertyDescriptor(holder, key);
}

function keyOf(rest: string): PropertyKey {
  const [, symbol] = /^Symbol([A-Z]\w*)$/.exec(rest) ?? [];
  if (symbol !== undefined) return Reflect.get(Symbol, symbol.charAt(0).toLowerCase() + symbol.slice(1)) as symbol;
  return rest.charAt(0).toLowerCase() + rest.slice(1);
}

/** No drive of Windows has a directory of its own in the sandbox. */
const insideProcess = { cwd: () => process.cwd(), env: {}, platform: 'linux', versions: {}, emitWarning: () => undefined };
export { insideProcess as process };

const lent: Record<string, object> = {};

/** Hands in insides that are made elsewhere, before the file that asks for them is evaluated. */
export function lendInsides(insides: Readonly<Record<string, object>>): void {
  Object.assign(lent, insides);
}

/** Answers `require('internal/…')` of a file that was not taken. */
export function requireInside(name: string): unknown {
  if (Object.hasOwn(lent, name)) return lent[name];
  switch (name) {
    case 'buffer':
      return globalThis;
    case 'internal/assert':
      return (fact: unknown) => {
        if (!fact) throw new Error('an assertion of Node failed');
      };
    case 'internal/bootstrap/realm':
      return { BuiltinModule: { exists: () => false } };
    case 'internal/errors':
      return { codes: errorCodes, isStackOverflowError: (error: unknown) => error instanceof RangeError && error.message.includes('call stack') };
    case 'internal/fs/glob':
      throw unsupported('path.matchesGlob', 'use a library such as `picomatch`');
    case 'internal/url':
      return { URL: globalThis.URL, pathToFileURL: (path: string) => new globalThis.URL(`file://${encodeURI(path)}`) };
    case 'internal/util':
      return {
        isWindows: false,
        spliceOne: (list: unknown[], index: number) => void list.splice(index, 1),
        getLazy: (load: () => unknown) => load,
        customInspectSymbol: Symbol.for('nodejs.util.inspect.custom'),
        isError: (value: unknown) => types.isNativeError(value),
        join: (parts: readonly unknown[], separator: string) => parts.join(separator),
        // oxlint-disable-next-line no-control-regex -- an escape sequence begins with a control character
        removeColors: (text: string) => text.replaceAll(/\u001b\[\d\d?m/g, ''),
      };
    case 'internal/util/types':
    case 'util/types':
      return types;
    case 'internal/validators':
      return { validateObject: validate('object'), validateString: validate('string'), validateNumber: validate('number'), kValidateObjectAllowArray: 1 };
    default:
      throw new Error(`Node's library asks for ${name}, which is not here`);
  }
}

/** Answers `internalBinding(…)`: what Node's C++ tells, as far as a script can see it. */
export function internalBinding(name: string): unknown {
  if (Object.hasOwn(lent, `binding ${name}`)) return lent[`binding ${name}`];
  switch (name) {
    case 'util':
      return {
        constants: { ALL_PROPERTIES: 0, ONLY_ENUMERABLE: 2, kPending: 0, kRejected: 2 },
        getOwnNonIndexProperties: (value: object, filter: number) =>
          Reflect.ownKeys(value).filter((key) => !isIndex(key) && (filter !== 2 || Object.prototype.propertyIsEnumerable.call(value, key))),
        // neither the state of a promise nor what is behind a proxy can be seen from here
        getPromiseDetails: () => [1, { [Symbol.for('nodejs.util.inspect.custom')]: () => '<state unknown>' }],
        getProxyDetails: () => undefined,
        // nor what is left of an iterator, without taking it
        previewEntries: (_value: unknown, isIterator?: boolean) => (isIterator === true ? [[], false] : []),
        getConstructorName: (value: unknown) => Object.prototype.toString.call(value).slice('[object '.length, -1),
        isInsideNodeModules: () => true,
        privateSymbols: { untransferable_object_private_symbol: Symbol('untransferable') },
      };
    case 'config':
      return { hasIntl: false };
    case 'buffer':
      return {};
    default:
      throw new Error(`Node's library asks for the binding ${name}, which is not here`);
  }
}

function isIndex(key: PropertyKey): boolean {
  return typeof key === 'string' && /^(?:0|[1-9]\d{0,9})$/.test(key) && Number(key) < 2 ** 32 - 1;
}

function coded(Base: ErrorConstructor | RangeErrorConstructor | TypeErrorConstructor, code: string, messageOf: (...args: never[]) => string) {
  return function (...args: never[]): Error {
    return Object.assign(new Base(messageOf(...args)), { code });
  };
}

/** The errors that the files above make, with Node's codes and words. */
const errorCodes = {
  ERR_INVALID_URI: coded(URIError, 'ERR_INVALID_URI', () => 'URI malformed'),
  ERR_BUFFER_OUT_OF_BOUNDS: coded(RangeError, 'ERR_BUFFER_OUT_OF_BOUNDS', (name?: string) =>
    name === undefined ? 'Attempt to access memory outside buffer bounds' : `"${name}" is outside of buffer bounds`,
  ),
  ERR_OUT_OF_RANGE: function (name: string, range: string, received: unknown): Error {
    return outOfRange(name, range, received);
  },
  ERR_INVALID_MIME_SYNTAX: coded(TypeError, 'ERR_INVALID_MIME_SYNTAX', (production: string, text: string, index: number) =>
    index === -1 ? `The MIME syntax for a ${production} in "${text}" is invalid` : `The MIME syntax for a ${production} in "${text}" is invalid at ${index}`,
  ),
  ERR_INVALID_URL: function (input: string): Error {
    return Object.assign(new TypeError('Invalid URL'), { code: 'ERR_INVALID_URL', input });
  },
  ERR_INVALID_ARG_TYPE: function (name: string, expected: string | readonly string[], received: unknown): Error {
    return argumentError(name, `of type ${typeof expected === 'string' ? expected : expected.join(' or ')}`, received);
  },
};

function validate(type: 'object' | 'string' | 'number') {
  return (value: unknown, name: string): void => {
    if (typeof value !== type || value === null) throw argumentError(name, `of type ${type}`, value);
  };
}
