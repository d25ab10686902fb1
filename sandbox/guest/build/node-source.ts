import type { Plugin } from 'esbuild';
import { fileURLToPath } from 'node:url';

/** Files of Node's library that stand on little more than the language, and may be taken. */
const FILES: readonly string[] = [
  'path',
  'punycode',
  'querystring',
  'url',
  'internal/buffer',
  'internal/constants',
  'internal/mime',
  'internal/querystring',
  'internal/util/inspect',
];

/**
 * Bundles files of Node's own library, as the Node that builds the runtime has them, under `node-source:`. What one builds
 * anew, or finds as a package, differs from Node in a hundred places; these differ in none. Node's licence (MIT)
 * allows it. What a file asks of Node's insides is answered by node-insides.ts.
 */
export const nodeSource: Plugin = {
  name: 'node-source',
  setup(esbuild) {
    esbuild.onResolve({ filter: /^node-source:/ }, ({ path }) => ({ path: path.slice('node-source:'.length), namespace: 'node-source' }));
    esbuild.onResolve({ filter: /^node-insides$/ }, () => ({ path: fileURLToPath(new URL('../builtins/node-insides.ts', import.meta.url)) }));
    esbuild.onLoad({ filter: /.*/, namespace: 'node-source' }, ({ path }) => ({
      contents: `const { primordials, internalBinding, requireInside, process } = require('node-insides');\n${withOwnRequires(sourceOf(path))}`,
      loader: 'js',
    }));
  },
};

/** One file of Node's finds another here; everything else it asks for is not a file. */
function withOwnRequires(source: string): string {
  return source.replaceAll(/\brequire\('([^']+)'\)/g, (_call, name: string) =>
    FILES.includes(name) ? `require('node-source:${name}')` : `requireInside('${name}')`,
  );
}

function sourceOf(name: string): string {
  const binding = (process as unknown as { binding(name: 'natives'): Readonly<Record<string, string>> }).binding('natives');
  const source = FILES.includes(name) ? binding[name] : undefined;
  if (source === undefined) throw new Error(`this Node does not give the source of \`${name}\`: build the guest runtime with Node 24`);
  return source;
}
