import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import config from '../vitest.config.ts';

const ROOT = join(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

const TIERS = (config.test?.projects ?? []).flatMap((project) => {
  if (typeof project !== 'object' || !('test' in project)) return [];
  const { name, include = [], exclude = [] } = project.test ?? {};
  return typeof name === 'string' ? [{ name, files: globSync(include, { cwd: ROOT, exclude }) }] : [];
});
const FILES = globSync('test/**/*.test.ts', { cwd: ROOT });

it('every test file is in one tier', () => {
  const homes = FILES.map((file) => ({ file, tiers: TIERS.filter(({ files }) => files.includes(file)).map(({ name }) => name) }));
  expect(homes.filter(({ tiers }) => tiers.length !== 1)).toEqual([]);
  expect(TIERS.filter(({ files }) => files.length === 0)).toEqual([]);
});

it.each(TIERS)('the tier `$name` has a script, and its part and its count in `.ci/run`', ({ name }) => {
  const script = name === 'unit' ? 'test' : `test:${name}`;
  expect(JSON.parse(read('package.json')).scripts).toHaveProperty([script], `node scripts/run.mjs vitest run --project ${name}`);
  const ci = read('.ci/run');
  expect(ci).toMatch(new RegExp(`^part "npm (run )?${script}" suite ${script}$`, 'm'));
  expect(/^for name in (.*); do total/m.exec(ci)?.[1]?.split(' ')).toContain(script.replace(':', '-'));
});

it('what looks at a real terminal is in the tier for it', () => {
  const drivesOne = (file: string): boolean => /from '[./]*support\/(?:dash-in-terminal|tmux)\.ts'/.test(read(file));
  expect(FILES.filter(drivesOne).filter((file) => !file.startsWith('test/terminal/'))).toEqual([]);
  expect(FILES.filter(drivesOne).length).toBeGreaterThan(5);
});
