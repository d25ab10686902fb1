import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readAuditTrails } from '../../sandbox/index.ts';
import { context, extensionOf, isAlive, openFixture, textOf, tool, until } from '../support/sandbox-fixture.ts';

const READS = {
  sync: `return require('node:fs').readFileSync(params.path, 'utf8');`,
  async: `return await require('node:fs/promises').readFile(params.path, 'utf8');`,
};

describe('a call', () => {
  test('starts nothing before it is made, and reads what was granted, synchronously and not', async () => {
    await using fixture = await openFixture({ files: { 'index.ts': extensionOf(READS) }, granted: ['fs:read'], workspaceFiles: { 'a.txt': 'hello' } });
    expect(fixture.extension.pid).toBeUndefined();
    expect(fixture.extension.registrations.tools.map(({ name }) => name)).toEqual(['sync', 'async']);
    expect(await fixture.text('sync', { path: 'a.txt' })).toBe('hello');
    expect(await fixture.text('async', { path: './a.txt' })).toBe('hello');
    expect(await isAlive(fixture.extension.pid ?? 0)).toBe(true);
  });

  test('is denied in words that name package, permission and rule, and the denial reaches the host', async () => {
    await using fixture = await openFixture({ files: { 'index.ts': extensionOf(READS) }, workspaceFiles: { 'a.txt': 'hello' } });
    for (const name of ['sync', 'async']) {
      const outcome = await fixture.call(name, { path: 'a.txt' });
      expect(outcome.isError).toBe(true);
      expect(textOf(outcome)).toMatch(/^EACCES: permission denied: probe has no `fs:read:\.\/a\.txt` \(no grant\)/);
    }
    expect(fixture.denials).toHaveLength(2);
    expect(fixture.denials[0]).toMatchObject({
      package: 'probe',
      capability: 'fs.readFile',
      permission: 'fs:read:./a.txt',
      rule: 'no grant',
      hint: "dash permissions grant probe 'fs:read:./a.txt'",
    });
    fixture.audit.flush();
    expect(readAuditTrails(fixture.auditDirectory)[0]?.records.filter(({ decision }) => decision === 'deny')).toHaveLength(2);
  });

  test('writes nothing without a grant to write', async () => {
    await using fixture = await openFixture({
      files: { 'index.ts': extensionOf({ write: `require('fs').writeFileSync('x.txt', 'x')` }) },
      granted: ['fs:read'],
    });
    expect((await fixture.call('write')).isError).toBe(true);
    expect(await readdir(fixture.workspace)).toEqual([]);
  });

  test('in a process that takes over from a dead one finds the state of the session again', async () => {
    const source = `export default (pi) => {
      let started = 0;
      pi.on('session_start', (event) => { started++; });
      pi.registerTool({ name: 'started', description: 'd', execute: async () => ({ content: [{ type: 'text', text: String(started) }] }) });
    };`;
    await using fixture = await openFixture({ files: { 'index.ts': source } });
    const [handler] = fixture.extension.registrations.events;
    await fixture.extension.deliver(handler?.handler ?? -1, { type: 'session_start', reason: 'startup' }, { context });
    expect(await fixture.text('started')).toBe('1');
    const first = fixture.extension.pid ?? 0;
    process.kill(first, 'SIGKILL');
    await until(async () => !(await isAlive(first)) && fixture.extension.pid === undefined);
    expect(await fixture.text('started')).toBe('1');
    expect(fixture.extension.pid).not.toBe(first);
  });

  test('gives an error the place in the author’s own file', async () => {
    const helper = `// one\n// two\nexport function fail(): never {\n  throw new Error('of the author');\n}\n`;
    await using fixture = await openFixture({
      files: {
        'src/index.ts': `import { fail } from './helper.ts';\nexport default (pi: any) => {\n  pi.registerCommand('boom', { handler: async () => { await null; fail(); } });\n};\n`,
        'src/helper.ts': helper,
      },
      entries: ['src/index.ts'],
    });
    await expect(fixture.extension.runCommand('boom', '', { context })).rejects.toMatchObject({
      code: 'GUEST_ERROR',
      message: expect.stringContaining('of the author'),
      where: { path: 'src/helper.ts', line: 4 },
    });
  });

  test.each([
    'fs.openSync("/etc/x")',
    'fs.readdirSync("/etc/x")',
    'fs.statSync("/etc/x")',
    'fs.writeFileSync("/etc/x", "")',
    'fs.appendFileSync("/etc/x", "")',
    'await fs.promises.stat("/etc/x")',
    'await fs.promises.writeFile("/etc/x", "")',
    'await fs.promises.appendFile("/etc/x", "")',
    'await (await import("node:fs/promises")).open("/etc/x")',
  ])('names the line of `%s`, however long the way from there', async (statement) => {
    const lines = ["import * as fs from 'node:fs';", 'export async function attempt() {', `  ${statement};`, '}'];
    await using fixture = await openFixture({
      files: {
        'index.ts': extensionOf({ attempt: 'await attempt()' }, "import { attempt } from './attempt.ts';"),
        'attempt.ts': lines.join('\n'),
      },
    });
    expect(await fixture.call('attempt')).toMatchObject({ isError: true, details: { code: 'EACCES', where: { path: 'attempt.ts', line: 3 } } });
  });

  test('streams updates, in order, and none after the result', async () => {
    const body = `for (const n of [1, 2, 3]) onUpdate({ content: [{ type: 'text', text: String(n) }] }); setTimeout(() => onUpdate({ content: [{ type: 'text', text: 'late' }] }), 1); return 'done';`;
    await using fixture = await openFixture({
      files: { 'index.ts': extensionOf({ count: body, wait: `await new Promise((r) => setTimeout(r, 50)); return ''` }) },
    });
    const seen: string[] = [];
    expect(await fixture.text('count', {}, { onUpdate: (partial) => seen.push(textOf(partial)) })).toBe('done');
    await fixture.text('wait');
    expect(seen).toEqual(['1', '2', '3']);
  });

  test('hands an event to one handler and takes its changes back', async () => {
    const index = `export default (pi) => { pi.on('tool_call', (event) => { event.input.path = 'changed'; return { seen: event.toolName }; }); pi.on('tool_call', () => { throw new Error('second'); }); };`;
    await using fixture = await openFixture({ files: { 'index.ts': index } });
    const [first, second] = fixture.extension.registrations.events;
    expect(await fixture.extension.deliver(first?.handler ?? -1, { toolName: 'read', input: { path: 'a' } }, { context })).toEqual({
      value: { seen: 'read' },
      event: { toolName: 'read', input: { path: 'changed' } },
    });
    await expect(fixture.extension.deliver(second?.handler ?? -1, {}, { context })).rejects.toMatchObject({ code: 'GUEST_ERROR' });
  });

  test('delivers to the right handler where a package has two entry points', async () => {
    const entry = (name: string): string => `export default (pi) => { pi.on('context', () => '${name} 1'); pi.on('agent_end', () => '${name} 2'); };`;
    await using fixture = await openFixture({ files: { 'a.ts': entry('a'), 'b.ts': entry('b') }, entries: ['a.ts', 'b.ts'] });
    const values = [];
    for (const { handler } of fixture.extension.registrations.events) values.push((await fixture.extension.deliver(handler, {}, { context })).value);
    expect(values).toEqual(['a 1', 'a 2', 'b 1', 'b 2']);
  });
});

