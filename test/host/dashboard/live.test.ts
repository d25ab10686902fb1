import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { onTestFinished, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isStalled } from '../../../host/events/dashboard/live.ts';
import { RpcSession } from '../../../scripts/demo/rpc-session.ts';
import { BIN, environment } from '../../../scripts/demo/stage.ts';
import { newPerson, scripted } from '../../support/acp-client.ts';
import { type Scene, startScene } from '../../support/dashboard-scene.ts';
import { serveDashboard } from '../../../host/index.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

interface Told {
  readonly event: string;
  readonly id: string;
  readonly data: unknown;
}

/** Reads the stream of a dashboard, and remembers what it was told. */
async function read(origin: string, code: string, lastEventId?: string, key?: { cookie: string; area: string }) {
  const opened = key ?? (await unlock(origin, code));
  const gone = new AbortController();
  const headers = { cookie: opened.cookie, ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }) };
  const reply = await fetch(`${origin}/${opened.area}/events`, { headers, signal: gone.signal });
  expect(reply.status).toBe(200);
  const told: Told[] = [];
  const reading = (async () => {
    let rest = '';
    for await (const piece of (reply.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream())) {
      const blocks = (rest + piece).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        const field = (name: string): string =>
          block.split('\n').flatMap((line) => (line.startsWith(`${name}: `) ? [line.slice(name.length + 2)] : []))[0] ?? '';
        told.push({ event: field('event'), id: field('id'), data: JSON.parse(field('data')) });
      }
    }
  })().catch(() => undefined);
  return {
    told,
    key: opened,
    of: (event: string): readonly unknown[] => told.filter((each) => each.event === event).flatMap(({ data }) => data),
    async close() {
      gone.abort();
      await reading;
    },
  };
}

async function unlock(origin: string, code: string): Promise<{ cookie: string; area: string }> {
  const reply = await fetch(`${origin}/key`, { method: 'POST', headers: { origin, 'content-type': 'application/json' }, body: JSON.stringify({ code }) });
  const { area } = (await reply.json()) as { readonly area: string };
  return { cookie: reply.headers.getSetCookie()[0]?.split(';', 1)[0] ?? '', area };
}

const GUARD = { timeout: 30_000 };

describe('what the dashboard is told', () => {
  let scene: Scene;
  beforeEach(async () => {
    scene = await startScene();
  });
  afterEach(() => scene.close());

  it('begins with what runs, what waits for somebody first, and nothing of processes that are gone', async () => {
    const reader = await read(scene.origin, scene.code);
    await expect.poll(() => reader.of('agents').length, GUARD).toBeGreaterThan(0);
    expect(reader.of('agents')).toMatchObject([
      { id: 'weather', task: 'Make the forecast faster', state: 'waiting', doing: 'bash', toolCalls: 2, denials: 0 },
      { id: 'website', state: 'stalled' },
      { id: 'compiler', state: 'working', doing: 'edit', denials: 1 },
      { id: 'letters', state: 'idle' },
    ]);
    expect(reader.of('happenings')).toHaveLength(9);
    await reader.close();
  });

  it('tells a thousand calls that came at once without a pause, and then who works', async () => {
    const reader = await read(scene.origin, scene.code);
    await expect.poll(() => reader.of('agents').length, GUARD).toBeGreaterThan(0);
    const before = reader.told.length;
    const calls = Array.from({ length: 1_200 }, (_, index) => ({ name: `tool_${index}`, time: Date.now() }));
    const tool = { table: 'tool_calls', run: 'r', session: scene.forked, package: null, duration_ms: 1, is_error: 0 } as const;
    await scene.write(calls.map((call) => ({ ...tool, ...call })));
    await expect.poll(() => reader.told.slice(before).some(({ event }) => event === 'agents'), GUARD).toBe(true);
    // one look at the database found all of them
    const after = reader.told.slice(
      before,
      reader.told.findIndex(({ event }, index) => index >= before && event === 'agents'),
    );
    expect(after.map(({ data }) => (data as readonly unknown[]).length)).toEqual([500, 500, 200]);
    await reader.close();
  });

  it('goes on where a reader left off, and tells nothing twice', async () => {
    const first = await read(scene.origin, scene.code);
    await expect.poll(() => first.of('happenings').length, GUARD).toBe(9);
    const last = first.told.at(-1)?.id;
    await first.close();
    const tool = { table: 'tool_calls', run: 'r', session: 's', package: null, duration_ms: 1, is_error: 0 } as const;
    await scene.write([{ ...tool, time: Date.now(), name: 'while-nobody-read' }]);
    const second = await read(scene.origin, scene.code, last, first.key);
    await expect.poll(() => second.of('happenings'), GUARD).toMatchObject([{ what: 'while-nobody-read' }]);
    await scene.write([{ ...tool, time: Date.now(), name: 'while-somebody-reads' }]);
    await expect.poll(() => second.of('happenings'), GUARD).toMatchObject([{ what: 'while-nobody-read' }, { what: 'while-somebody-reads' }]);
    await second.close();
    // nonsense, and places of a database that was made anew, begin anew
    for (const id of ['nonsense', '999999-0-0', '-1-0-0']) {
      const lost = await read(scene.origin, scene.code, id, first.key);
      await expect.poll(() => lost.of('happenings').length, GUARD).toBe(11);
      await lost.close();
    }
  });
});

