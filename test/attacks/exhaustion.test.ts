import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { context, extensionOf, isAlive, openFixture, textOf, until, type Fixture } from '../support/sandbox-fixture.ts';

/**
 * Work without an end. Whatever a guest does, the agent goes on, the call ends with a reason, and the process is
 * gone. The control arms do the same in this process, as far as a process survives that at all.
 */
const HANG_GUARD_MS = 250;

/** Bodies of a tool, each without an end of its own. */
const ENDLESS: Readonly<Record<string, string>> = {
  'a loop': `for (;;);`,
  'a loop in a timer': `setTimeout(() => { for (;;); }, 1); await new Promise(() => {});`,
  'a loop in a getter of the result': `return { get content() { for (;;); } };`,
  'a loop in toJSON of the result': `return { toJSON() { for (;;); } };`,
  'a loop in a thrown value': `throw new Proxy(new Error('x'), { get() { for (;;); } });`,
  'a loop in a getter of a thrown error': `throw Object.defineProperty(new Error('x'), 'message', { get() { for (;;); } });`,
  'a rejected proxy': `return Promise.reject(new Proxy({}, { get() { for (;;); }, getPrototypeOf() { for (;;); } }));`,
  'a thenable that never settles': `return { then() {} };`,
  'a thenable that returns itself': `const t = { then(r) { r(t); } }; return t;`,
  'a chain of microtasks': `const again = () => Promise.resolve().then(again); again(); await new Promise(() => {});`,
  queueMicrotask: `const again = () => queueMicrotask(again); again(); await new Promise(() => {});`,
  'process.nextTick': `const again = () => process.nextTick(again); again(); await new Promise(() => {});`,
  'an async loop': `for (;;) await null;`,
  'a regular expression': `/^(a+)+$/.test('a'.repeat(60) + '!');`,
  'a sort with a hostile comparison': `[...Array(1e6).keys()].sort(() => { for (;;); });`,
  'BigInt arithmetic': `let n = 3n; for (;;) n **= 65n;`,
  'Atomics.wait': `Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);`,
  'a synchronous request in a loop': `for (;;) { try { require('fs').statSync('x'); } catch {} }`,
  'a debugger statement': `debugger; for (;;);`,
  'recursion that is caught': `const deeper = () => { try { deeper(); } catch { deeper(); } }; deeper();`,
  intervals: `setInterval(() => { for (const end = Date.now() + 200; Date.now() < end;); }, 1); await new Promise(() => {});`,
  'never answering': `await new Promise(() => {});`,
  'a generator': `function* g() { for (;;) yield 1; } for (const _ of g());`,
  'fill of an array with holes': `new Array(2 ** 28).fill(0).map(String);`,
  'padStart and replace': `'x'.padStart(2 ** 28, 'ab').replace(/a/g, 'bbbb');`,
};

/** Bodies that fill something: memory, pipes, tables. */
const FLOODS: Readonly<Record<string, string>> = {
  'a map': `const m = new Map(); for (let i = 0; ; i++) m.set(i, { i });`,
  'a set of symbols': `const s = new Set(); for (;;) s.add(Symbol());`,
  'an array': `const a = []; for (;;) a.push({});`,
  'a string': `let s = 'x'; for (;;) s += s;`,
  strings: `const a = []; for (let i = 0; ; i++) a.push('y'.repeat(1e5) + i);`,
  'functions from text': `const a = []; for (let i = 0; ; i++) a.push(new Function('return ' + i));`,
  'array buffers': `const a = []; for (;;) { a.push(new Uint8Array(5e6).fill(1)); }`,
  'resizable buffers': `const a = []; for (;;) { const b = new ArrayBuffer(1, { maxByteLength: 1e9 }); b.resize(2e8); new Uint8Array(b).fill(1); a.push(b); }`,
  'regular expressions': `const a = []; for (let i = 0; ; i++) a.push(new RegExp('(a' + i + '|b){1,999}').exec('b'));`,
  'Intl objects': `const a = []; for (;;) a.push(typeof Intl === 'undefined' ? new Array(1e4) : new Intl.DateTimeFormat('en'));`,
  'errors with stacks': `const a = []; Error.stackTraceLimit = 1e6; const f = (n) => n === 0 ? a.push(new Error('x')) && 0 : f(n - 1) + 1; for (;;) f(3000);`,
  promises: `const a = []; for (;;) a.push(new Promise(() => {}).then(() => {}));`,
  requests: `for (;;) { for (let i = 0; i < 1000; i++) require('fs/promises').readFile('x').catch(() => {}); await null; }`,
  'log lines': `for (;;) console.log('x'.repeat(1000));`,
  updates: `for (;;) onUpdate({ content: [{ type: 'text', text: 'x'.repeat(1000) }] });`,
  'large updates': `const text = 'x'.repeat(4e6); for (;;) onUpdate({ content: [{ type: 'text', text }] });`,
  timers: `for (;;) setTimeout(() => {}, 1e6);`,
  notifications: `for (;;) ctx.ui.notify('x'.repeat(16000));`,
  'events on the bus': `for (;;) pi.events.emit('x', 'y'.repeat(1000));`,
  'a huge result': `return 'x'.repeat(40e6);`,
  'a huge error': `throw new Error('x'.repeat(40e6));`,
  'a huge request': `require('fs').writeFileSync('x', 'x'.repeat(20e6));`,
  'deep nesting': `let v = []; for (let i = 0; i < 1e6; i++) v = [v]; return { content: [], details: v };`,
  'wide nesting': `return { content: [], details: Array.from({ length: 2e6 }, () => []) };`,
};

