import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { inspectPorts } from '../cli/compose.ts';
import { consentSentence } from '../cli/consent-sentence.ts';
import { type ConsentPlan, install, parseSpec, readNpmConfig } from '../registry/index.ts';
import { RpcSession } from './demo/rpc-session.ts';
import type { Person } from './demo/stage.ts';
import { answerDialogs } from './real-packages/answer-dialogs.ts';
import { type Attempt, otherTrials, tenTrials, type Trial } from './real-packages/trials.ts';

/**
 * Installs twelve packages that nobody here wrote under the default profile, says yes to everything, tries each in a
 * session, and counts what its user was asked. Needs the network: `node scripts/count-questions.ts`, with `--write` to put
 * the tables into docs/questions.md, with `--json` for the figures, with names to try only those.
 */
interface Count {
  readonly spec: string;
  /** What one question for each permission would come to. */
  readonly permissions: number;
  readonly atInstall: number;
  /** The permissions of each question that came while it was tried. */
  readonly inUse: readonly string[];
  /** What would have been asked, had it come to that. */
  readonly perhaps: readonly string[];
  readonly sentence: string;
}

const DOCUMENT = fileURLToPath(new URL('../docs/questions.md', import.meta.url));
const GOAL = 3;
const only = process.argv.slice(2).filter((word) => !word.startsWith('-'));
const trials = [...tenTrials('http://127.0.0.1/'), ...otherTrials]
  .slice(0, 12)
  .filter(({ spec }) => only.length === 0 || only.some((name) => spec.startsWith(name)));

const root = realpathSync(mkdtempSync(join(tmpdir(), 'dash-questions-')));
try {
  const counts: Count[] = [];
  for (const [index, trial] of trials.entries()) {
    const counted = await count(trial, join(root, `${index}`));
    process.stderr.write(`${counted.spec}: ${counted.atInstall} + ${counted.inUse.length}\n`);
    counts.push(counted);
  }
  process.stdout.write(process.argv.includes('--json') ? `${JSON.stringify({ goal: GOAL, packages: counts }, undefined, 2)}\n` : tableOf(counts));
  if (process.argv.includes('--write')) writeTable(tableOf(counts));
  if (counts.some((counted) => totalOf(counted) > GOAL)) process.exitCode = 1;
} finally {
  rmSync(root, { recursive: true, force: true, maxRetries: 3 });
}

async function count({ spec, files = {}, variables = {}, attempts }: Trial, place: string): Promise<Count> {
  const [home, workspace] = [join(place, 'home'), join(place, 'workspace')];
  for (const directory of [home, workspace]) mkdirSync(directory, { recursive: true });
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(workspace, path)), { recursive: true });
    writeFileSync(join(workspace, path), text);
  }
  const dashHome = join(home, '.dash');
  const asked: ConsentPlan[] = [];
  const report = await install([parseSpec(`npm:${spec}`, { cwd: workspace })], {
    dashHome,
    workspace,
    scope: { kind: 'user' },
    npm: await readNpmConfig({ env: process.env }),
    ports: inspectPorts(dashHome),
    minAgeMs: 0,
    consentPort: { ask: async (plan) => (asked.push(plan), { kind: 'install' }) },
  });
  const later = report.ungranted.flatMap(({ permissions }) => permissions);
  const granted = report.installed.flatMap(({ permissions }) => permissions.granted);
  const inUse = (await tryIt(attempts, { home, dashHome, variables }, workspace)).map((text) => text.replaceAll(root, '…'));
  const met = new Set(inUse.flatMap((permissions) => permissions.split(' + ')));
  const [plan] = asked[0]?.packages ?? [];
  return {
    spec,
    permissions: granted.length + later.length,
    atInstall: asked.length,
    inUse,
    perhaps: later.map(({ permission }) => permission).filter((permission) => !met.has(permission)),
    sentence: plan === undefined ? '' : sentenceOf(plan),
  };
}

/** Everything that is tried of the package, in one session; every question is answered with yes. */
async function tryIt(attempts: readonly Attempt[], person: Person, workspace: string): Promise<readonly string[]> {
  const turns = attempts.flatMap((attempt) => turnsOf(attempt));
  const script = join(dirname(workspace), 'script.json');
  writeFileSync(script, JSON.stringify({ turns: [...turns, { text: 'done' }], repeat: true }));
  using session = new RpcSession(person, workspace, ['--model', `scripted:${script}`, '--trust-project']);
  const answering = answerDialogs(session, 'yes, for this session');
  for (const attempt of attempts) {
    if (attempt.kind === 'inspect') continue;
    const from = session.records.length;
    await session.send({ type: 'prompt', message: attempt.kind === 'say' ? attempt.prompt : `use ${attempt.tool}` });
    await session.send({ type: 'get_state' });
    if (session.records.slice(from).some(({ type }) => type === 'agent_start')) await session.wait(({ type }) => type === 'agent_settled', from, 60_000);
  }
  await session.close();
  await answering;
  return session.records.flatMap(({ permission }) =>
    permission === undefined ? [] : [(permission as { readonly permissions: readonly string[] }).permissions.join(' + ')],
  );
}

function turnsOf(attempt: Attempt): readonly object[] {
  switch (attempt.kind) {
    case 'call':
      return [{ toolCalls: [{ name: attempt.tool, arguments: attempt.args ?? {} }] }, { text: 'done' }];
    case 'say':
      return attempt.model ?? (attempt.prompt.startsWith('/') ? [] : [{ text: 'done' }]);
    case 'inspect':
      return [];
  }
}

function sentenceOf(plan: ConsentPlan['packages'][number]): string {
  const { does, follows, later } = consentSentence(plan);
  return [does, ...(follows === undefined ? [] : [`together: ${follows}`]), ...(later === undefined ? [] : [`later: ${later}`])].join('; ');
}

function totalOf({ atInstall, inUse }: Count): number {
  return atInstall + inUse.length;
}

function tableOf(counts: readonly Count[]): string {
  const names = (permissions: readonly string[]): string => permissions.map((permission) => `\`${permission}\``).join(', ') || '–';
  const rows = counts.map(
    (counted) =>
      `| \`${counted.spec}\` | ${counted.permissions} | ${counted.atInstall} | ${counted.inUse.length} | ${totalOf(counted)} | ${names(counted.inUse)} | ${counted.perhaps.length} |`,
  );
  const mean = (figure: (counted: Count) => number): string => (counts.reduce((sum, counted) => sum + figure(counted), 0) / counts.length).toFixed(1);
  return [
    '| package | permissions | asked at install | asked in use | questions in all | what was asked in use | permissions it never came to |',
    '|---|---|---|---|---|---|---|',
    ...rows,
    `| mean | ${mean(({ permissions }) => permissions)} | ${mean(({ atInstall }) => atInstall)} | ${mean(({ inUse }) => inUse.length)} | ${mean(totalOf)} | | |`,
    '',
    'What the question at install says:',
    '',
    ...counts.flatMap(({ spec, sentence }) => (sentence === '' ? [] : [`- \`${spec}\`: ${sentence}`])),
    '',
  ].join('\n');
}

function writeTable(table: string): void {
  const text = readFileSync(DOCUMENT, 'utf8');
  const block = /(<!-- questions -->\n)[^]*?(<!-- \/questions -->)/;
  if (!block.test(text) || only.length > 0) throw new Error('docs/questions.md has a place for the table, and all of it is written');
  writeFileSync(
    DOCUMENT,
    text.replace(block, (_, start: string, end: string) => `${start}${table}${end}`),
  );
}
