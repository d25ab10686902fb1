import type { Plugin } from 'esbuild';
import { fileURLToPath } from 'node:url';

/** What {@link nodeSource} may take: files of Node's library that stand on little more than the language. */
const FILES = ['path'] as const;

/**
 * Bundles a file of Node's own library, as the Node that builds the runtime has it, under `node-source:`. For `path` nothing
 * comes near: what packages there are know no Windows paths, or know them as Node did years ago. Node's licence
 * (MIT) allows it; what the file asks of Node's insides is answered by node-insides.ts.
 */
export const nodeSource: Plugin = {
  name: 'node-source',
  setup(esbuild) {
    esbuild.onResolve({ filter: /^node-source:/ }, ({ path }) => ({ path: path.slice('node-source:'.length), namespace: 'node-source' }));
    esbuild.onLoad({ filter: /.*/, namespace: 'node-source' }, ({ path }) => ({
      contents: `const { primordials, requireInside, process } = require('node-insides');
${constants(sourceOf('internal/constants'))}
(function (require) {${sourceOf(path)}\n})((name) => requireInside(name, constants));`,
      loader: 'js',
    }));
    esbuild.onResolve({ filter: /^node-insides$/ }, () => ({ path: fileURLToPath(new URL('../builtins/node-insides.ts', import.meta.url)) }));
  },
};

function constants(source: string): string {
  return `const constants = (() => { const module = {}; ${source}\nreturn module.exports; })();`;
}

function sourceOf(name: string): string {
  const binding = (process as unknown as { binding(name: 'natives'): Readonly<Record<string, string>> }).binding('natives');
  const source = [...FILES, 'internal/constants'].includes(name) ? binding[name] : undefined;
  if (source === undefined) throw new Error(`this Node does not give the source of \`${name}\`: build the guest runtime with Node 24`);
  return source;
}
