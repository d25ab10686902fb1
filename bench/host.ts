import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { laterPi } from './later-pi.ts';
import { median, rounded, type Row } from './measure.ts';
import { packagedDash } from './packaged.ts';

const PI = fileURLToPath(new URL('../node_modules/@earendil-works/pi-coding-agent/dist/', import.meta.url));
const PI_SESSIONS = join(PI, 'core/session-manager.js');

/** The agent beside pi 0.87.1, and beside 1.5.2 where that can be had: how soon it asks a model, how soon a client is answered, what it weighs, how it opens long sessions. */
export async function benchHost({ quick }: { quick: boolean }): Promise<Row[]> {
  const root = mkdtempSync(join(tmpdir(), 'dash-bench-'));
  using packaged = packagedDash();
  await using provider = await startProvider();
  const rounds = quick ? 3 : 15;
  try {
    const agents = [dashAgent(packaged.bin, root, provider.url), piAgent(root, provider.url)] as const;
    const later = laterPi();
    const laterAgent =
      later.kind === 'there' ? piAgent(root, provider.url, { name: later.name.replace(' ', '-'), cli: join(later.bundle, 'cli.js') }) : undefined;
    const beside = (measure: () => number | Promise<number>): Pick<Comparison, 'others' | 'missing'> =>
      later.kind === 'there' ? { others: { [later.name]: measure } } : { missing: { [later.name]: later.why } };
    const row = async (name: string, unit: string, target: number, measure: (agent: Agent) => Promise<number>): Promise<Row> =>
      compare({ name, unit, target, rounds, arms: [() => measure(agents[0]), () => measure(agents[1])], ...beside(() => measure(laterAgent ?? agents[1])) });
    const rows = [
      await row('print mode, from its start to the first request', 'ms', 0.35, (agent) => firstRequest(agent, provider)),
      await row('rpc mode, from its start to the first answer', 'ms', 0.5, async (agent) => (await ready(agent)).ms),
      await row('memory of rpc mode at rest', 'MB', 0.7, async (agent) => (await ready(agent)).residentMB),
    ];
    for (const entries of quick ? [10_000] : [10_000, 100_000]) {
      for (const compacted of [false, true]) {
        const file = join(root, `${entries}-${compacted}.jsonl`);
        writeSession(file, entries, compacted);
        const name = `open a session of ${entries} entries${compacted ? ', summed up, with its context' : ''}`;
        const arms = [() => openWithDash(dirname(dirname(packaged.bin)), file, compacted), () => openWithPi(PI_SESSIONS, file, compacted)] as const;
        const laterSessions = later.kind === 'there' ? join(later.bundle, 'index.js') : PI_SESSIONS;
        rows.push(await compare({ name, unit: 'ms', target: 0.5, rounds: quick ? 3 : 7, arms, ...beside(() => openWithPi(laterSessions, file, compacted)) }));
      }
    }
    return rows;
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

export interface Agent {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** What chooses the model behind {@link startProvider}. */
  readonly model: readonly string[];
}

export function dashAgent(bin: string, root: string, url: string): Agent {
  const home = join(root, 'dash');
  const cwd = join(root, 'dash-workspace');
  for (const path of [home, cwd]) mkdirSync(path);
  writeFileSync(join(home, 'models.json'), JSON.stringify({ providers: [{ id: 'local', baseUrl: url, api: 'openai-completions', models: [{ id: 'm' }] }] }));
  return {
    args: [bin],
    cwd,
    env: { PATH: process.env['PATH'], HOME: root, DASH_HOME: home, NODE_COMPILE_CACHE: join(root, 'compile-cache') },
    model: ['--model', 'local/m'],
  };
}

export function piAgent(root: string, url: string, { name, cli } = { name: 'pi', cli: join(PI, 'cli.js') }): Agent {
  const home = join(root, name);
  const cwd = join(root, `${name}-workspace`);
  for (const path of [home, cwd]) mkdirSync(path);
  const local = { baseUrl: url, api: 'openai-completions', apiKey: 'k', models: [{ id: 'm' }] };
  writeFileSync(join(home, 'models.json'), JSON.stringify({ providers: { local } }));
  return {
    args: [cli],
    cwd,
    env: { PATH: process.env['PATH'], HOME: root, PI_CODING_AGENT_DIR: home, PI_OFFLINE: '1', NODE_COMPILE_CACHE: join(root, 'compile-cache') },
    model: ['--provider', 'local', '--model', 'm'],
  };
}

/** A model on loopback that never answers: who has asked it is done. */
interface Provider extends AsyncDisposable {
  readonly url: string;
  asked(): Promise<void>;
}

export async function startProvider(): Promise<Provider> {
  let asked: () => void = () => undefined;
  const server = createServer((request) => {
    request.resume();
    if (request.method === 'POST') asked();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    asked: () => new Promise((resolve) => (asked = resolve)),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

export async function firstRequest(agent: Agent, provider: Provider): Promise<number> {
  const asked = provider.asked();
  const start = performance.now();
  const child = begin(agent, ['-p', 'hello', ...agent.model], 'ignore');
  const ended = once(child, 'exit').then(([code]) => Promise.reject(new Error(`it ended with ${code} before it asked`)));
  await Promise.race([asked, ended]);
  const ms = performance.now() - start;
  ended.catch(() => undefined);
  await end(child);
  return ms;
}

export async function ready(agent: Agent): Promise<{ readonly ms: number; readonly residentMB: number }> {
  const start = performance.now();
  const child = begin(agent, ['--mode', 'rpc', ...agent.model], 'pipe');
  if (child.stdin === null || child.stdout === null) throw new Error('the agent has no pipes');
  child.stdin.write('{"type":"get_state","id":"1"}\n');
  for await (const line of createInterface({ input: child.stdout })) if (line.includes('"id":"1"')) break;
  const ms = performance.now() - start;
  await sleep(500);
  const resident = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1];
  await end(child);
  return { ms, residentMB: Number(resident) / 1024 };
}

function begin({ args, cwd, env }: Agent, more: readonly string[], stdin: 'pipe' | 'ignore'): ChildProcess {
  return spawn(process.execPath, [...args, ...more], { cwd, env, stdio: [stdin, 'pipe', 'ignore'] });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

/** A conversation of reads: prompt, call, result of a kilobyte, answer; `compacted` sums all but the last tenth of it up. */
function writeSession(file: string, entries: number, compacted: boolean): void {
  const timestamp = '2026-01-01T00:00:00.000Z';
  const cost = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, total: 0 };
  const usage = { input: 1, output: 1, cacheRead: 0, cacheWrite: 0, totalTokens: 2, cost };
  const answer = (content: readonly object[], stopReason: string): object => ({
    role: 'assistant',
    content,
    api: 'a',
    provider: 'p',
    model: 'm',
    usage,
    stopReason,
    timestamp: 1,
  });
  const text = (words: string): object => ({ type: 'text', text: words });
  const kinds: readonly ((index: number) => object)[] = [
    (index) => ({ role: 'user', content: [text(`look at ${index} ${'and say what it is '.repeat(8)}`)], timestamp: 1 }),
    (index) => answer([text('looking '.repeat(10)), { type: 'toolCall', id: `c${index}`, name: 'read', arguments: { path: `src/${index}` } }], 'toolUse'),
    (index) => ({
      role: 'toolResult',
      toolCallId: `c${index - 1}`,
      toolName: 'read',
      content: [text('const x = "é";\n'.repeat(60))],
      isError: false,
      timestamp: 1,
    }),
    () => answer([text('done '.repeat(20))], 'stop'),
  ];
  const id = (index: number): string => index.toString(16).padStart(8, '0');
  const lines = [JSON.stringify({ type: 'session', version: 3, id: 'bench', timestamp, cwd: '/work' })];
  const summedUpAt = compacted ? Math.floor((entries * 0.9) / 4) * 4 : -1;
  for (let index = 0; index < entries; index += 1) {
    const place = { id: id(index), parentId: index === 0 ? null : id(index - 1), timestamp };
    const compaction = { type: 'compaction', ...place, summary: 'they read files', firstKeptEntryId: id(index - 4), tokensBefore: 1 };
    lines.push(JSON.stringify(index === summedUpAt ? compaction : { type: 'message', ...place, message: kinds[index % 4]?.(index) }));
  }
  writeFileSync(file, `${lines.join('\n')}\n`);
}

function openWithDash(directory: string, file: string, withContext: boolean): number {
  const open = `const session = await Session.open(${JSON.stringify(file)});${withContext ? 'session.context();' : ''}`;
  return timed(`import { Session } from ${JSON.stringify(join(directory, 'dist/host/index.js'))};`, open);
}

function openWithPi(module: string, file: string, withContext: boolean): number {
  const open = `const session = SessionManager.open(${JSON.stringify(file)});${withContext ? 'session.buildSessionContext();' : ''}`;
  return timed(`import { SessionManager } from ${JSON.stringify(module)};`, open);
}

/** The time that `work` takes in a process of its own, without its start and its imports. */
function timed(imports: string, work: string): number {
  const script = `${imports} const start = performance.now(); ${work} process.stdout.write(String(performance.now() - start));`;
  return Number(execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }));
}

interface Comparison {
  readonly name: string;
  readonly unit: string;
  /** Of pi's. */
  readonly target: number;
  readonly rounds: number;
  readonly arms: readonly [dash: () => number | Promise<number>, pi: () => number | Promise<number>];
  /** More peers, by their names; the target is of each. */
  readonly others?: Readonly<Record<string, () => number | Promise<number>>>;
  /** Peers that cannot be had here, and why. */
  readonly missing?: Readonly<Record<string, string>>;
}

/** All in turn, so that a machine that slows down slows all. The ratio is that to the peer that does best. */
export async function compare({ name, unit, target, rounds, arms: [dash, pi], others = {}, missing }: Comparison): Promise<Row> {
  const arms = Object.entries({ dash, 'pi 0.87.1': pi, ...others }).map(([who, measure]) => ({ who, measure, values: new Array<number>() }));
  for (let round = -1; round < rounds; round += 1) {
    for (const { measure, values } of arms) {
      const value = await measure();
      if (round >= 0) values.push(value);
    }
  }
  const [ours = Number.NaN, ...theirs] = arms.map(({ values }) => median(values));
  const peers = Object.fromEntries(arms.slice(1).map(({ who }, index) => [who, rounded(theirs[index] ?? Number.NaN)]));
  const ratio = ours / Math.min(...theirs);
  return {
    name,
    unit,
    dash: rounded(ours),
    peers,
    ...(missing !== undefined && { missing }),
    ratio: rounded(ratio),
    target: `≤ ${target}x`,
    met: ratio <= target,
  };
}
