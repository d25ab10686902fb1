import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RpcClient, SessionManager } from '@earendil-works/pi-coding-agent';
import { expect, it, onTestFinished } from 'vitest';
import { openSession } from '../../host/index.ts';
import { toolCallsOf } from '../../host/model/messages.ts';
import { buildContext } from '../../host/session/context.ts';
import type { AgentMessage } from '../../host/loop/transcript.ts';
import { BIN, type Person, run, environment, succeeded } from '../../scripts/demo/stage.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { startWireModels, type WireName } from '../support/wire-models.ts';

const TURNS = 50;
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

/** A tool that answers with the number of its build, and one that never answers. */
const extension = (build: number): string => `
export default function (pi) {
  const parameters = { type: 'object', properties: {} };
  pi.registerTool({ name: 'note', label: 'note', description: 'keeps a note', parameters, async execute() {
    return { content: [{ type: 'text', text: 'noted by build ${build}' }], details: {} };
  } });
  pi.registerTool({ name: 'wait', label: 'wait', description: 'waits', parameters, execute: () => new Promise(() => undefined) });
}
`;

interface WireRequest {
  readonly messages: readonly { readonly role: string; readonly content?: unknown }[];
}

/** What the model does all day: sums up when it is asked to, takes a note in every third turn, and waits when told to. */
function answer({ messages }: WireRequest) {
  const last = messages.at(-1);
  const said = JSON.stringify(last?.content ?? '');
  if (JSON.stringify(messages).includes('You write hand-over notes')) return { content: 'They worked through their turns, one after the other.' };
  if (last?.role === 'tool') return { content: `the tool said ${said}` };
  if (said.includes('and wait')) return { content: '', toolCalls: [{ name: 'wait', arguments: '{}' }] };
  const turn = Number(/turn (\d+)/.exec(said)?.[1] ?? 0);
  return turn % 3 === 0 ? { content: 'I note that', toolCalls: [{ name: 'note', arguments: '{}' }] } : { content: `answer to turn ${turn}` };
}

/** Every call of a transcript has exactly one result, before anything else is said. */
function problemsOf(messages: readonly AgentMessage[]): readonly string[] {
  let open: string[] = [];
  const problems: string[] = [];
  for (const message of messages) {
    if (message.role === 'toolResult') {
      if (!open.includes(message.toolCallId)) problems.push(`a result without a call: ${message.toolCallId}`);
      open = open.filter((id) => id !== message.toolCallId);
      continue;
    }
    if (open.length > 0) problems.push(`no result for ${open.join()}`);
    open = message.role === 'assistant' ? toolCallsOf(message).map(({ id }) => id) : [];
  }
  return [...problems, ...open.map((id) => `no result for ${id}`)];
}

