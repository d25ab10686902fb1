import type { build as Build, BuildFailure, Loader, Message, Plugin, transform as Transform } from 'esbuild';
import { posix } from 'node:path';
import type { ModuleGraph, ModuleNode, Unsupported } from '../../format/index.ts';
import { unsupportedModules } from '../guest/builtins/unsupported.ts';
import { readUses, type ReadUses } from '../infer/read-uses.ts';
import { authorSyntax } from './author-syntax.ts';
import { callsOfRequire } from './calls-of-require.ts';
import { followAwaits } from './follow-awaits.ts';
import { hostModule } from './host-modules.ts';
import { moduleFiles, type ModuleFiles, type PackHeads } from './module-files.ts';
import { resolveModule, type PackageJson } from './resolve-module.ts';

/**
 * The program of the confined compile process. It runs no code of
 * the package; it reads source text and writes one script per entry point. esbuild's own process is not
 * bound by Node's permissions, so every path is resolved and every file loaded here, where links and paths
 * that leave a package are refused.
 */
export interface BundleRequest {
  readonly graph: ModuleGraph;
  readonly entries: readonly string[];
  /** Whether to read from the code what it needs, which takes longer than bundling it. Default true. */
  readonly infer?: boolean;
}

export type BundleReply = readonly EntryReply[];

/** A line of the compile process: what a request with this id gave. */
export type BundlerAnswer = { readonly id: number; readonly reply: BundleReply } | { readonly id: number; readonly error: string };

/** The longest line that is read on either side: a graph of thousands of packages, or bundles with their maps. */
export const MAX_REQUEST_BYTES = 64 * 1024 * 1024;
export const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
export type EntryReply =
  | {
      readonly kind: 'ok';
      readonly entry: string;
      readonly code: string;
      readonly map: string;
      /** Names the bundle asks the guest runtime for. */
      readonly externals: readonly string[];
      readonly unsupported: readonly Unsupported[];
      /** What the code was seen to ask for; absent when nobody wanted to know. */
      readonly uses?: ReadUses;
    }
  | {
      readonly kind: 'failed';
      readonly entry: string;
      readonly code: string;
      readonly message: string;
      readonly where?: { path: string; line?: number; column?: number };
    };

const NAMESPACE = 'package';
/** Of an `awaiting` bundle: what the guest runtime answers, as CommonJS, and the module that imports the entry. */
const GUEST = 'guest';
const ENTRY = 'entry';
const LOADERS: Readonly<Record<string, Loader>> = {
  '.ts': 'ts',
  '.mts': 'ts',
  '.cts': 'ts',
  '.tsx': 'tsx',
  '.js': 'js',
  '.mjs': 'js',
  '.cjs': 'js',
  '.jsx': 'jsx',
  '.json': 'json',
  '.txt': 'text',
  '.md': 'text',
  '.html': 'text',
  '.css': 'text',
  '.sql': 'text',
  '.yaml': 'text',
  '.yml': 'text',
};

/** What is used of esbuild: the process that may load it hands it in. */
export interface Compiler {
  readonly build: typeof Build;
  readonly transform: typeof Transform;
}

export async function bundle({ graph, entries, infer = true }: BundleRequest, { build, transform }: Compiler, heads?: PackHeads): Promise<BundleReply> {
  using files = moduleFiles(heads);
  const replies: EntryReply[] = [];
  for (const entry of entries) {
    const reply = await bundleEntry({ graph, files, infer }, entry, build);
    const followed = reply.kind === 'ok' && reply.externals.includes('async_hooks');
    replies.push(followed ? { ...reply, ...(await followAwaits(reply, transform)) } : reply);
  }
  return replies;
}

/** `awaiting` is for modules with a top-level await: their bundle is the body of an async function, and exports a promise. */
type Shape = 'plain' | 'awaiting';

interface Sources {
  readonly graph: ModuleGraph;
  readonly files: ModuleFiles;
  readonly infer: boolean;
}

