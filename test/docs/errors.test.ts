import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ERROR_EXIT_CODES } from '../../format/index.ts';

const page = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');

test('every error code is on the page with its exit code, and no other', () => {
  const documented = new Map<string, number[]>();
  for (const section of page.split(/^## /m).slice(1)) {
    const [heading = '', ...lines] = section.split('\n');
    const exits = [...heading.matchAll(/\d+/g)].map(([number]) => Number(number));
    for (const line of lines) {
      const code = /^\| `([A-Z_]+)`/.exec(line)?.[1];
      if (code !== undefined) documented.set(code, exits);
    }
  }
  expect([...documented.keys()].sort()).toEqual(Object.keys(ERROR_EXIT_CODES).sort());
  for (const [code, exit] of Object.entries(ERROR_EXIT_CODES)) expect(documented.get(code), code).toContain(exit);
});
