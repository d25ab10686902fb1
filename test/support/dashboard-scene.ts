import { basename, join } from 'node:path';
import { serveDashboard, Session } from '../../host/index.ts';
import { openEventDatabase } from '../../host/events/event-database.ts';
import { bornOf } from '../../host/events/presence.ts';
import type { Row } from '../../host/events/schema.ts';
import type { AssistantMessage, JsonObject, ToolResultMessage, Usage, UserMessage } from '../../host/model/messages.ts';
import { temporaryDirectory } from './temporary-directory.ts';

/** What somebody hostile would like a page to run. */
export const HOSTILE = '<img src=x onerror="document.title=`owned`"><script>document.title="owned"</script>';

export interface Scene {
  readonly dashHome: string;
  /** A session with two branches. */
  readonly forked: string;
  readonly url: string;
  readonly origin: string;
  readonly code: string;
  write(rows: readonly Row[]): Promise<void>;
  /** Makes a session of 251 questions that follow each other, and gives its id. */
  writeLong(): string;
  close(): Promise<void>;
}

const usage = (input: number, output: number): Usage => ({
  input,
  output,
  cacheRead: input * 3,
  cacheWrite: 0,
  totalTokens: input * 4 + output,
  cost: { input: input * 3e-6, output: output * 15e-6, cacheRead: input * 9e-7, cacheWrite: 0, total: input * 3.9e-6 + output * 15e-6 },
});

function answer(text: string, calls: readonly { readonly name: string; readonly args: JsonObject }[], used: Usage): AssistantMessage {
  return {
    role: 'assistant',
    content: [{ type: 'text', text }, ...calls.map(({ name, args }, index) => ({ type: 'toolCall' as const, id: `${name}-${index}`, name, arguments: args }))],
    api: 'anthropic-messages',
    provider: 'anthropic',
    model: 'claude-opus-4-8',
    usage: used,
    stopReason: calls.length > 0 ? 'toolUse' : 'stop',
    timestamp: Date.now(),
  };
}

/** A home in which some work was done and some is going on, and the dashboard of it. */
export async function startScene({ hostile = true } = {}): Promise<Scene> {
  const root = await temporaryDirectory();
  const dashHome = join(root, 'home');
  const forked = writeForked(dashHome);
  const others = hostile ? writeHostile(dashHome) : writePlain(dashHome);
  const dashboard = await serveDashboard({ dashHome });
  const write = async (rows: readonly Row[]): Promise<void> => {
    using database = await openEventDatabase(dashHome);
    database.write(rows);
  };
  await write(rowsOf(forked, others, hostile ? HOSTILE : 'mail-tools'));
  const { origin, hash } = new URL(dashboard.url);
  let closed: Promise<void> | undefined;
  return {
    dashHome,
    forked,
    url: dashboard.url,
    origin,
    code: hash.slice(1),
    write,
    writeLong: () => writeLong(dashHome),
    close: () => (closed ??= dashboard.close()),
  };
}

function writeForked(dashHome: string): string {
  const user = (text: string): UserMessage => ({ role: 'user', content: [{ type: 'text', text }], timestamp: Date.now() });
  const result = (toolName: string, text: string, isError = false): ToolResultMessage => ({
    role: 'toolResult',
    toolCallId: `${toolName}-0`,
    toolName,
    content: [{ type: 'text', text }],
    isError,
    timestamp: Date.now(),
  });
  using session = Session.create(dashHome, '/home/ada/weather');
  session.append({ type: 'session_info', name: 'Make the forecast faster' });
  session.appendMessage(user('The forecast takes eight seconds. Find out why.'));
  session.appendMessage(answer('I will look at where it asks the service.', [{ name: 'grep', args: { pattern: 'fetch(' } }], usage(2_400, 120)));
  session.appendMessage(result('grep', 'src/forecast.ts:41: for (const day of days) await fetch(urlOf(day));'));
  const fork = session.appendMessage(answer('It asks for seven days, one after the other. They could be asked at once, or kept.', [], usage(2_900, 160))).id;
  session.appendMessage(user('Ask for all days at once.'));
  session.appendMessage(
    answer(
      'All seven at once:',
      [{ name: 'edit', args: { path: 'src/forecast.ts', edits: [{ oldText: 'for (const', newText: 'await Promise.all(' }] } }],
      usage(3_300, 340),
    ),
  );
  session.appendMessage(result('edit', 'replaced 1 piece of src/forecast.ts'));
  session.appendMessage(answer('It takes 1.2 seconds now: as long as the slowest of the seven.', [], usage(3_600, 90)));
  session.tree.moveTo(fork);
  session.appendMessage(user('Keep what was asked for an hour instead.'));
  session.appendMessage(answer('A small cache by day and place:', [{ name: 'bash', args: { command: 'npm test' } }], usage(3_200, 620)));
  session.appendMessage(result('bash', '1 failed: the forecast of today is kept over midnight', true));
  session.appendMessage(
    answer('The day has to be part of the key. With that, a second look takes 3 ms, and the first one eight seconds as before.', [], usage(4_100, 240)),
  );
  return session.id;
}