async function bundleEntry(from: Sources, entry: string, build: typeof Build): Promise<EntryReply> {
  const plain = await bundleAs('plain', from, entry, build);
  return plain.kind === 'failed' && plain.code === 'UNSUPPORTED_SYNTAX' ? bundleAs('awaiting', from, entry, build) : plain;
}

async function bundleAs(shape: Shape, { graph, files, infer }: Sources, entry: string, build: typeof Build): Promise<EntryReply> {
  const records: Records = { sources: new Map(), importers: new Map(), native: new Map(), hidden: [] };
  const { sources, importers, native, hidden } = records;
  try {
    const result = await build({
      entryPoints: [entry],
      bundle: true,
      write: false,
      outfile: 'bundle.js',
      format: shape === 'plain' ? 'cjs' : 'esm',
      platform: 'node',
      target: 'es2024',
      // an isolate has no loader: `import()` of what is not bundled is a require that answers later
      supported: { 'dynamic-import': false },
      sourcemap: 'external',
      sourcesContent: false,
      metafile: true,
      logLevel: 'silent',
      legalComments: 'none',
      ...authorSyntax(readTsconfig(graph, files)),
      absWorkingDir: '/',
      define: {
        'import.meta.url': '__dash_meta_url',
        'import.meta.filename': '__dash_meta_filename',
        'import.meta.dirname': '__dash_meta_dirname',
        // esbuild does the same for CommonJS
        ...(shape === 'awaiting' && { 'import.meta': '__dash_meta' }),
      },
      plugins: [fromGraph(graph, files, shape, records)],
    });
    const code = result.outputFiles.find(({ path }) => path.endsWith('.js'))?.text ?? '';
    const map = result.outputFiles.find(({ path }) => path.endsWith('.map'))?.text ?? '{}';
    const required = awaitingButRequired(code);
    if (required !== undefined)
      return { kind: 'failed', entry, code: 'UNSUPPORTED_SYNTAX', message: REQUIRED_AWAITS, where: { path: sources.get(required) ?? entry } };
    const outputs = Object.values(result.metafile.outputs);
    const kept = new Set(outputs.flatMap(({ inputs }) => Object.keys(inputs).filter((name) => (inputs[name]?.bytesInOutput ?? 0) > 0)));
    const asked = outputs.flatMap(({ imports }) => imports.filter(({ external }) => external === true).map(({ path }) => path));
    const wrapped = [...kept].filter((name) => name.startsWith(`${GUEST}:`)).map((name) => name.slice(GUEST.length + 1));
    const externals = [...new Set([...asked, ...wrapped])].sort();
    const whole = shape === 'plain' ? code : inAsyncFunction(code);
    const realMap = withRealSources(map, sources);
    return {
      kind: 'ok',
      entry,
      code: whole,
      map: realMap,
      externals,
      unsupported: [...unsupportedIn(externals, kept), ...nativeIn(kept)],
      ...(infer && { uses: readUses({ code: whole, map: realMap, dependencies: dependenciesOf(graph) }) }),
    };
  } catch (error) {
    return toFailure(entry, (error as Partial<BuildFailure>).errors?.[0], error);
  }

  /** Only what survived tree shaking counts: a builtin that a dropped module imported is not reachable. */
  function unsupportedIn(externals: readonly string[], kept: ReadonlySet<string>): Unsupported[] {
    const places = new Map(externals.map((name) => [name, importers.get(name)]));
    for (const { module, builtin, ...place } of hidden) if (builtin !== undefined && kept.has(module) && !places.has(builtin)) places.set(builtin, place);
    return [...places]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([name, place]) => {
        const known = Object.hasOwn(unsupportedModules, name) ? unsupportedModules[name] : undefined;
        if (known === undefined) return [];
        return [{ what: `node:${name}`, why: known.why, alternative: known.alternative, ...(place && { where: whereOf(graph, files, place) }) }];
      });
  }

  function nativeIn(kept: ReadonlySet<string>): Unsupported[] {
    const asked = hidden
      .filter(({ module, native: name }) => name !== undefined && kept.has(module))
      .map(({ native: name = '', ...place }) => [name, whereOf(graph, files, place)] as const);
    const loaded = [...native].filter(([module]) => kept.has(module)).map(([, { name, path }]) => [name, { path }] as const);
    return [...new Map([...loaded, ...asked])].map(([name, where]) => ({
      what: `native addon ${name}`,
      why: 'native code runs outside every sandbox',
      alternative: 'use a JavaScript implementation',
      where,
    }));
  }

  function toFailure(failed: string, message: Message | undefined, error: unknown): EntryReply {
    if (message === undefined)
      return { kind: 'failed', entry: failed, code: 'COMPILE_FAILED', message: error instanceof Error ? error.message : String(error) };
    const { location } = message;
    const where =
      location === null ? { path: failed } : { path: sources.get(location.file) ?? location.file, line: location.line, column: location.column + 1 };
    const code = /top-level await/i.test(message.text) ? 'UNSUPPORTED_SYNTAX' : typeof message.detail === 'string' ? message.detail : 'COMPILE_FAILED';
    const text = code === 'UNSUPPORTED_SYNTAX' ? REQUIRED_AWAITS : withGlobExplained(message.text);
    return { kind: 'failed', entry: failed, code, message: text, where };
  }
}

