import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { runReadline } from '../../host/index.ts';
import { answerChoices, describeQuestion } from '../../host/approval/permission-text.ts';
import { SETTLE_MS } from '../../host/modes/key-gate.ts';
import type { RpcSession } from '../../scripts/demo/rpc-session.ts';
import type { PermissionAnswer, PermissionQuestion } from '../../sandbox/index.ts';
import { startTestHost } from '../support/in-test-host.ts';
import { type Journey, startJourney } from '../support/journey.ts';

/** Reads files below the home directory, asynchronously or not, and says what came of each. */
const READER = `
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
export default (pi) => {
  const read = async ({ names, sync }) => {
    const said = [];
    for (const name of names) {
      try {
        const file = path.join(os.homedir(), name);
        said.push(sync ? fs.readFileSync(file, 'utf8') : await fs.promises.readFile(file, 'utf8'));
      } catch (error) {
        said.push(error.message);
      }
    }
    return { content: [{ type: 'text', text: JSON.stringify(said) }] };
  };
  pi.registerTool({ name: 'reader', description: 'reads', parameters: { type: 'object', properties: {} }, execute: (id, args) => read(args) });
  pi.on('session_start', async () => void (await read({ names: ['notes/n.txt'] })));
};`;

const QUESTION: PermissionQuestion = {
  package: 'p',
  version: '1.0.0',
  capability: 'fs.readFile',
  target: '/home/ada/notes/n.txt',
  permissions: ['fs:read:~/notes'],
  reason: 'to sort them',
  chain: '1',
  message: 'sort my notes',
  sources: ['output of commands'],
  mayPause: false,
};

async function installed(): Promise<Journey & { readonly notes: string }> {
  const journey = await startJourney();
  await journey.publish('reader', READER, { 'fs:read:~/notes': 'to sort your notes' });
  await journey.install('reader');
  const notes = join(journey.user.home, 'notes');
  await mkdir(notes);
  for (const name of ['n', 'm', 'o', 'p', 'q', 'r']) await writeFile(join(notes, `${name}.txt`), `note ${name}`);
  return { ...journey, notes };
}

const reads = (...names: readonly string[]) => ({ toolCalls: [{ name: 'reader', arguments: { names: names.map((name) => `notes/${name}.txt`) } }] });

/** Prompts, answers every permission question with the next label, and gives the texts of the tool's answers. */
async function converse(session: RpcSession, prompt: string, labels: readonly string[]) {
  const from = session.records.length;
  const questions: Readonly<Record<string, unknown>>[] = [];
  await session.send({ type: 'prompt', message: prompt });
  for (const label of labels) {
    const question = await session.wait((record) => record['permission'] !== undefined && !questions.includes(record), from);
    questions.push(question);
    session.tell({ type: 'extension_ui_response', id: question['id'], value: label });
  }
  await session.wait(({ type }) => type === 'agent_settled', from);
  const asked = session.records.slice(from).filter((record) => record['permission'] !== undefined);
  const texts = session.records.slice(from).flatMap((record) => (record['type'] === 'tool_execution_end' ? [textOf(record['result'])] : []));
  return { asked, texts: texts.flatMap((text) => JSON.parse(text) as string[]) };
}

function textOf(result: unknown): string {
  return (result as { readonly content: readonly { readonly text: string }[] }).content.map(({ text }) => text).join('');
}

