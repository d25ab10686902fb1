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
export function programPath(name: 'sandbox-process' | 'bundler-process'): string {
  return fileURLToPath(new URL(`${name}.cjs`, DIRECTORY));
}

/** Changes with whatever takes part in compiling and in running a guest. */
export function toolchainDigest(): string {
  const hash = createHash('sha256').update(process.versions.v8);
  for (const name of ['bundler-process.cjs', 'sandbox-process.cjs', 'core.js', 'typebox.js', 'pi-tui.js']) hash.update(readFileSync(new URL(name, DIRECTORY)));
  return hash.digest('hex');
}

const scripts = new Map<string, ScriptSource>();

/**
 * The runtime's scripts, with the code cache made when they were built: it comes with the package, and a wake without takes
 * about twice as long. V8 refuses a cache of another version or other flags; it does not look at the processor, so the name does.
 */
export function runtimeScript(name: 'core' | RuntimePart, engine: Engine = 'jitless'): ScriptSource {
  const key = `${name} ${engine}`;
  const known = scripts.get(key);
  if (known !== undefined) return known;
  const source = readFileSync(new URL(`${name}.js`, DIRECTORY));
  // They were made under the flags of `jitless`.
  const cache = engine === 'wasm' ? undefined : readIfThere(new URL(`${name}-${process.platform}-${process.arch}-${process.versions.v8}.cache`, DIRECTORY));
  const script: ScriptSource = { name: `dash-runtime:${name}`, source, ...(cache !== undefined && { cache }) };
  scripts.set(key, script);
  return script;
}

function readIfThere(file: URL): NonSharedBuffer | undefined {
  try {
    return readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
