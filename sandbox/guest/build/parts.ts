import { build, type Plugin } from 'esbuild';
import { builtinModules, createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readHostExports, type HostModule } from './host-exports.ts';
import { readNodeMembers } from './node-members.ts';
import { nodeSource } from './node-source.ts';

/** One script of the guest runtime: the text of an expression that evaluates to a function. */
export interface GuestPart {
  readonly name: 'core' | 'typebox' | 'pi-tui';
  readonly source: string;
}

/**
 * Builds the guest runtime's scripts. `core` evaluates to the bootstrap function, the others to
 * `(register, requireCore) => void`; nothing of a library runs before a package asks for it.
 */
export async function guestParts(): Promise<GuestPart[]> {
  const [core, typebox, piTui] = await Promise.all([
    bundleExpression('../bootstrap.ts'),
    bundlePart('../modules/typebox-part.ts', 'pi-ai', []),
    bundlePart('../modules/pi-tui-part.ts', 'pi-coding-agent', [hostLibraries]),
  ]);
  return [
    { name: 'core', source: core },
    { name: 'typebox', source: typebox },
    { name: 'pi-tui', source: piTui },
  ];
}

/** Bundles a module whose default export is the value of the expression. */
export async function bundleExpression(entry: string | URL): Promise<string> {
  return `(() => {${await bundle(entry, 'pi-agent-core', [librariesOfCore])}return part.default;})()`;
}

async function bundlePart(entry: string, host: HostModule, plugins: readonly Plugin[]): Promise<string> {
  // `requireCore` is in scope of the whole bundle: a library's `import 'node:fs'` becomes a call of it.
  return `(register, requireCore) => {${await bundle(entry, host, [...plugins, builtinsFromCore])}part.default(register, requireCore);}`;
}

async function bundle(entry: string | URL, host: HostModule, plugins: readonly Plugin[]): Promise<string> {
  const result = await build({
    entryPoints: [fileURLToPath(new URL(entry, import.meta.url))],
    write: false,
    bundle: true,
    format: 'iife',
    globalName: 'part',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    conditions: ['import', 'module', 'default'],
    target: 'es2024',
    // Names are what stack traces and `error.name` show to authors.
    minify: true,
    keepNames: true,
    legalComments: 'none',
    define: {
      __HOST_EXPORTS__: JSON.stringify({ [host]: (await readHostExports())[host] }),
      __PI_VERSION__: JSON.stringify(piManifest.version),
      __NODE_MEMBERS__: JSON.stringify(readNodeMembers()),
      __NODE_VERSIONS__: JSON.stringify({ node: process.versions.node, v8: process.versions.v8, modules: process.versions.modules }),
      'import.meta.url': '"file:///dash/guest.js"',
    },
    plugins: [...plugins, nodeSource],
    logLevel: 'warning',
  });
  const [file] = result.outputFiles;
  if (file === undefined) throw new Error(`esbuild gave nothing for ${String(entry)}`);
  return file.text;
}

/** In the core, a library that asks for a builtin gets the npm package the builtin is made of. */
const librariesOfCore: Plugin = {
  name: 'libraries-of-core',
  setup(esbuild) {
    const packages = new Map([
      ['events', 'events/'],
      ['buffer', 'buffer/'],
      ['string_decoder', 'string_decoder/'],
    ]);
    esbuild.onResolve({ filter: /^(?:events|buffer|string_decoder)$/ }, ({ path, resolveDir }) =>
      esbuild.resolve(packages.get(path) ?? path, { kind: 'require-call', resolveDir }),
    );
    // Shims that libraries bring along for engines without these globals.
    esbuild.onResolve({ filter: /^(?:process\/?|abort-controller)$/ }, ({ path }) => ({ path: path.replace('/', ''), namespace: 'global' }));
    esbuild.onLoad({ filter: /.*/, namespace: 'global' }, ({ path }) => ({
      contents:
        path === 'process'
          ? 'module.exports = globalThis.process;'
          : 'module.exports = { AbortController: globalThis.AbortController, AbortSignal: globalThis.AbortSignal };',
      loader: 'js',
    }));
  },
};

/** In the other parts, builtins are the core's, so that there is one `EventEmitter` and one `fs`. */
const builtinsFromCore: Plugin = {
  name: 'builtins-from-core',
  setup(esbuild) {
    const names = new Set(builtinModules);
    esbuild.onResolve({ filter: /^(?:node:)?[a-z_0-9/]+$/ }, ({ path }) => {
      const name = path.replace(/^node:/, '');
      return names.has(name) ? { path: name, namespace: 'core' } : undefined;
    });
    esbuild.onLoad({ filter: /.*/, namespace: 'core' }, ({ path }) => ({ contents: `module.exports = requireCore(${JSON.stringify(path)});`, loader: 'js' }));
  },
};

const require = createRequire(import.meta.url);
const piIndex = fileURLToPath(import.meta.resolve('@earendil-works/pi-coding-agent'));
const piManifest: { version: string } = require(join(dirname(piIndex), '../package.json'));
const modules = fileURLToPath(new URL('../modules/', import.meta.url));

/** In pi's own helpers: `pi-source:` finds its files, and those that know the host's disk or need wasm are replaced. */
const hostLibraries: Plugin = {
  name: 'host-libraries',
  setup(esbuild) {
    esbuild.onResolve({ filter: /^(?:typebox|@earendil-works\/pi-ai)(?:\/.*)?$/ }, ({ path }) => ({
      path: path.replace('@earendil-works/', ''),
      namespace: 'core',
    }));
    esbuild.onResolve({ filter: /^pi-source:/ }, ({ path }) => ({ path: replacement(join(dirname(piIndex), path.slice('pi-source:'.length))) }));
    esbuild.onResolve({ filter: /^\.\.?\// }, ({ path, resolveDir }) => {
      const file = join(resolveDir, path);
      const replaced = replacement(file);
      return replaced === file ? undefined : { path: replaced };
    });
  },
};

const replacements = new Map([
  ['config.js', 'pi-source-config.ts'],
  ['modes/interactive/theme/theme.js', 'pi-theme.ts'],
  ['utils/image-convert.js', 'pi-source-images.ts'],
  ['utils/image-resize.js', 'pi-source-images.ts'],
  ['utils/shell.js', 'pi-source-shell.ts'],
  ['utils/tools-manager.js', 'pi-source-tools.ts'],
]);

function replacement(file: string): string {
  const own = replacements.get(relative(dirname(piIndex), file));
  return own === undefined ? file : join(modules, own);
}