describe('what a guest leaves behind', () => {
  test('a rejection that nobody hears is logged, and ends nothing', async () => {
    await using fixture = await openFixture({
      files: {
        'index.ts': extensionOf({
          forget: `Promise.reject(new Error('forgotten')); return 'done'`,
          later: `setTimeout(async () => { throw new Error('later') }, 1); await new Promise((r) => setTimeout(r, 30)); return 'done'`,
        }),
      },
    });
    await fixture.extension.wake();
    const { pid } = fixture.extension;
    for (const name of ['forget', 'later']) expect(await fixture.text(name)).toBe('done');
    await until(() => fixture.logs.some((line) => line.includes('forgotten')) && fixture.logs.some((line) => line.includes('later')));
    expect(fixture.extension.pid).toBe(pid);
    expect(fixture.failures).toEqual([]);
  });

  test('a result that cannot be read is an error at once, not at the deadline', async () => {
    await using fixture = await openFixture({
      files: {
        'index.ts': extensionOf({
          deep: `let v = []; for (let i = 0; i < 500; i++) v = [v]; return { content: [], details: v }`,
          circular: `const v = {}; v.v = v; return { content: [], details: v }`,
          big: `return { content: [], details: 1n }`,
        }),
      },
    });
    expect(await fixture.call('deep', {}, { timeoutMs: 60_000 })).toMatchObject({
      isError: true,
      content: [{ text: expect.stringContaining('nested too deeply') }],
    });
    for (const name of ['circular', 'big'])
      expect(await fixture.call(name)).toMatchObject({ isError: true, content: [{ text: expect.stringContaining('cannot be serialised') }] });
  });
});

