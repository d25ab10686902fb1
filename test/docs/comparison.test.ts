import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

/** The README's rows about pi, held against the pi that is installed here. */
const pi = dirname(dirname(fileURLToPath(import.meta.resolve('@earendil-works/pi-coding-agent'))));
const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
const read = (path: string): string => readFileSync(join(pi, path), 'utf8');

test('the table names the version that is compared', () => {
  const { version } = JSON.parse(read('package.json')) as { version: string };
  expect(readme).toContain(`| | pi ${version} | Dash |`);
});

test('pi installs packages with `npm install` and lets scripts run', () => {
  const manager = read('dist/core/package-manager.js');
  expect(manager).toContain('"install"');
  expect(manager).not.toContain('ignore-scripts');
  expect(readme).toContain('| install scripts of a package | run (`npm install`) | never run |');
});

test('pi says that what extensions do is outside its security boundary', () => {
  expect(read('docs/security.md')).toMatch(
    /lack of a built-in sandbox, and behavior from user-installed extensions or skills are generally outside the security boundary/,
  );
});

test('pi loads extensions into its own process', () => {
  expect(read('dist/core/extensions/loader.js')).toMatch(/jiti/);
});

test('pi has no minimum release age', () => {
  expect(read('dist/core/package-manager.js')).not.toMatch(/release.?age|min.?age/i);
});
