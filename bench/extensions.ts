import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { createEventStore } from '../host/index.ts';
import { type Agent, compare, dashAgent, firstRequest, piAgent, ready, startProvider } from './host.ts';
import { median, type Row, rounded } from './measure.ts';
import { packagedDash } from './packaged.ts';
import { benchStream } from './stream.ts';

/** The agent with extensions beside pi 0.87.1 with the same ones: how soon it works, what it weighs, what a reload and a decision take. */
export async function benchExtensions({ quick }: { quick: boolean }): Promise<Row[]> {
  using packaged = packagedDash();
  await using provider = await startProvider();
  const rounds = quick ? 3 : 15;
  const rows: Row[] = [];
  for (const count of quick ? [10] : [10, 50, 100]) {
    const root = mkdtempSync(join(tmpdir(), 'dash-bench-extensions-'));
    try {
      const agents = withExtensions(count, root, packaged.bin, provider.url);
      const row = (name: string, unit: string, target: number, measure: (agent: Agent) => Promise<number>): Promise<Row> =>
        compare({ name: `${name}, ${count} extensions`, unit, target, rounds, arms: [() => measure(agents.dash), () => measure(agents.pi)] });
      if (count === 10) rows.push(await row('print mode, from its start to the first request', 'ms', 0.6, (agent) => firstRequest(agent, provider)));
      if (count === 100) rows.push(await row('rpc mode, from its start to the first answer', 'ms', 0.5, async (agent) => (await ready(agent)).ms));
      if (count > 10) rows.push(await row('memory of rpc mode at rest', 'MB', 1, async (agent) => (await ready(agent)).residentMB));
      if (count === 50 || quick) rows.push(...(await reloads(agents, root, count, quick)));
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  }
  return [...rows, ...(await benchStream({ quick })), await decisions(quick)];
}

interface Agents {
  readonly dash: Agent;
  readonly pi: Agent;
}

/** The same files for both: installed from their directories here, named in the settings there. */
function withExtensions(count: number, root: string, bin: string, url: string): Agents {
  const dash = dashAgent(bin, root, url);
  const pi = piAgent(root, url);
  const directories = Array.from({ length: count }, (_, index) => join(root, 'extensions', `bench-${index}`));
  for (const [index, directory] of directories.entries()) {
    mkdirSync(directory, { recursive: true });
    const manifest = { name: `bench-${index}`, version: '1.0.0', type: 'module', dash: { extensions: ['index.ts'] } };
    writeFileSync(join(directory, 'package.json'), JSON.stringify(manifest));
    writeFileSync(join(directory, 'index.ts'), source(index));
  }
  execFileSync(process.execPath, [...dash.args, 'install', ...directories, '--user', '--quiet'], {
    cwd: dash.cwd,
    env: dash.env,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  writeFileSync(join(root, 'pi', 'settings.json'), JSON.stringify({ extensions: directories.map((directory) => join(directory, 'index.ts')) }));
  return { dash, pi };
}

/** A tool and a command; the first one reloads, which clients of pi cannot ask for otherwise. */
function source(index: number, version = 0): string {
  return `export default (pi) => {
  const version = ${version};
  pi.registerTool({ name: 'tool_${index}', description: 'does nothing', parameters: { type: 'object', properties: {} }, async execute() { return { content: [{ type: 'text', text: String(version) }] }; } });
  pi.registerCommand('command-${index}', { description: 'does nothing', handler: async () => {} });
  ${index === 0 ? "pi.registerCommand('again', { description: 'reloads', handler: async (_, ctx) => { await ctx.reload(); } });" : ''}
};
`;
}

/** One of them is changed before each reload, as its author does; both agents stay open. */
async function reloads({ dash, pi }: Agents, root: string, count: number, quick: boolean): Promise<Row[]> {
  await using ours = await openRpc(dash);
  await using theirs = await openRpc(pi);
  let version = 0;
  const reload = async (client: RpcClient, command: string): Promise<number> => {
    writeFileSync(join(root, 'extensions', 'bench-1', 'index.ts'), source(1, (version += 1)));
    const start = performance.now();
    await client.ask({ type: 'prompt', message: command });
    return performance.now() - start;
  };
  // nobody saves a file twice in a second; what either agent still does after a reload is not part of the other's time
  const edited = async (client: RpcClient, command: string): Promise<number> => {
    await sleep(1_000);
    return reload(client, command);
  };
  const arms = [() => edited(ours, '/reload'), () => edited(theirs, '/again')] as const;
  const time = await compare({ name: `/reload, 1 of ${count} changed, a second after the last`, unit: 'ms', target: 1, rounds: quick ? 3 : 15, arms });
  const times = quick ? 10 : 100;
  const growth = async (client: RpcClient, command: string): Promise<number> => {
    const before = client.residentMB();
    for (let turn = 0; turn < times; turn += 1) await reload(client, command);
    await sleep(1_000);
    return client.residentMB() - before;
  };
  const [dashMB, piMB] = [rounded(await growth(ours, '/reload')), rounded(await growth(theirs, '/again'))];
  const name = `growth of the agent over ${times} reloads of ${count} extensions`;
  return [time, { name, unit: 'MB', dash: dashMB, peers: { 'pi 0.87.1': piMB }, target: '≤ 20 MB', met: dashMB <= 20 }];
}

interface RpcClient extends AsyncDisposable {
  /** Sends a record and waits for its answer. */
  ask(record: object): Promise<void>;
  residentMB(): number;
}

async function openRpc({ args, cwd, env, model }: Agent): Promise<RpcClient> {
  const child = spawn(process.execPath, [...args, '--mode', 'rpc', ...model], { cwd, env, stdio: ['pipe', 'pipe', 'ignore'] });
  const waiting = new Map<string, () => void>();
  const ended = Promise.withResolvers<void>();
  child.once('exit', () => ended.resolve());
  createInterface({ input: child.stdout }).on('line', (line) => {
    const { type, id }: { readonly type?: string; readonly id?: string } = JSON.parse(line);
    if (type === 'response' && id !== undefined) waiting.get(id)?.();
  });
  let asked = 0;
  const client: RpcClient = {
    async ask(record) {
      const id = String((asked += 1));
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.set(id, resolve);
      child.stdin.write(`${JSON.stringify({ ...record, id })}\n`);
      await Promise.race([promise, ended.promise.then(() => Promise.reject(new Error('the agent ended')))]);
    },
    residentMB: () => Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1024,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await ended.promise;
    },
  };
  await client.ask({ type: 'get_state' });
  return client;
}

/** What it costs the host that a decision is counted: noted beside the work, and written in batches. */
async function decisions(quick: boolean): Promise<Row> {
  const home = mkdtempSync(join(tmpdir(), 'dash-bench-events-'));
  const count = quick ? 2_000 : 20_000;
  const times: number[] = [];
  try {
    await using store = createEventStore(home);
    for (let round = -1; round < 5; round += 1) {
      const start = performance.now();
      for (let index = 0; index < count; index += 1) {
        store.decided({ 'event.name': 'decision', 'dash.package': 'bench', capability: `tool:t${index}`, target: 'a', decision: 'allow', rule: 'bench' });
      }
      await store.flush();
      if (round >= 0) times.push(((performance.now() - start) / count) * 1_000);
    }
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
  const dash = rounded(median(times));
  return { name: 'one decision in the event store, written', unit: 'µs', dash, peers: {}, target: '≤ 20 µs', met: dash <= 20 };
}