const tools = Object.fromEntries([...Object.entries(ENDLESS), ...Object.entries(FLOODS)].map(([name, body]) => [name.replaceAll(/\W+/g, '_'), body]));
const index = `let pi;\n${extensionOf({ ...tools, alive: `return 'alive'` }).replace('export default (pi) => {', 'export default (api) => { pi = api;')}`;

let fixture: Fixture;
beforeAll(async () => {
  fixture = await openFixture({ files: { 'index.ts': index }, granted: ['fs:read'] });
});
afterAll(() => fixture[Symbol.asyncDispose]());

/** The longest time in which this process, the agent, answered to nothing. */
function watchAgent() {
  let [last, longest] = [performance.now(), 0];
  const tick = setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  }, 5);
  return {
    longestMs: () => Math.max(longest, performance.now() - last),
    [Symbol.dispose]: () => clearInterval(tick),
  };
}

/** Runs one tool in a process of its own. The deadline is the parent's; the agent must never stand still. */
async function survive(name: string, timeoutMs: number): Promise<string> {
  const extension = fixture.reopen();
  await extension.wake();
  const pid = extension.pid ?? 0;
  using agent = watchAgent();
  const ended = await extension.callTool(name.replaceAll(/\W+/g, '_'), {}, { toolCallId: '1', context, timeoutMs }).then(
    (outcome) => (outcome.isError ? `error: ${textOf(outcome).slice(0, 200)}` : 'answered'),
    (error: { code?: string }) => String(error.code),
  );
  // Generous: the machine may be busy. A loop in the agent itself would stand still for the whole deadline.
  expect(agent.longestMs()).toBeLessThan(2_000);
  extension.kill();
  await until(async () => !(await isAlive(pid)));
  return ended;
}

describe('work without an end', () => {
  test('control arm: in node:vm a microtask, a timer and a getter run past the timeout', () => {
    const run = (code: string): unknown => runInNewContext(code, { setTimeout }, { timeout: 20 });
    expect(() => run('for (;;);')).toThrow(/timed out/);
    // The timeout covers the synchronous part only: what is left behind runs in this process, when it likes.
    const left = run(`({ get later() { return 'ran without a timeout'; } })`) as { later: string };
    expect(left.later).toBe('ran without a timeout');
  });

  test.each(Object.keys(ENDLESS))('%s', async (name) => {
    expect(await survive(name, HANG_GUARD_MS)).toMatch(/^DEADLINE_EXCEEDED|MEMORY_LIMIT|SANDBOX_DIED|SANDBOX_BUDGET|^error: (?!.*\/)/);
  });
});

describe('floods', () => {
  test.each(Object.keys(FLOODS))('%s', async (name) => {
    expect(await survive(name, 2_000)).toMatch(/^DEADLINE_EXCEEDED|MEMORY_LIMIT|SANDBOX_DIED|SANDBOX_BUDGET|^error: |^answered$/);
  });

  test('of logs is cut, and said to be', async () => {
    await survive('log lines', 1_000);
    expect(fixture.logs.join('').length).toBeLessThan(30_000_000);
    expect(fixture.logs.some((line) => line.includes('the rest is dropped'))).toBe(true);
    fixture.logs.length = 0;
  });
});

describe('loading', () => {
  test.each([
    ['a factory that fills memory', `export default () => { const a = []; for (;;) a.push(new Array(1e5).fill(1.5)); };`],
    ['a flood of registrations', `export default (pi) => { for (let i = 0; i < 1e5; i++) pi.registerCommand('c' + i, { handler() {} }); };`],
    ['a flood of handlers', `export default (pi) => { for (let i = 0; i < 1e5; i++) pi.on('context', () => {}); };`],
    [
      'a schema as deep as the stack',
      `export default (pi) => { let s = {}; for (let i = 0; i < 3000; i++) s = { items: s }; pi.registerTool({ name: 't', description: '', parameters: s, execute() {} }); };`,
    ],
    ['a description of megabytes', `export default (pi) => { pi.registerTool({ name: 't', description: 'x'.repeat(5e6), parameters: {}, execute() {} }); };`],
  ])('%s does not get through capture', async (_what, source) => {
    using agent = watchAgent();
    await using broken = await openFixture({ files: { 'index.ts': source } });
    expect(broken.captures[0]).toMatchObject({ kind: 'failed' });
    expect(agent.longestMs()).toBeLessThan(2_000);
  });

  // One case for all, because it takes as long as loading may take: ten seconds.
  test('loops at module level, in the factory, in a getter of the module or of a schema end together', async () => {
    const files = {
      'module.ts': `for (;;); export default () => {};`,
      'factory.ts': `export default async () => { for (;;) await null; };`,
      'getter.js': `module.exports = { get default() { for (;;); } };`,
      'schema.ts': `export default (pi) => { pi.registerTool({ name: 't', description: '', parameters: { get type() { for (;;); } }, execute() {} }); };`,
      'never.ts': `export default () => new Promise(() => {});`,
    };
    using agent = watchAgent();
    await using broken = await openFixture({ files, entries: Object.keys(files) });
    expect(broken.captures.map((capture) => 'error' in capture && capture.error.code)).toEqual(Array(5).fill('FACTORY_TIMEOUT'));
    expect(agent.longestMs()).toBeLessThan(2_000);
  }, 60_000);
});