describe('a deadline', () => {
  const loops = {
    loop: `for (;;);`,
    syncloop: `for (;;) { try { require('fs').statSync('.') } catch {} }`,
    never: `await new Promise(() => {})`,
    hello: `return 'hello'`,
  };

  test.each(['loop', 'syncloop', 'never'])('ends %s, and the next call finds a new process', async (name) => {
    await using fixture = await openFixture({ files: { 'index.ts': extensionOf(loops) } });
    await expect(fixture.call(name, {}, { timeoutMs: 200 })).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    expect(fixture.extension.pid).toBeUndefined();
    expect(await fixture.text('hello')).toBe('hello');
    expect(fixture.failures.map(({ code }) => code)).toEqual(['DEADLINE_EXCEEDED']);
    fixture.audit.flush();
    const kills = readAuditTrails(fixture.auditDirectory)[0]?.records.filter((record) => record['event.name'] === 'kill');
    expect(kills).toMatchObject([{ outcome: expect.stringContaining('DEADLINE_EXCEEDED') }]);
  });

  test('three deaths disable the package, with a reason', async () => {
    await using fixture = await openFixture({ files: { 'index.ts': extensionOf(loops) } });
    for (let strike = 0; strike < 3; strike++) await expect(fixture.call('loop', {}, { timeoutMs: 100 })).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    await expect(fixture.call('hello')).rejects.toMatchObject({
      code: 'DEADLINE_EXCEEDED',
      message: expect.stringContaining('disabled until the next reload'),
    });
    expect(fixture.extension.pid).toBeUndefined();
  });
});

describe('memory', () => {
  test.each([
    ['of objects', `const keep = []; for (;;) keep.push(new Array(1e4).fill(Math.random()));`],
    [
      'of buffers, which V8 does not count',
      `const keep = []; for (;;) { keep.push(new Uint8Array(1e7).fill(1)); await new Promise((r) => setTimeout(r, 1)); }`,
    ],
  ])('%s is bounded: the process ends, the agent does not', async (_what, body) => {
    await using fixture = await openFixture({ files: { 'index.ts': extensionOf({ eat: body, hello: `return 'hello'` }) } });
    const died = await fixture.call('eat', {}, { timeoutMs: 20_000 }).then(
      (outcome) => (outcome.isError ? textOf(outcome) : 'nothing happened'),
      (error: { code: string }) => error.code,
    );
    expect(died).toMatch(/MEMORY_LIMIT|SANDBOX_DIED|allocation failed/i);
    expect(await fixture.text('hello')).toBe('hello');
  });

  test.each([
    ['little by little', `const keep = []; for (;;) keep.push(new Array(1e4).fill(Math.random()));`],
    ['in one piece, which the kernel refuses', `return 'x'.repeat(3e8)`],
  ])('%s: its end has the name of the package and of the limit', async (_how, body) => {
    await using fixture = await openFixture({ files: { 'index.ts': extensionOf({ eat: body }) } });
    await expect(fixture.call('eat', {}, { timeoutMs: 20_000 })).rejects.toMatchObject({
      code: 'MEMORY_LIMIT',
      message: expect.stringContaining(`${fixture.extension.name}: `),
    });
  });
});

