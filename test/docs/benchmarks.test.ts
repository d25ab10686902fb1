import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { benchmarksPage, PAGE } from '../../scripts/benchmark-tables.ts';

test('the figures in the docs are those of the last run (`npm run bench:tables`)', () => {
  expect(readFileSync(PAGE, 'utf8')).toBe(benchmarksPage());
});
