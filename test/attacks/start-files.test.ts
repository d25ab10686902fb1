import { spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openShell, osLayer, type OsLayer } from '../../sandbox/index.ts';
import { extensionOf, openFixture, temporaryDirectory, type Fixture } from '../support/sandbox-fixture.ts';

/**
 * A pipe of Node's is a socket, and `bash -c` with a socket for its input believes that it was started from another
 * machine, and runs `~/.bashrc`. Whoever gets a line into that file would run with every command.
 */
const layer = await osLayer();
const absent = (): Promise<OsLayer> => Promise.resolve({ kind: 'absent', reason: 'this test has none' });
const bashrc = (ran: string): string => `echo planted-ran; touch ${ran}\n`;

/** As anybody who uses `child_process` would start it. */
async function naively(home: string, input: 'pipe' | 'ignore' = 'pipe'): Promise<string> {
  const child = spawn('bash', ['-c', 'echo done'], { stdio: [input, 'pipe', 'pipe'], env: { PATH: process.env['PATH'], HOME: home } });
  child.stdin?.end();
  let text = '';
  child.stdout?.on('data', (bytes) => (text += String(bytes)));
  await new Promise((resolve) => child.on('close', resolve));
  return text;
}

async function isTaken(): Promise<boolean> {
  await using directory = await temporaryDirectory();
  writeFileSync(join(directory.path, '.bashrc'), bashrc(join(directory.path, 'ran')));
  return (await naively(directory.path)).includes('planted-ran');
}

const takesTheBait = await isTaken();

describe.skipIf(!takesTheBait)('a planted start file (skipped where bash is built not to look at its input, so that nothing can be shown)', () => {
  const TOOLS = {
    waits: `const { stdout } = await pi.exec('bash', ['-c', 'echo done']); return stdout`,
    sync: `return require('node:child_process').execFileSync('bash', ['-c', 'echo done'], { encoding: 'utf8', input: 'x' })`,
    streams: `const child = require('node:child_process').spawn('bash', ['-c', 'read x; echo done']); child.stdin.end('x\\n'); let text = ''; child.stdout.on('data', (d) => (text += d)); await new Promise((r) => child.on('close', r)); return text`,
  };
  const open = (granted: readonly string[], osLayerOf?: () => Promise<OsLayer>): Promise<Fixture> =>
    openFixture({
      files: { 'index.ts': extensionOf(TOOLS) },
      granted,
      homeFiles: { '.bashrc': 'echo planted-ran; touch "$HOME/ran"\n' },
      environment: { PATH: process.env['PATH'] ?? '' },
      ...(osLayerOf && { osLayer: osLayerOf }),
    });

  test('control arm: a plain child process runs it, and one without a socket does not', async () => {
    await using directory = await temporaryDirectory();
    writeFileSync(join(directory.path, '.bashrc'), bashrc(join(directory.path, 'ran')));
    expect(await naively(directory.path)).toBe('planted-ran\ndone\n');
    expect(existsSync(join(directory.path, 'ran'))).toBe(true);
    expect(await naively(directory.path, 'ignore')).toBe('done\n');
  });

  test.skipIf(layer.kind !== 'live').each(Object.keys(TOOLS))('is not run by a confined program that sees it: %s', async (tool) => {
    await using fixture = await open(['fs:read', 'fs:read:~/.bashrc', 'exec:bash']);
    expect(await fixture.text(tool)).toBe('done\n');
  });

  test.each(Object.keys(TOOLS))('is not run by a program with full access: %s', async (tool) => {
    await using fixture = await open(['fs:read', 'exec:bash', 'node'], absent);
    const extension = fixture.reopen({ environment: { PATH: process.env['PATH'] ?? '', HOME: fixture.home } });
    const { content } = await extension.callTool(tool, {}, { toolCallId: '1', context: { mode: 'print', hasUI: false }, timeoutMs: 20_000 });
    expect(content).toMatchObject([{ text: 'done\n' }]);
    expect(existsSync(join(fixture.home, 'ran'))).toBe(false);
  });

  test('is not run by the shell of the host, whose workspace is the home directory', async () => {
    await using root = await temporaryDirectory();
    const { path } = root;
    writeFileSync(join(path, '.bashrc'), bashrc(join(path, 'ran')));
    await using shell = openShell({
      places: { workspace: path, home: path, data: join(path, '.dash/data'), tmp: join(path, '.dash/tmp'), dashHome: join(path, '.dash') },
      env: { PATH: process.env['PATH'], HOME: path },
      environment: { PATH: process.env['PATH'] ?? '', HOME: path },
      dashHome: join(path, '.dash'),
      allow: async () => false,
    });
    for (const run of [...(layer.kind === 'live' ? [shell.run] : []), shell.runUnconfined]) {
      let text = '';
      // … and neither do the shells that a command starts.
      await run('echo one; bash -c "echo two"', { signal: AbortSignal.timeout(30_000), onOutput: (bytes) => (text += bytes.toString()) });
      expect(text).toBe('one\ntwo\n');
    }
    expect(existsSync(join(path, 'ran'))).toBe(false);
  });
});