it("ends, after a day's work, with a session that Dash and pi open with the same context", async () => {
  const root = await temporaryDirectory();
  const [home, workspace, notes] = [join(root, 'home'), join(root, 'workspace'), join(root, 'notes')];
  await Promise.all([home, workspace, notes].map((path) => mkdir(path)));
  await using world = await startWireModels();
  world.mock.on({ predicate: () => true }, answer);
  const providers = (['anthropic-messages', 'openai-completions'] satisfies WireName[]).map((api) => ({
    id: api,
    api,
    baseUrl: api === 'anthropic-messages' ? world.mock.url : `${world.mock.url}/v1`,
    models: [{ id: 'model', contextWindow: 16_000 }],
  }));
  const user: Person = { home, dashHome: join(home, '.dash') };
  await mkdir(user.dashHome);
  await writeFile(join(user.dashHome, 'models.json'), JSON.stringify({ providers }));

  const build = (number: number): Promise<void> => writeFile(join(notes, 'index.ts'), extension(number));
  await writeFile(join(notes, 'package.json'), JSON.stringify({ name: 'notes', version: '1.0.0', type: 'module', dash: { extensions: ['./index.ts'] } }));
  await build(1);
  succeeded(await run(process.execPath, [BIN, 'install', notes], { cwd: workspace, env: environment(user) }), 'install');

  const variables = Object.fromEntries(Object.entries(environment(user)).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
  const start = async (...args: string[]): Promise<RpcClient> => {
    const client = new RpcClient({ cliPath: BIN, cwd: workspace, env: variables, args });
    await client.start();
    onTestFinished(() => client.stop());
    return client;
  };
  let client = await start('--model', 'anthropic-messages/model');
  const say = async (turn: number): Promise<void> => {
    await client.promptAndWait(`turn ${turn}: ${'look at this and say what you think of it. '.repeat(100)}`, undefined, 120_000);
  };
  const lastNote = async (): Promise<string> => {
    const messages = (await client.getMessages()) as readonly AgentMessage[];
    const note = messages.findLast((message) => message.role === 'toolResult');
    return note?.role === 'toolResult' && note.content[0]?.type === 'text' ? note.content[0].text : '';
  };
  /** Goes back before what was said so many messages of the user's ago. */
  const goBack = async (messages: number, how = ''): Promise<void> => {
    const said = await client.getForkMessages();
    await client.prompt(`/tree ${said.at(-messages)?.entryId ?? ''} ${how}`);
  };
  const file = (await client.getState()).sessionFile ?? '';
  let builds = 1;

  for (let turn = 1; turn <= TURNS; turn += 1) {
    if (turn === 8 || turn === 40) await goBack(2);
    if (turn === 23) await goBack(3, 'summarize what was noted');
    if (turn === 12) expect(await client.setModel('openai-completions', 'model')).toMatchObject({ provider: 'openai-completions' });
    if (turn === 35) await client.setModel('anthropic-messages', 'model');
    if (turn === 17) expect((await client.compact('the notes')).summary).toContain('They worked');
    if (turn === 9 || turn === 21 || turn === 42) {
      await build((builds += 1));
      await client.prompt('/reload');
    }
    if (turn === 30) {
      // everything ends at once, in the middle of a call
      const working = new Promise<void>((resolve) => client.onEvent((event) => event.type === 'tool_execution_start' && resolve()));
      await client.prompt(`turn ${turn}, and wait`);
      await working;
      const child: unknown = Reflect.get(client, 'process');
      if (typeof child !== 'object' || child === null || !('pid' in child) || typeof child.pid !== 'number') throw new Error('the client has a process');
      const ended = new Promise((resolve) => (child as NodeJS.EventEmitter & { pid: number }).once('exit', resolve));
      process.kill(child.pid, 'SIGKILL');
      await ended;
      client = await start('--session', file);
      continue;
    }
    await say(turn);
    if (turn % 3 === 0) expect(await lastNote()).toBe(`noted by build ${builds}`);
  }
  expect((await client.getState()).sessionFile).toBe(file);
  const shown = await client.getMessages();
  await client.stop();

  const { tree, diagnostics } = await openSession(file);
  const ours = buildContext(tree.path());
  expect(diagnostics).toEqual([]);
  expect(plain(ours.messages)).toEqual(plain(shown));
  expect(plain(ours)).toEqual(plain(SessionManager.open(file).buildSessionContext()));
  expect(problemsOf(ours.messages)).toEqual([]);

  const count = (type: string): number => tree.entries.filter((entry) => entry.type === type).length;
  const said = tree.entries.flatMap((entry) => (entry.type === 'message' && entry.message.role === 'user' ? [entry] : []));
  expect(said).toHaveLength(TURNS);
  expect(tree.entries.filter(({ id }) => tree.children(id).filter(({ type }) => type !== 'label').length > 1).length).toBeGreaterThanOrEqual(3);
  expect(count('compaction')).toBeGreaterThanOrEqual(3);
  expect(count('branch_summary')).toBe(1);
  expect(count('model_change')).toBeGreaterThanOrEqual(3);
  for (const leaf of tree.entries) expect(tree.branch(leaf.id)[0]?.parentId).toBeNull();

  // pi goes on with it, and Dash with what pi said
  const pi = SessionManager.open(file);
  pi.appendMessage({ role: 'user', content: 'one more, from pi', timestamp: Date.now() });
  const again = await openSession(file);
  expect(plain(buildContext(again.tree.path()))).toEqual(plain(SessionManager.open(file).buildSessionContext()));
  expect((await readFile(file, 'utf8')).trimEnd().split('\n')).toHaveLength(again.tree.entries.length + 1);
}, 240_000);
