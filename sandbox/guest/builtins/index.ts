import type { GuestLink } from '../link.ts';
import { completeModule, createUnsupportedModule } from './throwing-members.ts';
import { probes } from './probes.ts';
import { unsupportedModules } from './unsupported.ts';

/** Gives a builtin by its name, with or without `node:`; `undefined` for what Node does not have either. */
export type Builtins = (name: string) => unknown;

/** Resolves what `module.createRequire` of a package file asks for within the package's own bundle. */
export type BundleRequire = (specifier: string, from: string) => unknown;

let bundleRequire: BundleRequire | undefined;

/** Tells `module.createRequire` how to reach the package's own modules. */
export function setBundleRequire(require: BundleRequire): void {
  bundleRequire = require;
}

const made = new WeakMap<GuestLink, Builtins>();

/**
 * Makes the registry of Node's builtins: each is evaluated when it is first asked for, and once.
 * For one link there is one registry, so that the globals and `require` agree on every class.
 */
export function createBuiltins(link: GuestLink): Builtins {
  const known = made.get(link);
  if (known !== undefined) return known;
  const instances = new Map<string, unknown>();
  const builtin: Builtins = (given) => {
    const name = given.startsWith('node:') ? given.slice(5) : given;
    if (instances.has(name)) return instances.get(name);
    const make = Object.hasOwn(factories, name) ? factories[name] : undefined;
    if (make !== undefined) instances.set(name, make(link, builtin));
    else if (Object.hasOwn(unsupportedModules, name)) instances.set(name, createUnsupportedModule(name, probes[name]?.()));
    return instances.get(name);
  };
  made.set(link, builtin);
  return builtin;
}

/** Every name that {@link createBuiltins} answers to. */
export function builtinNames(): string[] {
  return [...Object.keys(factories), ...Object.keys(unsupportedModules)];
}

type Factory = (link: GuestLink, builtin: Builtins) => unknown;
type Events = typeof import('node:events');
type Stream = typeof import('node:stream');

