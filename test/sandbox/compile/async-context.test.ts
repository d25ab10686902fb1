import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openFixture, tool } from '../../support/sandbox-fixture.ts';

const storage = `import { AsyncLocalStorage } from 'node:async_hooks';\nconst store = new AsyncLocalStorage();\nconst pause = () => new Promise((resolve) => setTimeout(resolve, 1));\n`;

/** Bodies of `export async function probe()`: each runs in Node and in the isolate, and must give the same. */
const programs: readonly (readonly [string, string])[] = [
  ['after an await', `return store.run('a', async () => { await null; const first = store.getStore(); await pause(); return [first, store.getStore()]; });`],
  [
    'in functions that are awaited in turn',
    `async function inner() { await pause(); return store.getStore(); } const outer = async () => { await pause(); return [await inner(), store.getStore()]; }; return store.run('a', outer);`,
  ],
  [
    'in calls that wait at the same time',
    `const one = async (name) => { const seen = []; for (let n = 0; n < 3; n++) { await pause(); seen.push(store.getStore()); } return seen; }; return Promise.all(['a', 'b', 'c'].map((name) => store.run(name, one, name)));`,
  ],
  [
    'in generators and loops that wait',
    `async function* numbers() { for (let n = 0; n < 2; n++) { await pause(); yield [n, store.getStore()]; } } return store.run('a', async () => { const seen = []; for await (const each of numbers()) seen.push(each, store.getStore()); return seen; });`,
  ],
  [
    'in methods, with this, super, arguments and new.target as they are',
    `class Base { async name() { await null; return 'base ' + store.getStore(); } } class Mine extends Base { value = 1; async name() { const asked = arguments.length; const text = await super.name(); const later = async () => { await null; return this.value; }; return [text, asked, await later(), new.target === undefined]; } } return store.run('a', () => new Mine().name(1, 2));`,
  ],
  [
    'where what is awaited fails',
    `return store.run('a', async () => { try { await Promise.reject(new Error('no')); } catch (error) { return [error.message, store.getStore()]; } finally { await null; } });`,
  ],
  ['outside of run, where there is none', `await store.run('a', async () => { await pause(); }); return store.getStore() === undefined;`],
  ['after enterWith', `const inner = async () => { store.enterWith('b'); await pause(); return store.getStore(); }; return store.run('a', inner);`],
  [
    'behind bind and snapshot',
    `const snapshot = store.run('a', () => AsyncLocalStorage.snapshot()); await pause(); return [snapshot(() => store.getStore()), store.getStore() === undefined];`,
  ],
  [
    'in callbacks of timers and promises',
    `return store.run('a', () => new Promise((resolve) => setTimeout(() => Promise.resolve().finally(() => queueMicrotask(() => resolve(store.getStore()))), 1)));`,
  ],
];

async function inNode(source: string): Promise<unknown> {
  const directory = mkdtempSync(join(tmpdir(), 'dash-test-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  writeFileSync(join(directory, 'probe.mjs'), source);
  const { probe } = (await import(pathToFileURL(join(directory, 'probe.mjs')).href)) as { probe(): Promise<unknown> };
  return JSON.parse(JSON.stringify(await probe()));
}

describe('the store of an AsyncLocalStorage is there', () => {
  it('where it is in Node', async () => {
    const sources = programs.map(([, body]) => `${storage}export async function probe() { ${body} }\n`);
    const entry = `${programs.map((_, index) => `import { probe as probe${index} } from './probe${index}.js';`).join('\n')}\nconst probes = [${programs.map((_, index) => `probe${index}`).join()}];\nexport default (pi) => { ${tool('probe', 'return JSON.stringify(await probes[params.index]())')} };\n`;
    await using fixture = await openFixture({
      files: { 'index.ts': entry, ...Object.fromEntries(sources.map((source, index) => [`probe${index}.js`, source])) },
    });
    for (const [index, [name]] of programs.entries())
      expect(JSON.parse(await fixture.text('probe', { index })), name).toEqual(await inNode(sources[index] ?? ''));
  });

  it('when only a dependency knows of it, and the package awaits at its top level', async () => {
    const context = `import { AsyncLocalStorage } from 'async_hooks';\nconst storage = new AsyncLocalStorage();\nexport const within = (value, run) => storage.run(value, run);\nexport const value = () => storage.getStore();\n`;
    const entry = `import { value, within } from 'context';\nconst top = await Promise.resolve('top');\nexport default (pi) => { ${tool('probe', `return within('a', async () => { await null; return top + ' ' + value(); })`)} };\n`;
    await using fixture = await openFixture({
      files: { 'index.ts': entry },
      packs: { context: { 'package.json': '{"name":"context","type":"module","main":"index.js"}', 'index.js': context } },
    });
    expect(await fixture.text('probe')).toBe('top a');
  });

  it('and gone in the next call, whatever the last one entered', async () => {
    await using fixture = await openFixture({
      files: {
        'index.ts': `${storage}export default (pi) => { ${tool('probe', `const before = store.getStore(); store.enterWith(params.value); return String(before)`)} };\n`,
      },
    });
    expect([await fixture.text('probe', { value: 'first' }), await fixture.text('probe', { value: 'second' })]).toEqual(['undefined', 'undefined']);
  });
});

it('an error after an await names the author\u2019s line where stores are followed', async () => {
  const source = `${storage}async function fail() {\n  await pause();\n  throw new Error('at line six');\n}\nexport default (pi) => { ${tool('fail', 'await store.run(1, fail)')} };\n`;
  await using fixture = await openFixture({ files: { 'index.ts': source } });
  expect(await fixture.call('fail')).toMatchObject({ isError: true, content: [{ text: 'at line six' }], details: { where: { path: 'index.ts', line: 6 } } });
});
