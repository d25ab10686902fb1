import { build } from 'esbuild';
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { ModuleGraph, ModuleNode } from '../../../format/index.ts';
import { hostModule, isHostPackage } from '../../../sandbox/compile/host-modules.ts';
import { resolveModule, splitSpecifier, type PackageFiles, type PackageJson } from '../../../sandbox/compile/resolve-module.ts';

/** A package tree in memory: `{node: {path: text}}`; a manifest is a file like any other. */
function tree(
  packages: Readonly<Record<string, Readonly<Record<string, string>>>>,
  dependencies: Readonly<Record<string, Readonly<Record<string, string>>>> = {},
) {
  const graph: ModuleGraph = {
    root: 'app',
    nodes: Object.fromEntries(Object.keys(packages).map((name) => [name, { name, version: '1.0.0', dir: `/${name}`, dependencies: dependencies[name] ?? {} }])),
  };
  const files: PackageFiles = {
    isFile: (node, path) => Object.hasOwn(packages[node.name] ?? {}, path),
    manifest: (node, directory) => {
      const text = packages[node.name]?.[directory === '' ? 'package.json' : `${directory}/package.json`];
      return text === undefined ? undefined : (JSON.parse(text) as PackageJson);
    },
  };
  return (specifier: string, from = 'index.ts', kind: 'import' | 'require' = 'import', node = 'app'): string => {
    const resolved = resolveModule(graph, files, { node, path: from }, specifier, kind);
    return resolved.kind === 'file' ? `${resolved.node}:${resolved.path}` : `missing: ${resolved.reason}`;
  };
}

describe('a relative specifier', () => {
  const resolve = tree({
    app: {
      'index.ts': '',
      'a.ts': '',
      'b.js': '',
      'b.ts': '',
      both: '',
      'both.ts': '',
      'd/index.ts': '',
      'd.e/index.js': '',
      'm/package.json': '{"main":"lib/x"}',
      'm/lib/x.js': '',
      'n/package.json': '{"main":"../a.ts"}',
      'out/package.json': '{"main":"../../etc/passwd"}',
      'data.json': '',
      'sub/c.mts': '',
      'x.jsx': '',
    },
  });
  test.each([
    ['./a', 'app:a.ts'],
    ['./a.ts', 'app:a.ts'],
    ['./a.js', 'app:a.ts'],
    ['./b', 'app:b.ts'],
    ['./b.js', 'app:b.js'],
    ['./both', 'app:both'],
    ['./d', 'app:d/index.ts'],
    ['./d/', 'app:d/index.ts'],
    ['./d.e', 'app:d.e/index.js'],
    ['./m', 'app:m/lib/x.js'],
    ['./n', 'app:a.ts'],
    ['./data.json', 'app:data.json'],
    ['./data', 'app:data.json'],
    ['./sub/c.mjs', 'app:sub/c.mts'],
    ['./sub/../a', 'app:a.ts'],
    ['.', 'app:index.ts'],
    ['./', 'app:index.ts'],
  ])('%s is %s', (specifier, expected) => expect(resolve(specifier)).toBe(expected));

  test.each([
    './nothing',
    './out',
    './a.ts/',
    '../x',
    './../x',
    './sub/../../x',
    '..',
    '/a.ts',
    '/etc/passwd',
    'C:\\x',
    'c:/x',
    'file:///etc/passwd',
    './%2e%2e/x',
    '.\\a',
  ])('%s is missing', (specifier) => expect(resolve(specifier)).toMatch(/^missing/));
});