// `require` and not `import`: a module is evaluated by the first package file that wants it.
const factories: Readonly<Record<string, Factory>> = {
  assert: () => {
    const module: typeof import('./assert.ts') = require('./assert.ts');
    return module.createAssert();
  },
  'assert/strict': (_link, builtin) => Reflect.get(builtin('assert') as object, 'strict'),
  async_hooks: () => {
    const module: typeof import('./async-hooks.ts') = require('./async-hooks.ts');
    return module.createAsyncHooks();
  },
  buffer: () => {
    const module: typeof import('./buffer.ts') = require('./buffer.ts');
    return module.createBuffer();
  },
  child_process: (link, builtin) => {
    const module: typeof import('./child-process.ts') = require('./child-process.ts');
    return completeModule('child_process', module.createChildProcess(link, builtin('events') as Events, builtin('stream') as Stream));
  },
  console: () => completeModule('console', Object.assign(Object.create(console), { console }) as Record<string, unknown>),
  constants: (_link, builtin) => {
    const { osConstants }: typeof import('./os.ts') = require('./os.ts');
    const { constants } = builtin('fs') as { constants: object };
    return completeModule('constants', { ...osConstants.errno, ...osConstants.priority, ...osConstants.signals, ...constants });
  },
  crypto: (link, builtin) => {
    const module: typeof import('./crypto.ts') = require('./crypto.ts');
    return completeModule('crypto', module.createCrypto(link, builtin('stream') as Stream));
  },
  diagnostics_channel: () => {
    const module: typeof import('./diagnostics-channel.ts') = require('./diagnostics-channel.ts');
    return module.createDiagnosticsChannel();
  },
  events: () => {
    const module: typeof import('./events.ts') = require('./events.ts');
    return module.createEvents();
  },
  fs: (link, builtin) => {
    const module: typeof import('./fs/index.ts') = require('./fs/index.ts');
    const fs = module.createFs(link, builtin);
    completeModule('fs/promises', fs['promises'] as Record<string, unknown>);
    return completeModule('fs', fs);
  },
  'fs/promises': (_link, builtin) => Reflect.get(builtin('fs') as object, 'promises'),
  http: (link, builtin) => {
    const module: typeof import('./http.ts') = require('./http.ts');
    return module.createHttp(link, 'http', builtin('stream') as Stream);
  },
  https: (link, builtin) => {
    const module: typeof import('./http.ts') = require('./http.ts');
    return module.createHttp(link, 'https', builtin('stream') as Stream);
  },
  module: (_link, builtin) => createModule(builtin),
  os: (link) => {
    const module: typeof import('./os.ts') = require('./os.ts');
    return completeModule('os', module.createOs(link));
  },
  path: () => completeModule('path', require('node-source:path') as Record<string, unknown>),
  'path/posix': (_link, builtin) => Reflect.get(builtin('path') as object, 'posix'),
  'path/win32': (_link, builtin) => Reflect.get(builtin('path') as object, 'win32'),
  perf_hooks: () => completeModule('perf_hooks', { performance }),
  process: () => process,
  punycode: () => completeModule('punycode', require('node-source:punycode') as Record<string, unknown>),
  querystring: () => completeModule('querystring', require('node-source:querystring') as Record<string, unknown>),
  readline: (_link, builtin) => {
    const module: typeof import('./readline.ts') = require('./readline.ts');
    return module.createReadline(builtin('events') as Events, builtin('string_decoder') as typeof import('node:string_decoder'));
  },
  'readline/promises': (_link, builtin) => Reflect.get(builtin('readline') as object, 'promises'),
  stream: () => {
    const module: typeof import('./stream.ts') = require('./stream.ts');
    return module.createStream();
  },
  'stream/consumers': () => {
    const module: typeof import('./stream.ts') = require('./stream.ts');
    return module.createStreamConsumers();
  },
  'stream/promises': (_link, builtin) => Reflect.get(builtin('stream') as object, 'promises'),
  'stream/web': () => {
    const streams: typeof import('../globals/streams.ts') = require('../globals/streams.ts');
    return completeModule('stream/web', { ...streams });
  },
  string_decoder: () => {
    const module: typeof import('./string-decoder.ts') = require('./string-decoder.ts');
    return module.createStringDecoder();
  },
  sys: (_link, builtin) => builtin('util'),
  timers: (_link, builtin) =>
    completeModule('timers', { setTimeout, setInterval, setImmediate, clearTimeout, clearInterval, clearImmediate, promises: builtin('timers/promises') }),
  'timers/promises': (link) => {
    const module: typeof import('../globals/timers.ts') = require('../globals/timers.ts');
    return completeModule('timers/promises', module.createTimers(link).promises);
  },
  tty: () => createUnsupportedModule('tty', { isatty: () => false }),
  url: (_link, builtin) => {
    const module: typeof import('./url.ts') = require('./url.ts');
    return module.createUrl(builtin('punycode') as Parameters<typeof module.createUrl>[0]);
  },
  util: () => {
    const module: typeof import('./util/index.ts') = require('./util/index.ts');
    return module.createUtil();
  },
  'util/types': (_link, builtin) => Reflect.get(builtin('util') as object, 'types'),
  zlib: (_link, builtin) => {
    const module: typeof import('./zlib.ts') = require('./zlib.ts');
    return completeModule('zlib', module.createZlib(builtin('stream') as Stream));
  },
  // Not builtins, but every package that speaks HTTP brings one of these; here they are the guest's fetch.
  undici: () => {
    const module: typeof import('./fetch-libraries.ts') = require('./fetch-libraries.ts');
    return module.createUndici();
  },
  'node-fetch': () => {
    const module: typeof import('./fetch-libraries.ts') = require('./fetch-libraries.ts');
    return module.createNodeFetch();
  },
};

function createModule(builtin: Builtins): Record<string, unknown> {
  const createRequire = (from: string | URL) => {
    const require = (specifier: string): unknown => {
      const found = builtin(specifier);
      if (found !== undefined) return found;
      if (bundleRequire === undefined) throw moduleNotFound(specifier, String(from));
      return bundleRequire(specifier, String(from));
    };
    return Object.assign(require, {
      cache: {},
      main: undefined,
      resolve: (specifier: string) => {
        if (builtin(specifier) !== undefined) return specifier;
        throw Object.assign(
          new Error(`require.resolve('${specifier}') is not available in the sandbox; the package is one bundle and has no files of its own at run time`),
          { code: 'UNSUPPORTED_API' },
        );
      },
    });
  };
  const names = Object.keys(factories).filter((name) => name !== 'undici' && name !== 'node-fetch');
  const builtinModules = [...names, ...Object.keys(unsupportedModules)].sort();
  const members = { createRequire, builtinModules, isBuiltin: (name: string) => builtinModules.includes(name.replace(/^node:/, '')) };
  const Module = Object.assign(function Module() {
    throw Object.assign(new Error('new Module() is not available in the sandbox; import the code instead'), { code: 'UNSUPPORTED_API' });
  }, members) as unknown as Record<string, unknown>;
  Module['Module'] = Module;
  return completeModule('module', Module);
}

function moduleNotFound(specifier: string, from: string): Error {
  return Object.assign(new Error(`Cannot find module '${specifier}'\nRequire stack:\n- ${from}`), { code: 'MODULE_NOT_FOUND', requireStack: [from] });
}
