/**
 * Reads every SKILL.md below a directory of checkouts with the rules of `dash audit`:
 * `npm run audit:skills -- <dir> [--findings] [--keep]`. Prints how many files each rule finds something in; with
 * `--findings` each place, for eyes; with `--keep` the result goes into the docs at the next `npm run bench:tables`.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { auditFiles, type AuditFinding, RULES_VERSION, TEXT_RULES } from '../skills-lib/index.ts';
import { type AuditResult, keepResult, today } from './skills-tables.ts';

const [directory, ...flags] = process.argv.slice(2);
if (directory === undefined) {
  console.error('usage: npm run audit:skills -- <directory of checkouts> [--findings] [--keep]');
  process.exitCode = 2;
} else {
  const paths = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /^skill\.md$/i.test(entry.name))
    .map(({ parentPath, name }) => relative(directory, join(parentPath, name)));
  // each by itself: one skill's findings are not its neighbour's
  const audits = paths.map((path) => auditFiles([{ path, bytes: readFileSync(join(directory, path)) }]));
  const result: AuditResult = {
    date: today(),
    rules: RULES_VERSION,
    files: audits.length,
    failed: audits.filter(({ verdict }) => verdict === 'fail').length,
    byRule: countByRule(audits.flatMap(({ findings }) => findings)),
  };
  if (flags.includes('--findings')) for (const { findings } of audits) for (const finding of findings) printFinding(directory, finding);
  if (flags.includes('--keep')) keepResult('audit', result);
  console.log(JSON.stringify(result, null, 2));
}

function countByRule(findings: readonly AuditFinding[]): AuditResult['byRule'] {
  const found = Map.groupBy(findings, ({ rule }) => rule);
  return Object.fromEntries(
    TEXT_RULES.map(({ id, severity }) => {
      const own = found.get(id) ?? [];
      return [id, { severity, files: new Set(own.map(({ path }) => path)).size, findings: own.length }];
    }),
  );
}

function printFinding(root: string, { rule, severity, path, line, message }: AuditFinding): void {
  const text = readFileSync(join(root, path), 'utf8').split('\n')[line - 1]?.trim() ?? '';
  console.log(`${path}:${line}: ${severity}: ${message} (${rule})\n    ${text.slice(0, 200)}`);
}
