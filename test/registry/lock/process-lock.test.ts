import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { takeProcessLock } from '../../../registry/lock/process-lock.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

async function holdInChild(path: string) {
  const module = new URL('../../../registry/lock/process-lock.ts', import.meta.url).href;
  const script = `const { takeProcessLock } = await import(${JSON.stringify(module)}); globalThis.lock = await takeProcessLock(process.argv[1]); console.log('held'); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return child;
}

describe('the process lock', () => {
  it('waits, says for whom, and gives up', async () => {
    const path = join(await temporaryDirectory(), 'state', 'lock');
    const child = await holdInChild(path);
    const waitedFor: (string | undefined)[] = [];
    await expect(takeProcessLock(path, { waitMs: 150, onWait: (holder) => waitedFor.push(holder) })).rejects.toMatchObject({
      code: 'LOCKED',
      message: expect.stringContaining(`process ${child.pid}`),
    });
    expect(waitedFor).toEqual([`process ${child.pid}`]);
    child.kill('SIGKILL');
    await once(child, 'close');
  });

  it('is free again when its holder is killed', async () => {
    const path = join(await temporaryDirectory(), 'lock');
    const child = await holdInChild(path);
    child.kill('SIGKILL');
    await once(child, 'close');
    await using lock = await takeProcessLock(path, { waitMs: 0 });
    expect(lock).toBeDefined();
  });

  it('is handed on in one process too', async () => {
    const path = join(await temporaryDirectory(), 'lock');
    const first = await takeProcessLock(path);
    await expect(takeProcessLock(path, { waitMs: 0 })).rejects.toMatchObject({ code: 'LOCKED' });
    await first[Symbol.asyncDispose]();
    const second = await takeProcessLock(path, { waitMs: 0 });
    await second[Symbol.asyncDispose]();
  });

  it('stops waiting when it is told to', async () => {
    const path = join(await temporaryDirectory(), 'lock');
    await using _held = await takeProcessLock(path);
    const stop = new AbortController();
    await expect(takeProcessLock(path, { signal: stop.signal, onWait: () => stop.abort() })).rejects.toMatchObject({ code: 'INTERRUPTED' });
  });
});