describe('over rpc', () => {
  test('a yes lets the same call go on, and lasts as long as it said', async () => {
    const { host, user } = await installed();
    const session = await host([reads('n', 'm'), {}, reads('n', 'm'), {}, reads('o'), {}]);
    const once = await converse(session, 'sort my notes', ['yes, this once', 'no']);
    expect(once.texts).toEqual(['note n', expect.stringContaining('do not try another way')]);
    expect(once.asked[0]).toMatchObject({
      type: 'extension_ui_request',
      method: 'select',
      title: expect.stringContaining('its author says: “to sort your notes”'),
      // a client may be a program: what it answers is never written down
      options: ['no', 'yes, this once', 'yes, for this session'],
      permission: { package: 'reader', permissions: ['fs:read:~/notes'], message: 'sort my notes' },
    });
    expect((await converse(session, 'again', ['yes, for this session'])).texts).toEqual(['note n', 'note m']);
    expect((await converse(session, 'and again', [])).texts).toEqual(['note o']);
    await session.close();
    // it asks for nothing else, so nothing else was ever written
    expect(await readFile(join(user.dashHome, 'grants.json'), 'utf8').catch(() => '')).not.toContain('notes');
  });

  test('a package that asks and asks is refused without a question after the first no, and may be silenced with the fifth', async () => {
    const { host } = await installed();
    const names = ['n', 'm', 'o', 'p', 'q', 'r'];
    const session = await host([reads(...names), {}, reads(...names), {}, reads(...names), {}]);
    const declined = await converse(session, 'one no is enough', ['no']);
    expect(declined.asked).toHaveLength(1);
    // the control arm: answered with `once` it does ask for each
    const patient = await converse(session, 'ask for each', [
      'yes, this once',
      'yes, this once',
      'yes, this once',
      'no, and ask nothing more for this package',
    ]);
    expect(patient.asked).toHaveLength(4);
    expect(patient.asked.map(({ options }) => (options as string[]).length)).toEqual([3, 3, 3, 4]);
    expect((await converse(session, 'silent', [])).asked).toEqual([]);
    await session.close();
  });

  test('no question comes from a package that nobody spoke to', async () => {
    const { host } = await installed();
    const session = await host([{}]);
    await session.send({ type: 'get_state' });
    // `session_start` has read, and was denied: it is in the trail, and there was no question
    await converse(session, 'hello', []);
    expect(session.records.filter((record) => record['permission'] !== undefined)).toEqual([]);
    await session.close();
  });
});

test('secrets in the environment are asked for in one question, before the code runs, and only those that are set', async () => {
  const { publish, install, host, user } = await startJourney({ GITHUB_TOKEN: 'ghp-1', API_KEY: 'sk-2' });
  const look = `export default (pi) => pi.registerTool({ name: 'look', description: 'looks', parameters: { type: 'object', properties: {} },
    execute: async () => ({ content: [{ type: 'text', text: JSON.stringify([process.env.GITHUB_TOKEN, process.env.API_KEY, process.env.OTHER_KEY].map((value) => value ?? 'none')) }] }) });`;
  await publish('looker', look, ['env:GITHUB_TOKEN', 'env:API_KEY', 'env:OTHER_KEY']);
  await install('looker');
  const call = { toolCalls: [{ name: 'look', arguments: {} }] };
  const declined = await host([call, {}]);
  expect((await converse(declined, 'look', ['no'])).texts).toEqual(['none', 'none', 'none']);
  await declined.close();
  const allowed = await host([call, {}, call, {}]);
  const { asked, texts } = await converse(allowed, 'look', ['yes, this once']);
  expect(texts).toEqual(['ghp-1', 'sk-2', 'none']);
  expect(asked).toMatchObject([{ permission: { capability: 'env', target: 'GITHUB_TOKEN, API_KEY' } }]);
  expect((await converse(allowed, 'again', [])).texts).toEqual(['ghp-1', 'sk-2', 'none']);
  await allowed.close();
  expect(await readFile(join(user.dashHome, 'grants.json'), 'utf8').catch(() => '')).not.toContain('API_KEY');
});

describe('without a terminal', () => {
  test.each([['print'], ['no input']])('%s: nothing is asked, and the denial names what would allow it', async (mode) => {
    const { dash, call, user, workspace, auditRecords } = await installed();
    if (mode === 'print') {
      const script = join(workspace, 'script.json');
      await writeFile(script, JSON.stringify({ turns: [reads('n'), { text: 'done' }] }));
      const { stdout } = await dash('-p', 'sort', '--model', `scripted:${script}`);
      expect(stdout).toContain('done');
    } else {
      const { document } = await call('reader', 'reader', { names: ['notes/n.txt'] });
      expect(document.denials).toMatchObject([{ hint: "dash permissions grant reader 'fs:read:~/notes/n.txt'" }]);
    }
    const records = await auditRecords();
    expect(records).toContainEqual(expect.objectContaining({ decision: 'deny', rule: 'no grant', target: join(user.home, 'notes/n.txt') }));
    expect(records.filter((record) => record['event.name'] === 'consent')).toEqual([]);
  });
});

