import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { extensionOf, openFixture, textOf } from '../support/sandbox-fixture.ts';

describe.runIf(process.platform === 'linux')('what the kernel tells about processes', () => {
  test('is not read with a grant of the whole disk', async () => {
    // control: it is there to be read
    expect(readFileSync('/proc/self/environ', 'latin1')).toContain('PATH=');
    await using fixture = await openFixture({
      files: {
        'index.ts': extensionOf({
          read: `return require('node:fs').readFileSync(params.path, 'latin1')`,
          list: `return require('node:fs').readdirSync(params.path).join()`,
        }),
      },
      granted: ['fs:read:/', 'fs:read:/proc/cpuinfo'],
    });
    expect(textOf(await fixture.call('read', { path: '/etc/hostname' }))).not.toContain('EACCES'); // control: the grant is live
    for (const path of [
      '/proc/self/environ',
      `/proc/${process.pid}/environ`,
      `/proc/${process.pid}/task/${process.pid}/environ`,
      '/proc/thread-self/environ',
      '/proc/self/maps',
    ]) {
      const outcome = await fixture.call('read', { path });
      expect({ path, isError: outcome.isError, text: textOf(outcome) }).toMatchObject({ isError: true, text: expect.stringContaining('EACCES') });
    }
    expect((await fixture.call('read', { path: '/proc/cpuinfo' })).isError).toBe(false);
  });
});
