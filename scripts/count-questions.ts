import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { inspectPorts } from '../cli/compose.ts';
import { consentSentence } from '../cli/consent-sentence.ts';
import { type PackagePlan, parseSpec, planInstall, readNpmConfig } from '../registry/index.ts';
import { otherTrials, tenTrials } from './real-packages/trials.ts';

/**
 * Counts what twelve packages that nobody here wrote would ask their user under the default profile: once where programs
 * are confined, once where they are not. Needs the network: `node scripts/count-questions.ts`, with `--write` to put the
 * tables into docs/questions.md, with `--json` for the figures.
 */
interface Count {
  readonly spec: string;
  /** What one question for each permission would come to. */
  readonly lines: number;
  readonly confined: Questions;
  readonly unconfined: Questions;
  readonly sentence: string;
}

interface Questions {
  /** 0 or 1. */
  readonly atInstall: number;
  /** What is asked when it is first needed, at most. */
  readonly later: readonly string[];
}

const DOCUMENT = fileURLToPath(new URL('../docs/questions.md', import.meta.url));
const GOAL = 3;
const specs = [...tenTrials('http://127.0.0.1/'), ...otherTrials].map(({ spec }) => spec).slice(0, 12);

const root = realpathSync(mkdtempSync(join(tmpdir(), 'dash-questions-')));
try {
  const counts: Count[] = [];
  for (const spec of specs) {
    counts.push(await count(spec));
    process.stderr.write(`${spec}\n`);
  }
  if (process.argv.includes('--json')) process.stdout.write(`${JSON.stringify({ goal: GOAL, packages: counts }, undefined, 2)}\n`);
  else process.stdout.write(tableOf(counts));
  if (process.argv.includes('--write')) writeTable(tableOf(counts));
  if (counts.some(({ confined }) => totalOf(confined) > GOAL)) process.exitCode = 1;
} finally {
  rmSync(root, { recursive: true, force: true, maxRetries: 3 });
}

async function count(spec: string): Promise<Count> {
  const [confined, unconfined] = [await planOf(spec, true), await planOf(spec, false)];
  const { does, follows, later } = consentSentence(confined);
  return {
    spec,
    lines: confined.quiet.length + confined.summary.length + confined.later.length,
    confined: questionsOf(confined),
    unconfined: questionsOf(unconfined),
    sentence: [does, ...(follows === undefined ? [] : [`together: ${follows}`]), ...(later === undefined ? [] : [later])].join('; '),
  };
}

async function planOf(spec: string, confinesPrograms: boolean): Promise<PackagePlan> {
  const [dashHome, workspace] = [join(root, 'home'), join(root, 'workspace')];
  for (const directory of [dashHome, workspace]) mkdirSync(directory, { recursive: true });
  const { packages } = await planInstall([parseSpec(`npm:${spec}`, { cwd: workspace })], {
    dashHome,
    workspace,
    scope: { kind: 'user' },
    npm: await readNpmConfig({ env: process.env }),
    ports: { ...inspectPorts(dashHome), confinesPrograms: async () => confinesPrograms },
    minAgeMs: 0,
  });
  const plan = packages[0]?.details?.consent;
  if (plan === undefined) throw new Error(`${spec} was not looked at`);
  return plan;
}

function questionsOf({ summary, later }: PackagePlan): Questions {
  return {
    atInstall: summary.length === 0 ? 0 : 1,
    later: later.filter(({ level }) => level === 'one-by-one').map(({ permission }) => permission),
  };
}

function totalOf({ atInstall, later }: Questions): number {
  return atInstall + later.length;
}

function tableOf(counts: readonly Count[]): string {
  const cell = (questions: Questions): string => `${totalOf(questions)} (${questions.atInstall} + ${questions.later.length})`;
  const rows = counts.map(
    ({ spec, lines, confined, unconfined }) =>
      `| \`${spec}\` | ${lines} | ${cell(confined)} | ${cell(unconfined)} | ${confined.later.map((permission) => `\`${permission}\``).join(' ') || '–'} |`,
  );
  const mean = (numbers: readonly number[]): string => (numbers.reduce((sum, number) => sum + number, 0) / numbers.length).toFixed(1);
  const means = `| mean | ${mean(counts.map(({ lines }) => lines))} | ${mean(counts.map(({ confined }) => totalOf(confined)))} | ${mean(counts.map(({ unconfined }) => totalOf(unconfined)))} | |`;
  const sentences = counts.map(({ spec, sentence }) => `- \`${spec}\`: ${sentence}`);
  return [
    '| package | permissions | questions, programs confined | questions, programs not confined | asked at first use, programs confined |',
    '|---|---|---|---|---|',
    ...rows,
    means,
    '',
    'What the install question says of each:',
    '',
    ...sentences,
    '',
  ].join('\n');
}

function writeTable(table: string): void {
  const text = readFileSync(DOCUMENT, 'utf8');
  const block = /(<!-- questions -->\n)[^]*?(<!-- \/questions -->)/;
  if (!block.test(text)) throw new Error('docs/questions.md has no place for the table');
  writeFileSync(
    DOCUMENT,
    text.replace(block, (_, start: string, end: string) => `${start}${table}${end}`),
  );
}
