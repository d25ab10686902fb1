import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ModuleGraph, Unsupported } from '../../../format/index.ts';
import { callsOfRequire } from '../../../sandbox/compile/calls-of-require.ts';
import { compilePackage } from '../../../sandbox/index.ts';
import { extensionOf, openFixture, temporaryDirectory, tool, writeFiles } from '../../support/sandbox-fixture.ts';

type Files = Readonly<Record<string, string>>;

/** A package and its dependencies, each in a directory of its own. */
async function compile(files: Files, dependencies: Readonly<Record<string, Files>> = {}) {
  const root = await temporaryDirectory();
  onTestFinished(() => root[Symbol.asyncDispose]());
  const dirOf = (name: string): string => join(root.path, 'packages', name);
  const packages: [string, Files][] = [['app', { 'package.json': '{"name":"app"}', ...files }], ...Object.entries(dependencies)];
  for (const [name, of] of packages) await writeFiles(dirOf(name), of);
  const names = Object.fromEntries(Object.keys(dependencies).map((name) => [name, name]));
  const graph: ModuleGraph = {
    root: 'app',
    nodes: Object.fromEntries(packages.map(([name]) => [name, { name, version: '1.0.0', dir: dirOf(name), dependencies: name === 'app' ? names : {} }])),
  };
  return compilePackage({ graph, entries: ['index.ts'] }, { directory: join(root.path, 'bundles') });
}

async function unsupportedIn(files: Files, dependencies?: Readonly<Record<string, Files>>): Promise<Pick<Unsupported, 'what' | 'where'>[]> {
  const { entries, failures } = await compile(files, dependencies);
  expect(failures).toEqual([]);
  return entries.flatMap(({ unsupported }) => unsupported.map(({ what, where }) => ({ what, where })));
}

describe('a module that awaits at its top level', () => {
  it('is waited for, wherever in the package it stands', async () => {
    await using fixture = await openFixture({
      files: {
        'index.ts': `import { greeting } from './slow.ts';\nimport { basename } from 'node:path';\nconst name = await Promise.resolve('Ada');\nexport default (pi) => { ${tool('greet', "return greeting + ' ' + name + ' ' + basename('/a/b') + ' ' + import.meta.url")} };\n`,
        'slow.ts': `const { greeting: value } = await import('./text.ts');\nexport const greeting = value;\n`,
        'text.ts': `export const greeting = 'hello';\n`,
      },
    });
    expect(await fixture.text('greet')).toBe('hello Ada b file:///package/index.ts');
  });

  it('may try an optional module that is not there', async () => {
    const top = `let found = 'yes'; try { await import('not-installed'); } catch (error) { found = error.code; }`;
    await using fixture = await openFixture({ files: { 'index.ts': extensionOf({ found: 'return found' }, top) } });
    expect(await fixture.text('found')).toBe('MODULE_NOT_FOUND');
  });

  it('fails with the author’s line when what it awaits fails', async () => {
    await using fixture = await openFixture({ files: { 'index.ts': `const a = 1;\nawait Promise.reject(new Error('no luck'));\nexport default () => a;\n` } });
    expect(fixture.captures).toMatchObject([
      { kind: 'failed', error: { code: 'FACTORY_FAILED', message: expect.stringContaining('no luck'), where: { path: 'index.ts', line: 2 } } },
    ]);
  });

  it('cannot be loaded with require', async () => {
    const { failures } = await compile({ 'index.ts': `module.exports = require('./slow.mjs').default;\n`, 'slow.mjs': `await 1;\nexport default () => {};\n` });
    expect(failures).toMatchObject([{ error: { code: 'UNSUPPORTED_SYNTAX', where: { path: 'slow.mjs' } } }]);
  });
});

