import { posix } from 'node:path';
import type { ModuleGraph, ModuleNode } from '../../format/index.ts';

/**
 * Node's module resolution over a {@link ModuleGraph} instead of node_modules: `exports` and `imports` with
 * nested conditions, `main`, directories, self-reference, and TypeScript's "write .js, mean .ts".
 * Pure but for the file system handed in. Rules: https://nodejs.org/api/esm.html#resolution-algorithm
 */

/** One package's files as the resolver asks for them; paths have `/` and no leading one. */
export interface PackageFiles {
  isFile(node: ModuleNode, path: string): boolean;
  /** The parsed package.json of the package, or of a directory in it; `undefined` where there is none. */
  manifest(node: ModuleNode, directory: string): PackageJson | undefined;
}

export interface PackageJson {
  readonly name?: unknown;
  readonly type?: unknown;
  readonly main?: unknown;
  readonly module?: unknown;
  readonly exports?: unknown;
  readonly imports?: unknown;
  readonly sideEffects?: unknown;
  readonly napi?: unknown;
  readonly gypfile?: unknown;
  readonly binary?: unknown;
}

export interface Importer {
  /** Key of the graph's nodes. */
  readonly node: string;
  /** Path of the importing file inside its package. */
  readonly path: string;
}

export type Resolved =
  | { readonly kind: 'file'; readonly node: string; readonly path: string }
  /** Left to the guest: a builtin, a host module, or `false` in an `imports` map. */
  | { readonly kind: 'missing'; readonly reason: string };

const EXTENSIONS = ['.ts', '.tsx', '.mts', '.cts', '.js', '.jsx', '.mjs', '.cjs', '.json'];
/** What an author writes for what the compiler will make of the file. */
const SOURCES_OF: Readonly<Record<string, readonly string[]>> = { '.js': ['.ts', '.tsx'], '.jsx': ['.tsx'], '.mjs': ['.mts'], '.cjs': ['.cts'] };

export function resolveModule(graph: ModuleGraph, files: PackageFiles, importer: Importer, specifier: string, kind: 'import' | 'require'): Resolved {
  const node = graph.nodes[importer.node];
  if (node === undefined) return missing(`no package ${importer.node}`);
  const conditions = new Set(['node', 'module', kind, 'default']);

  if (/^\.\.?(\/|$)/.test(specifier)) {
    const path = posix.join(posix.dirname(importer.path), specifier);
    if (path.startsWith('../') || path === '..') return missing(`\`${specifier}\` leaves the package`);
    return fileIn(importer.node, node, path === '.' ? '' : path);
  }
  if (specifier.startsWith('/') || /^[a-z]:/i.test(specifier)) return missing(`\`${specifier}\` is an absolute path`);
  if (specifier.startsWith('#')) return fromImports(importer, node, specifier, conditions);

  const { name, subpath } = splitSpecifier(specifier);
  const target = node.dependencies[name] ?? (node.name === name ? importer.node : undefined);
  if (target === undefined) return missing(`\`${name}\` is not among the dependencies of ${node.name}`);
  return fromPackage(target, subpath, conditions);

  function fromPackage(id: string, subpath: string, active: ReadonlySet<string>): Resolved {
    const dependency = graph.nodes[id];
    if (dependency === undefined) return missing(`no package ${id}`);
    const manifest = files.manifest(dependency, '') ?? {};
    if (manifest.exports !== undefined && manifest.exports !== null) {
      const path = matchExports(manifest.exports, subpath === '' ? '.' : `./${subpath}`, active);
      if (path === undefined) return missing(`${dependency.name} does not export \`${subpath === '' ? '.' : `./${subpath}`}\``);
      return exactFile(id, dependency, path);
    }
    return fileIn(id, dependency, subpath);
  }

  function fromImports(from: Importer, own: ModuleNode, name: string, active: ReadonlySet<string>): Resolved {
    const imports = files.manifest(own, '')?.imports;
    const target = isObject(imports) ? matchKeys(imports, name, active) : undefined;
    if (target === undefined) return missing(`\`${name}\` is not in the imports of ${own.name}`);
    if (target.startsWith('./')) return exactFile(from.node, own, target);
    if (target.startsWith('#')) return missing(`\`${name}\` leads to another name of the imports of ${own.name}`);
    return resolveModule(graph, files, { node: from.node, path: 'package.json' }, target, kind);
  }

  function exactFile(id: string, owner: ModuleNode, target: string): Resolved {
    const path = posix.normalize(target);
    if (path.startsWith('../') || path.startsWith('/')) return missing(`${owner.name} points outside itself: ${target}`);
    if (files.isFile(owner, path)) return { kind: 'file', node: id, path };
    const source = sourceOf(owner, path);
    return source === undefined ? missing(`${owner.name} has no file ${path}`) : { kind: 'file', node: id, path: source };
  }

  /** A file, a file without its extension, or a directory. */
  function fileIn(id: string, owner: ModuleNode, path: string): Resolved {
    const clean = path.replace(/\/+$/, '');
    const found = (clean !== '' && clean === path ? asFile(owner, clean) : undefined) ?? asDirectory(owner, clean);
    return found === undefined ? missing(`${owner.name} has no module ${clean === '' ? '.' : clean}`) : { kind: 'file', node: id, path: found };
  }

  function asFile(owner: ModuleNode, path: string): string | undefined {
    if (files.isFile(owner, path)) return path;
    return sourceOf(owner, path) ?? EXTENSIONS.map((extension) => path + extension).find((candidate) => files.isFile(owner, candidate));
  }

  function asDirectory(owner: ModuleNode, path: string): string | undefined {
    const manifest = files.manifest(owner, path);
    for (const main of [manifest?.main, manifest?.module]) {
      if (typeof main !== 'string' || main === '') continue;
      const target = posix.join(path, main);
      if (target.startsWith('../')) continue;
      const found = asFile(owner, target.replace(/\/+$/, '')) ?? indexOf(owner, target);
      if (found !== undefined) return found;
    }
    return indexOf(owner, path);
  }

  function indexOf(owner: ModuleNode, path: string): string | undefined {
    return EXTENSIONS.map((extension) => posix.join(path, `index${extension}`)).find((candidate) => files.isFile(owner, candidate));
  }

  function sourceOf(owner: ModuleNode, path: string): string | undefined {
    const extension = posix.extname(path);
    const stem = path.slice(0, path.length - extension.length);
    return SOURCES_OF[extension]?.map((source) => stem + source).find((candidate) => files.isFile(owner, candidate));
  }
}