describe('an abort', () => {
  test('unwinds a synchronous call that is blocked in the host', async () => {
    await using fixture = await openFixture({
      files: { 'index.ts': extensionOf({ blocked: `try { ctx.model; return 'answered' } catch (error) { return error.code }` }) },
      ports: { agent: { ...(await import('../support/sandbox-fixture.ts')).recordingPorts([]).agent, query: () => new Promise(() => undefined) } },
    });
    await fixture.extension.wake();
    const controller = new AbortController();
    const answer = fixture.text('blocked', {}, { signal: controller.signal });
    setTimeout(() => controller.abort(), 100);
    expect(await answer).toBe('ABORT_ERR');
  });

  test('reaches a guest that listens', async () => {
    await using fixture = await openFixture({
      files: { 'index.ts': extensionOf({ wait: `return await new Promise((done) => signal.addEventListener('abort', () => done('heeded')))` }) },
    });
    await fixture.extension.wake();
    const controller = new AbortController();
    const answer = fixture.text('wait', {}, { signal: controller.signal });
    setTimeout(() => controller.abort(), 50);
    expect(await answer).toBe('heeded');
  });

  test('ends the call of a guest that does not listen, and a call that never began', async () => {
    await using fixture = await openFixture({ files: { 'index.ts': extensionOf({ deaf: `await new Promise(() => {})` }) } });
    await fixture.extension.wake();
    const controller = new AbortController();
    const answer = fixture.call('deaf', {}, { signal: controller.signal });
    setTimeout(() => controller.abort(), 50);
    await expect(answer).rejects.toMatchObject({ code: 'INTERRUPTED' });
    await expect(fixture.call('deaf', {}, { signal: controller.signal })).rejects.toMatchObject({ code: 'INTERRUPTED' });
  });
});

describe('capture', () => {
  const capture = async (index: string) => {
    await using fixture = await openFixture({ files: { 'index.ts': index } });
    return fixture.captures[0];
  };

  test('records what a factory registers, in a process that is gone afterwards', async () => {
    const index = `export default (pi) => { ${tool('t', '')} pi.registerCommand('c', { description: 'd', handler: () => {} }); pi.on('context', () => {}); pi.registerFlag('f', { type: 'string', default: 'x' }); };`;
    expect(await capture(index)).toMatchObject({
      kind: 'ok',
      registrations: {
        tools: [{ name: 't' }],
        commands: [{ name: 'c', description: 'd' }],
        events: [{ event: 'context', handler: 0 }],
        flags: [{ name: 'f', type: 'string', default: 'x' }],
      },
    });
  });

  test.each([
    ['the clock', `String(Date.now())`],
    ['a new date', `new Date().toISOString()`],
    ['chance', `String(Math.random())`],
    ['the directory', `process.cwd()`],
    ['the environment', `String(process.env.LANG)`],
    ['the home directory', `require('os').homedir()`],
  ])('refuses registrations that depend on %s', async (_what, expression) => {
    const outcome = await capture(`export default (pi) => { pi.registerTool({ name: 't', description: ${expression}, parameters: {}, execute() {} }); };`);
    // What is only a place of the machine may also be put out of the record; it must never be taken as it is.
    if (outcome?.kind === 'ok') expect(JSON.stringify(outcome.registrations)).not.toMatch(/workspace|elsewhere|home\/user|somebody|1700000000000/);
    else expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'CAPTURE_UNSTABLE' } });
  });

  test('defers a factory that cannot register without a grant, and names the grant', async () => {
    const outcome = await capture(
      `import { readFileSync } from 'node:fs'; export default (pi) => { const { name } = JSON.parse(readFileSync('config.json', 'utf8')); pi.registerTool({ name, description: '', parameters: {}, execute() {} }); };`,
    );
    expect(outcome).toMatchObject({ kind: 'deferred', needs: ['fs:read:./config.json'] });
  });

  test('a deferred package registers at its first start after consent', async () => {
    const index = `import { readFileSync } from 'node:fs'; export default (pi) => { const { name } = JSON.parse(readFileSync('config.json', 'utf8')); pi.registerTool({ name, description: '', parameters: {}, execute: () => 'here' }); };`;
    await using fixture = await openFixture({
      files: { 'index.ts': index },
      granted: ['fs:read:./config.json'],
      workspaceFiles: { 'config.json': '{"name":"late"}' },
    });
    expect(fixture.extension.registrations.tools).toEqual([]);
    await fixture.extension.wake();
    expect(fixture.extension.registrations.tools.map(({ name }) => name)).toEqual(['late']);
    expect(await fixture.text('late')).toBe('here');
  });

  test.each([
    ['throws', `export default () => { throw new TypeError('bad start'); };`, 'FACTORY_FAILED', /bad start/],
    ['has no factory', `export const x = 1;`, 'FACTORY_FAILED', /no default export/],
    ['throws at module level', `throw new Error('at once'); export default () => {};`, 'FACTORY_FAILED', /at once/],
    ['throws a hostile value', `export default () => { throw new Proxy({}, { get() { throw 1 }, getPrototypeOf() { throw 2 } }); };`, 'FACTORY_FAILED', /./],
  ])('says why a package that %s cannot be used', async (_what, index, code, message) => {
    expect(await capture(index)).toMatchObject({ kind: 'failed', error: { code, message: expect.stringMatching(message) } });
  });
});

