import { chmod, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createEventStore, readStats, rebuildEvents } from '../../host/index.ts';
import { openEventDatabase } from '../../host/events/event-database.ts';
import { withoutUser } from '../../host/user-interface.ts';
import { AuditTrail } from '../../sandbox/index.ts';
import { ask, startTestHost } from '../support/in-test-host.ts';
import { says } from '../support/in-test-package.ts';
import { extensionOf } from '../support/sandbox-fixture.ts';
import { startSandboxedHost } from '../support/sandboxed-host.ts';

const call = (name: string, args = {}) => ({ name, arguments: args });
/** Milliseconds that the user takes for an answer. */
const THINKS_MS = 1_500;
const usage = { input: 100, output: 10 };

/** Two runs: one with tools, of which one is refused and one fails; one that ends with an error. */
async function work(dashHome: string) {
  await using store = createEventStore(dashHome);
  using trail = new AuditTrail(join(dashHome, 'audit'), undefined, (record) => store.decided(record));
  await using world = await startTestHost(
    {
      turns: [
        { toolCalls: [call('act'), call('bash', { command: 'rm -r x' }), call('read', { path: 'not-there' })], usage },
        { text: 'done', usage },
        { error: 'invalid request' },
      ],
    },
    [{ name: 'p', extension: { tools: { act: () => says('ok') } } }],
    { dashHome, eventStore: store, audit: (record) => trail.append(record) },
  );
  await ask(world.host, 'one');
  await ask(world.host, 'two');
  return world.host.conversation.session.file;
}

describe('what runs cost', () => {
  it('is counted while they run: money, tokens, tools and denials', async () => {
    const home = await mkdtemp(join(tmpdir(), 'dash-home-'));
    await work(home);
    const stats = await readStats(home);
    expect(stats).toMatchObject({ runs: 2, failedRuns: 1, sessions: 1, tokens: { input: 200, output: 20 } });
    expect(stats.models).toMatchObject([{ provider: 'scripted', calls: 3, failed: 1, input: 200, output: 20, meanMs: expect.any(Number) }]);
    expect(stats.tools).toEqual([
      { name: 'act', package: 'p', calls: 1, errors: 0, meanMs: expect.any(Number) },
      // it was refused, and never ran
      { name: 'bash', package: null, calls: 1, errors: 1, meanMs: null },
      { name: 'read', package: null, calls: 1, errors: 1, meanMs: expect.any(Number) },
    ]);
    expect(stats.denials).toEqual([{ package: 'dash', capability: 'tool:bash', rule: 'mode none', count: 1 }]);
    expect((await stat(join(home, 'events.db'))).mode & 0o777).toBe(0o600);
    expect(await readStats(home, Date.now() + 60_000)).toMatchObject({ runs: 0, cost: 0, models: [], tools: [], denials: [] });
  });

  it('does not count what a tool waited for its user', async () => {
    const home = await mkdtemp(join(tmpdir(), 'dash-home-'));
    await using store = createEventStore(home);
    const thinks = async (): Promise<boolean> => {
      await sleep(THINKS_MS);
      return true;
    };
    await using world = await startSandboxedHost(
      { turns: [{ toolCalls: [call('asks'), call('write', { path: 'a.txt', content: 'a' })] }, { text: 'done' }] },
      [{ name: 'p', granted: ['ui:prompt'], text: extensionOf({ asks: `return String(await ctx.ui.confirm('really?', ''))` }) }],
      { eventStore: store, ui: { ...withoutUser('rpc', () => undefined), hasUI: true, confirm: thinks }, approval: 'ask' },
    );
    await world.host.begin();
    const began = performance.now();
    await ask(world.host, 'go');
    const wholeMs = performance.now() - began;
    await store.flush();
    const { tools } = await readStats(home);
    expect(tools).toMatchObject([
      { name: 'asks', calls: 1, errors: 0 },
      { name: 'write', calls: 1, errors: 0 },
    ]);
    // both pauses are in the whole, and in neither tool
    expect(wholeMs).toBeGreaterThan(1.9 * THINKS_MS);
    for (const { meanMs } of tools) expect(meanMs).toBeLessThan(wholeMs - 1.9 * THINKS_MS);
  });

  it('can be counted anew from sessions and audit trails', async () => {
    const home = await mkdtemp(join(tmpdir(), 'dash-home-'));
    await work(home);
    const counted = await readStats(home);
    await rm(join(home, 'events.db'));
    expect(await rebuildEvents(home)).toEqual({ sessions: 1, unreadable: [] });
    const rebuilt = await readStats(home);
    const comparable = ({ models, tools, ...rest }: typeof counted) => ({
      ...rest,
      models: models.map(({ meanMs: _mean, ...model }) => model),
      // whose a tool was is not in a session
      tools: tools.map(({ meanMs: _mean, package: _owner, ...tool }) => tool),
    });
    expect(comparable(rebuilt)).toEqual(comparable(counted));
  });

  it('holds many in one batch, and several processes at once', async () => {
    const home = await mkdtemp(join(tmpdir(), 'dash-home-'));
    await using a = createEventStore(home);
    await using b = createEventStore(home);
    const record = { 'event.name': 'decision', 'dash.package': 'p', capability: 'fs.read', decision: 'deny', rule: 'no grant' } as const;
    for (let index = 0; index < 1_500; index += 1) (index % 2 === 0 ? a : b).decided(record);
    await Promise.all([a.flush(), b.flush()]);
    expect((await readStats(home)).denials).toEqual([{ package: 'p', capability: 'fs.read', rule: 'no grant', count: 1_500 }]);
  });

  it('fails no run where it cannot be written, and says so once', async () => {
    const home = await mkdtemp(join(tmpdir(), 'dash-home-'));
    // a directory in its place: no disk would take the file
    await mkdir(join(home, 'events.db'));
    const failures: unknown[] = [];
    await using store = createEventStore(home, (error) => failures.push(error));
    await using world = await startTestHost({ turns: [{ text: 'one' }, { text: 'two' }] }, [], { dashHome: home, eventStore: store });
    await ask(world.host, 'go');
    await store.flush();
    await ask(world.host, 'go on');
    await store.flush();
    expect(failures).toHaveLength(1);
    expect(world.host.conversation.messages).toHaveLength(4);
  });

  it('is made anew where another version left it, and is nothing where nothing ran', async () => {
    const home = await mkdtemp(join(tmpdir(), 'dash-home-'));
    expect(await readStats(home)).toMatchObject({ runs: 0 });
    await expect(stat(join(home, 'events.db'))).rejects.toThrow(/ENOENT/);
    await writeFile(join(home, 'events.db'), '');
    await chmod(join(home, 'events.db'), 0o644);
    using database = await openEventDatabase(home);
    expect(database.all('PRAGMA user_version')).toEqual([{ user_version: 1 }]);
    expect((await stat(join(home, 'events.db'))).mode & 0o777).toBe(0o600);
  });
});
