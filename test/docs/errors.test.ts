import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
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

test('every error code is given by something', () => {
  const root = join(import.meta.dirname, '../..');
  const sources = ['bin', 'cli', 'format', 'host', 'registry', 'sandbox', 'skills-lib'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.[jt]s$/.test(entry.name) && entry.name !== 'dash-error.ts')
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8')),
  );
  const unused = Object.keys(ERROR_EXIT_CODES).filter((code) => !sources.some((text) => text.includes(`'${code}'`) || text.includes(`${code}:`)));
  expect(unused).toEqual([]);
});