describe('a running agent', () => {
  it('shows as idle, working and waiting, and is gone when it dies', async () => {
    const person = await newPerson();
    const cwd = await temporaryDirectory();
    const model = await scripted([{ toolCalls: [{ name: 'write', arguments: { path: 'a', content: '' } }] }, { text: 'done' }]);
    const agent = new RpcSession(person, cwd, ['--model', model, '--approve', 'ask']);
    onTestFinished(() => agent[Symbol.dispose]());
    const dashboard = await serveDashboard({ dashHome: person.dashHome });
    onTestFinished(() => dashboard.close());
    const { origin, hash } = new URL(dashboard.url);
    const reader = await read(origin, hash.slice(1));
    const state = (): unknown =>
      (reader.told.findLast(({ event }) => event === 'agents')?.data as readonly { readonly state: string }[] | undefined)?.map((each) => each.state);
    await expect.poll(state, GUARD).toEqual(['idle']);
    await agent.send({ type: 'prompt', message: 'write it' });
    const question = await agent.wait(({ type }) => type === 'extension_ui_request');
    await expect.poll(state, GUARD).toEqual(['waiting']);
    expect(reader.told.findLast(({ event }) => event === 'agents')?.data).toMatchObject([{ cwd, doing: 'write', pid: agent.pid }]);
    agent.tell({ type: 'extension_ui_response', id: question['id'], confirmed: true });
    await agent.wait(({ type }) => type === 'agent_settled');
    await expect.poll(state, GUARD).toEqual(['idle']);
    expect(reader.of('happenings')).toMatchObject(expect.arrayContaining([expect.objectContaining({ kind: 'tool', what: 'write' })]));
    process.kill(agent.pid, 'SIGKILL');
    await expect.poll(state, GUARD).toEqual([]);
    await reader.close();
  });

  it('is stalled when a model is silent for a minute, or a tool for five', () => {
    expect(isStalled({ doing: null, seen: 0 }, 60_000)).toBe(false);
    expect(isStalled({ doing: null, seen: 0 }, 60_001)).toBe(true);
    expect(isStalled({ doing: 'bash', seen: 0 }, 60_001)).toBe(false);
    expect(isStalled({ doing: 'bash', seen: 0 }, 300_001)).toBe(true);
  });
});

describe('`dash dashboard`', () => {
  it('prints where it is, serves until it is interrupted, and ends well', async () => {
    const person = await newPerson();
    const child = spawn(process.execPath, [BIN, 'dashboard', '--json'], { cwd: person.home, env: environment(person), stdio: ['ignore', 'pipe', 'pipe'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    const { url, port } = JSON.parse(line) as { readonly url: string; readonly port: number };
    expect(url).toMatch(new RegExp(`^http://127\\.0\\.0\\.1:${port}/#[\\w-]{24}$`));
    const { origin, hash } = new URL(url);
    // somebody reads while it ends
    const reader = await read(origin, hash.slice(1));
    await expect.poll(() => reader.told.length, GUARD).toBeGreaterThan(0);
    child.kill('SIGINT');
    const [code] = await once(child, 'exit');
    expect(code).toBe(0);
    await reader.close();
    await expect(fetch(origin)).rejects.toThrow('fetch failed');
  });
});
