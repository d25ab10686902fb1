import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { ATTACK_CLASSES, type AttackResult, runAttacks } from '../sandbox/index.ts';
import { ATTACK_FILES } from './attack-files.ts';

/**
 * Runs the attack suite and writes what came of it into SECURITY.md: `node scripts/attack-table.ts`. With the report of a run
 * (`npm run test:attacks -- --reporter=json --outputFile=FILE`) as its argument it takes that.
 */
const FILE = new URL('../SECURITY.md', import.meta.url);

/** One row for each class of the programs of `dash sandbox attack`. */
export function attackTable(results: readonly AttackResult[]): string {
  const rows = ATTACK_CLASSES.map(({ id, title, notCovered }) => {
    const own = results.filter(({ program }) => program.of.id === id);
    return `| ${title} | ${own.length} | ${own.filter(({ contained }) => contained).length} | ${notCovered} |`;
  });
  const all = results.filter(({ contained }) => contained).length;
  return ['| attack | cases | contained | not shown by it |', '|---|---|---|---|', ...rows, `| all | ${results.length} | ${all} | |`, ''].join('\n');
}

const Report = Type.Object({
  testResults: Type.Array(Type.Object({ name: Type.String(), assertionResults: Type.Array(Type.Object({ fullName: Type.String(), status: Type.String() })) })),
});
type Report = (typeof Report)['static'];

/** One row for each file of the repository's suite: its cases without the control arms. */
export function suiteTable({ testResults }: Report): string {
  const counts = new Map(
    testResults.map(({ name, assertionResults }) => [nameOf(name), assertionResults.filter(({ fullName }) => !/control/i.test(fullName))]),
  );
  const sum = { cases: 0, contained: 0 };
  const rows = Object.entries(ATTACK_FILES).map(([name, { title, control, notShown }]) => {
    const own = counts.get(name) ?? [];
    const [cases, contained] = [own.length, own.filter(({ status }) => status === 'passed').length];
    sum.cases += cases;
    sum.contained += contained;
    return `| ${title} | ${cases} | ${contained} | ${control} | ${notShown} |`;
  });
  const head = ['| attack | cases | contained | control arm | not shown by it |', '|---|---|---|---|---|'];
  return [...head, ...rows, `| all | ${sum.cases} | ${sum.contained} | | |`, ''].join('\n');
}

function nameOf(path: string): string {
  return /test\/attacks\/(.+)\.test\.ts$/.exec(path)?.[1] ?? path;
}

function write(mark: string, table: string): void {
  const place = new RegExp(`(<!-- ${mark}:begin -->\\n)[^]*(<!-- ${mark}:end -->)`);
  writeFileSync(
    FILE,
    readFileSync(FILE, 'utf8').replace(place, (_, begin: string, end: string) => `${begin}\n${table}\n${end}`),
  );
}

function runSuite(): Report {
  const directory = mkdtempSync(join(tmpdir(), 'dash-attack-table-'));
  try {
    const report = join(directory, 'report.json');
    const vitest = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url));
    spawnSync(process.execPath, [vitest, 'run', '--project', 'attacks', '--reporter=json', `--outputFile=${report}`], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    return readReport(report);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function readReport(file: string): Report {
  return Value.Parse(Report, JSON.parse(readFileSync(file, 'utf8')));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const results = await runAttacks({
    onResult: ({ program, contained, how }) => {
      if (!contained) process.stderr.write(`NOT CONTAINED ${program.of.title}: ${program.name} (${how})\n`);
    },
  });
  write('attacks', attackTable(results));
  const [, , report] = process.argv;
  const suite = report === undefined ? runSuite() : readReport(report);
  write('suite', suiteTable(suite));
  const failed = suite.testResults.flatMap(({ assertionResults }) => assertionResults.filter(({ status }) => status === 'failed'));
  for (const { fullName } of failed) process.stderr.write(`NOT CONTAINED ${fullName}\n`);
  if (failed.length > 0 || results.some(({ contained }) => !contained)) process.exitCode = 1;
}