describe('on a terminal', () => {
  const typing = async (question: PermissionQuestion, type: (key: (at: number, keys: string) => void) => void) => {
    let now = 0;
    const answered = Promise.withResolvers<PermissionAnswer | undefined>();
    const [shown, noted] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const said: string[] = [];
    await using world = await startTestHost({ turns: [{}] }, [
      {
        name: 'p',
        extension: ({ ui, questions }) => ({
          commands: {
            ask: async () => {
              const waiting = questions?.ask(question, new AbortController().signal, () => true);
              await shown.promise;
              ui.notify('permission question from Dash: press y', 'info', 'p');
              noted.resolve();
              answered.resolve(await waiting);
            },
          },
        }),
      },
    ]);
    const input = new PassThrough();
    const output = new PassThrough();
    const chunks: string[] = [];
    output.on('data', (chunk) => chunks.push(String(chunk)));
    const done = runReadline(world.host, { input, output, now: () => now });
    input.write('/ask\r');
    await expect.poll(() => chunks.join('')).toContain('[n] no');
    shown.resolve();
    await noted.promise;
    said.push(chunks.join(''));
    type((at, keys) => {
      now = at;
      input.write(keys);
    });
    const answer = await answered.promise;
    await expect.poll(() => chunks.join('')).toContain('p | info: permission question from Dash');
    said.push(chunks.join(''));
    input.end();
    await done;
    return { answer, atQuestion: said[0] ?? '', afterwards: said[1] ?? '' };
  };

  test('type-ahead and pastes answer nothing, a letter pressed by itself does, and nothing is drawn over the question', async () => {
    const ahead = await typing(QUESTION, (key) => {
      key(10, 'p');
      key(SETTLE_MS * 4, '\u001B[200~p\u001B[201~');
      key(SETTLE_MS * 8, '\r');
    });
    expect(ahead.answer).toBe('no');
    expect(ahead.atQuestion).not.toContain('press y');
    const typed = await typing(QUESTION, (key) => key(SETTLE_MS, 'p'));
    expect(typed.answer).toBe('project');
  });

  test('no line of a package begins like a question of Dash', async () => {
    const { afterwards } = await typing(QUESTION, (key) => key(SETTLE_MS, 'n'));
    const lines = afterwards.split('\n').filter((line) => line.includes('permission question from Dash'));
    expect(lines.map((line) => line.startsWith('permission question'))).toEqual([true, false]);
  });
});

describe('what a package writes into a question', () => {
  const HOSTILE = [
    ['escape sequences', '\u001B[2J\u001B[1;1Hgranted\u001B[8m'],
    ['a line of its own', 'nice\npermission question from Dash: may “good” 1.0.0 do this?\r\nno risk'],
    ['bidi overrides', 'read \u202Egpj.terces\u2066 \u200Fonly'],
    ['characters nobody sees', 'a\u200Bb\u2060c\u00ADd\uFEFFe\u{E0041}f\u3164g\u115Fh\u180Ei\uFE0Fj'],
    ['marks that pile up', `z${'\u0336\u0489\u20DD'.repeat(40)}algo`],
    ['a closed quotation', 'ok” — allowed by policy “'],
    ['a great length', 'x'.repeat(100_000)],
    ['separators of lines', 'one\u2028two\u2029three\u0085four'],
    ['C1 controls', '\u009B2J\u0090q\u009C'],
  ] as const;

  test.each(HOSTILE)('%s', (_, text) => {
    // the control arm: naively put together it would do what it means to
    const naive = `may ${text} do this?`;
    expect(naive.length > 500 || /[^\P{C}]|[”\n\u2028\u2029\p{M}\u115F\u3164]/u.test(naive)).toBe(true);

    const lines = describeQuestion({ ...QUESTION, package: text, version: text, reason: text, target: text, message: text, sources: [text] });
    expect(lines).toHaveLength(6);
    for (const line of lines) {
      expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u);
      expect(line).not.toMatch(/\p{M}{3}/u);
      expect(line.length).toBeLessThan(500);
      expect([...line].filter((character) => character === '“')).toHaveLength([...line].filter((character) => character === '”').length);
    }
    expect(lines[0]).toMatch(/^permission question from Dash: may “[^“”]*” .* do this\?$/);
  });

  test('the answers begin with no, and only a terminal of the user offers what is written down', () => {
    expect(answerChoices(QUESTION, { mayWrite: true }).map(({ answer }) => answer)).toEqual(['no', 'once', 'session', 'project']);
    expect(answerChoices({ ...QUESTION, mayPause: true }, { mayWrite: false }).map(({ answer }) => answer)).toEqual(['no', 'once', 'session', 'pause']);
  });
});
