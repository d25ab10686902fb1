import { spawn, type ChildProcess } from 'node:child_process';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { CHILD_ENVIRONMENT, guardAgainstInspectorSignal, sandboxCommand } from '../../sandbox/process/layers.ts';
import { prepareConfinement, spawnSandboxProcess } from '../../sandbox/process/spawn-process.ts';
import { layer } from '../support/confined-scene.ts';
import { temporaryDirectory, writeFiles } from '../support/sandbox-fixture.ts';

/**
 * Code that left the isolate has Node's `--permission` before it, which does not hold network and signals. This is such
 * code: a program in the place of ours, with the same flags.
 */
const escapee = (port: number): string => `
const did = [];
const { writeSync } = require('node:fs');
try { process.kill(${process.pid}, 0); did.push('sees the agent'); } catch {}
const say = () => { writeSync(4, did.join() || 'held'); process.exit(); };
const socket = require('node:net').connect(${port}, '127.0.0.1', () => { did.push('reaches this machine'); say(); });
socket.on('error', say);
`;

function answerOf(child: ChildProcess): Promise<string> {
  let text = '';
  (child.stdio[4] as Readable).on('data', (chunk: Buffer) => (text += chunk.toString()));
  return new Promise((resolve) => child.on('close', () => resolve(text.trim())));
}

describe.skipIf(layer.kind !== 'live')('a sandbox process whose isolate was left (skipped where the probe of `dash sandbox layers` fails)', () => {
  test('reaches no network and no other process', async () => {
    guardAgainstInspectorSignal();
    await prepareConfinement();
    await using directory = await temporaryDirectory();
    const server = createServer((socket) => socket.end());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    await writeFiles(directory.path, { 'entry.cjs': escapee((server.address() as AddressInfo).port) });
    const script = join(directory.path, 'entry.cjs');

    expect(await answerOf(spawnSandboxProcess(script, 'jitless'))).toBe('held');
    const { execPath, args } = sandboxCommand(script);
    const control = spawn(execPath, args, { cwd: '/', env: CHILD_ENVIRONMENT, stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
    expect(await answerOf(control)).toBe('sees the agent,reaches this machine');
    server.close();
  });
});
