import { spawnSync } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';

import { build, type BuildOptions, type Plugin } from 'esbuild';

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
    // commander imports builtins as a whole, and with them whatever Node can do with files, streams and terminals
    onLoad({ filter: /node_modules\/commander\/.*\.js$/ }, async ({ path }) => ({ loader: 'js', contents: lazyBuiltins(await readFile(path, 'utf8')) }));
    onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      const place = JSON.stringify(`../${relative(root, path).replace(/\.ts$/, '.js')}`);
      return { loader: 'ts', contents: lazyBuiltins(text).replaceAll('import.meta.url', `new URL(${place}, import.meta.url).href`) };
    });
  },
};

/**
 * What an agent needs before its first request is bundled as well: the wires of pi-ai with the clients beneath them, and
 * the reader of front matter, are two hundred files otherwise. What only some providers need (AWS, Google, logins) stays
 * where npm put it.
 */
const libraries: Plugin = {
  name: 'libraries',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^\.\/(bedrock-converse-stream|google-generative-ai|google-vertex)\.js$/ }, ({ path, resolveDir }) =>
      resolveDir.endsWith(join('pi-ai', 'dist', 'api')) ? { path: `@earendil-works/pi-ai/api/${basename(path, '.js')}`, external: true } : undefined,
    );
    // both name a module by a variable, so that nobody bundles it
    onLoad({ filter: /pi-ai\/dist\/api\/bedrock-converse-stream\.lazy\.js$/ }, async ({ path }) => ({
      contents: (await readFile(path, 'utf8')).replace('importNodeOnlyApi("./bedrock-converse-stream.ts")', 'import("./bedrock-converse-stream.js")'),
    }));
    onLoad({ filter: /pi-ai\/dist\/auth\/oauth\/load\.js$/ }, async ({ path }) => ({
      contents: (await readFile(path, 'utf8')).replaceAll(/importOAuthModule\("(\.\/[\w-]+)\.ts"\)/g, 'import("$1.js")'),
    }));
    // CommonJS, which asks for builtins by a name that a module does not have
    onLoad({ filter: /node_modules\/(gray-matter|js-yaml)\/.*\.js$/ }, async ({ path }) => ({
      contents: (await readFile(path, 'utf8')).replaceAll(/\brequire\('(fs|buffer)'\)/g, "process.getBuiltinModule('node:$1')"),
    }));
  },
};

/**
 * An `import` of a builtin touches every export of it, and that loads Node's streams and web APIs; these two load much of
 * Node besides. Asked for at the first call they cost nothing where they are not called: together half of what `dash list`
 * took beyond a bare Node. Only functions are imported from them.
 */
function lazyBuiltins(text: string): string {
  const whole = text.replaceAll(/^import (\w+) from '(node:[^']+)';$/gm, (_, name: string, module: string) =>
    name === 'process' ? '' : `const ${name} = new Proxy({}, { get: (_, key) => process.getBuiltinModule(${JSON.stringify(module)})[key] });`,
  );
  return whole.replaceAll(/^import \{([^}]*)\} from '(node:[^']+)';$/gm, (_, names: string, module: string) => {
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

/** Commander is needed by nearly every command, in seven files of its own; typebox by every agent, in two hundred and fifty. */
const BUNDLED = ['commander', '@sinclair/typebox', '@earendil-works/pi-ai', 'gray-matter', 'js-yaml'];
const { dependencies }: { readonly dependencies: Readonly<Record<string, string>> } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const options = {
  absWorkingDir: root,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  external: Object.keys(dependencies)
    .filter((name) => !BUNDLED.includes(name))
    .flatMap((name) => [name, `${name}/*`]),
  logLevel: 'warning',
  metafile: true,
} as const satisfies BuildOptions;

/**
 * The command line, and the commands that people wait for, are a file each with all that it needs: each of two dozen
 * shared files takes half a millisecond. What they load later are entries of the rest, which share their parts.
 */
const QUICK = ['install-again', 'list'];
const later = new Map<string, string>();
const loadedLater: Plugin = {
  name: 'loaded-later',
  setup({ onResolve }) {
    onResolve({ filter: /^\..*\.ts$/ }, ({ path, kind, resolveDir }) => {
      const source = relative(root, join(resolveDir, path)).replaceAll('\\', '/');
      if (kind !== 'dynamic-import' || source === 'cli/program.ts') return undefined;
      if (/^[^/]+\/index\.ts$/.test(source)) return { path: `../${source.replace(/\.ts$/, '.js')}`, external: true };
      if (!source.startsWith('cli/')) return undefined;
      const name = source
        .replace(/^cli\//, '')
        .replace(/\.ts$/, '')
        .replaceAll('/', '-');
      if (QUICK.some((quick) => name === `commands-${quick}`)) return { path: `./${name}.js`, external: true };
      later.set(source, name);
      return { path: `../later/${name}.js`, external: true };
    });
  },
};

const quick = await build({
  ...options,
  entryPoints: [{ in: 'cli/main.ts', out: 'main' }, ...QUICK.map((name) => ({ in: `cli/commands/${name}.ts`, out: `commands-${name}` }))],
  outdir: join(dist, 'cli'),
  plugins: [loadedLater, libraries, sources],
});
const rest = await build({
  ...options,
  entryPoints: [
    ...Array.from(later, ([source, name]) => ({ in: source, out: `later/${name}` })),
    ...['host', 'registry', 'sandbox', 'skills-lib', 'sdk', 'format'].map((folder) => ({ in: `${folder}/index.ts`, out: `${folder}/index` })),
  ],
  outdir: dist,
  chunkNames: 'chunks/[name]-[hash]',
  splitting: true,
  plugins: [libraries, sources],
});
// a browser gets these as they are
const page = join('host', 'events', 'dashboard', 'page');
cpSync(join(root, page), join(dist, page), { recursive: true });

/** Whose code is in the bundles, with the licence of each: who copies it hands that on. */
const bundled = new Set(
  [quick, rest].flatMap(({ metafile }) => Object.keys(metafile.inputs).flatMap((input) => /^node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0] ?? [])),
);
const notices = [...bundled].sort().map((directory) => {
  const { name, version, license }: { readonly name: string; readonly version: string; readonly license: string } = JSON.parse(
    readFileSync(join(root, directory, 'package.json'), 'utf8'),
  );
  const file = readdirSync(join(root, directory)).find((each) => /^licen[cs]e/i.test(each));
  return `${name} ${version} (${license})\n\n${file === undefined ? '' : readFileSync(join(root, directory, file), 'utf8').trim()}\n`;
});
writeFileSync(join(dist, 'licences.txt'), notices.join(`\n${'-'.repeat(80)}\n\n`));
