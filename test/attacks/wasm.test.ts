import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { parsePermissionSet } from '../../format/index.ts';
import { type Authority, addonPath, fixedAuthority, SpareProcess } from '../../sandbox/index.ts';
import { processTree } from '../../sandbox/os-layer/index.ts';
import { context, extensionOf, openFixture, temporaryDirectory, textOf, until, writeFiles } from '../support/sandbox-fixture.ts';

const run = promisify(execFile);

/** A module of one function `f` with this type and code. */
const moduleOf = (type: readonly number[], code: readonly number[], more: readonly number[] = []): string => {
  const body = [0, ...code, 11];
  const bytes = [
    0,
    97,
    115,
    109,
    1,
    0,
    0,
    0,
    1,
    type.length + 1,
    1,
    ...type,
    3,
    2,
    1,
    0,
    7,
    5,
    1,
    1,
    102,
    0,
    0,
    ...more,
    10,
    body.length + 2,
    1,
    body.length,
    ...body,
  ];
  return `new Uint8Array(${JSON.stringify(bytes)})`;
};
const ANSWER = moduleOf([96, 0, 1, 127], [65, 42]);
const LOOP = moduleOf([96, 0, 0], [3, 64, 12, 0, 11]);
const LOOP_AT_START = moduleOf([96, 0, 0], [3, 64, 12, 0, 11], [8, 1, 0]);
const RECURSION = moduleOf([96, 0, 0], [16, 0]);
const GROWING = moduleOf([96, 0, 0], [3, 64, 65, 1, 64, 0, 26, 12, 0, 11]).replace('7,5,1,1,102,0,0', '5,3,1,0,1,7,5,1,1,102,0,0');

const answer = `new WebAssembly.Instance(new WebAssembly.Module(${ANSWER})).exports.f()`;
const caught = (code: string): string => `try { return String(${code}) } catch (error) { return error.code + ' ' + error.message }`;

/** Everything that makes something of WebAssembly. */
const USES: Readonly<Record<string, string>> = {
  module: `new WebAssembly.Module(${ANSWER})`,
  instance: `new WebAssembly.Instance({})`,
  memory: `new WebAssembly.Memory({ initial: 1 })`,
  table: `new WebAssembly.Table({ initial: 1, element: 'anyfunc' })`,
  global: `new WebAssembly.Global({ value: 'i32' }, 1)`,
  validate: `WebAssembly.validate(${ANSWER})`,
  compile: `await WebAssembly.compile(${ANSWER})`,
  instantiate: `await WebAssembly.instantiate(${ANSWER})`,
  streaming: `await WebAssembly.instantiateStreaming(new Response(${ANSWER}, { headers: { 'content-type': 'application/wasm' } }))`,
  function: `new Function('return new WebAssembly.Memory({ initial: 1 })')()`,
  generator: `(function* () {}).constructor('yield new WebAssembly.Memory({ initial: 1 })')().next().value`,
};

/** Bodies that fill memory which the limit of the isolate does not count. `made` holds it. */
const FLOODS: Readonly<Record<string, string>> = {
  memories: `for (;;) { const memory = new WebAssembly.Memory({ initial: 256 }); new Uint8Array(memory.buffer).fill(1); made.push(memory); }`,
  'a memory that grows': `const memory = new WebAssembly.Memory({ initial: 1 }); for (;;) { memory.grow(64); new Uint8Array(memory.buffer, memory.buffer.byteLength - 64 * 65536).fill(1); made.push(memory); }`,
  'large memories': `for (;;) { const memory = new WebAssembly.Memory({ initial: 4096 }); new Uint8Array(memory.buffer).fill(1); made.push(memory); }`,
  'shared memories': `for (;;) { const memory = new WebAssembly.Memory({ initial: 256, maximum: 256, shared: true }); new Uint8Array(memory.buffer).fill(1); made.push(memory); }`,
  tables: `for (;;) made.push(new WebAssembly.Table({ initial: 1e6, element: 'externref' }, {}));`,
  modules: `for (;;) made.push(new WebAssembly.Instance(new WebAssembly.Module(${ANSWER})));`,
};

