import { execFileSync, spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { BIN, environment } from '../../scripts/demo/stage.ts';
import type { LayerCheck } from '../../sandbox/index.ts';
import { temporaryDirectory } from '../support/sandbox-fixture.ts';

test('`dash sandbox layers` tries every layer, says which are live, and fails when one is not', async () => {
  await using directory = await temporaryDirectory();
  const { stdout, status } = spawnSync(process.execPath, [BIN, '--json', 'sandbox', 'layers'], {
    encoding: 'utf8',
    cwd: directory.path,
    env: environment({ home: directory.path, dashHome: `${directory.path}/.dash` }),
  });
  const { layers } = JSON.parse(stdout) as { readonly layers: readonly LayerCheck[] };
  expect(layers.map(({ id }) => id)).toEqual(['jitless', 'permission', 'environment', 'watchdog', 'bubblewrap', 'seccomp', 'rlimit', 'sigusr1']);
  // What needs nothing of the system is live everywhere.
  expect(layers.filter(({ id, live }) => ['jitless', 'permission', 'environment', 'sigusr1'].includes(id) && !live)).toEqual([]);
  expect(status).toBe(layers.every(({ live }) => live) ? 0 : 1);
  for (const { live, message, id } of layers) expect([id, live || message.length > 0]).toEqual([id, true]);
});

test('the signal that is tried does open an inspector in a Node without our listener', () => {
  const script = `process.kill(process.pid, 'SIGUSR1'); const end = Date.now() + 10000; (function look() { const url = require('node:inspector').url(); if (url || Date.now() > end) { console.log(url ? 'open' : 'closed'); process.exit(); } setTimeout(look, 10); })()`;
  expect(execFileSync(process.execPath, ['--inspect-port=127.0.0.1:0', '-e', script], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })).toBe(
    'open\n',
  );
});