describe('a package', () => {
  const manifest = {
    name: 'dep',
    exports: {
      '.': { types: './t.d.ts', require: './cjs.cjs', import: './esm.mjs', default: './default.js' },
      './sub': { node: { import: './sub-node.js' }, default: './sub.js' },
      './features/*': './features/*.js',
      './features/private/*': null,
      './features/*.js': './features/*.js',
      './dir/': './dir/',
      './array': [{ browser: './b.js' }, './array.js'],
      './out': '../../secret.js',
      './out/*': './x/../../*.js',
      './nobody': { browser: './b.js', deno: './d.js' },
      './package.json': './package.json',
      './dollar/*': './dollar/*/*.js',
    },
  };
  const resolve = tree(
    {
      app: {
        'index.ts': '',
        'package.json':
          '{"name":"app","exports":{"./own":"./own.ts"},"imports":{"#x":"./own.ts","#dep":"dep/sub","#node/*":{"node":"./n/*.ts","default":"./d/*.ts"},"#out":"../secret.ts","#a":"#b","#loop":"#loop"}}',
        'own.ts': '',
        'n/k.ts': '',
      },
      dep: {
        'package.json': JSON.stringify(manifest),
        'cjs.cjs': '',
        'esm.mjs': '',
        'default.js': '',
        'sub-node.js': '',
        'sub.js': '',
        'features/a.js': '',
        'features/a/b.js': '',
        'features/private/p.js': '',
        'dir/f.js': '',
        'array.js': '',
        'internal.js': '',
        'dollar/$&/$&.js': '',
        'b.js': '',
      },
      old: { 'package.json': '{"name":"old","main":"./lib"}', 'lib/index.js': '', 'lib/deep.js': '' },
      bare: { 'index.js': '' },
      'alias-target': { 'package.json': '{"exports":"./only.js"}', 'only.js': '' },
    },
    { app: { dep: 'dep', old: 'old', bare: 'bare', '@scope/alias': 'alias-target', gone: 'gone' } },
  );
  test.each([
    ['dep', 'dep:esm.mjs'],
    ['dep/sub', 'dep:sub-node.js'],
    ['dep/features/a', 'dep:features/a.js'],
    ['dep/features/a/b', 'dep:features/a/b.js'],
    ['dep/features/a.js', 'dep:features/a.js'],
    ['dep/dir/f.js', 'dep:dir/f.js'],
    ['dep/array', 'dep:array.js'],
    ['dep/dollar/$&', 'dep:dollar/$&/$&.js'],
    ['old', 'old:lib/index.js'],
    ['old/lib/deep', 'old:lib/deep.js'],
    ['bare', 'bare:index.js'],
    ['@scope/alias', 'alias-target:only.js'],
    ['app/own', 'app:own.ts'],
    ['#x', 'app:own.ts'],
    ['#dep', 'dep:sub-node.js'],
    ['#node/k', 'app:n/k.ts'],
  ])('%s is %s', (specifier, expected) => expect(resolve(specifier)).toBe(expected));

  test('is found by require under its own condition', () => {
    expect(resolve('dep', 'index.ts', 'require')).toBe('dep:cjs.cjs');
    expect(resolve('dep/sub', 'index.ts', 'require')).toBe('dep:sub.js');
  });

  test.each([
    'dep/internal.js',
    'dep/features/private/p',
    'dep/nobody',
    'dep/out',
    'dep/out/secret',
    'dep/features/../internal',
    'old/../dep',
    'old/../../x',
    'other',
    'gone',
    '#nothing',
    '#out',
    '#loop',
    '@scope',
    '@scope/',
    '@scope/other',
    '__proto__',
    'constructor',
    'toString',
    'app/secret',
  ])('%s is missing', (specifier) => {
    expect(resolve(specifier)).toMatch(/^missing/);
  });

  test('of nobody’s dependencies is missing, also where another package has it', () => {
    expect(resolve('dep', 'index.js', 'import', 'bare')).toMatch(/not among the dependencies of bare/);
  });
});

test('splitSpecifier', () => {
  expect(splitSpecifier('@a/b/c/d')).toEqual({ name: '@a/b', subpath: 'c/d' });
  expect(splitSpecifier('a')).toEqual({ name: 'a', subpath: '' });
});

test.each([
  ['fs', 'fs'],
  ['node:fs', 'fs'],
  ['fs/promises', 'fs/promises'],
  ['node:sqlite', 'sqlite'],
  ['sqlite', undefined],
  ['punycode/', undefined],
  ['undici', 'undici'],
  ['@earendil-works/pi-tui', 'pi-tui'],
  ['@mariozechner/pi-ai/x', 'pi-ai/x'],
  ['@other/pi-ai', undefined],
  ['typebox/value', 'typebox/value'],
  ['@sinclair/typebox', 'typebox'],
  ['typebox-x', undefined],
  ['dash-agent/sdk', 'dash-agent/sdk'],
  ['dash-agents', undefined],
  ['_http_agent', undefined],
  ['./fs', undefined],
  ['fs/../x', undefined],
])('hostModule(%j) is %j', (specifier, expected) => {
  expect(hostModule(specifier)).toBe(expected);
});

