import { defineLazy } from '../../globals/define-lazy.ts';
import { TextDecoder, TextEncoder } from '../../globals/text-encoding.ts';
import { argumentError, systemErrors } from '../system-error.ts';
import { completeModule } from '../throwing-members.ts';
import { isDeepStrictEqual } from './deep-equal.ts';
import { inspecting } from './inspect.ts';
import { parseArgs } from './parse-args.ts';
import { types } from './types.ts';

type AnyFunction = (this: unknown, ...args: unknown[]) => unknown;

const custom = Symbol.for('nodejs.util.promisify.custom');

/** Makes `util`. */
export function createUtil(): Record<string, unknown> {
  const { inspect, format, formatWithOptions, stripVTControlCharacters } = inspecting();
  const util: Record<string, unknown> = {
    inspect,
    format,
    formatWithOptions,
    parseArgs,
    types,
    isDeepStrictEqual,
    TextDecoder,
    TextEncoder,
    promisify,
    callbackify,
    inherits,
    deprecate,
    debuglog,
    debug: debuglog,
    styleText,
    stripVTControlCharacters,
    aborted,
    isArray: Array.isArray,
    toUSVString: (text: string) => String(text).toWellFormed(),
    getSystemErrorName: (errno: number) => Object.entries(systemErrors).find(([, [number]]) => number === errno)?.[0],
    getSystemErrorMap: () => new Map(Object.entries(systemErrors).map(([code, [errno, words]]) => [errno, [code, words]])),
    getSystemErrorMessage: (errno: number) => Object.values(systemErrors).find(([number]) => number === errno)?.[1],
  };
  defineLazy(util, ['MIMEType', 'MIMEParams'], () => require('node-source:internal/mime') as Readonly<Record<string, unknown>>);
  return completeModule('util', util);
}

/** Node's `util.promisify`. */
function promisify(original: AnyFunction & { [custom]?: AnyFunction }): AnyFunction {
  if (typeof original !== 'function') throw argumentError('original', 'of type function', original);
  const own = original[custom];
  if (own !== undefined) return Object.defineProperty(own, custom, { value: own, configurable: true });
  const promised = function (this: unknown, ...args: unknown[]) {
    return new Promise((resolve, reject) => {
      Reflect.apply(original, this, [...args, (error: unknown, value: unknown) => (error === null || error === undefined ? resolve(value) : reject(error))]);
    });
  };
  return Object.defineProperties(Object.setPrototypeOf(promised, Object.getPrototypeOf(original)), {
    ...Object.getOwnPropertyDescriptors(original),
    [custom]: { value: promised, configurable: true },
  });
}
promisify.custom = custom;

function callbackify(original: AnyFunction): AnyFunction {
  if (typeof original !== 'function') throw argumentError('original', 'of type function', original);
  return function (this: unknown, ...args: unknown[]) {
    const callback = args.pop();
    if (typeof callback !== 'function') throw argumentError('callback', 'of type function', callback);
    const promise = Reflect.apply(original, this, args) as Promise<unknown>;
    promise.then(
      (value) => queueMicrotask(() => callback(null, value)),
      (error) =>
        queueMicrotask(() =>
          callback(error ?? Object.assign(new Error('Promise was rejected with a falsy value'), { code: 'ERR_FALSY_VALUE_REJECTION', reason: error })),
        ),
    );
  };
}

function inherits(type: Function & { super_?: unknown }, parent: Function): void {
  if (typeof type !== 'function') throw argumentError('ctor', 'of type function', type);
  if (typeof parent !== 'function') throw argumentError('superCtor', 'of type function', parent);
  Object.defineProperty(type, 'super_', { value: parent, writable: true, configurable: true });
  Object.setPrototypeOf(type.prototype, parent.prototype);
}

function deprecate<T extends Function>(original: T, message: string, code?: string): T {
  let warned = false;
  const deprecated = function (this: unknown, ...args: unknown[]): unknown {
    if (!warned) process.emitWarning(message, 'DeprecationWarning', code);
    warned = true;
    return new.target === undefined ? Reflect.apply(original, this, args) : Reflect.construct(original, args, new.target);
  };
  return Object.setPrototypeOf(deprecated, original);
}

function debuglog(section: string): ((...args: unknown[]) => void) & { enabled: boolean } {
  const wanted = (process.env['NODE_DEBUG'] ?? '').split(',').map((name) => name.trim().toUpperCase());
  const enabled = wanted.includes(section.toUpperCase());
  return Object.assign(
    (...args: unknown[]) => {
      if (enabled) console.error(`${section.toUpperCase()}: ${inspecting().format(...args)}`);
    },
    { enabled },
  );
}

interface StyleOptions {
  readonly validateStream?: boolean;
  readonly stream?: { readonly isTTY?: boolean };
}

function styleText(styles: string | readonly string[], text: string, { validateStream = true, stream = process.stdout }: StyleOptions = {}): string {
  const { colors } = inspecting().inspect;
  let open = '';
  let close = '';
  for (const style of typeof styles === 'string' ? [styles] : styles) {
    if (style === 'none') continue;
    const color = colors[style];
    if (color === undefined)
      throw Object.assign(new TypeError(`The argument 'format' must be one of: ${Object.keys(colors).join(', ')}. Received '${style}'`), {
        code: 'ERR_INVALID_ARG_VALUE',
      });
    open += `\u001b[${color[0]}m`;
    close = `\u001b[${color[1]}m${close}`;
  }
  return validateStream && !stream.isTTY ? text : open + text + close;
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