const REQUIRED_AWAITS = 'a module with a top-level await cannot be loaded with `require`: import it, or await inside the factory';

/** esbuild lets `require` have a module that is still awaiting, half-made. @returns esbuild's name of such a module */
function awaitingButRequired(code: string): string | undefined {
  for (const [, init = '', name] of code.matchAll(/^var ([\w$]+) = __esm\(\{\n {2}async "([^"\n]*)"/gm))
    if (code.includes(`(${init}(), __toCommonJS(`)) return name;
  return undefined;
}

/** The entry module hands its exports over; all of them at the end, as `import` gives them. No newline before the code, so lines stay true. */
function inAsyncFunction(code: string): string {
  return `module.exports=(async()=>{"use strict";var __dash_require=require,__dash_meta={},__dash_entry;${code}\nreturn __dash_entry})()`;
}

/** esbuild speaks of the pattern that it made of `import('./' + name)`. */
function withGlobExplained(text: string): string {
  return /^Could not resolve (import|require)\(/.test(text)
    ? `${text}: a path that is computed at run time cannot be bundled, so import each module by its name`
    : text;
}

interface Place {
  readonly node: string;
  readonly path: string;
  readonly specifier: string;
}

interface Records {
  /** esbuild's name of a module → the name in errors and maps. */
  readonly sources: Map<string, string>;
  /** A name that the guest runtime answers → who asked first. */
  readonly importers: Map<string, Place>;
  /** esbuild's name of a module → the native addon that it is, or is a part of. */
  readonly native: Map<string, { readonly name: string; readonly path: string }>;
  /** Builtins and native packages that are asked for at run time, out of the bundler's sight. */
  readonly hidden: (Place & { readonly module: string; readonly builtin?: string; readonly native?: string })[];
}

function fromGraph(graph: ModuleGraph, files: ModuleFiles, shape: Shape, { sources, importers, native, hidden }: Records): Plugin {
  return {
    name: 'module-graph',
    setup: ({ onResolve, onLoad }) => {
      onResolve({ filter: /.*/ }, ({ path: specifier, kind, namespace, pluginData }) => {
        if (kind === 'entry-point') return shape === 'plain' ? found(graph.root, specifier) : { path: specifier, namespace: ENTRY };
        if (namespace === ENTRY) return found(graph.root, specifier);
        const importer = pluginData as { node: string; path: string };
        const host = hostModule(specifier);
        if (host !== undefined && graph.nodes[importer.node]?.dependencies[specifier] === undefined) {
          if (!importers.has(host)) importers.set(host, { ...importer, specifier });
          return atRunTime(host);
        }
        const isRequire = kind === 'require-call' || kind === 'require-resolve';
        const resolved = resolveModule(graph, files, importer, specifier, isRequire ? 'require' : 'import');
        if (resolved.kind === 'file') return found(resolved.node, resolved.path);
        // An optional module is asked for at run time and may be missing there; a static import may not.
        if (isRequire || kind === 'dynamic-import') return atRunTime(specifier);
        return { errors: [{ text: `could not resolve \`${specifier}\`: ${resolved.reason}`, detail: 'DEPENDENCY_NOT_FOUND' }] };
      });

      onLoad({ filter: /.*/, namespace: ENTRY }, ({ path }) => ({
        contents: `import * as entry from ${JSON.stringify(path)};__dash_entry=entry;`,
        loader: 'js',
      }));
      onLoad({ filter: /.*/, namespace: GUEST }, ({ path }) => ({ contents: `module.exports=__dash_require(${JSON.stringify(path)})`, loader: 'js' }));

      onLoad({ filter: /.*/, namespace: NAMESPACE }, ({ pluginData }) => {
        const { node: id, path } = pluginData as { node: string; path: string };
        const node = graph.nodes[id];
        if (node === undefined) throw new Error(`no package ${id}`);
        const module = `${NAMESPACE}:${moduleName(graph, files, id, path)}`;
        if (path.endsWith('.node') || isNative(files, node))
          native.set(module, { name: path.endsWith('.node') ? `${node.name}/${path}` : node.name, path: sourceName(graph, id, path) });
        if (path.endsWith('.node')) {
          return { contents: nativeStub(`${node.name}/${path}`), loader: 'js' };
        }
        const loader = LOADERS[posix.extname(path)];
        if (loader === undefined)
          return { errors: [{ text: `${sourceName(graph, id, path)}: files of this type cannot be imported`, detail: 'COMPILE_FAILED' }] };
        const contents = files.read(node, path);
        if (/^[jt]sx?$/.test(loader)) {
          for (const specifier of callsOfRequire(contents)) {
            const builtin = hostModule(specifier);
            const target = graph.nodes[node.dependencies[specifier] ?? ''];
            if (builtin !== undefined) hidden.push({ module, node: id, path, specifier, builtin });
            else if (target !== undefined && isNative(files, target)) hidden.push({ module, node: id, path, specifier, native: target.name });
          }
        }
        // No `resolveDir`: `import('./' + name)` is the one thing that esbuild resolves without asking a plugin. It
        // would walk that directory itself, and bundle files of this machine.
        return { contents: /^[jt]sx?$/.test(loader) ? withMeta(contents, graph, id, path) : contents, loader, pluginData: { node: id, path } };
      });

      // Behind the other: whatever way leads to a module that is not one of the graph's.
      onLoad({ filter: /.*/ }, ({ path }) => ({ errors: [{ text: `${path} is not part of the package`, detail: 'COMPILE_FAILED' }] }));

      function atRunTime(name: string) {
        return shape === 'plain' ? { path: name, external: true } : { path: name, namespace: GUEST };
      }

      function found(id: string, path: string) {
        const name = moduleName(graph, files, id, path);
        sources.set(`${NAMESPACE}:${name}`, sourceName(graph, id, path));
        return { path: name, namespace: NAMESPACE, pluginData: { node: id, path }, sideEffects: hasSideEffects(graph, files, id, path) };
      }
    },
  };
}

/**
 * A dependency's file of a `type: module` package must look like ESM to esbuild, or a default import of
 * CommonJS in it gets the wrong object. The package's own files keep the interoperation that jiti gives them.
 */
function moduleName(graph: ModuleGraph, files: ModuleFiles, id: string, path: string): string {
  const name = sourceName(graph, id, path);
  const node = graph.nodes[id];
  if (id === graph.root || node === undefined || !/\.[jt]s$/.test(path)) return name;
  return nearestManifest(files, node, path)?.type === 'module' ? `${name}.mjs` : name;
}

function nearestManifest(files: ModuleFiles, node: ModuleNode, path: string): PackageJson | undefined {
  for (let directory = posix.dirname(path); ; directory = posix.dirname(directory)) {
    const manifest = files.manifest(node, directory === '.' ? '' : directory);
    if (manifest !== undefined || directory === '.') return manifest;
  }
}

function readTsconfig(graph: ModuleGraph, files: ModuleFiles): string | undefined {
  const node = graph.nodes[graph.root];
  return node !== undefined && files.isFile(node, 'tsconfig.json') ? files.read(node, 'tsconfig.json') : undefined;
}

function dependenciesOf({ root, nodes }: ModuleGraph): string[] {
  return Object.entries(nodes).flatMap(([id, { name, version }]) => (id === root ? [] : [`${name}@${version}`]));
}

/** How a file is called in errors: the author's own path, or `name@version/path` for a dependency. */
function sourceName(graph: ModuleGraph, id: string, path: string): string {
  const node = graph.nodes[id];
  return id === graph.root || node === undefined ? path : `${node.name}@${node.version}/${path}`;
}

/** What says of itself that its JavaScript is a shell around compiled code. */
function isNative(files: ModuleFiles, node: ModuleNode): boolean {
  const { napi, gypfile, binary } = files.manifest(node, '') ?? {};
  return isObject(napi) || gypfile === true || isObject(binary) || files.isFile(node, 'binding.gyp');
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

function hasSideEffects(graph: ModuleGraph, files: ModuleFiles, id: string, path: string): boolean {
  const node = graph.nodes[id];
  if (node === undefined || id === graph.root) return true;
  const { sideEffects } = files.manifest(node, '') ?? {};
  if (typeof sideEffects === 'boolean') return sideEffects;
  if (!Array.isArray(sideEffects)) return true;
  return sideEffects.some(
    (pattern) =>
      typeof pattern === 'string' && posix.matchesGlob(path, pattern.includes('/') ? posix.normalize(pattern.replace(/^\.?\//, '')) : `**/${pattern}`),
  );
}

/** `import.meta.url` of every module, without moving its lines. Guests see their package at `/package`. */
function withMeta(text: string, graph: ModuleGraph, id: string, path: string): string {
  // A hashbang is legal at the first byte of a file only, and the bundle is put into a function.
  const contents = text.startsWith('#!') ? `//${text.slice(2)}` : text;
  if (!contents.includes('import.meta')) return contents;
  const node = graph.nodes[id];
  const filename = id === graph.root ? `/package/${path}` : `/package/node_modules/${node?.name}/${path}`;
  const literals = [`file://${encodeURI(filename)}`, filename, posix.dirname(filename)].map((text) => JSON.stringify(text));
  return `var __dash_meta_url=${literals[0]},__dash_meta_filename=${literals[1]},__dash_meta_dirname=${literals[2]};${contents}`;
}

function nativeStub(name: string): string {
  return `throw Object.assign(new Error(${JSON.stringify(`\`${name}\` is a native addon: native code cannot run in the sandbox`)}), {code: 'UNSUPPORTED_NATIVE_ADDON'});`;
}

function withRealSources(map: string, sources: ReadonlyMap<string, string>): string {
  const parsed = JSON.parse(map) as { sources?: string[] };
  return JSON.stringify({ ...parsed, sources: (parsed.sources ?? []).map((source) => sources.get(source) ?? source) });
}

/** esbuild names the importing file of an external, not the line; the first mention of the specifier is it. */
function whereOf(graph: ModuleGraph, files: ModuleFiles, { node: id, path, specifier }: Place): { path: string; line?: number } {
  const name = sourceName(graph, id, path);
  const node = graph.nodes[id];
  if (node === undefined) return { path: name };
  const lines = files.read(node, path).split('\n');
  const index = lines.findIndex((line) => line.includes(`'${specifier}'`) || line.includes(`"${specifier}"`));
  return index === -1 ? { path: name } : { path: name, line: index + 1 };
}
