import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

import { idOf } from '../../registry/package-settings.ts';
import { parseSpec } from '../../registry/package-spec.ts';

const page = readFileSync(new URL('../../docs/sources.md', import.meta.url), 'utf8');
const rows = [...page.matchAll(/^\| `([^`]+)` \| [^|]+ \| `([^`]+)` \|$/gm)].map(([, typed = '', id = '']): [string, string] => [typed, id]);

test('the page lists every kind', () => {
  expect(rows.length).toBeGreaterThan(12);
});

test.each(rows.filter(([typed]) => typed !== '-'))('`%s` has the identity that the page gives it', (typed, id) => {
  expect(idOf(parseSpec(typed, { cwd: '/home/ada' }))).toBe(id);
});
