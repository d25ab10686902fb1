import { build, type Plugin } from 'esbuild';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ENGINE_FLAGS } from '../sandbox/process/layers.ts';
import { cacheName, programPath, RUNTIME_SCRIPTS, type RuntimeScript, scriptPath } from '../sandbox/process/runtime-files.ts';
import { guestParts } from '../sandbox/guest/build/parts.ts';

/**
 * Makes `dist/guest`: the programs of the child processes (plain JavaScript: Node's type stripping needs wasm,
 * which `--jitless` takes away) and the guest runtime's scripts.
 */
const root = fileURLToPath(new URL('..', import.meta.url));
const directory = fileURLToPath(new URL('../dist/guest/', import.meta.url));
mkdirSync(directory, { recursive: true });
// those of another Node would stay in the package for ever
for (const name of readdirSync(directory)) if (name.endsWith('.cache')) rmSync(join(directory, name));

/** Loading a module of `format/` does nothing that anybody could see: a program gets those it uses, not all of them. */
const onlyWhatIsUsed: Plugin = {
  name: 'only-what-is-used',
  setup: ({ onResolve }) => {
    onResolve({ filter: /^\.{1,2}\// }, ({ path, resolveDir }) => {
      const file = join(resolveDir, path);
      return file.startsWith(join(root, 'format/')) ? { path: file, sideEffects: false } : undefined;
    });
  },
};

const PROGRAMS = {
  'sandbox-process': 'sandbox/process/entry.ts',
  'bundler-process': 'sandbox/compile/bundler-process.ts',
  'produce-caches': 'sandbox/process/produce-caches.ts',
};
for (const [name, entry] of Object.entries(PROGRAMS)) {
  await build({
    absWorkingDir: root,
    entryPoints: [entry],
    outfile: `${directory}${name}.cjs`,
    bundle: true,
    platform: 'node',
    format: 'cjs', // CommonJS starts sooner, and needs no package.json to be read
    target: 'node24',
    external: ['esbuild', 'isolated-vm'],
    logLevel: 'warning',
    // of modules that are left out again
    logOverride: { 'empty-import-meta': 'silent' },
    plugins: [onlyWhatIsUsed],
  });
}
for (const part of await guestParts()) writeFileSync(`${directory}${part.name}.js`, part.source);

const scripts = RUNTIME_SCRIPTS.map((name) => `${scriptPath(name)}=${name}`);
const answer = execFileSync(process.execPath, [...ENGINE_FLAGS.jitless, '--no-node-snapshot', programPath('produce-caches'), ...scripts], {
  maxBuffer: 64 * 1024 * 1024,
  encoding: 'utf8',
  stdio: ['ignore', 'pipe', 'inherit'],
});
for (const { name, cache } of JSON.parse(answer) as readonly { readonly name: RuntimeScript; readonly cache: string }[])
  writeFileSync(join(directory, cacheName(name)), Buffer.from(cache, 'base64'));