describe('a start', () => {
  test('refuses registrations that were not captured', async () => {
    await using fixture = await openFixture({ files: { 'index.ts': extensionOf({ a: '' }) } });
    const extension = fixture.reopen({ captured: { tools: [], commands: [], events: [], flags: [], shortcuts: [], providers: [] } });
    await expect(extension.wake()).rejects.toMatchObject({ code: 'REGISTRATION_CHANGED' });
    expect(extension.pid).toBeUndefined();
    await expect(extension.callTool('a', {}, { toolCallId: '1', context })).rejects.toMatchObject({ code: 'REGISTRATION_CHANGED' });
  });

  test('is one start, however many wait for it', async () => {
    await using fixture = await openFixture({
      files: { 'index.ts': extensionOf({ pid: `globalThis.count = (globalThis.count ?? 0) + 1; return String(globalThis.count)` }) },
    });
    const answers = await Promise.all([1, 2, 3].map(() => fixture.text('pid')));
    expect(answers.sort()).toEqual(['1', '2', '3']);
  });

  test('two packages have two processes and see nothing of each other', async () => {
    const index = extensionOf({ mark: `globalThis.mark = (globalThis.mark ?? '') + params.text; Object.prototype.mine = 1; return globalThis.mark` });
    await using one = await openFixture({ name: 'one', files: { 'index.ts': index } });
    await using two = await openFixture({ name: 'two', files: { 'index.ts': index } });
    expect(await one.text('mark', { text: '1' })).toBe('1');
    expect(await two.text('mark', { text: '2' })).toBe('2');
    expect(one.extension.pid).not.toBe(two.extension.pid);
  });
});

describe('the end', () => {
  test('waits for calls in flight, then nothing is left', async () => {
    await using fixture = await openFixture({
      files: { 'index.ts': extensionOf({ slow: `await new Promise((r) => setTimeout(r, 300)); return 'finished'` }) },
    });
    await fixture.extension.wake();
    const pid = fixture.extension.pid ?? 0;
    const answer = fixture.text('slow');
    await fixture.extension[Symbol.asyncDispose]();
    expect(await answer).toBe('finished');
    await until(async () => !(await isAlive(pid)));
    await expect(fixture.call('slow')).rejects.toMatchObject({ code: 'SANDBOX_DIED' });
  });

  test('finds a process that was only just being started', async () => {
    await using fixture = await openFixture({ files: { 'index.ts': extensionOf({ hello: `return 'hello'` }) } });
    const waking = fixture.extension.wake().catch(() => undefined);
    await fixture.extension[Symbol.asyncDispose]();
    await waking;
    expect(fixture.extension.pid).toBeUndefined();
  });

  test('takes the private temporary directory with it, and keeps the data directory', async () => {
    await using fixture = await openFixture({
      files: {
        'index.ts': extensionOf({
          fill: `const fs = require('fs'); const os = require('os'); fs.writeFileSync(os.tmpdir() + '/t', 't'); const { getAgentDir } = require('@earendil-works/pi-coding-agent'); fs.writeFileSync(getAgentDir() + '/kept', 'k'); return os.tmpdir()`,
        }),
      },
    });
    const temporary = await fixture.text('fill');
    expect(await readdir(temporary)).toEqual(['t']);
    await fixture.extension[Symbol.asyncDispose]();
    await expect(readdir(temporary)).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await readFile(join(fixture.dashHome, 'data/probe/agent/kept'), 'utf8')).toBe('k');
  });
});
