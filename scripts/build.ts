import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
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
const sources: Plugin = {
  name: 'sources',
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      const place = JSON.stringify(`../${relative(root, path).replace(/\.ts$/, '.js')}`);
      return { loader: 'ts', contents: lazyBuiltins(text).replaceAll('import.meta.url', `new URL(${place}, import.meta.url).href`) };
    });
  },
};

/**
 * An `import` of a builtin touches every export of it, and that loads Node's streams and web APIs; these two load much of
 * Node besides. Asked for at the first call they cost nothing where they are not called: together half of what `dash list`
 * took beyond a bare Node. Only functions are imported from them.
 */
function lazyBuiltins(text: string): string {
  return text.replaceAll(/^import \{([^}]*)\} from '(node:[^']+)';$/gm, (_, names: string, module: string) => {
    const members = names
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '' && !name.startsWith('type '))
      .map((name) => name.split(' as '));
    const builtin = `process.getBuiltinModule(${JSON.stringify(module)})`;
    if (module === 'node:crypto' || module === 'node:fs/promises') {
      return members.map(([name = '', local = name]) => `const ${local} = (...args) => ${builtin}.${name}(...args);`).join(' ');
    }
    return members.map(([name = '', local = name]) => `const ${local} = ${builtin}.${name};`).join(' ');
  });
}

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
  plugins: [sources],
  logLevel: 'warning',
});
