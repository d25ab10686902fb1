import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { DashError, type CompiledEntry, type CompiledPackage, type CompileFailure, type ModuleGraph, type RuntimePart } from '../../format/index.ts';
import { CHILD_ENVIRONMENT, guardAgainstInspectorSignal } from '../process/layers.ts';
import { toInference } from '../infer/to-inference.ts';
import { programPath, runtimeScript } from '../process/runtime-files.ts';
import { SandboxProcess } from '../process/sandbox-process.ts';
import { bundleName, saveBundle, type BundleStore } from './bundle-store.ts';
import type { BundleReply, BundleRequest, EntryReply } from './bundler.ts';

const COMPILE_TIMEOUT_MS = 60_000;
const MAX_REPLY_BYTES = 64 * 1024 * 1024;

/**
 * Bundles every entry of a package in a confined process and keeps code, map and code cache under their hashes.
 * One entry that does not compile is a failure of that entry, not of the package.
 *
 * @throws {DashError} COMPILE_FAILED when the compile process itself fails
 */
export async function compilePackage(
  { graph, entries }: { graph: ModuleGraph; entries: readonly string[] },
  store: BundleStore,
  signal?: AbortSignal,
): Promise<CompiledPackage> {
  if (entries.length === 0) return { entries: [], failures: [] };
  const replies = await bundleConfined({ graph, entries }, signal);
  const bundled = replies.filter((reply) => reply.kind === 'ok');
  const caches = await codeCaches(bundled.map(({ entry, code }) => wrap(entry, code)));
  return {
    entries: await Promise.all(bundled.map((reply, index) => keep(store, reply, caches[index]))),
    failures: replies.filter((reply) => reply.kind === 'failed').map(toCompileFailure),
  };
}

async function keep(
  store: BundleStore,
  { entry, code, map, externals, unsupported, uses }: EntryReply & { kind: 'ok' },
  cache: Buffer | undefined,
): Promise<CompiledEntry> {
  const bytes = Buffer.from(wrap(entry, code));
  return {
    entry,
    code: await saveBundle(store, 'js', bytes),
    codeBytes: bytes.length,
    map: await saveBundle(store, 'map', Buffer.from(map)),
    ...(cache !== undefined && { cache: { sha256: await saveBundle(store, 'cache', cache), v8: process.versions.v8 } }),
    parts: partsFor(externals, code),
    unsupported,
    inferred: toInference(uses),
  };
}

/** One function expression: evaluating the script runs nothing. No newline before the code, so lines stay true. */
function wrap(entry: string, code: string): string {
  const filename = `/package/${entry}`;
  const meta = [`file://${encodeURI(filename)}`, filename, filename.slice(0, filename.lastIndexOf('/'))].map((text) => JSON.stringify(text));
  return `(function(require,module,exports,__filename,__dirname){var __dash_meta_url=${meta[0]},__dash_meta_filename=${meta[1]},__dash_meta_dirname=${meta[2]};${code}\n})`;
}

/** Host libraries are scripts of their own; only what a bundle names is loaded. */
function partsFor(externals: readonly string[], code: string): RuntimePart[] {
  const parts = new Set<RuntimePart>();
  // A tool's arguments are checked in the guest, by the same library that its schema is written with.
  if (code.includes('registerTool')) parts.add('typebox');
  for (const name of externals) {
    if (/^(pi-tui|pi-coding-agent)(\/|$)/.test(name)) parts.add('pi-tui');
    if (/^(typebox|pi-ai|pi-coding-agent|dash-agent)(\/|$)/.test(name)) parts.add('typebox');
  }
  return [...parts].sort();
}

function toCompileFailure({ entry, code, message, where }: EntryReply & { kind: 'failed' }): CompileFailure {
  return { entry, error: { code, message, ...(where && { where }) } };
}

/**
 * Code caches come from a process that never ran package code: the scripts are function expressions that
 * nobody calls. Without them everything works, a little later.
 */
async function codeCaches(sources: readonly string[]): Promise<readonly (Buffer | undefined)[]> {
  using process = new SandboxProcess(programPath('sandbox-process'), { guest: ignore, ask: (_text, reply) => reply('{}'), stuck: ignore, ended: ignore });
  try {
    process.prepare({ memoryMiB: 256, core: runtimeScript('core'), parts: [], warm: [] });
    const { caches } = await process.open({
      parts: [],
      setup: JSON.stringify({ facts: NO_FACTS }),
      bundles: sources.map((source, index) => ({ name: bundleName(index), source: Buffer.from(source) })),
      produceCache: true,
    });
    const byName = new Map(caches.map(({ name, cache }) => [name, Buffer.from(cache, 'base64')]));
    return sources.map((_, index) => byName.get(bundleName(index)));
  } catch (error) {
    throw new DashError('COMPILE_FAILED', `a bundle does not load: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

const NO_FACTS = { cwd: '/', home: '/', tmp: '/', agentDir: '/', env: {}, platform: 'linux', arch: 'x64', columns: 80 };

function ignore(): void {
  // the process that makes caches has nothing to say
}

/** Runs the bundler where it can read the package's directories and esbuild, and nothing else. */
async function bundleConfined(request: BundleRequest, signal: AbortSignal | undefined): Promise<BundleReply> {
  guardAgainstInspectorSignal();
  const program = programPath('bundler-process');
  const esbuild = createRequire(import.meta.url).resolve('esbuild');
  const modules = dirname(dirname(dirname(esbuild)));
  const readable = [
    program,
    `${modules}/esbuild/*`,
    `${modules}/@esbuild/*`,
    ...Object.values(request.graph.nodes).map((node) => node.pack ?? `${node.dir}/*`),
  ];
  const child = spawn(
    process.execPath,
    [
      '--permission',
      ...readable.map((path) => `--allow-fs-read=${path}`),
      // esbuild is a program of its own. It is given no path to read: the bundler loads every file itself.
      '--allow-child-process',
      '--disable-sigusr1',
      '--no-warnings',
      program,
      esbuild,
    ],
    {
      cwd: '/',
      env: { ...CHILD_ENVIRONMENT, ESBUILD_WORKER_THREADS: '0' },
      stdio: ['pipe', 'pipe', 'pipe'],
      signal,
      killSignal: 'SIGKILL',
      timeout: COMPILE_TIMEOUT_MS,
    },
  );
  const { promise, resolve, reject } = Promise.withResolvers<BundleReply>();
  let output = '';
  let errors = '';
  child.stdin.on('error', () => undefined); // the exit tells
  child.stdin.end(JSON.stringify(request));
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    if (output.length > MAX_REPLY_BYTES) child.kill('SIGKILL');
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-4_000);
  });
  child.on('error', (error) => reject(signal?.aborted === true ? error : compileFailed(error.message)));
  child.on('close', (code, killed) => {
    if (code !== 0) return reject(compileFailed(killed === null ? errors.trim() : `it took longer than ${COMPILE_TIMEOUT_MS} ms or wrote too much`));
    try {
      resolve(JSON.parse(output) as BundleReply);
    } catch {
      reject(compileFailed('its reply cannot be read'));
    }
  });
  return promise;
}

function compileFailed(reason: string): DashError {
  return new DashError('COMPILE_FAILED', `the compile process failed: ${reason}`, { hint: 'run `dash doctor`' });
}
