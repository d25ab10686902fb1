import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { withLimits } from '../../../sandbox/process/layers.ts';
import { extensionOf, openFixture } from '../../support/sandbox-fixture.ts';

test('a sandbox process writes no core dump and no file, and gets no more memory than it may', async () => {
  await using fixture = await openFixture({ files: { 'index.ts': extensionOf({ hello: `return 'hello'` }) } });
  expect(await fixture.text('hello')).toBe('hello');
  const limits = await readFile(`/proc/${fixture.extension.pid}/limits`, 'utf8');
  expect(limits).toMatch(/Max core file size +0 +0/);
  expect(limits).toMatch(/Max file size +0 +0/);
  expect(limits).toMatch(/Max open files +128 +128/);
  expect(limits).toMatch(/Max data size +1073741824 +1073741824/);
});

test('one that compiles WebAssembly gets more memory for the code, and the rest of the limits', async () => {
  await using fixture = await openFixture({ files: { 'index.ts': extensionOf({ hello: `return 'hello'` }) }, granted: ['wasm'] });
  expect(await fixture.text('hello')).toBe('hello');
  const limits = await readFile(`/proc/${fixture.extension.pid}/limits`, 'utf8');
  expect(limits).toMatch(/Max core file size +0 +0/);
  expect(limits).toMatch(/Max file size +0 +0/);
  expect(limits).toMatch(/Max data size +1610612736 +1610612736/);
});

test('arguments pass the shell as they are', () => {
  const { args } = withLimits({ execPath: '/opt/a node', args: ['--x=$(id)', `a'b"c`] }, 'jitless');
  expect(args.slice(2)).toEqual(['sh', '/opt/a node', '--x=$(id)', `a'b"c`]);
});
