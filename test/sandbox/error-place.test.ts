import { expect, test } from 'vitest';
import { placeError } from '../../sandbox/error-place.ts';

const map = JSON.stringify({ version: 3, sources: ['src/a.ts', 'dep@1.0.0/index.js'], names: [], mappings: 'AAAA;ACAA' });

test('finds the author’s line before one of a dependency', async () => {
  const stack = 'Error: x\n    at f (dash-bundle:0:2:1)\n    at g (dash-bundle:0:1:1)';
  expect(await placeError({ message: 'x', stack }, async () => map)).toEqual({ message: 'x', where: { path: 'src/a.ts', line: 1, column: 1 } });
  expect(await placeError({ message: 'x', stack: 'at f (dash-bundle:0:2:1)' }, async () => map)).toMatchObject({ where: { path: 'dep@1.0.0/index.js' } });
});

test.each(['', 'no frame at all', 'dash-bundle:x:y:z', 'dash-bundle:99999999999:1:1', 'dash-bundle:0:0:0'])('has no place for the stack %j', async (stack) => {
  expect(await placeError({ message: 'x', stack }, async () => map)).toEqual({ message: 'x' });
});

test('is not led to read maps without an end, nor to pass on a message of any size', async () => {
  let reads = 0;
  const stack = Array.from({ length: 100_000 }, (_, index) => `at f (dash-bundle:${index % 500}:1:1)`).join('\n');
  const placed = await placeError({ message: 'x'.repeat(10_000_000), code: 'y'.repeat(10_000), stack }, async () => {
    reads++;
    return '{}';
  });
  expect(reads).toBeLessThan(100);
  expect(placed.message.length + (placed.code?.length ?? 0)).toBeLessThan(20_000);
});

test('survives a map that is none', async () => {
  expect(await placeError({ message: 'x', stack: 'dash-bundle:0:1:1' }, async () => 'not JSON')).toEqual({ message: 'x' });
});
