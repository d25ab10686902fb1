import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ENDLESS, FLOODS } from '../../sandbox/attacks/exhaustion.ts';
import { context, extensionOf, isAlive, openFixture, textOf, until, type Fixture } from '../support/sandbox-fixture.ts';

/**
 * Work without an end. Whatever a guest does, the agent goes on, the call ends with a reason, and the process is
 * gone. The control arms do the same in this process, as far as a process survives that at all.
 */
const HANG_GUARD_MS = 250;

const tools = Object.fromEntries([...Object.entries(ENDLESS), ...Object.entries(FLOODS)].map(([name, body]) => [name.replaceAll(/\W+/g, '_'), body]));
// slowly enough that what it writes arrives before it is ended for how much waits to be written
const steadily = `for (;;) { for (let i = 0; i < 10; i++) console.log('x'.repeat(1000)); await new Promise((resolve) => setTimeout(resolve, 1)); }`;
const index = `let pi;\n${extensionOf({ ...tools, log_steadily: steadily, alive: `return 'alive'` }).replace('export default (pi) => {', 'export default (api) => { pi = api;')}`;

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
async function survive(name: string, timeoutMs: number, of: Fixture = fixture): Promise<string> {
  const extension = of.reopen();
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

// process/native-work.ts: what runs there runs outside of the isolate, and under none of its limits.
describe('work beside the isolate', () => {
  const NATIVE = {
    derive: `require('crypto').pbkdf2Sync('p', 's', 2 ** 31 - 1, 64, 'sha512')`,
    memory: `require('crypto').scryptSync('p', 's', 64, { N: 2 ** 20, r: 64, p: 64, maxmem: 2 ** 40 })`,
    pairs: `for (;;) require('crypto').generateKeyPairSync('rsa', { modulusLength: 8192 })`,
    'pairs at once': `await Promise.all(Array.from({ length: 50 }, () => crypto.subtle.generateKey({ name: 'RSA-PSS', modulusLength: 8192, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' }, true, ['sign']))); for (;;);`,
    ciphers: `const c = require('crypto'); const all = []; for (;;) { const e = c.createCipheriv('aes-256-gcm', Buffer.alloc(32), Buffer.alloc(12)); e.update('x'); all.push(e); }`,
    hashes: `for (;;) require('crypto').createHash('sha512').update(Buffer.alloc(1e6)).digest()`,
    bomb: `const z = require('zlib'); let b = z.gzipSync(Buffer.alloc(16e6)); for (;;) b = Buffer.concat([b, b].map((part) => z.gunzipSync(part)))`,
    windows: `const z = require('zlib'); const all = []; for (let n = 0; n < 80; n++) { const c = z.createBrotliCompress({ params: { [z.constants.BROTLI_PARAM_LARGE_WINDOW]: 1, [z.constants.BROTLI_PARAM_LGWIN]: 30, [z.constants.BROTLI_PARAM_QUALITY]: 11 } }); c.on('error', () => {}); c.write(Buffer.alloc(1e6, String(n))); all.push(c); } for (;;) await null`,
  };
  test.each(Object.keys(NATIVE))('%s', async (name) => {
    const tools = Object.fromEntries(Object.entries(NATIVE).map(([tool, body]) => [tool.replaceAll(/\W+/g, '_'), body]));
    await using beside = await openFixture({ files: { 'index.ts': extensionOf({ ...tools, alive: `return 'alive'` }) } });
    expect(await survive(name, 1_000, beside)).toMatch(/^DEADLINE_EXCEEDED|MEMORY_LIMIT|SANDBOX_DIED|SANDBOX_BUDGET|^error: (?!.*\/)/);
    expect(await beside.text('alive')).toBe('alive');
  });
});

describe('floods', () => {
  test.each(Object.keys(FLOODS))('%s', async (name) => {
    expect(await survive(name, 2_000)).toMatch(/^DEADLINE_EXCEEDED|MEMORY_LIMIT|SANDBOX_DIED|SANDBOX_BUDGET|^error: |^answered$/);
  });

  test('of logs is cut, and said to be', async () => {
    fixture.logs.length = 0;
    const extension = fixture.reopen();
    const call = extension.callTool('log_steadily', {}, { toolCallId: '1', context, timeoutMs: 30_000 }).catch(() => undefined);
    await until(() => fixture.logs.some((line) => line.includes('the rest is dropped')));
    const { length } = fixture.logs;
    // it goes on writing, and nothing more arrives
    expect(await fixture.text('alive')).toBe('alive');
    expect([fixture.logs.length, fixture.logs.join('').length < 30_000_000]).toEqual([length, true]);
    extension.kill();
    await call;
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
      'factory.ts': `export default () => { for (;;); };`,
      'ticks.ts': `export default async () => { for (;;) await null; };`,
      'getter.js': `module.exports = { get default() { for (;;); } };`,
      'schema.ts': `export default (pi) => { pi.registerTool({ name: 't', description: '', parameters: { get type() { for (;;); } }, execute() {} }); };`,
      'never.ts': `export default () => new Promise(() => {});`,
    };
    using agent = watchAgent();
    await using broken = await openFixture({ files, entries: Object.keys(files) });
    expect(broken.captures.map((capture) => 'error' in capture && capture.error.code)).toEqual(Object.keys(files).map(() => 'FACTORY_TIMEOUT'));
    expect(agent.longestMs()).toBeLessThan(2_000);
  }, 60_000);
});
