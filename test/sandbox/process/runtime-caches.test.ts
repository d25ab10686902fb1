import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Engine } from '../../../sandbox/process/layers.ts';
import { RuntimeCaches } from '../../../sandbox/process/runtime-caches.ts';
import { isRuntimeScript, programPath, RUNTIME_SCRIPTS, runtimeScript, takeRuntimeCaches } from '../../../sandbox/process/runtime-files.ts';
import { SandboxProcess } from '../../../sandbox/process/sandbox-process.ts';
import { context, extensionOf, openFixture, temporaryDirectory, textOf, until } from '../../support/sandbox-fixture.ts';

const ignore = (): void => undefined;
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** The scripts of the runtime whose cache V8 refused, of those that were handed over. */
async function refusedIn(engine: Engine): Promise<{ readonly given: number; readonly refused: readonly string[] }> {
  const [core, ...parts] = RUNTIME_SCRIPTS.map((name) => runtimeScript(name, engine));
  if (core === undefined) throw new Error('no core');
  using process = new SandboxProcess(
    programPath('sandbox-process'),
    { guest: ignore, ask: (_text, reply) => reply('{}'), stuck: ignore, ended: ignore },
    engine,
  );
  process.prepare({ memoryMiB: 128, core, parts: [], warm: [] });
  const facts = { cwd: '/', home: '/', tmp: '/', agentDir: '/', env: {}, platform: 'linux', arch: 'x64', columns: 80 };
  const { rejected } = await process.open({ parts, setup: JSON.stringify({ facts }), bundles: [], produceCache: false });
  return { given: [core, ...parts].filter(({ cache }) => cache !== undefined).length, refused: rejected.filter(isRuntimeScript) };
}

/** A home of a machine for which no caches come with Dash: nobody builds them for `wasm`. */
async function scene() {
  const root = await temporaryDirectory();
  const store = { directory: join(root.path, 'bundles') };
  const set = async (): Promise<string> => join(root.path, 'runtime-caches', (await readdir(join(root.path, 'runtime-caches')))[0] ?? '');
  return { root, store, set };
}

/** Another run of Dash, which knows nothing of the one before. */
function newRun(): RuntimeCaches {
  takeRuntimeCaches('wasm', new Map());
  return new RuntimeCaches();
}

test('they are made once for a machine that Dash was not built on, and V8 takes them', async () => {
  const { root, store, set } = await scene();
  await using _ = root;
  const first = newRun();
  await first.use(store, 'wasm');
  expect(runtimeScript('core', 'wasm').cache).toBeUndefined(); // the first start has none, and does not wait
  await first.made(store, 'wasm');
  expect(await refusedIn('wasm')).toEqual({ given: 3, refused: [] });
  const made = await readFile(join(await set(), 'index.json'), 'utf8');
  await newRun().use(store, 'wasm');
  expect((await refusedIn('wasm')).given).toBe(3);
  expect(await readFile(join(await set(), 'index.json'), 'utf8')).toBe(made);
});

test('where those that come with Dash fit, nothing is made', async () => {
  const { root, store } = await scene();
  await using _ = root;
  await newRun().made(store, 'jitless');
  expect(await readdir(root.path)).toEqual([]);
  expect(await refusedIn('jitless')).toEqual({ given: 3, refused: [] });
});

test.each<[string, (set: string) => Promise<void>]>([
  [
    'whose bytes have changed',
    async (set) => {
      const file = join(set, 'core.cache');
      const bytes = await readFile(file);
      bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
      await writeFile(file, bytes);
    },
  ],
  ['that is of another script', async (set) => writeFile(join(set, 'typebox.cache'), await readFile(join(set, 'pi-tui.cache')))],
  [
    'that was made for another version of the runtime',
    async (set) => {
      const index = JSON.parse(await readFile(join(set, 'index.json'), 'utf8')) as { source: string }[];
      await writeFile(join(set, 'index.json'), JSON.stringify(index.map((entry) => ({ ...entry, source: sha256(Buffer.from('another')) }))));
    },
  ],
  ['without an index that can be read', async (set) => writeFile(join(set, 'index.json'), '[{"name":"core"}')],
])('one %s is not handed over, and replaced', async (_name, change) => {
  const { root, store, set } = await scene();
  await using _ = root;
  await newRun().made(store, 'wasm');
  await change(await set());
  const next = newRun();
  await next.use(store, 'wasm');
  expect(runtimeScript('core', 'wasm').cache).toBeUndefined();
  await next.made(store, 'wasm');
  expect(await refusedIn('wasm')).toEqual({ given: 3, refused: [] });
  // and the next one finds them whole
  await newRun().use(store, 'wasm');
  expect(await refusedIn('wasm')).toEqual({ given: 3, refused: [] });
});

test('one that V8 does not take, whatever its index says, is replaced when that is seen', async () => {
  const { root, store, set } = await scene();
  await using _ = root;
  await newRun().made(store, 'wasm');
  // those of a process that compiles nothing, in the place of those for one that does
  const index = [];
  for (const name of RUNTIME_SCRIPTS) {
    const { source, cache } = runtimeScript(name, 'jitless');
    if (cache === undefined) throw new Error('no cache comes with Dash');
    await writeFile(join(await set(), `${name}.cache`), cache);
    index.push({ name, source: sha256(source), cache: sha256(cache) });
  }
  await writeFile(join(await set(), 'index.json'), JSON.stringify(index));
  const next = newRun();
  await next.use(store, 'wasm');
  expect(await refusedIn('wasm')).toEqual({ given: 3, refused: RUNTIME_SCRIPTS.map((name) => `dash-runtime:${name}`) });
  await next.refuse(store, 'wasm');
  expect(await refusedIn('wasm')).toEqual({ given: 3, refused: [] });
});

test('a package that starts on such a machine has them from the second start on', async () => {
  newRun();
  const made = (): boolean => runtimeScript('core', 'wasm').cache !== undefined;
  await using fixture = await openFixture({ files: { 'index.ts': extensionOf({ hello: `return 'hello'` }) }, granted: ['wasm'] });
  expect(await fixture.text('hello')).toBe('hello');
  await until(made, 60_000);
  expect(await refusedIn('wasm')).toEqual({ given: 3, refused: [] });
  const next = fixture.reopen();
  expect(textOf(await next.callTool('hello', {}, { toolCallId: '1', context }))).toBe('hello');
});
