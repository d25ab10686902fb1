import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { RuntimePart } from '../../format/index.ts';
import type { ScriptSource } from '../protocol.ts';
import type { Engine } from './layers.ts';

/**
 * What `npm run build:guest` makes: the programs of the child processes and the guest runtime's scripts. In
 * the repository they lie in `dist/guest`, in the published package beside the compiled sandbox.
 */
const DIRECTORY = new URL(import.meta.url.endsWith('.ts') ? '../../dist/guest/' : '../../guest/', import.meta.url);

/** Path of a child process's program. */
export function programPath(name: 'sandbox-process' | 'bundler-process' | 'produce-caches'): string {
  return fileURLToPath(new URL(`${name}.cjs`, DIRECTORY));
}

/** Changes with whatever takes part in compiling and in running a guest. */
export function toolchainDigest(): string {
  const hash = createHash('sha256').update(process.versions.v8);
  for (const name of ['bundler-process.cjs', 'sandbox-process.cjs', 'core.js', 'typebox.js', 'pi-tui.js']) hash.update(readFileSync(new URL(name, DIRECTORY)));
  return hash.digest('hex');
}

/** The guest runtime's scripts. */
export const RUNTIME_SCRIPTS = ['core', 'typebox', 'pi-tui'] as const satisfies readonly ('core' | RuntimePart)[];
export type RuntimeScript = (typeof RUNTIME_SCRIPTS)[number];

/** Where one of them lies. */
export function scriptPath(name: RuntimeScript): string {
  return fileURLToPath(new URL(`${name}.js`, DIRECTORY));
}

const scripts = new Map<string, ScriptSource>();
const local = new Map<Engine, ReadonlyMap<RuntimeScript, NonSharedBuffer>>();

/**
 * One of the runtime's scripts, with its code cache where there is one: a wake without takes about twice as long. Those that
 * were made when Dash was built come with it, for that kind of machine. V8 refuses a cache of another version or other
 * flags; it does not look at the processor, so the name does. Others are taken up with {@link takeRuntimeCaches}.
 */
export function runtimeScript(name: RuntimeScript, engine: Engine = 'jitless'): ScriptSource {
  const key = `${name} ${engine}`;
  const known = scripts.get(key);
  if (known !== undefined) return known;
  const source = readFileSync(scriptPath(name));
  const made = local.get(engine);
  const cache = made !== undefined ? made.get(name) : engine === 'jitless' ? readIfThere(new URL(cacheName(name), DIRECTORY)) : undefined;
  const script: ScriptSource = { name: `${SCRIPT_PREFIX}${name}`, source, ...(cache !== undefined && { cache }) };
  scripts.set(key, script);
  return script;
}

const SCRIPT_PREFIX = 'dash-runtime:';

/** Tells whether a script is the runtime's, by the name it has in V8. */
export function isRuntimeScript(name: string): boolean {
  return name.startsWith(SCRIPT_PREFIX);
}

/** From here on these are the caches of the runtime, in place of those that come with it. */
export function takeRuntimeCaches(engine: Engine, caches: ReadonlyMap<RuntimeScript, NonSharedBuffer>): void {
  local.set(engine, caches);
  for (const name of RUNTIME_SCRIPTS) scripts.delete(`${name} ${engine}`);
}

/** The file beside the scripts that holds the cache of one. */
export function cacheName(name: RuntimeScript): string {
  return `${name}-${process.platform}-${process.arch}-${process.versions.v8}.cache`;
}

function readIfThere(file: URL): NonSharedBuffer | undefined {
  try {
    return readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