function writeLong(dashHome: string): string {
  using session = Session.create(dashHome, '/home/ada/long');
  for (let index = 0; index <= 250; index += 1) {
    session.appendMessage({ role: 'user', content: [{ type: 'text', text: `question ${index}` }], timestamp: Date.now() });
    session.appendMessage(answer(`answer ${index}`, [], usage(1, 1)));
  }
  return session.id;
}

/** The sessions of agents, by the last part of their directory. */
type Others = Readonly<Record<string, string>>;

function writeHostile(dashHome: string): Others {
  using session = Session.create(dashHome, `/tmp/${HOSTILE.replaceAll('/', '_')}`);
  session.appendMessage({ role: 'user', content: [{ type: 'text', text: HOSTILE }], timestamp: Date.now() });
  session.appendMessage(answer(HOSTILE, [], usage(1, 1)));
  return { compiler: session.id };
}

function writePlain(dashHome: string): Others {
  const made: Record<string, string> = {};
  for (const [cwd, text] of [
    ['/home/ada/letters', 'Write to the landlord about the heating.'],
    ['/home/ada/website', 'The menu does not close on a telephone.'],
    ['/home/ada/compiler', 'Why is the second pass slower than the first?'],
  ] as const) {
    using session = Session.create(dashHome, cwd);
    session.appendMessage({ role: 'user', content: [{ type: 'text', text }], timestamp: Date.now() });
    session.appendMessage(answer('I will look.', [], usage(900, 40)));
    made[basename(cwd)] = session.id;
  }
  // an agent to which nobody has said anything yet
  return { compiler: made['compiler'] ?? '', website: made['website'] ?? '' };
}

function rowsOf(forked: string, others: Others, stranger: string): readonly Row[] {
  const now = Date.now();
  const [day, pid, born] = [now - 40_000, process.pid, bornOf(process.pid) ?? ''];
  const compiler = others['compiler'] ?? '';
  const agent = (id: string, more: Partial<Extract<Row, { readonly table: 'agents' }>>): Row => ({
    table: 'agents',
    id,
    pid,
    born,
    session: others[id] ?? `${id}-0000`,
    cwd: `/home/ada/${id}`,
    started: day,
    state: 'working',
    doing: null,
    since: now - 4_000,
    seen: now,
    ended: null,
    ...more,
  });
  const model = (session: string, ago: number, cost: number, name = 'claude-opus-4-8'): Row => ({
    table: 'model_calls',
    run: 'r',
    session,
    time: now - ago,
    provider: name.startsWith('claude') ? 'anthropic' : 'openai',
    model: name,
    input: 3_200,
    output: 420,
    cache_read: 9_600,
    cache_write: 0,
    cost,
    duration_ms: 4_300 + ago / 20,
    fragments: 40,
    stop_reason: 'stop',
  });
  const tool = (session: string, ago: number, name: string, owner: string | null = null, isError = 0): Row => ({
    table: 'tool_calls',
    run: 'r',
    session,
    time: now - ago,
    name,
    package: owner,
    duration_ms: 30 + ago / 50,
    is_error: isError,
  });
  return [
    agent('weather', { session: forked, state: 'waiting', doing: 'bash', since: now - 21_000 }),
    agent('compiler', { doing: 'edit' }),
    agent('website', { seen: now - 95_000, since: now - 95_000 }),
    agent('letters', { state: 'idle', since: now - 600_000 }),
    // a number that no process has: it died without a word
    agent('gone', { pid: 2 ** 22 + 7, born: '1' }),
    { table: 'runs', id: 'r1', session: forked, cwd: '/home/ada/weather', started: day, ended: now, turns: 4, outcome: 'completed' },
    { table: 'runs', id: 'r2', session: compiler, cwd: '/home/ada/compiler', started: day, ended: null, turns: 2, outcome: null },
    model(forked, 38_000, 0.0213),
    tool(forked, 36_000, 'grep'),
    model(forked, 30_000, 0.0312),
    tool(forked, 26_000, 'bash', null, 1),
    model(compiler, 20_000, 0.0042, 'gpt-5.4'),
    tool(compiler, 18_000, 'forecast', 'weather-tools'),
    {
      table: 'decisions',
      session: compiler,
      time: now - 17_000,
      package: 'weather-tools',
      capability: 'net.fetch',
      decision: 'deny',
      rule: 'not granted',
      permission: 'net:tracker.example',
    },
    tool(compiler, 9_000, 'edit'),
    {
      table: 'decisions',
      session: null,
      time: now - 5_000,
      package: stranger,
      capability: 'fs.readFile',
      decision: 'deny',
      rule: stranger === HOSTILE ? HOSTILE : 'not granted',
      permission: null,
    },
  ];
}