test('packages of the host are never installed; clients and builtins are not among them', () => {
  for (const name of ['typebox', '@sinclair/typebox', '@mariozechner/pi-coding-agent', 'dash-agent']) expect(isHostPackage(name)).toBe(true);
  for (const name of ['undici', 'fs', 'buffer', 'left-pad', 'node-fetch']) expect(isHostPackage(name)).toBe(false);
});

/** The same answers as esbuild’s own resolution gives, on packages that happen to be installed here. */
describe('against esbuild, on real packages', () => {
  const modules = fileURLToPath(new URL('../../../node_modules/', import.meta.url));
  const names = [
    'hono',
    'semver',
    'commander',
    'tldts',
    'simple-git',
    '@clack/prompts',
    'cacache',
    'sigstore',
    '@sinclair/typebox',
    'minimatch',
    '@sigstore/bundle',
    '@sigstore/sign',
    '@sigstore/core',
    'proc-log',
    'acorn',
    'ssri',
    'minipass',
    'lru-cache',
    'gray-matter',
    'fast-check',
    'web-streams-polyfill',
    'readable-stream',
    'typebox',
  ].filter((name) => existsSync(join(modules, name, 'package.json')));
  const nodes: Record<string, ModuleNode> = {};
  for (const name of names) nodes[name] = { name, version: '0', dir: join(modules, name), dependencies: {} };
  const graph: ModuleGraph = {
    root: 'app',
    nodes: { app: { name: 'app', version: '0', dir: '/', dependencies: Object.fromEntries(names.map((name) => [name, name])) }, ...nodes },
  };
  const files: PackageFiles = {
    isFile: (node, path) => lstatSync(join(node.dir ?? '', path), { throwIfNoEntry: false })?.isFile() === true,
    manifest: (node, directory) => {
      const file = join(node.dir ?? '', directory, 'package.json');
      return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as PackageJson) : undefined;
    },
  };

  function specifiersOf(name: string): string[] {
    const { exports } = JSON.parse(readFileSync(join(modules, name, 'package.json'), 'utf8')) as { exports?: object };
    const keys = typeof exports === 'object' && exports !== null ? Object.keys(exports).filter((key) => key.startsWith('.') && !key.includes('*')) : [];
    const files =
      exports === undefined
        ? readdirSync(join(modules, name))
            .filter((file) => /\.c?js$/.test(file))
            .map((file) => `./${file}`)
        : [];
    return [name, ...[...keys, ...files].slice(0, 25).map((key) => join(name, key)), `${name}/does-not-exist`];
  }

  test.each(['import', 'require'] as const)('by %s', async (kind) => {
    const specifiers = names.flatMap(specifiersOf);
    const theirs = new Map<string, string>();
    await build({
      stdin: { contents: '', resolveDir: dirname(modules) },
      write: false,
      platform: 'node',
      plugins: [
        {
          name: 'ask',
          setup: (ask) => {
            ask.onStart(async () => {
              for (const specifier of specifiers) {
                const { path, errors } = await ask.resolve(specifier, {
                  kind: kind === 'import' ? 'import-statement' : 'require-call',
                  resolveDir: dirname(modules),
                });
                theirs.set(specifier, errors.length > 0 ? 'missing' : relative(modules, path));
              }
            });
          },
        },
      ],
    });
    const ours = new Map(
      specifiers.map((specifier) => {
        const resolved = resolveModule(graph, files, { node: 'app', path: 'index.ts' }, specifier, kind);
        return [specifier, resolved.kind === 'file' ? join(resolved.node, resolved.path) : 'missing'];
      }),
    );
    expect(specifiers.length).toBeGreaterThan(100);
    const different = specifiers
      .filter((specifier) => ours.get(specifier) !== theirs.get(specifier))
      .map((specifier) => ({ specifier, ours: ours.get(specifier), esbuild: theirs.get(specifier) }));
    expect(different).toEqual([]);
  });
});
