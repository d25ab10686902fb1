import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { MAX_DATA_KIB, MAX_OPEN_FILES, MAX_WASM_MEMORY_PAGES } from './limits.ts';

/** What V8 may do in a process: interpret, or compile WebAssembly as well, for a package that was granted `wasm`. */
export type Engine = 'jitless' | 'wasm';

/**
 * The flags of V8, which its code caches depend on. With `wasm` there is machine code, and it is WebAssembly's alone, from
 * the compiler without optimisations: JavaScript and regular expressions are interpreted as everywhere. A module is
 * compiled when it is asked for: nobody here runs the tasks by which V8 would do it later.
 */
export const ENGINE_FLAGS: Readonly<Record<Engine, readonly string[]>> = {
  jitless: ['--jitless'],
  wasm: [
    '--no-turbofan',
    '--no-maglev',
    '--no-sparkplug',
    '--regexp-interpret-all',
    '--liftoff-only',
    '--no-wasm-async-compilation',
    '--no-experimental-wasm-jspi',
    `--wasm-max-mem-pages=${MAX_WASM_MEMORY_PAGES}`,
  ],
};

/** How a sandbox process is started; every flag is a layer of SECURITY.md. */
export interface ChildCommand {
  readonly execPath: string;
  readonly args: readonly string[];
}

/**
 * The command line of a sandbox process.
 *
 * - `--jitless`: no JIT compiler and no wasm in the guest's isolate, the classes of V8 bugs that pay most; see {@link ENGINE_FLAGS}.
 * - `--permission` with read access to its own script only: no files, children, workers. On Node 24 it does
 *   not block network or signals and any addon loads once `--allow-addons` is given: a seat belt, not the wall.
 * - `--disable-sigusr1`: nobody opens an inspector in it.
 */
export function sandboxCommand(entryScript: string, engine: Engine = 'jitless'): ChildCommand {
  return {
    execPath: process.execPath,
    args: [
      ...ENGINE_FLAGS[engine],
      '--permission',
      `--allow-fs-read=${entryScript}`,
      '--allow-addons',
      '--disable-sigusr1',
      '--no-warnings',
      '--no-deprecation',
      '--max-old-space-size=256',
      entryScript,
      addonPath(),
    ],
  };
}

/**
 * The same under limits of the kernel, which hold where the isolate's do not: no core dump (a secret would lie in it),
 * no byte into any file, few descriptors, and memory that ends before the watchdog looks the next time. A shell that
 * knows one of them not leaves it out: these are the last line, not the first.
 */
export function withLimits({ execPath, args }: ChildCommand, engine: Engine): ChildCommand {
  if (process.platform === 'win32') return { execPath, args };
  const limits = Object.entries({ ...LIMITS, '-d': MAX_DATA_KIB[engine] }).map(([option, value]) => `ulimit ${option} ${value} 2>/dev/null;`);
  return { execPath: '/bin/sh', args: ['-c', `${limits.join(' ')} exec "$@"`, 'sh', execPath, ...args] };
}

const LIMITS = { '-c': 0, '-f': 0, '-n': MAX_OPEN_FILES };

let addon: string | undefined;

/** The prebuilt binary of isolated-vm for this Node, by path: the agent itself never loads it. */
export function addonPath(): string {
  if (addon !== undefined) return addon;
  const require = createRequire(import.meta.url);
  const manifest = require.resolve('isolated-vm/package.json');
  const finder = createRequire(manifest)('node-gyp-build') as { path(dir: string): string };
  addon = finder.path(dirname(manifest));
  return addon;
}

let guarded = false;

/**
 * Code in a sandbox process can send SIGUSR1 to its parent, and Node would open the inspector there: the
 * whole agent on a loopback port. A listener takes the default away. Must run before the first child exists.
 */
export function guardAgainstInspectorSignal(): void {
  if (guarded) return;
  guarded = true;
  process.on('SIGUSR1', ignoreSignal);
}

function ignoreSignal(): void {
  // being here is the whole point
}

/** NODE_OPTIONS and its kin would give a child flags we did not choose: children get an environment of their own. */
export const CHILD_ENVIRONMENT: Readonly<Record<string, string>> = { NODE_NO_WARNINGS: '1' };
