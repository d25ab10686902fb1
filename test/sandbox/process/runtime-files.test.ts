import { expect, test } from 'vitest';
import { programPath, runtimeScript } from '../../../sandbox/process/runtime-files.ts';
import type { Engine } from '../../../sandbox/process/layers.ts';
import { SandboxProcess } from '../../../sandbox/process/sandbox-process.ts';
import type { ScriptSource } from '../../../sandbox/protocol.ts';

const FACTS = { cwd: '/', home: '/', tmp: '/', agentDir: '/', env: {}, platform: 'linux', arch: 'x64', columns: 80 };
const ignore = (): void => undefined;

/** The names of the scripts whose cache V8 refused. */
async function refused(core: ScriptSource, parts: readonly ScriptSource[], engine: Engine = 'jitless'): Promise<readonly string[]> {
  using process = new SandboxProcess(
    programPath('sandbox-process'),
    { guest: ignore, ask: (_text, reply) => reply('{}'), stuck: ignore, ended: ignore },
    engine,
  );
  process.prepare({ memoryMiB: 128, core, parts: [], warm: [] });
  const { rejected } = await process.open({ parts, setup: JSON.stringify({ facts: FACTS }), bundles: [], produceCache: false });
  return rejected;
}

test('the code caches of the runtime come with it, and V8 takes them', async () => {
  const [core, ...parts] = (['core', 'typebox', 'pi-tui'] as const).map((name) => runtimeScript(name));
  if (core === undefined) throw new Error('no core');
  expect([core, ...parts].map(({ cache }) => (cache?.length ?? 0) > 10_000)).toEqual([true, true, true]);
  expect(await refused(core, parts)).toEqual([]);
});

test('one that is of another script is a miss, not an error', async () => {
  const [core, typebox, piTui] = [runtimeScript('core'), runtimeScript('typebox'), runtimeScript('pi-tui')];
  expect(await refused(core, [{ ...typebox, cache: piTui.cache }])).toEqual(['dash-runtime:typebox']);
});

test('one that was made without compiled code is refused where there is some, and not offered there', async () => {
  const [core, typebox] = [runtimeScript('core'), runtimeScript('typebox')];
  expect(await refused(runtimeScript('core', 'wasm'), [typebox], 'wasm')).toEqual(['dash-runtime:typebox']);
  expect(await refused(core, [], 'wasm')).toEqual(['dash-runtime:core']);
  expect([runtimeScript('core', 'wasm').cache, runtimeScript('typebox', 'wasm').cache]).toEqual([undefined, undefined]);
});
