import { readdir, readFile, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createPresence } from '../../host/events/presence.ts';
import { openEventDatabase } from '../../host/events/event-database.ts';
import { type DashInTerminal, startDash } from '../support/dash-in-terminal.ts';

const READY = /balanced/;
const HOUR = 3_600_000;
const AGES = [
  ['look at the parser', 72],
  ['look at the printer', 30],
  ['fix the tests', 2],
] as const;

interface Known {
  readonly id: string;
  readonly name?: string;
  readonly messages: number;
}

/** Those in which something was said. */
const sessions = async ({ run }: DashInTerminal): Promise<readonly Known[]> =>
  (JSON.parse(await run('session', 'list', '--json')).sessions as Known[]).filter(({ messages }) => messages > 0);

/** Three sessions of earlier: two begin with the same words, and two have the same name. */
async function start(columns: number): Promise<DashInTerminal> {
  const terminal = await startDash({ columns, script: { turns: [{ text: 'First answer.' }, { text: 'Second answer.' }], repeat: true } });
  await terminal.shows(READY);
  const said = async (prompt: string): Promise<void> => {
    await terminal.type(prompt);
    await terminal.press('Enter');
    await terminal.shows('answer.');
    await terminal.hides('(esc stops)');
  };
  const begin = async (): Promise<void> => {
    await terminal.type('/new');
    await terminal.press('Enter');
    await terminal.hides('answer.');
  };
  const name = async (words: string): Promise<void> => {
    await terminal.type(`/name ${words}`);
    await terminal.press('Enter');
    await terminal.shows(words);
  };
  await said('look at the parser');
  await name('parser');
  await begin();
  await said('look at the printer');
  await name('parser');
  await begin();
  await said('fix the tests');
  await begin();
  const directory = join(terminal.home, 'sessions');
  for (const file of (await readdir(directory, { recursive: true })).filter((name) => name.endsWith('.jsonl'))) {
    const text = await readFile(join(directory, file), 'utf8');
    const [, hours] = AGES.find(([words]) => text.includes(words)) ?? [];
    // half an hour more: an hour is not over while the test runs
    if (hours !== undefined) await utimes(join(directory, file), new Date(), new Date(Date.now() - (hours + 0.5) * HOUR));
  }
  return terminal;
}

async function open(terminal: DashInTerminal): Promise<void> {
  await terminal.type('/resume');
  await terminal.press('Enter');
  await terminal.shows('go on with which session?');
}

describe.each([{ columns: 80 }, { columns: 40 }])('/resume at $columns columns', ({ columns }) => {
  test('tells sessions apart by more than their name; names one, and deletes one after asking', async () => {
    await using terminal = await start(columns);
    await open(terminal);
    await terminal.shows('2 h ago');
    await expect(await terminal.golden()).toMatchFileSnapshot(`./golden/resume.${columns}.txt`);

    // found by what was said in it, though it has a name
    await terminal.type('printer');
    await terminal.shows(/→ parser/);
    await terminal.press('C-r');
    await terminal.shows('what is `parser` called?');
    await terminal.type('the printer');
    await terminal.press('Enter');
    await terminal.shows('the printer');
    await terminal.shows('go on with which session?');
    // as old as it was: nothing was said in it
    await terminal.shows('30 h ago');
    expect((await sessions(terminal)).map((one) => one.name)).toEqual(expect.arrayContaining(['the printer', 'parser']));

    await terminal.type('fix the');
    await terminal.shows(/→ fix the tests/);
    await terminal.press('C-d');
    await terminal.shows(/delete\s+`fix\s+the\s+tests`,\s+2\s+messages,\s+for\s+good\?/);
    await expect(await terminal.golden()).toMatchFileSnapshot(`./golden/resume-delete.${columns}.txt`);
    await terminal.press('Enter');
    await terminal.shows('go on with which session?');
    await terminal.shows('fix the tests');
    expect(await sessions(terminal)).toHaveLength(3);
    await terminal.type('fix the');
    await terminal.shows(/→ fix the tests/);
    await terminal.press('C-d');
    await terminal.shows('yes, delete its file');
    await terminal.press('Down', 'Enter');
    await terminal.shows('deleted `fix the tests`');
    await terminal.shows('go on with which session?');
    expect(await sessions(terminal)).toHaveLength(2);

    await terminal.type('look at the parser');
    await terminal.press('Enter');
    await terminal.shows('First answer.');
    expect(await terminal.screen()).toContain('look at the parser');
  });
});

test('a session that another agent is in stays, and who is in it is said', async () => {
  await using terminal = await start(80);
  const [other] = (await sessions(terminal)).filter(({ name }) => name === undefined);
  using database = await openEventDatabase(terminal.home);
  // this process says that it is an agent in that session, as agents do
  const presence = createPresence({ cwd: terminal.project, session: () => other?.id ?? '', packageOf: () => undefined }, (row) => database.write([row]));
  presence.heard({ type: 'agent_start' });
  const remove = async (): Promise<void> => {
    await terminal.type('fix the');
    await terminal.shows(/→ fix the tests/);
    await terminal.press('C-d');
    await terminal.shows('yes, delete its file');
    await terminal.press('Down', 'Enter');
  };
  await open(terminal);
  await remove();
  await terminal.shows(new RegExp(String.raw`stays: another agent is in this session \(process\s+${process.pid}\); end it first`));
  await terminal.shows('go on with which session?');
  expect(await sessions(terminal)).toHaveLength(3);

  // going on with it is allowed, and said
  await terminal.type('fix the');
  await terminal.shows(/→ fix the tests/);
  await terminal.press('Enter');
  await terminal.shows('> fix the tests');
  await terminal.shows(new RegExp(String.raw`another agent is in this session too \(process ${process.pid}\)`));
  await terminal.type('/new');
  await terminal.press('Enter');
  await terminal.hides('> fix the tests');
  presence.end();
  await open(terminal);
  await remove();
  await terminal.shows('deleted `fix the tests`');
  expect(await sessions(terminal)).toHaveLength(2);
});
