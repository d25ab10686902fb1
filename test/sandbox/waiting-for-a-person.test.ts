import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { Deadline } from '../../sandbox/deadline.ts';
import type { HostPorts, UiPort } from '../../sandbox/index.ts';
import { remoteScreen } from '../support/remote-screen.ts';
import { extensionOf, openFixture, recordingPorts, textOf } from '../support/sandbox-fixture.ts';

/** A person who answers when the test says so; `asked` tells how often they were. */
function person() {
  const { promise: answered, resolve: answer } = Promise.withResolvers<string>();
  const state = { asked: 0, dismissed: 0 };
  const dialog: UiPort['select'] = (_title, _choices, { signal }) => {
    state.asked += 1;
    // as a front end: an aborted dialog is put away
    const { promise, resolve } = Promise.withResolvers<undefined>();
    signal?.addEventListener('abort', () => {
      state.dismissed += 1; // also at the end of its package
      resolve(undefined);
    });
    return Promise.race([answered, promise]);
  };
  const ui: UiPort = {
    ...recordingPorts([]).ui,
    select: dialog,
    confirm: async (title, _message, options) => (await dialog(title, [], options)) === 'yes',
    input: (title, _placeholder, options) => dialog(title, [], options),
    editor: (title, _prefill, options) => dialog(title, [], options),
  };
  return { state, ui, answer };
}

const RPC = { mode: 'rpc', hasUI: true } as const;
/** Milliseconds that a call may take. */
const TIMEOUT_MS = 2_500;
/** A processor's time takes long where many want it. */
const BUSY = { timeout: 240_000 };
const BURN = `const burn = async () => { for (;;) { const end = Date.now() + 40; while (Date.now() < end); await new Promise((go) => setTimeout(go, 1)); } };`;
const TOOLS = {
  select: `return String(await ctx.ui.select('which?', ['a', 'b']))`,
  confirm: `return String(await ctx.ui.confirm('really?', 'all of it'))`,
  input: `return String(await ctx.ui.input('what?'))`,
  editor: `return String(await ctx.ui.editor('what?', ''))`,
  // the dialog is aborted at once, and what comes then is a hang like any other
  aborted: `const end = new AbortController(); const asked = ctx.ui.select('which?', ['a'], { signal: end.signal }); setTimeout(() => end.abort(), 50); await asked; await new Promise(() => {})`,
  putAway: `const put = () => { const end = new AbortController(); setTimeout(() => end.abort(), 20); return { signal: end.signal }; };
    const gone = AbortSignal.abort();
    return [await ctx.ui.select('?', ['a'], put()), await ctx.ui.confirm('?', '', put()), await ctx.ui.input('?', '', put()), await ctx.ui.select('?', ['a'], { signal: gone })].map(String).join(' ')`,
  // a dialog that nobody has to answer, and work behind it
  behind: `void ctx.ui.select('look at this', ['ok']); await burn()`,
  // a loop without an end in one go: no message comes from it any more
  wedged: `void ctx.ui.select('look at this', ['ok']); await new Promise((go) => setTimeout(go, 50)); for (;;);`,
  after: `await ctx.ui.select('which?', ['a']); await new Promise(() => {})`,
  burning: `await burn()`,
};
const fixtureOf = (ui: UiPort) => openFixture({ files: { 'index.ts': extensionOf(TOOLS, BURN) }, granted: ['ui:prompt'], ports: { ui } });

describe('while a person thinks about a dialog', () => {
  test('no deadline runs, and the time is told apart', async () => {
    const { ui, answer } = person();
    await using fixture = await fixtureOf(ui);
    const waits: number[] = [];
    const calls = ['select', 'confirm', 'input', 'editor'].map((name) =>
      fixture.extension.callTool(name, {}, { toolCallId: name, context: RPC, timeoutMs: 4_000, onWaited: (ms) => waits.push(ms) }),
    );
    await sleep(5_200); // the deadline, its grace, and more
    answer('yes');
    expect((await Promise.all(calls)).map(textOf)).toEqual(['yes', 'true', 'yes', 'yes']);
    expect(waits).toHaveLength(4);
    expect(Math.min(...waits)).toBeGreaterThan(1_200);
  });

  test.for(['aborted', 'after'] as const)('the clock goes on with the answer or the abort: %s', async (name) => {
    const { ui, answer, state } = person();
    await using fixture = await fixtureOf(ui);
    // asking and putting away come out of the same time, on a busy machine, too
    const timeoutMs = 2 * TIMEOUT_MS;
    const call = fixture.extension.callTool(name, {}, { toolCallId: '1', context: RPC, timeoutMs });
    if (name === 'after') answer('a');
    await expect(call).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED', message: expect.stringContaining(`did not end within ${timeoutMs} ms`) });
    expect(state).toEqual({ asked: 1, dismissed: 1 });
  });

  test('a dialog that its package puts away is answered with nothing, as in pi', async () => {
    const { ui } = person();
    await using fixture = await fixtureOf(ui);
    expect(await fixture.text('putAway')).toBe('undefined false undefined undefined');
  });

  test.for(['behind', 'wedged'] as const)('its package may not burn a core: %s', BUSY, async (name) => {
    const { ui, state } = person();
    await using fixture = await fixtureOf(ui);
    const call = fixture.extension.callTool(name, {}, { toolCallId: '1', context: RPC, timeoutMs: TIMEOUT_MS });
    await expect(call).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED', message: expect.stringContaining('while it waited for the user') });
    expect(state.asked).toBe(1);
    expect(fixture.extension.pid).toBeUndefined();
  });

  test('the arm of control: the same work without a dialog ends by its time', async () => {
    await using fixture = await fixtureOf(person().ui);
    const call = fixture.extension.callTool('burning', {}, { toolCallId: '1', context: RPC, timeoutMs: TIMEOUT_MS });
    await expect(call).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED', message: expect.stringContaining('did not end within') });
  });
});