describe('what cannot run in the sandbox is named', () => {
  it('when it is imported, with the line', async () => {
    expect(await unsupportedIn({ 'index.ts': `import fs from 'fs';\nimport { Worker } from 'worker_threads';\nexport default () => [fs, Worker];\n` })).toEqual(
      [{ what: 'node:worker_threads', where: { path: 'index.ts', line: 2 } }],
    );
  });

  it('when createRequire hides it', async () => {
    const hidden = `import { createRequire } from 'node:module';\nconst _require = createRequire(import.meta.url);\nexport default () => _require('node:sqlite');\n`;
    expect(await unsupportedIn({ 'index.ts': hidden })).toEqual([{ what: 'node:sqlite', where: { path: 'index.ts', line: 3 } }]);
  });

  it('and not when a module that nobody uses asks for it', async () => {
    const dropped = {
      'package.json': '{"sideEffects":false}',
      'index.js': `export { a } from './a.js';\nexport { b } from './b.js';\n`,
      'a.js': `export const a = 1;\n`,
    };
    const asking = `import { createRequire } from 'node:module';\nimport { Worker } from 'worker_threads';\nexport const b = [Worker, createRequire(import.meta.url)('sqlite')];\n`;
    expect(await unsupportedIn({ 'index.ts': `import { a } from 'lib';\nexport default () => a;\n` }, { lib: { ...dropped, 'b.js': asking } })).toEqual([]);
  });

  it.each([
    [
      'a native package behind createRequire',
      `import { createRequire } from 'node:module';\nexport default () => createRequire(import.meta.url);\nconst require2 = createRequire(import.meta.url);\nrequire2('keys');\n`,
      { path: 'index.ts', line: 4 },
    ],
    ['a native package that is imported', `import { keys } from 'keys';\nexport default () => keys;\n`, { path: 'keys@1.0.0/index.js' }],
  ])('%s', async (_what, source, where) => {
    const keys = { 'package.json': '{"main":"index.js","napi":{"binaryName":"keys"}}', 'index.js': 'exports.keys = 1;' };
    expect(await unsupportedIn({ 'index.ts': source }, { keys })).toEqual([{ what: 'native addon keys', where }]);
  });

  it('a package that is built on the machine', async () => {
    const source = `import { createRequire } from 'node:module';\nexport default () => createRequire(import.meta.url)('db');\n`;
    const db = { 'package.json': '{"main":"index.js"}', 'binding.gyp': '{}', 'index.js': '' };
    expect(await unsupportedIn({ 'index.ts': source }, { db })).toEqual([{ what: 'native addon db', where: { path: 'index.ts', line: 2 } }]);
  });

  it('when loading asks for a module that is not in the bundle', async () => {
    const source = `import { createRequire } from 'node:module';\nconst db = createRequire(import.meta.url)('db');\nexport default () => db;\n`;
    await using fixture = await openFixture({ files: { 'index.ts': source } });
    expect(fixture.captures).toMatchObject([{ kind: 'failed', error: { code: 'UNSUPPORTED_MODULE', where: { path: 'index.ts', line: 2 } } }]);
  });
});

it.each([
  [`createRequire; _require("a"); require('b'); keyringRequire( 'c' ); require(d)`, ['a', 'b', 'c']],
  [`require('a')`, []],
  ['createRequire; require(`a`); required; "require"', []],
])('finds the names in %s', (source, names) => {
  expect([...callsOfRequire(source)]).toEqual(names);
});

describe('import()', () => {
  const loads = (expression: string, top = '') => ({
    'index.ts': `${top}export default (pi) => { ${tool('load', `const target = params.target; try { const module = await ${expression}; return String(module.basename?.('/a/b') ?? module.later ?? Object.keys(module)); } catch (error) { return error.code; }`)} };\n`,
    'later.ts': `export const later = 'a file of the package';\n`,
  });

  it.each([['as it is'], [`await Promise.resolve();\n`]])('of a builtin, of a file, and of what is known only at run time answers (%j)', async (top) => {
    const start = top === 'as it is' ? '' : top;
    await using builtin = await openFixture({ files: loads(`import('node:path')`, start) });
    expect(await builtin.text('load')).toBe('b');
    await using file = await openFixture({ files: loads(`import('./later.ts')`, start) });
    expect(await file.text('load')).toBe('a file of the package');
    await using variable = await openFixture({ files: loads('import(target)', start) });
    expect(await variable.text('load', { target: 'node:path' })).toBe('b');
    expect(await variable.text('load', { target: 'nowhere-to-be-found' })).toBe('MODULE_NOT_FOUND');
  });
});
