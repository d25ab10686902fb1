import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { extensionOf, openFixture, textOf } from '../support/sandbox-fixture.ts';

const HOSTILE = `/x'; echo planted; : '`;
const run = (command: string): string => execFileSync('sh', ['-c', command], { encoding: 'utf8' });

describe('the command in a denial, copied into a shell', () => {
  test('is one command, whatever the package asked for', async () => {
    await using fixture = await openFixture({
      files: { 'index.ts': extensionOf({ read: `return require('node:fs').readFileSync(params.path, 'utf8')` }) },
    });
    // control: put between quotes as it is, the path ends them
    expect(run(`printf '%s' '${HOSTILE}'`)).not.toBe(HOSTILE);
    const outcome = await fixture.call('read', { path: HOSTILE });
    expect(textOf(outcome)).toContain('EACCES');
    const [, argument = ''] = /^dash permissions grant probe (.*)$/s.exec(fixture.denials[0]?.hint ?? '') ?? [];
    expect(run(`printf '%s' ${argument}`)).toBe(`fs:read:${HOSTILE}`);
    await fixture.call('read', { path: '/home/**' });
    expect(fixture.denials[1]?.hint).not.toContain('dash permissions grant');
  });
});
