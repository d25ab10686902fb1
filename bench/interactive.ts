import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Agent, compare, dashAgent, piAgent } from './host.ts';
import { rounded, type Row } from './measure.ts';
import { packagedDash } from './packaged.ts';

/** The screen beside pi 0.87.1's, on a real pseudo-terminal: first paint, keys in a long transcript, a stream, a day. */
export async function benchInteractive({ quick }: { quick: boolean }): Promise<Row[]> {
  const root = mkdtempSync(join(tmpdir(), 'dash-bench-'));
  using packaged = packagedDash();
  await using provider = await startProvider();
  try {
    const agents = [dashAgent(packaged.bin, root, provider.url), piAgent(root, provider.url)] as const;
    const session = join(root, 'long.jsonl');
    writeLongSession(session);
    return [
      await compare({
        name: 'the screen, from its start to the first frame',
        unit: 'ms',
        target: 0.6,
        rounds: quick ? 3 : 15,
        arms: [() => firstFrame(agents[0], root), () => firstFrame(agents[1], root)],
      }),
      absolute('a key in a transcript of 10,000 lines, 95th percentile', 'ms', 16, await keyToFrame(agents[0], root, session, quick ? 60 : 300), {
        'pi 0.87.1': rounded(await keyToFrame(agents[1], root, session, quick ? 60 : 300)),
      }),
      absolute('a stream of 200 tokens a second, of one core', '%', 30, await streamLoad(agents[0], root, provider), {
        'pi 0.87.1': rounded(await streamLoad(agents[1], root, provider)),
      }),
      await memoryOfADay(agents[0], root, provider, quick ? 200 : 600),
    ];
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

function absolute(name: string, unit: string, most: number, dash: number, peers: Readonly<Record<string, number>>): Row {
  return { name, unit, dash: rounded(dash), peers, target: `≤ ${most} ${unit}`, met: dash <= most };
}

/** Both programs end a frame so; terminals show it at once. */
const FRAME_END = '\u001B[?2026l';
const [COLUMNS, ROWS] = [120, 40];

interface Pty extends AsyncDisposable {
  /** Of the program itself. */
  readonly pid: number;
  write(keys: string): void;
  /** Of what was written before, nothing counts. */
  forget(): void;
  /** Waits until `text` was written that was not there when it was last waited for. */
  until(text: string): Promise<void>;
}

async function startPty({ args, cwd, env, model }: Agent, more: readonly string[], root: string): Promise<Pty> {
  const pidFile = join(root, 'pid');
  rmSync(pidFile, { force: true });
  const command = [process.execPath, ...args, ...model, ...more].map((word) => `'${word}'`).join(' ');
  const child: ChildProcess = spawn('script', ['-qfec', `stty rows ${ROWS} cols ${COLUMNS}; echo $$ > '${pidFile}'; exec ${command}`, '/dev/null'], {
    cwd,
    env: { ...env, TERM: 'xterm-256color' },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const { stdin, stdout } = child;
  if (stdin === null || stdout === null) throw new Error('no pipes');
  let written = '';
  let waiting: { readonly text: string; readonly resolve: () => void } | undefined;
  const look = (): void => {
    const at = waiting === undefined ? -1 : written.indexOf(waiting.text);
    if (waiting === undefined || at === -1) return;
    written = written.slice(at + waiting.text.length);
    waiting.resolve();
    waiting = undefined;
  };
  stdout.setEncoding('utf8');
  stdout.on('data', (chunk: string) => {
    written += chunk;
    look();
  });
  return {
    get pid() {
      return Number(readFileSync(pidFile, 'utf8'));
    },
    forget: () => {
      written = '';
    },
    write: (keys) => void stdin.write(keys),
    until: (text) =>
      new Promise((resolve) => {
        waiting = { text, resolve };
        look();
      }),
    async [Symbol.asyncDispose]() {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}

async function firstFrame(agent: Agent, root: string): Promise<number> {
  const start = performance.now();
  await using pty = await startPty(agent, [], root);
  await pty.until(FRAME_END);
  return performance.now() - start;
}

async function keyToFrame(agent: Agent, root: string, session: string, keys: number): Promise<number> {
  await using pty = await startPty(agent, ['--session', session], root);
  await pty.until('the last line of all');
  // What else is done at the start is done then.
  await sleep(2000);
  const times: number[] = [];
  for (let key = 0; key < keys; key += 1) {
    // Nothing else is drawn now: the next frame is this key's.
    pty.forget();
    const frame = pty.until(FRAME_END);
    const start = performance.now();
    pty.write('x');
    await frame;
    times.push(performance.now() - start);
    await sleep(20);
  }
  times.sort((a, b) => a - b);
  return times[Math.floor(times.length * 0.95)] ?? Number.NaN;
}

const STREAM_MS = 8000;
const TOKENS_A_SECOND = 200;

async function streamLoad(agent: Agent, root: string, provider: Provider): Promise<number> {
  await using pty = await startPty(agent, [], root);
  await pty.until(FRAME_END);
  await sleep(1500);
  provider.answer = streamOf(TOKENS_A_SECOND, STREAM_MS);
  pty.write('go');
  await sleep(200);
  pty.write('\r');
  await pty.until('token1 ');
  const [before, from] = [cpuMs(pty.pid), performance.now()];
  await pty.until('the end of it');
  return ((cpuMs(pty.pid) - before) / (performance.now() - from)) * 100;
}

/** Many short prompts. V8 collects late where it has room: with little room, what is kept shows. */
async function memoryOfADay(agent: Agent, root: string, provider: Provider, prompts: number): Promise<Row> {
  let answered = 0;
  provider.answer = async (response) => {
    answered += 1;
    for (const text of [`${'some words of an answer '.repeat(12)}\n\n- one\n- two\n\n`, `answer-${answered}-ends`]) sendText(response, text);
  };
  const tight = { ...agent, env: { ...agent.env, NODE_OPTIONS: '--max-old-space-size=96 --max-semi-space-size=4' } };
  await using pty = await startPty(tight, ['--no-session'], root);
  await pty.until(FRAME_END);
  await sleep(1500);
  const ask = async (count: number): Promise<number> => {
    for (let prompt = 0; prompt < count; prompt += 1) {
      pty.forget();
      pty.write('go on\r');
      // Whichever it is: what sums up the old ones asks the model, too.
      await pty.until('-ends');
      await pty.until(FRAME_END);
      await sleep(5);
    }
    await sleep(1000);
    return residentMB(pty.pid);
  };
  const early = await ask(prompts);
  const late = await ask(prompts * 2);
  const ratio = late / early;
  return {
    name: `memory after ${prompts * 3} prompts, beside ${prompts}`,
    unit: 'MB',
    dash: rounded(late),
    peers: { earlier: rounded(early) },
    ratio: rounded(ratio),
    target: '≤ 1.25x',
    met: ratio <= 1.25,
  };
}

function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  // user and system time, in ticks of ten milliseconds
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

function residentMB(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

interface Provider extends AsyncDisposable {
  readonly url: string;
  /** Writes the text of the next answers. */
  answer: (response: ServerResponse) => Promise<void>;
}

async function startProvider(): Promise<Provider> {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    void provider.answer(response).then(() => {
      response.write(
        `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })}\n\n`,
      );
      response.end('data: [DONE]\n\n');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const provider: Provider = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    answer: async () => undefined,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
  return provider;
}

function sendText(response: ServerResponse, content: string): void {
  response.write(
    `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta: { content }, finish_reason: null }] })}\n\n`,
  );
}

/** Prose with lists and code, a token at a time. */
function streamOf(tokensASecond: number, forMs: number): (response: ServerResponse) => Promise<void> {
  return async (response) => {
    const total = (tokensASecond * forMs) / 1000;
    const start = performance.now();
    for (let token = 1; token <= total; token += 1) {
      const separator = token % 120 === 0 ? '\n\n```ts\nconst a = 1;\n```\n\n' : token % 40 === 0 ? '\n\n- ' : ' ';
      sendText(response, `token${token}${separator}`);
      const ahead = (token / tokensASecond) * 1000 - (performance.now() - start);
      if (ahead > 0) await sleep(ahead);
    }
    sendText(response, '\n\nthe end of it');
  };
}

/** A conversation of 500 prompts and answers, 10,000 lines on the screen. */
function writeLongSession(file: string): void {
  const timestamp = '2026-01-01T00:00:00.000Z';
  const cost = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, total: 0 };
  const usage = { input: 1, output: 1, cacheRead: 0, cacheWrite: 0, totalTokens: 2, cost };
  const entries = 1000;
  const id = (index: number): string => index.toString(16).padStart(8, '0');
  const lines = [JSON.stringify({ type: 'session', version: 3, id: 'bench', timestamp, cwd: '/work' })];
  for (let index = 0; index < entries; index += 1) {
    const place = { id: id(index), parentId: index === 0 ? null : id(index - 1), timestamp };
    const text =
      index === entries - 1
        ? 'the last line of all'
        : `# Part ${index}\n\n${'some words of an answer '.repeat(14)}\n\n- one\n- two\n- three\n\n\`\`\`ts\nconst a = 1;\nconst b = 2;\n\`\`\`\n\nand so on`;
    const message =
      index % 2 === 0
        ? { role: 'user', content: [{ type: 'text', text: `look at ${index}` }], timestamp: 1 }
        : {
            role: 'assistant',
            content: [{ type: 'text', text }],
            api: 'openai-completions',
            provider: 'local',
            model: 'm',
            usage,
            stopReason: 'stop',
            timestamp: 1,
          };
    lines.push(JSON.stringify({ type: 'message', ...place, message }));
  }
  writeFileSync(file, `${lines.join('\n')}\n`);
}
