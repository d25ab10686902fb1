/** Why a builtin module does not work in the sandbox and what to use instead. */
export interface UnsupportedModule {
  readonly why: string;
  readonly alternative: string;
}

const sockets = 'raw sockets would pass by the host names that the user consented to';
const threads = 'an extension has one isolate and starts no threads or processes of its own';
const inspection = 'it looks into or changes the V8 that runs the sandbox';

/**
 * Builtins that can be imported and whose members throw `UNSUPPORTED_MODULE` when called.
 * Plain data: the compile step reads it too, to name what a package reaches.
 */
export const unsupportedModules: Readonly<Record<string, UnsupportedModule>> = {
  cluster: { why: threads, alternative: 'run a program with `child_process.execFile` and an `exec:` permission' },
  dgram: { why: sockets, alternative: 'use `fetch` with a `net:` permission' },
  dns: { why: 'name lookups are a channel out; the host resolves names itself', alternative: 'use `fetch` with a `net:` permission' },
  'dns/promises': { why: 'name lookups are a channel out; the host resolves names itself', alternative: 'use `fetch` with a `net:` permission' },
  domain: { why: 'it is deprecated in Node', alternative: 'use promises and try/catch' },
  http2: { why: sockets, alternative: 'use `fetch` with a `net:` permission' },
  inspector: { why: inspection, alternative: 'use `console` and source maps' },
  'inspector/promises': { why: inspection, alternative: 'use `console` and source maps' },
  net: { why: sockets, alternative: 'use `fetch` with a `net:` permission' },
  repl: { why: 'there is no terminal in the sandbox', alternative: 'use `ctx.ui.input`' },
  sea: { why: 'extensions are not executables', alternative: 'read files with `fs`' },
  sqlite: { why: 'it is native code that opens files itself', alternative: 'keep data as JSON in `data:/`, or run `sqlite3` with an `exec:` permission' },
  test: { why: 'tests run in the author\u2019s project, not in the sandbox', alternative: 'run `node --test` in your project' },
  'test/reporters': { why: 'tests run in the author\u2019s project, not in the sandbox', alternative: 'run `node --test` in your project' },
  tls: { why: sockets, alternative: 'use `fetch`, which speaks TLS, with a `net:` permission' },
  trace_events: { why: inspection, alternative: 'use `performance.mark`' },
  v8: { why: inspection, alternative: 'use `structuredClone` to copy values' },
  vm: { why: 'contexts of one isolate are no boundary', alternative: 'use `new Function`, which has the rights of the extension itself' },
  wasi: { why: 'the sandbox runs without WebAssembly', alternative: 'use a library written in JavaScript' },
  worker_threads: { why: threads, alternative: 'do the work in the extension; it runs outside the agent already' },
};
