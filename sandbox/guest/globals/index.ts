import { createBuiltins } from '../builtins/index.ts';
import type { GuestLink } from '../link.ts';
import { createAbortClasses } from './abort.ts';
import { atob, btoa } from './base64.ts';
import { createConsole } from './console.ts';
import { defineLazy } from './define-lazy.ts';
import { DOMException } from './dom-exception.ts';
import { CustomEvent, Event, EventTarget } from './event-target.ts';
import { missingArguments } from '../builtins/system-error.ts';
import { lendNativeWork } from './native-work.ts';
import { createPerformance } from './performance.ts';
import { createProcess } from './process.ts';
import { TextDecoder, TextEncoder } from './text-encoding.ts';
import { createTimers } from './timers.ts';

/**
 * Gives a bare V8 context what package code expects of Node's: small things now, and whatever comes from
 * a library of some size at its first use.
 */
export function installGlobals(global: typeof globalThis, link: GuestLink): void {
  const define = (values: Readonly<Record<string, unknown>>) => {
    for (const [name, value] of Object.entries(values)) {
      Object.defineProperty(global, name, { value, writable: true, enumerable: false, configurable: true });
    }
  };
  lendNativeWork(link);
  const { promises: _promises, ...timers } = createTimers(link);
  define({
    ...timers,
    global,
    console: createConsole(link),
    TextEncoder,
    TextDecoder,
    DOMException,
    atob,
    btoa,
    Event,
    EventTarget,
    CustomEvent,
    ...createAbortClasses(link),
  });

  const builtin = createBuiltins(link);
  defineLazy(global, ['performance'], () => ({ performance: createPerformance() }));
  defineLazy(global, ['process'], () => ({ process: createProcess({ link, builtin }) }));
  defineLazy(global, ['Buffer'], () => exportsOf(builtin('buffer')));
  defineLazy(global, ['CryptoKey'], () => {
    const { CryptoKey }: typeof import('./subtle-crypto.ts') = require('./subtle-crypto.ts');
    return { CryptoKey };
  });
  defineLazy(global, ['crypto'], () => ({ crypto: exportsOf(builtin('crypto'))['webcrypto'] }));
  defineLazy(global, ['URL', 'URLSearchParams'], () =>
    evaluated(global, ['URL', 'URLSearchParams'], () => {
      require('core-js/actual/url');
      require('core-js/actual/url-search-params');
      const { likeNode }: typeof import('./url.ts') = require('./url.ts');
      global.URL = likeNode(global.URL, global.URLSearchParams);
    }),
  );
  defineLazy(global, ['structuredClone'], () =>
    evaluated(global, ['structuredClone'], () => {
      require('core-js/modules/web.structured-clone');
      const clone = global.structuredClone;
      global.structuredClone = function structuredClone(...args: Partial<Parameters<typeof clone>>): never {
        if (args.length === 0) throw missingArguments('The "value" argument must be specified');
        return clone(...(args as Parameters<typeof clone>)) as never;
      };
    }),
  );
  defineLazy(global, streamNames, () => {
    const streams: typeof import('./streams.ts') = require('./streams.ts');
    return exportsOf(streams);
  });
  defineLazy(global, ['CompressionStream', 'DecompressionStream'], () => {
    const { createCompressionStreams }: typeof import('./compression-streams.ts') = require('./compression-streams.ts');
    return createCompressionStreams(TransformStream);
  });
  defineLazy(global, ['Blob', 'File'], () => {
    const blob: typeof import('./blob.ts') = require('./blob.ts');
    return { Blob: blob.Blob, File: blob.File };
  });
  defineLazy(global, ['MessageChannel', 'MessagePort', 'MessageEvent'], () => {
    const { MessageChannel, MessageEvent, MessagePort }: typeof import('./message-channel.ts') = require('./message-channel.ts');
    return { MessageChannel, MessageEvent, MessagePort };
  });
  defineLazy(global, ['FormData'], () => {
    const form: typeof import('./form-data.ts') = require('./form-data.ts');
    return { FormData: form.FormData };
  });
  const native: unknown = Reflect.get(global, 'WebAssembly');
  defineLazy(global, ['WebAssembly'], () => {
    const { missingWebAssembly, withStreaming }: typeof import('./web-assembly.ts') = require('./web-assembly.ts');
    return { WebAssembly: native === undefined ? missingWebAssembly(link) : withStreaming(native as Parameters<typeof withStreaming>[0]) };
  });
  defineLazy(global, ['Headers'], () => {
    const headers: typeof import('./headers.ts') = require('./headers.ts');
    return { Headers: headers.Headers };
  });
  defineLazy(global, ['fetch', 'Request', 'Response'], () => {
    const fetch: typeof import('./fetch.ts') = require('./fetch.ts');
    return { fetch: fetch.createFetch(link), Request: fetch.Request, Response: fetch.Response };
  });
}

const streamNames = [
  'ReadableStream',
  'ReadableStreamDefaultReader',
  'ReadableStreamDefaultController',
  'ReadableStreamBYOBReader',
  'ReadableStreamBYOBRequest',
  'ReadableByteStreamController',
  'WritableStream',
  'WritableStreamDefaultWriter',
  'WritableStreamDefaultController',
  'TransformStream',
  'TransformStreamDefaultController',
  'ByteLengthQueuingStrategy',
  'CountQueuingStrategy',
  'TextDecoderStream',
  'TextEncoderStream',
];

/** Runs a polyfill, which defines its names itself, and takes them from where it put them. */
function evaluated(global: object, names: readonly string[], polyfill: () => unknown): Record<string, unknown> {
  polyfill();
  return Object.fromEntries(names.map((name) => [name, Reflect.get(global, name)]));
}

function exportsOf(module: unknown): Readonly<Record<string, unknown>> {
  return module as Readonly<Record<string, unknown>>;
}
