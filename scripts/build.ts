import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { builtinModules } from 'node:module';
import { join, relative } from 'node:path';

import { build, type Plugin } from 'esbuild';

/**
 * Compiles the package into `dist/`: types by tsc, code by esbuild in few files that share their parts.
 * Module by module, `dash list` loads 57 of ours and takes 3.0 times a bare `node -e 0`; like this
 * `node bench/bench.ts` shows what it takes. `dist/guest` is made by the set-up step and stays.
 */
const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');

// a file that was renamed would stay in the package for ever
for (const name of readdirSync(dist)) {
  if (name !== 'guest') rmSync(join(dist, name), { recursive: true });
}
const { status } = spawnSync('tsc', ['-p', 'tsconfig.build.json', '--emitDeclarationOnly'], { cwd: root, stdio: 'inherit' });
if (status !== 0) process.exit(1);

/** Every output lies one folder below `dist`, so `../` is `dist` in each of them: a module keeps the place it was written for. */
const keepPlaces: Plugin = {
  name: 'keep-places',
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      const place = JSON.stringify(`../${relative(root, path).replace(/\.ts$/, '.js')}`);
      return { loader: 'ts', contents: text.replaceAll('import.meta.url', `new URL(${place}, import.meta.url).href`) };
    });
  },
};

/** An `import` of `node:fs` touches every export of it, and that loads Node's streams and web APIs: 2 ms of each start. */
const lazyBuiltins: Plugin = {
  name: 'lazy-builtins',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:/ }, ({ path }) => (builtinModules.includes(path.slice('node:'.length)) ? { path, namespace: 'builtin' } : undefined));
    onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => ({ contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)})` }));
  },
};

const { dependencies }: { readonly dependencies: Readonly<Record<string, string>> } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
await build({
  absWorkingDir: root,
  entryPoints: [
    { in: 'cli/main.ts', out: 'cli/main' },
    ...['host', 'registry', 'sandbox', 'skills-lib', 'sdk', 'format'].map((folder) => ({ in: `${folder}/index.ts`, out: `${folder}/index` })),
  ],
  outdir: dist,
  chunkNames: 'chunks/[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  // commander is needed at every start, in seven files of its own
  external: Object.keys(dependencies)
    .filter((name) => name !== 'commander')
    .flatMap((name) => [name, `${name}/*`]),
  plugins: [keepPlaces, lazyBuiltins],
  logLevel: 'warning',
});
