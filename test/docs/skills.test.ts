import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { keptResult, skillsPages } from '../../scripts/skills-tables.ts';
import { RULES_VERSION, TEXT_RULES } from '../../skills-lib/index.ts';

test.each(skillsPages())('the figures in $url.pathname are those of the last run (`npm run bench:tables`)', ({ url, text }) => {
  expect(readFileSync(url, 'utf8')).toBe(text);
});

test('the findings on real skills are those of the rules as they are (`npm run audit:skills -- <dir> --keep`)', () => {
  const { rules, byRule } = keptResult('audit');
  expect(rules).toBe(RULES_VERSION);
  expect(Object.entries(byRule).map(([id, { severity }]) => ({ id, severity }))).toEqual(TEXT_RULES.map(({ id, severity }) => ({ id, severity })));
});

test('what was measured is what was demanded', () => {
  const { total } = keptResult('corpus');
  expect(total).toMatchObject({ files: 4450, unique: 4422, crashes: 0 });
  const fuzz = keptResult('fuzz');
  expect(fuzz).toMatchObject({ files: 20_000, crashes: 0, ran: false });
  expect(fuzz.p99Ms).toBeLessThan(1);
  const { arms, doubled } = keptResult('search');
  const recall = (name: string): number => arms.find((arm) => arm.name.startsWith(name))?.recallAt5 ?? Number.NaN;
  expect(recall('cross-validated') - recall('FTS5')).toBeGreaterThanOrEqual(0.08);
  expect(doubled.p50Ms).toBeLessThanOrEqual(5);
  expect(doubled.memoryMiB).toBeLessThanOrEqual(150);
});
