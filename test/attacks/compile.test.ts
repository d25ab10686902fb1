import { build } from 'esbuild';
import { cp, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { CompiledPackage, ModuleGraph } from '../../format/index.ts';
import { addonPath, capturePackage, compilePackage } from '../../sandbox/index.ts';
import { loadAddon } from '../../sandbox/isolate.ts';
import { loadBundles } from '../../sandbox/compile/bundle-store.ts';
import { context, extensionOf, openFixture, temporaryDirectory, textOf, writeFiles } from '../support/sandbox-fixture.ts';

/**
 * Bundling is the first thing that reads a package's files, with the user's rights and before any consent. The
 * control arm is esbuild as everybody calls it: the file of the host is in the bundle.
 */
const SECRET = 'SECRET-OF-THE-HOST';

async function scene(files: Readonly<Record<string, string>>, graphOf: (root: string) => Partial<ModuleGraph['nodes']> = () => ({})) {
  const root = await temporaryDirectory();
  const at = (path: string): string => join(root.path, path);
  await writeFiles(at('outside'), {
    'secret.json': JSON.stringify({ SECRET }),
    'secret.ts': `export const secret = '${SECRET}';`,
    'secret.txt': SECRET,
    'tsconfig.json': '{"compilerOptions":{"jsxImportSource":"evil"}}',
  });
  await writeFiles(at('package'), Object.fromEntries(Object.entries(files).map(([path, text]) => [path, text.replaceAll('OUTSIDE', at('outside'))])));
  const store = { directory: at('bundles') };
  const nodes = { p: { name: 'p', version: '1.0.0', dir: at('package'), dependencies: {} }, ...graphOf(root.path) } as ModuleGraph['nodes'];
  return {
    at,
    store,
    graph: { root: 'p', nodes },
    naive: async (): Promise<string> => {
      const result = await build({
        entryPoints: [at('package/index.ts')],
        bundle: true,
        write: false,
        platform: 'node',
        logLevel: 'silent',
        loader: { '.txt': 'text' },
      });
      return result.outputFiles.map(({ text }) => text).join();
    },
    ours: () => compilePackage({ graph: { root: 'p', nodes }, entries: ['index.ts'] }, store),
    /** Everything that compiling wrote. */
    written: async (): Promise<string> =>
      (await Promise.all((await readdir(store.directory).catch(() => [])).map((name) => readFile(join(store.directory, name), 'latin1')))).join('\n'),
    [Symbol.asyncDispose]: () => root[Symbol.asyncDispose](),
  };
}

const use = (specifier: string): string => `import * as x from '${specifier}';\nexport default () => { console.log(x); };`;

describe('a file of the host does not get into a bundle', () => {
  const imports: Record<string, Readonly<Record<string, string>>> = {
    'by ..': { 'index.ts': use('../outside/secret.json') },
    'by .. that starts inside': { 'index.ts': use('./sub/../../outside/secret.ts') },
    'by an absolute path': { 'index.ts': use('OUTSIDE/secret.json') },
    'by require of an absolute path': { 'index.ts': `export default () => { console.log(require('OUTSIDE/secret.json')); };` },
    'by import() of ..': { 'index.ts': `export default async () => { console.log(await import('../outside/secret.json')); };` },
    'by a path computed at run time': { 'index.ts': `export default async (pi) => { console.log(await import('../outside/' + pi.name + '.json')); };` },
    'by a required path computed at run time': { 'index.ts': 'export default (pi) => { console.log(require(`../outside/${pi.name}`)); };' },
    'by package.json imports': { 'index.ts': use('#secret'), 'package.json': '{"name":"p","imports":{"#secret":"../outside/secret.json"}}' },
    'by a directory of its own with main': { 'index.ts': use('./sub'), 'sub/package.json': '{"main":"../../outside/secret.json"}' },
    'by a self-reference': { 'index.ts': use('p/../../outside/secret.json'), 'package.json': '{"name":"p"}' },
  };
  test.each(Object.keys(imports))('%s', async (name) => {
    await using where = await scene(imports[name] ?? {});
    if (!/package\.json imports|self-reference/.test(name)) expect(await where.naive()).toContain(SECRET); // control arm
    await where.ours().catch(() => undefined);
    expect(await where.written()).not.toContain(SECRET);
  });

  test('by tsconfig paths and extends', async () => {
    await using where = await scene({
      'index.ts': use('@secret'),
      'tsconfig.json': '{"extends":"OUTSIDE/tsconfig.json","compilerOptions":{"baseUrl":".","paths":{"@secret":["OUTSIDE/secret.json"]}}}',
    });
    expect(await where.naive()).toContain(SECRET);
    expect((await where.ours()).failures).toMatchObject([{ error: { code: 'DEPENDENCY_NOT_FOUND' } }]);
    expect(await where.written()).not.toContain(SECRET);
  });

  test('by the browser field', async () => {
    const files = { 'index.ts': use('./a.js'), 'a.js': 'export const a = 1;', 'package.json': '{"name":"p","browser":{"./a.js":"../outside/secret.ts"}}' };
    await using where = await scene(files);
    const naive = await build({ entryPoints: [where.at('package/index.ts')], bundle: true, write: false, platform: 'browser', logLevel: 'silent' });
    expect(naive.outputFiles[0]?.text).toContain(SECRET);
    expect((await where.ours()).entries).toHaveLength(1);
    expect(await where.written()).not.toContain(SECRET);
  });

  test('by a link, to a text, a module or a directory', async () => {
    for (const [link, target, specifier] of [
      ['notes.txt', 'secret.txt', './notes.txt'],
      ['m.ts', 'secret.ts', './m.ts'],
      ['dir', '.', './dir/secret.ts'],
    ] as const) {
      await using where = await scene({ 'index.ts': use(specifier) });
      await symlink(join(where.at('outside'), target), where.at(`package/${link}`));
      expect(await where.naive()).toContain(SECRET);
      expect((await where.ours()).failures).toHaveLength(1);
      expect(await where.written()).not.toContain(SECRET);
    }
  });

  test('by an entry point outside of the package', async () => {
    await using where = await scene({ 'index.ts': '' });
    await writeFile(where.at('outside/index.ts'), `export default () => '${SECRET}';`);
    for (const entry of ['../outside/index.ts', where.at('outside/index.ts'), 'sub/../../outside/index.ts']) {
      const compiled = await compilePackage({ graph: where.graph, entries: [entry] }, where.store);
      expect(compiled).toMatchObject({ entries: [], failures: [{ entry }] });
    }
    expect(await where.written()).not.toContain(SECRET);
  });

  test('by a dependency’s exports, and a dependency cannot import its neighbours', async () => {
    const dependency = (root: string) => ({
      p: { name: 'p', version: '1.0.0', dir: join(root, 'package'), dependencies: { d: 'd' } },
      d: { name: 'd', version: '2.0.0', dir: join(root, 'store/d'), dependencies: {} },
      n: { name: 'n', version: '1.0.0', dir: join(root, 'outside'), dependencies: {} },
    });
    for (const [manifest, index] of [
      ['{"name":"d","exports":"../../outside/secret.ts"}', ''],
      ['{"name":"d"}', `export * from 'n/secret.ts';`],
      ['{"name":"d"}', `export * from '../../outside/secret.ts';`],
      ['{"name":"d","main":"../../outside/secret.ts"}', `export const fine = 1;`],
    ] as const) {
      await using where = await scene({ 'index.ts': use('d') }, dependency);
      await writeFiles(where.at('store/d'), { 'package.json': manifest, ...(index !== '' && { 'index.ts': index }) });
      await where.ours();
      expect(await where.written()).not.toContain(SECRET);
    }
  });

  test('nor do names of the host’s files', async () => {
    await using where = await scene({ 'index.ts': `export default (pi) => import('../outside/' + pi.name);` });
    expect(await where.naive()).toContain('secret.json'); // control arm: the table of a computed import lists them
    await where.ours();
    expect(await where.written()).not.toContain('secret.json');
  });
});

describe('bundling runs no code and ends', () => {
  test('a circle in `imports` is an error of the package', async () => {
    await using where = await scene({ 'index.ts': use('#a'), 'package.json': '{"name":"p","imports":{"#a":"#b","#b":"#a"}}' });
    expect((await where.ours()).failures).toHaveLength(1);
  });

  test('a bundle that closes its own function is not run on the way', async () => {
    for (const text of [
      '});globalThis.ran=1;(()=>{',
      '/*',
      '`',
      '</script>',
      '\u2028',
      '<!--',
      '#!/usr/bin/env node\nexport default () => {};',
      '"use strict";',
      'export default () => { //',
    ]) {
      await using where = await scene({ 'index.ts': text });
      const compiled = await where.ours();
      if (compiled.entries.length > 0) await capturePackage({ name: 'p', version: '1.0.0', contentHash: 'x', graph: where.graph, compiled }, where.store);
      expect(compiled.entries.length + compiled.failures.length).toBe(1);
    }
  });

  test('a hashbang does not keep an entry from loading', async () => {
    await using where = await scene({ 'index.ts': '#!/usr/bin/env node\nexport default (pi) => { pi.registerCommand(import.meta.url, { handler() {} }); };' });
    const compiled = await where.ours();
    const { captureOutcomes } = await capturePackage({ name: 'p', version: '1.0.0', contentHash: 'x', graph: where.graph, compiled }, where.store);
    expect(captureOutcomes[0]).toMatchObject({ kind: 'ok', registrations: { commands: [{ name: 'file:///package/index.ts' }] } });
  });

  test('plugins, macros and configuration of the package are not run', async () => {
    const run = (name: string): string => `require('node:fs').writeFileSync(${JSON.stringify(name)}, 'ran')`;
    await using where = await scene({ 'index.ts': 'export default () => {};' });
    const canary = where.at('outside/canary');
    await writeFiles(where.at('package'), {
      'esbuild.config.js': run(canary),
      '.babelrc.js': run(canary),
      'tsconfig.json': '{"compilerOptions":{"plugins":[{"name":"./x.js"}]}}',
      'x.js': run(canary),
      'package.json': JSON.stringify({ name: 'p', scripts: { prepare: `node -e "${run(canary)}"` } }),
    });
    expect((await where.ours()).entries).toHaveLength(1);
    await expect(stat(canary)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('a native addon is named and not loaded', async () => {
    await using where = await scene({ 'index.ts': `export default () => { require('./x.node'); };`, 'x.node': 'ELF' });
    const { entries } = await where.ours();
    expect(entries[0]?.unsupported).toMatchObject([{ what: 'native addon p/x.node' }]);
  });
});

describe('a bundle that was changed after inspection', () => {
  const opened = () => openFixture({ files: { 'index.ts': extensionOf({ who: `return 'the inspected one'` }) } });

  test('is refused, whatever was changed', async () => {
    await using fixture = await opened();
    const [entry] = fixture.compiled.entries;
    if (entry?.cache === undefined) throw new Error('no code cache was made');
    const file = (hash: string, kind: string): string => join(fixture.bundles.directory, `${hash}.${kind}`);
    for (const path of [file(entry.code, 'js'), file(entry.cache.sha256, 'cache')]) {
      const whole = await readFile(path);
      const changed = Buffer.from(whole);
      changed[changed.length - 10] = (changed.at(-10) ?? 0) ^ 1;
      await writeFile(path, changed);
      await expect(fixture.reopen().wake()).rejects.toMatchObject({ code: 'BUNDLE_MISMATCH' });
      await writeFile(path, whole);
    }
    const again = fixture.reopen();
    expect(textOf(await again.callTool('who', {}, { toolCallId: '1', context }))).toBe('the inspected one');
  });

  test('that is missing is refused; a missing code cache costs only time', async () => {
    await using fixture = await opened();
    const [entry] = fixture.compiled.entries;
    const without = (compiled: CompiledPackage) => loadBundles(fixture.bundles, compiled);
    const gone = { ...fixture.compiled, entries: fixture.compiled.entries.map((each) => ({ ...each, code: 'f'.repeat(64) })) };
    await expect(without(gone)).rejects.toMatchObject({ code: 'BUNDLE_MISMATCH' });
    const noCache = {
      ...fixture.compiled,
      entries: fixture.compiled.entries.map((each) => ({ ...each, cache: { sha256: 'f'.repeat(64), v8: process.versions.v8 } })),
    };
    expect((await without(noCache)).bundles[0]?.cache).toBeUndefined();
    const otherV8 = {
      ...fixture.compiled,
      entries: fixture.compiled.entries.map((each) => ({ ...each, cache: { sha256: entry?.cache?.sha256 ?? '', v8: '1.2.3' } })),
    };
    expect((await without(otherV8)).bundles[0]?.cache).toBeUndefined();
  });

  test('V8 runs the code of a swapped cache (control arm), the store refuses it', async () => {
    // The same number of characters: all that V8 compares before it runs what is in the cache.
    const [good, evil] = [`(() => 'good')`, `(() => 'evil')`];
    const ivm = loadAddon(addonPath());
    const isolate = new ivm.Isolate();
    const made = await isolate.compileScript(evil, { produceCachedData: true });
    const cachedData = (made as unknown as { cachedData: never }).cachedData;
    const other = new ivm.Isolate();
    const script = await other.compileScript(good, { cachedData });
    const run = (await script.run(await other.createContext(), { reference: true })) as unknown as {
      apply(receiver: undefined, args: [], options: { result: { copy: true } }): Promise<string>;
    };
    expect(await run.apply(undefined, [], { result: { copy: true } })).toBe('evil');
    for (const each of [isolate, other]) each.dispose();

    await using one = await opened();
    await using two = await openFixture({ files: { 'index.ts': extensionOf({ who: `return 'the malicious one'` }) } });
    const [a, b] = [one.compiled.entries[0], two.compiled.entries[0]];
    if (a?.cache === undefined || b?.cache === undefined) throw new Error('no code cache was made');
    expect(a.codeBytes).toBe(b.codeBytes);
    await cp(join(two.bundles.directory, `${b.cache.sha256}.cache`), join(one.bundles.directory, `${a.cache.sha256}.cache`));
    await expect(one.reopen().wake()).rejects.toMatchObject({ code: 'BUNDLE_MISMATCH' });
  });
});

test('a package cannot bring a code cache, a map or a bundle of its own', async () => {
  await using where = await scene({ 'index.ts': 'export default () => {};', 'index.js.cache': 'x' });
  const sentinel = 'a'.repeat(64);
  await mkdir(where.at('package/bundles'), { recursive: true });
  await writeFiles(where.at('package'), { [`${sentinel}.js`]: '(function(){})', [`${sentinel}.cache`]: 'x', [`bundles/${sentinel}.js`]: 'x' });
  const { entries } = await where.ours();
  expect(entries.map(({ code }) => code)).not.toContain(sentinel);
  expect((await readdir(where.store.directory)).every((name) => !name.startsWith(sentinel))).toBe(true);
});