test.for([
  ['what stops its clock, too', true],
  ['nothing, as the arm of control', false],
] as const)('who calls a tool that waits for a person is handed on %s', async ([, stops]) => {
  const { ui, answer } = person();
  await using callee = await fixtureOf(ui);
  const agent: HostPorts['agent'] = {
    ...recordingPorts([]).agent,
    callTool: ({ name, args, pauseCaller }) =>
      callee.extension.callTool(name, args, { toolCallId: '2', context: RPC, timeoutMs: 60_000, ...(stops && { pauseCaller }) }),
  };
  const relay = extensionOf({ relay: `return JSON.stringify(await ctx.executeTool('callee/select', {}))` });
  await using caller = await openFixture({ name: 'caller', files: { 'index.ts': relay }, granted: ['tool:callee/select'], ports: { agent } });
  const call = caller.extension.callTool('relay', {}, { toolCallId: '1', context: RPC, timeoutMs: 4_000 });
  const outcome = call.then(textOf, (error: { code: string }) => error.code);
  await sleep(5_200);
  answer('yes');
  expect(await outcome).toContain(stops ? 'yes' : 'DEADLINE_EXCEEDED');
});

describe('before a panel', () => {
  const panels = {
    hidden: `await ctx.ui.custom(() => ({ render: () => ['x'] }), { overlay: true, onHandle: (handle) => handle.setHidden(true) })`,
    burning: `void ctx.ui.custom(() => ({ render: () => ['x'] })); await burn()`,
  };

  test.for([
    ['hidden', 'did not end within', 'nobody waits before what nobody sees'],
    ['burning', 'while it waited for the user', 'work that nobody asked for counts'],
  ] as const)('%s: %s', BUSY, async ([name, why]) => {
    const screen = remoteScreen();
    const ui = {
      ...recordingPorts([]).ui,
      get surfaces() {
        return screen.port;
      },
    };
    await using fixture = await openFixture({ files: { 'index.ts': extensionOf(panels, BURN) }, granted: ['ui:panel'], ports: { ui } });
    const call = fixture.extension.callTool(name, {}, { toolCallId: '1', context: { mode: 'tui', hasUI: true }, timeoutMs: TIMEOUT_MS });
    await expect(call).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED', message: expect.stringContaining(why) });
    expect(screen.shown).toHaveLength(1);
  });
});

describe('a deadline that stands still', () => {
  const ends: string[] = [];
  const deadline = (ms: number): Deadline => new Deadline(ms, (why) => ends.push(why));

  test('counts work, but not what was done before it stood still or for somebody who was there', () => {
    ends.length = 0;
    const one = deadline(60_000);
    one.worked(70_000); // while the time ran it was counted by the time
    using pause = one.pause();
    one.worked(40_000);
    one.attended();
    one.worked(40_000);
    expect(ends).toEqual([]);
    one.worked(40_000);
    expect(ends).toEqual(['work']);
    one.worked(40_000);
    pause[Symbol.dispose]();
    expect(ends).toEqual(['work']);
  });

  test('takes what was worked from the time that is left', async () => {
    ends.length = 0;
    const one = deadline(60_000);
    const pause = one.pause();
    one.worked(59_999);
    expect(ends).toEqual([]);
    pause[Symbol.dispose]();
    await expect.poll(() => ends).toEqual(['time']);
  });

  test('stands still until the last of overlapping pauses is over, and never again after its end', () => {
    ends.length = 0;
    const one = deadline(0);
    const [first, second] = [one.pause(), one.pause()];
    first[Symbol.dispose]();
    first[Symbol.dispose]();
    one.worked(1);
    expect(ends).toEqual(['work']);
    second[Symbol.dispose]();
    one.clear();
  });
});
