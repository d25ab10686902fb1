/**
 * Reads every SKILL.md below a directory of checkouts and says how many the standard takes and how many the host takes:
 * `npm run corpus:skills -- <dir> [--table]`. With `--table` one line of markdown for each checkout.
 */
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { checkSkill, readFrontMatter } from '../skills-lib/index.ts';

interface Counts {
  files: number;
  unique: number;
  strict: number;
  /** Own front matter that parses and has a description, without any repair. */
  loadable: number;
  repaired: number;
  noFrontMatter: number;
  unparseable: number;
  crashes: number;
  ms: number;
  readonly violations: Map<string, number>;
}

const [directory, ...flags] = process.argv.slice(2);
if (directory === undefined) {
  console.error('usage: npm run corpus:skills -- <directory of checkouts> [--table]');
  process.exitCode = 2;
} else {
  const checkouts = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const rows = checkouts.map(({ name }) => ({ name, counts: countSkills(join(directory, name)) })).filter(({ counts }) => counts.files > 0);
  const total = rows.reduce((sum, { counts }) => add(sum, counts), emptyCounts());
  if (flags.includes('--table')) {
    console.log('| repository | files | unique | strict | loadable | repaired | no front matter | unparseable |\n|---|---|---|---|---|---|---|---|');
    for (const { name, counts } of [...rows, { name: 'all', counts: total }]) {
      const { files, unique, strict, loadable, repaired, noFrontMatter, unparseable } = counts;
      console.log(`| ${[name.replace('+', '/'), files, unique, strict, loadable, repaired, noFrontMatter, unparseable].join(' | ')} |`);
    }
  } else {
    const { ms, violations, ...counts } = total;
    const msPerFile = Math.round((ms / Math.max(counts.unique, 1)) * 1000) / 1000;
    console.log(JSON.stringify({ ...counts, msPerFile, violations: Object.fromEntries([...violations].sort(([, a], [, b]) => b - a)) }, null, 2));
  }
  if (total.crashes > 0) process.exitCode = 1;
}

function countSkills(checkout: string): Counts {
  const counts = emptyCounts();
  const seen = new Set<string>();
  // git's order, so that a content under several names counts by its first path
  const paths = readdirSync(checkout, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /^skill\.md$/i.test(entry.name))
    .map(({ parentPath, name }) => relative(checkout, join(parentPath, name)))
    .filter((path) => !path.startsWith('.git/'))
    .sort();
  for (const path of paths) {
    const file = join(checkout, path);
    counts.files++;
    const bytes = readFileSync(file);
    const digest = createHash('sha256').update(bytes).digest('hex');
    if (seen.has(digest)) continue;
    seen.add(digest);
    counts.unique++;
    const begin = performance.now();
    try {
      count(counts, bytes.toString('utf8'), file);
    } catch (error) {
      counts.crashes++;
      console.error(file, error);
    }
    counts.ms += performance.now() - begin;
  }
  return counts;
}

function count(counts: Counts, text: string, path: string): void {
  const found = readFrontMatter(text);
  const { strict, loadable, diagnostics } = checkSkill(text, path);
  for (const code of new Set(diagnostics.map((diagnostic) => diagnostic.code))) counts.violations.set(code, (counts.violations.get(code) ?? 0) + 1);
  if (strict) counts.strict++;
  if ('code' in found) counts.unparseable++;
  else if (!found.present) counts.noFrontMatter++;
  else if (found.repaired) {
    counts.repaired++;
  } else if (loadable) counts.loadable++;
}

function emptyCounts(): Counts {
  return { files: 0, unique: 0, strict: 0, loadable: 0, repaired: 0, noFrontMatter: 0, unparseable: 0, crashes: 0, ms: 0, violations: new Map() };
}

function add(sum: Counts, { violations, ...counts }: Counts): Counts {
  for (const [code, number] of violations) sum.violations.set(code, (sum.violations.get(code) ?? 0) + number);
  const keys = ['files', 'unique', 'strict', 'loadable', 'repaired', 'noFrontMatter', 'unparseable', 'crashes', 'ms'] as const;
  for (const key of keys) sum[key] += counts[key];
  return sum;
}