/** Resident memory of a process and of those it started, in MiB. */
function residentMiB(pid: number | undefined): number {
  if (pid === undefined) return 0;
  return processTree(pid).reduce((sum, each) => {
    try {
      return sum + (Number(readFileSync(`/proc/${each}/statm`, 'utf8').split(' ')[1]) * 4_096) / 1_048_576;
    } catch {
      return sum; // it has just ended
    }
  }, 0);
}

function argumentsOf(pid: number | undefined): string[] {
  const commands = processTree(pid ?? 0).map((each) => readFileSync(`/proc/${each}/cmdline`, 'utf8').split('\0'));
  return commands.at(-1) ?? [];
}

describe('WebAssembly', () => {
  test.each(Object.entries(USES))('without `wasm` there is none: %s', async (_, code) => {
    await using fixture = await openFixture({ files: { 'index.ts': extensionOf({ use: caught(code), look: `return typeof WebAssembly` }) } });
    expect(await fixture.text('use')).toMatch(/^EACCES .*probe has no `wasm`/);
    expect(fixture.denials[0]).toMatchObject({ permission: 'wasm', hint: `dash permissions grant probe 'wasm'` });
    expect(argumentsOf(fixture.extension.pid)).toContain('--jitless');
    // who asks whether it is there, to get along without, is not refused for asking
    expect(await fixture.text('look')).toBe('object');
  });

  test('control arm: with it each of them makes something, in a process without the optimising compilers', async () => {
    const makes = Object.entries(USES).filter(([name]) => name !== 'instance');
    const tools = Object.fromEntries(makes.map(([name, code]) => [name, caught(code)]));
    await using fixture = await openFixture({ files: { 'index.ts': extensionOf({ ...tools, answer: `return String(${answer})` }) }, granted: ['wasm'] });
    for (const [name] of makes) expect([name, await fixture.text(name)]).toEqual([name, expect.stringMatching(/^(\[object|true)/)]);
    expect(await fixture.text('answer')).toBe('42');
    const given = argumentsOf(fixture.extension.pid);
    expect(given).not.toContain('--jitless');
    for (const flag of ['--no-turbofan', '--no-maglev', '--liftoff-only', '--regexp-interpret-all', '--permission', '--disable-sigusr1'])
      expect(given).toContain(flag);
  });

  test('a factory that needs it is captured when it may have it', async () => {
    const files = {
      'index.ts': `const made = ${answer};\nexport default (pi) => { pi.registerTool({ name: 'made', description: 'm', parameters: { type: 'object' }, execute: async () => String(made) }); };`,
    };
    await using fixture = await openFixture({ files, granted: ['wasm'] });
    expect(fixture.captures[0]).toMatchObject({ kind: 'deferred', needs: ['wasm'] });
    expect(await fixture.text('made')).toBe('42');
  });

  test('control arm: the memory limit of an isolate does not hold it', async () => {
    await using directory = await temporaryDirectory();
    const script = `
      const addon = { exports: {} };
      process.dlopen(addon, process.argv[2]);
      const ivm = addon.exports.ivm ?? addon.exports.default;
      const isolate = new ivm.Isolate({ memoryLimit: 128 });
      isolate.createContextSync().evalSync('const made = []; try { for (let i = 0; i < 40; i++) { const memory = new WebAssembly.Memory({ initial: 256 }); new Uint8Array(memory.buffer).fill(1); made.push(memory); } } catch {}');
      require('node:fs').writeSync(1, String(process.memoryUsage().rss / 1048576));
      process.kill(process.pid, 'SIGKILL');`;
    await writeFiles(directory.path, { 'naive.cjs': script });
    const { stdout } = await run(process.execPath, [join(directory.path, 'naive.cjs'), addonPath()]).catch((error: { stdout: string }) => error);
    expect(Number(stdout)).toBeGreaterThan(600);
  });

  test.each(Object.entries(FLOODS))('%s end within what a package may have', async (_, flood) => {
    await using fixture = await openFixture({
      files: { 'index.ts': extensionOf({ flood: `const made = []; ${flood}`, answer: `return String(${answer})` }) },
      granted: ['wasm'],
    });
    const extension = fixture.reopen();
    await extension.wake();
    let most = 0;
    const look = setInterval(() => (most = Math.max(most, residentMiB(extension.pid))), 10);
    const ended = await extension.callTool('flood', {}, { toolCallId: '1', context, timeoutMs: 2_000 }).then(
      (outcome) => (outcome.isError ? textOf(outcome) : 'answered'),
      (error: { code?: string }) => String(error.code),
    );
    clearInterval(look);
    expect(ended).toMatch(/MEMORY_LIMIT|DEADLINE_EXCEEDED|SANDBOX_DIED|could not allocate memory|Unable to grow/);
    // 512 MiB by the watchdog; between two of its looks the kernel's limit
    expect(most).toBeLessThan(900);
    expect(await fixture.text('answer')).toBe('42');
  });

  test.each([
    ['a loop', `new WebAssembly.Instance(new WebAssembly.Module(${LOOP})).exports.f()`],
    ['a loop in the start of an instance', `new WebAssembly.Instance(new WebAssembly.Module(${LOOP_AT_START}))`],
    ['a loop in an import', `new WebAssembly.Instance(new WebAssembly.Module(${ANSWER}), new Proxy({}, { get() { for (;;); } })); for (;;);`],
    ['a loop that grows a memory', `new WebAssembly.Instance(new WebAssembly.Module(${GROWING})).exports.f()`],
  ])('%s ends at the deadline', async (_, code) => {
    await using fixture = await openFixture({ files: { 'index.ts': extensionOf({ loop: code }) }, granted: ['wasm'] });
    await expect(fixture.call('loop', {}, { timeoutMs: 300 })).rejects.toMatchObject({ code: expect.stringMatching(/DEADLINE_EXCEEDED|MEMORY_LIMIT/) });
  });

  test('recursion without an end is an error that can be caught', async () => {
    const code = `new WebAssembly.Instance(new WebAssembly.Module(${RECURSION})).exports.f()`;
    await using fixture = await openFixture({
      files: { 'index.ts': extensionOf({ deep: `try { ${code} } catch (error) { return error.name }`, answer: `return String(${answer})` }) },
      granted: ['wasm'],
    });
    expect(await fixture.text('deep')).toBe('RangeError');
    expect(await fixture.text('answer')).toBe('42');
  });

  test('does not come with the process that is kept for everybody, nor go back to it', async () => {
    await using fixture = await openFixture({ files: { 'index.ts': extensionOf({ answer: caught(answer) }) } });
    using spare = new SpareProcess();
    spare.keep();
    await until(() => spare.pid !== undefined);
    const { pid } = spare;
    const granted = fixture.reopen({ spare, granted: ['wasm'] });
    expect(textOf(await granted.callTool('answer', {}, { toolCallId: '1', context }))).toBe('42');
    expect([granted.pid === pid, spare.pid]).toEqual([false, pid]);
    // control arm: who has no such permission gets the kept one, without WebAssembly
    const other = fixture.reopen({ spare });
    expect(textOf(await other.callTool('answer', {}, { toolCallId: '1', context }))).toContain('EACCES');
    expect(other.pid).toBe(pid);
  });

  test('comes with the next call after it was granted, and goes with the next after it was taken back', async () => {
    await using fixture = await openFixture({ files: { 'index.ts': extensionOf({ answer: caught(answer) }) } });
    let granted = parsePermissionSet([]);
    const authority: Authority = { ...fixedAuthority(granted), granted: () => granted };
    const opened = fixture.reopen({ authority });
    const said: string[] = [];
    for (const permissions of [[], ['wasm'], ['wasm'], []]) {
      granted = parsePermissionSet(permissions);
      said.push(textOf(await opened.callTool('answer', {}, { toolCallId: '1', context })).slice(0, 6));
    }
    expect(said).toEqual(['EACCES', '42', '42', 'EACCES']);
    expect(fixture.failures).toEqual([]);
  });
});
