/**
 * Reads every SKILL.md below a directory of checkouts and says how many the standard takes and how many the host takes:
 * `npm run corpus:skills -- <dir> [--table] [--against <reference.json>] [--keep]`. With `--table` one line of markdown for
 * each checkout; with `--against` every difference from the counts of another reader, and a failure when there is one; with
 * `--keep` the result goes into the docs at the next `npm run bench:tables`.
 */
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { checkSkill, readFrontMatter } from '../skills-lib/index.ts';
import { type CorpusResult, type CorpusRow, corpusTable, keepResult, today } from './skills-tables.ts';

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

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { table: { type: 'boolean' }, keep: { type: 'boolean' }, against: { type: 'string' } },
});
const [directory] = positionals;
if (directory === undefined) {
  console.error('usage: npm run corpus:skills -- <directory of checkouts> [--table] [--against <reference.json>] [--keep]');
  process.exitCode = 2;
} else {
  const checkouts = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const rows = checkouts.map(({ name }) => ({ name, counts: countSkills(join(directory, name)) })).filter(({ counts }) => counts.files > 0);
  const total = rows.reduce((sum, { counts }) => add(sum, counts), emptyCounts());
  const result: CorpusResult = {
    date: today(),
    repositories: rows.map(({ name, counts }) => rowOf(name.replace('+', '/'), counts)).sort((a, b) => (a.repository < b.repository ? -1 : 1)),
    total: rowOf('all', total),
    msPerFile: Math.round((total.ms / Math.max(total.unique, 1)) * 1000) / 1000,
    violations: Object.fromEntries([...total.violations].sort(([, a], [, b]) => b - a)),
  };
  const { total: sum, msPerFile, violations } = result;
  console.log(values.table === true ? corpusTable(result) : JSON.stringify({ ...sum, msPerFile, violations }, null, 2));
  const differences = values.against === undefined ? [] : compare(result.repositories, values.against);
  for (const difference of differences) console.error(difference);
  if (values.keep === true) keepResult('corpus', result);
  if (sum.crashes > 0 || differences.length > 0) process.exitCode = 1;
}

function rowOf(repository: string, { files, unique, strict, loadable, repaired, noFrontMatter, unparseable, crashes }: Counts): CorpusRow {
  return { repository, files, unique, strict, loadable, repaired, noFrontMatter, unparseable, crashes };
}

/** `files` and `unique` must be the same, the rest within one in a hundred. The reference counts what was repaired as unparseable. */
function compare(rows: readonly CorpusRow[], reference: string): readonly string[] {
  const { repos } = JSON.parse(readFileSync(reference, 'utf8')) as { repos: (Omit<CorpusRow, 'repository'> & { repo: string })[] };
  return repos.flatMap((expected): string[] => {
    const row = rows.find(({ repository }) => repository === expected.repo);
    if (row === undefined) return [`${expected.repo}: not at hand`];
    const differs = (what: string, read: number, there: number, slack: number): string[] =>
      Math.abs(read - there) <= there * slack ? [] : [`${expected.repo}: ${what} ${read}, ${there} there`];
    return [
      ...differs('files', row.files, expected.files, 0),
      ...differs('unique', row.unique, expected.unique, 0),
      ...differs('strict', row.strict, expected.strict, 0.01),
      ...differs('loadable', row.loadable, expected.loadable, 0.01),
      ...differs('unparseable', row.unparseable + row.repaired, expected.unparseable, 0.01),
    ];
  });
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