/** `@scope/name/sub/path` → `@scope/name` and `sub/path`. */
export function splitSpecifier(specifier: string): { name: string; subpath: string } {
  const parts = specifier.split('/');
  const size = specifier.startsWith('@') ? 2 : 1;
  return { name: parts.slice(0, size).join('/'), subpath: parts.slice(size).join('/') };
}

function matchExports(exports: unknown, subpath: string, conditions: ReadonlySet<string>): string | undefined {
  const isMap = isObject(exports) && Object.keys(exports).some((key) => key.startsWith('.'));
  if (!isMap) return subpath === '.' ? pick(exports, '', conditions) : undefined;
  return matchKeys(exports, subpath, conditions);
}

/** The exact key, else the pattern with the longest prefix. */
function matchKeys(map: Readonly<Record<string, unknown>>, name: string, conditions: ReadonlySet<string>): string | undefined {
  if (Object.hasOwn(map, name) && !name.includes('*')) return pick(map[name], '', conditions);
  const patterns = Object.keys(map)
    .filter((key) => key.includes('*') || key.endsWith('/'))
    .sort((a, b) => prefixLength(b) - prefixLength(a) || b.length - a.length);
  for (const key of patterns) {
    const [prefix = '', suffix = ''] = key.endsWith('/') ? [key, ''] : key.split('*');
    if (!name.startsWith(prefix) || !name.endsWith(suffix) || name.length < prefix.length + suffix.length) continue;
    const rest = name.slice(prefix.length, name.length - suffix.length);
    if (rest.split('/').some((segment) => segment === '.' || segment === '..' || segment === 'node_modules')) continue;
    const target = pick(map[key], rest, conditions);
    return target !== undefined && key.endsWith('/') ? target + rest : target;
  }
  return undefined;
}

function prefixLength(pattern: string): number {
  return pattern.split('*', 1).join('').length;
}

/** Walks nested conditions in the order they are written; `null` closes a path. */
function pick(target: unknown, rest: string, conditions: ReadonlySet<string>): string | undefined {
  if (typeof target === 'string') return target.replaceAll('*', () => rest); // as it is: `$&` in a name is no pattern
  if (Array.isArray(target)) {
    for (const option of target) {
      const found = pick(option, rest, conditions);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  if (!isObject(target)) return undefined;
  for (const [condition, value] of Object.entries(target)) {
    if (!conditions.has(condition)) continue;
    if (value === null) return undefined;
    const found = pick(value, rest, conditions);
    if (found !== undefined) return found;
  }
  return undefined;
}

function missing(reason: string): Resolved {
  return { kind: 'missing', reason };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
