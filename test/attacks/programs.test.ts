import { execFile } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ATTACK_PROGRAMS, type AttackProgram } from '../../sandbox/attacks/programs.ts';
import { type AttackResult, runAttacks } from '../../sandbox/attacks/run-attacks.ts';
import { setStage, type Stage } from '../../sandbox/attacks/stage.ts';
import { ATTACK_FILES } from '../../scripts/attack-files.ts';
import { attackTable } from '../../scripts/attack-table.ts';

/** The programs of `dash sandbox attack` that reach for something. Those without an end are in exhaustion.test.ts. */
const REACHING = ATTACK_PROGRAMS.filter(({ of }) => of.id !== 'endless' && of.id !== 'flood');
const title = ({ of, name }: AttackProgram): string => `${of.title}: ${name}`;

/** Programs that reach nothing in a plain Node either, and why they are kept. */
const WITHOUT_CONTROL: Readonly<Record<string, string>> = {
  'variables of the agent: another case': 'names are compared as they are, outside of Windows',
  'variables of the agent: the environment of the agent': 'the agent of the control arm is this test, which does not have the variable',
  'files that were not granted: the working directory of the process': 'its path is longer than the root, which swallows the dots: it is refused by name',
  'files that were not granted: an object that is two paths': 'Node takes strings and URLs only; a guest could hand over anything',
  'files that were not granted: fetch of a file URL': 'Node has no files behind fetch',
  'servers on this machine: a name with a dot': 'whether it is found is up to the resolver of the machine',
  'servers on this machine: a name below': 'whether it is found is up to the resolver of the machine',
  'servers on this machine: a mapped address': 'needs IPv6 on the machine',
  'servers on this machine: a name with credentials': "Node's fetch takes no URL with credentials",
  'servers on this machine: full-width digits': 'kept where a resolver refuses them',
};

let stage: Stage;
let results: readonly AttackResult[];
beforeAll(async () => {
  stage = await setStage();
  results = await runAttacks({ programs: REACHING });
}, 300_000);
afterAll(() => stage[Symbol.asyncDispose]());

describe('a program', () => {
  test.each(REACHING.map((program) => [title(program), program] as const))('%s is contained', (_title, program) => {
    expect(results.find((result) => result.program === program)).toMatchObject({ contained: true });
  });
});

describe('control arm: the same program in a plain Node reaches what it is after', () => {
  // The control arms of hostile answers are in forging.test.ts: a naive reader has to be written for them.
  test.each(
    REACHING.filter((program) => program.of.id !== 'answers' && !(title(program) in WITHOUT_CONTROL)).map((program) => [title(program), program] as const),
  )('%s', async (_title, program) => {
    const said = await runPlain(program);
    expect({ said, reached: stage.reached(said) }).toEqual({ said, reached: expect.any(String) });
  });

  test('reasons are given for programs that there are', () => {
    expect(REACHING.map(title)).toEqual(expect.arrayContaining(Object.keys(WITHOUT_CONTROL)));
  });
});

test('the table of SECURITY.md has the programs that there are, and each is contained', async () => {
  const security = await readFile(join(import.meta.dirname, '../../SECURITY.md'), 'utf8');
  const wanted = ATTACK_PROGRAMS.map((program) => ({ program, contained: true, how: '', pauseMs: 0 }));
  expect(security).toContain(attackTable(wanted));
});

test('the other table of SECURITY.md has the files that there are, and all of each is contained', async () => {
  const files = (await readdir(import.meta.dirname, { recursive: true })).flatMap((name) => /^(.+)\.test\.ts$/.exec(name)?.[1] ?? []);
  expect(files).toEqual(expect.arrayContaining(Object.keys(ATTACK_FILES)));
  const rows = (await readFile(join(import.meta.dirname, '../../SECURITY.md'), 'utf8')).split('\n');
  for (const { title: of } of Object.values(ATTACK_FILES)) {
    const [, cases, contained] = /^\| .* \| (\d+) \| (\d+) \| /.exec(rows.find((row) => row.startsWith(`| ${of} | `)) ?? '') ?? [];
    expect({ of, contained }).toEqual({ of, contained: cases });
    expect(Number(cases)).toBeGreaterThan(0);
  }
});

/** What the program answers where nothing stands in its way. */
async function runPlain({ body }: AttackProgram): Promise<string> {
  const script = join(stage.directory, 'control.cjs');
  await writeFile(
    script,
    `(async function (id, params, signal, onUpdate, ctx) { ${body} }).call(globalThis, '1', JSON.parse(process.env.PARAMS), undefined, () => {}, { ui: {}, executeTool: async (tool, { path }) => ({ content: [{ text: require('fs').readFileSync(path, 'utf8') }] }) }).then((value) => process.stdout.write(String(value), () => process.exit()), (error) => process.stdout.write('failed: ' + error.message, () => process.exit()));`,
  );
  const env = { PATH: process.env['PATH'], ...stage.environment, PARAMS: JSON.stringify(stage.params) };
  return new Promise((resolve) => {
    execFile(process.execPath, [script], { cwd: stage.workspace, env, timeout: 30_000 }, (_error, stdout) => resolve(stdout));
  });
}
