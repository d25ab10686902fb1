import { execFileSync } from 'node:child_process';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addonPath } from '../../sandbox/index.ts';
import { loadAddon } from '../../sandbox/isolate.ts';
import { extensionOf, openFixture, textOf, type Fixture } from '../support/sandbox-fixture.ts';

/** Ways out of the isolate into the host. The control arms are `node:vm`, and isolated-vm as its readme is often read. */

/**
 * Walks everything reachable from some roots and names what belongs to isolated-vm. Plain ES, for every arm. (The
 * other nameless native functions are V8's own: `stack`, and the two that settle a promise, of one parameter.)
 */
const WALK = `
function walk(roots) {
  const marks = ['applySyncPromise', 'applyIgnored', 'applySync', 'derefInto', 'copySync', 'createContextSync', 'compileScriptSync', 'createInspectorSession'];
  const throwTypeError = Object.getOwnPropertyDescriptor((function () { 'use strict'; return arguments; })(), 'callee').get;
  const stack = Object.getOwnPropertyDescriptor(new Error('x'), 'stack') ?? {};
  const intrinsic = new Set([Function.prototype, throwTypeError, stack.get, stack.set]);
  const seen = new Set();
  const found = [];
  const queue = Object.entries(roots);
  for (let at = 0; at < queue.length && seen.size < 20000; at++) {
    const [path, value] = queue[at];
    if (value === null || (typeof value !== 'object' && typeof value !== 'function') || seen.has(value)) continue;
    seen.add(value);
    for (const mark of marks) { try { if (mark in value) { found.push(path + ' has ' + mark); break; } } catch {} }
    try { if (typeof value === 'function' && value.name === '' && !intrinsic.has(value) && (Object.hasOwn(value, 'prototype') || value.length !== 1) && /\\{\\s*\\[native code\\]\\s*\\}/.test(Function.prototype.toString.call(value))) found.push(path + ' is a nameless native function'); } catch {}
    let keys = [];
    try { keys = Reflect.ownKeys(value); } catch {}
    for (const key of keys.slice(0, 3000)) {
      let descriptor;
      try { descriptor = Object.getOwnPropertyDescriptor(value, key); } catch {}
      if (descriptor === undefined) continue;
      const next = path + '.' + String(key);
      if (descriptor.get) { queue.push([next + ' (getter)', descriptor.get]); try { queue.push([next, value[key]]); } catch (error) { queue.push([next + ' (thrown)', error]); } }
      if (descriptor.set) queue.push([next + ' (setter)', descriptor.set]);
      if ('value' in descriptor) queue.push([next, descriptor.value]);
    }
    try { queue.push([path + '.__proto__', Object.getPrototypeOf(value)]); } catch {}
    if (value instanceof Map) { let n = 0; for (const [k, v] of value) queue.push([path + '.key' + n, k], [path + '.value' + n++, v]); }
    if (value instanceof Set) { let n = 0; for (const v of value) queue.push([path + '.item' + n++, v]); }
  }
  return { size: seen.size, found };
}
`;

const CONSTRUCTORS = `[Function, (async () => {}).constructor, (function* () {}).constructor, (async function* () {}).constructor]`;

/** Frames as objects: what a guest can get hold of on the stack. */
const FRAMES = `
  const seen = {};
  const old = Error.prepareStackTrace;
  Error.prepareStackTrace = (error, frames) => { frames.forEach((frame, n) => { seen['this' + n] = frame.getThis(); seen['function' + n] = frame.getFunction(); seen['frame' + n] = frame; (seen.names ??= []).push(String(frame.getFileName()), String(frame.getEvalOrigin())); }); return 'x'; };
`;

const TOOLS = {
  alive: `return 'alive'`,
  walkGlobals: `return walk({ globalThis, arguments: { id, params, signal, onUpdate, ctx }, pi, require, module })`,
  walkModules: `
    const modules = {};
    for (const name of params.names) { try { modules[name] = require(name); } catch (error) { modules[name] = error; } }
    return walk(modules)`,
  walkAfterCalls: `
    const caught = {};
    for (const [name, attempt] of Object.entries({
      read: () => require('fs').readFileSync('/etc/passwd'), write: () => require('fs').writeFileSync('/x', ''), exec: () => require('child_process').execSync('id'),
      model: () => ctx.model, session: () => ctx.sessionManager.getEntries(), name: () => pi.getSessionName(), huge: () => require('fs').readFileSync('x'.repeat(1e5)),
    })) { try { caught[name] = attempt(); } catch (error) { caught[name + ' error'] = error; } }
    for (const [name, attempt] of Object.entries({
      read: () => require('fs/promises').readFile('/etc/passwd'), fetch: () => fetch('https://example.com'), exec: () => pi.exec('id'), ask: () => ctx.ui.select('t', ['a']), bad: () => ctx.ui.select(1, 2), timer: () => new Promise((r) => setTimeout(r, 1)),
    })) { const promise = attempt(); caught[name + ' promise'] = promise; try { caught[name + ' value'] = await promise; } catch (error) { caught[name + ' rejection'] = error; } }
    return walk({ globalThis, caught })`,
  frames: `${FRAMES}
    const look = () => { new Error('look').stack; return 'x'; };
    look();
    try { require('fs').readFileSync({ toString: look, [Symbol.toPrimitive]: look }); } catch {}
    try { pi.sendMessage({ toJSON: look }, {}); } catch {}
    try { ctx.ui.notify({ toString: look }); } catch {}
    await new Promise((r) => setTimeout(() => { look(); r(); }, 1));
    Promise.resolve({ get then() { look(); return undefined; } });
    try { null.x } catch (error) { error.stack }
    Error.prepareStackTrace = old;
    const names = seen.names; delete seen.names;
    return { names, ...walk(seen) }`,
  callers: `
    const held = {};
    function look() { for (let f = look.caller, n = 0; f && n < 50; n++) { held['caller' + n] = f; try { held['arguments' + n] = f.arguments; f = f.caller; } catch { break; } } return 'x'; }
    try { pi.sendMessage({ toJSON: look }, {}); } catch {}
    try { require('fs').existsSync({ [Symbol.toPrimitive]: look }); } catch {}
    await new Promise((r) => setTimeout(() => { look(); r(); }, 1));
    return walk(held)`,
  poison: `
    const seen = [];
    const { apply, construct } = Reflect; const { defineProperty } = Object;
    // Nothing in here may use what is poisoned.
    const remember = (value) => { if ((typeof value === 'object' && value !== null) || typeof value === 'function') defineProperty(seen, seen.length, { __proto__: null, value, writable: true, configurable: true, enumerable: true }); };
    const undo = [];
    const replace = (owner, key, make) => { const old = Object.getOwnPropertyDescriptor(owner, key); const original = old.value; Object.defineProperty(owner, key, { ...old, value: make(original) }); undo.push(() => Object.defineProperty(owner, key, old)); };
    const spy = (original) => function (...given) { remember(this); for (let n = 0; n < given.length; n++) remember(given[n]); return new.target ? construct(original, given, new.target) : apply(original, this, given); };
    for (const key of ['call', 'apply', 'bind', 'toString']) replace(Function.prototype, key, spy);
    for (const key of ['apply', 'construct', 'get', 'has', 'ownKeys']) replace(Reflect, key, spy);
    for (const key of ['parse', 'stringify']) replace(JSON, key, spy);
    for (const key of ['then', 'catch', 'finally']) replace(Promise.prototype, key, spy);
    for (const key of ['get', 'set', 'delete', 'has']) replace(Map.prototype, key, spy);
    for (const key of ['slice', 'concat', 'map', 'join']) replace(Array.prototype, key, spy);
    for (const key of ['assign', 'keys', 'entries', 'defineProperty']) replace(Object, key, spy);
    replace(Array.prototype, Symbol.iterator, spy);
    for (const key of ['applySyncPromise', 'apply', 'value', 'error', 'timeout', 'result', 'arguments', 'promise', 'copy', 'reference', 'toJSON', 'then', '0', '1']) {
      defineProperty(Object.prototype, key, { __proto__: null, configurable: true, get() { remember(this); return undefined; }, set(v) { remember(this); remember(v); defineProperty(this, key, { __proto__: null, value: v, writable: true, configurable: true, enumerable: true }); } });
      undo.push(() => delete Object.prototype[key]);
    }
    for (const attempt of [() => require('fs').readFileSync('a.txt', 'utf8'), () => require('fs').readFileSync('/etc/passwd'), () => ctx.model, () => pi.getSessionName(), () => pi.events.emit('x', 1), () => console.log('x'), () => require('fs').readFileSync({})]) { try { remember(attempt()); } catch (error) { remember(error); } }
    for (const attempt of [() => require('fs/promises').readFile('a.txt'), () => fetch('https://example.com'), () => ctx.ui.confirm('a', 'b')]) { try { remember(await attempt()); } catch (error) { remember(error); } }
    for (const step of undo.reverse()) step();
    return { spied: seen.length, ...walk({ seen }) }`,
  constructors: `
    const makers = {};
    const objects = { globalThis, pi, ctx, params, signal, onUpdate, require, module, console, fs: require('fs'), readFileSync: require('fs').readFileSync, fetch, timer: setTimeout };
    try { require('fs').readFileSync('/etc/passwd'); } catch (error) { objects.denial = error; }
    try { await fetch('https://example.com'); } catch (error) { objects.rejection = error; }
    const results = [];
    for (const [name, object] of Object.entries(objects)) {
      for (const start of [object, object?.constructor, Object.getPrototypeOf(object ?? {})]) {
        for (const make of [start?.constructor, start?.constructor?.constructor]) {
          if (typeof make !== 'function') continue;
          try { const made = make('return [this === globalThis || this === undefined, typeof process === "undefined" ? "none" : String(process.version) + typeof process.binding + typeof process.dlopen + typeof process.mainModule + String(process.pid), typeof Deno]'); results.push([name, String(typeof made === 'function' ? made() : '')]); } catch (error) { results.push([name, 'threw']); }
        }
      }
    }
    for (const make of ${CONSTRUCTORS}) { try { const value = make('yield')(); } catch {} results.push(['eval', String((0, eval)('typeof process.binding'))]); }
    return { results, pid: process.pid }`,
  names: `
    const out = {};
    for (const name of params.names) { try { const value = require(name); out[name] = 'object: ' + Object.keys(value).slice(0, 5); } catch (error) { out[name] = String(error.code ?? error.name); } }
    return out`,
  imports: `
    const out = {};
    for (const name of params.names) { try { const value = await new Function('name', 'return import(name)')(name); out[name] = 'got ' + typeof value; } catch (error) { out[name] = 'refused'; } }
    return out`,
  members: `
    const out = {};
    for (const [name, code] of Object.entries(params.code)) { try { const value = new Function('require', 'process', 'module', code)(require, process, module); out[name] = value === undefined ? 'nothing' : 'got ' + typeof value + ' ' + String(value).slice(0, 60); } catch (error) { out[name] = 'refused'; } }
    return out`,
  errors: `
    const texts = [];
    const note = (error) => { for (let e = error; e && texts.length < 200; e = e.cause) { texts.push([String(e.message), String(e.stack), Object.getPrototypeOf(Object.getPrototypeOf(e)) === Object.prototype || e instanceof Error, [...Object.entries(e)].map(([k, v]) => k + '=' + String(v)).join()]); } };
    for (const attempt of [() => require('fs').readFileSync('/etc/shadow'), () => require('fs').readFileSync('no'), () => require('fs').mkdirSync('/x/y'), () => require('child_process').execSync('id'), () => require('fs').readFileSync('\\0'), () => pi.setSessionName({}), () => require('fs').openSync(12), () => pi.getFlag(Symbol())]) { try { attempt(); } catch (error) { note(error); } }
    for (const attempt of [() => fetch('https://user:pw@localhost'), () => fetch('http://127.0.0.1:1'), () => fetch('file:///etc/passwd'), () => ctx.ui.select(1), () => pi.exec('id'), () => require('fs/promises').readFile('/etc/shadow')]) { try { await attempt(); } catch (error) { note(error); } }
    return texts`,
};

let fixture: Fixture;
beforeAll(async () => {
  fixture = await openFixture({
    files: { 'index.ts': `${WALK}\nlet pi;\n${extensionOf(TOOLS).replace('export default (pi) => {', 'export default (api) => { pi = api;')}` },
    granted: ['fs:read'],
    workspaceFiles: { 'a.txt': 'a' },
  });
});
afterAll(() => fixture[Symbol.asyncDispose]());

async function details(name: string, args: object = {}): Promise<Record<string, unknown>> {
  const outcome = await fixture.call(name, args, { timeoutMs: 10_000 });
  if (outcome.isError) throw new Error(textOf(outcome));
  return outcome.details as Record<string, unknown>;
}

let ivm: ReturnType<typeof loadAddon> | undefined;

/** isolated-vm in this process, wired the way that leaks. */
async function naive(script: string): Promise<string> {
  ivm ??= loadAddon(addonPath()); // it can be loaded once
  const isolate = new ivm.Isolate({ memoryLimit: 64 });
  try {
    const context = await isolate.createContext();
    await context.global.set('ref', new ivm.Reference(async (text: string) => text));
    await context.global.set(
      'hostThrows',
      new ivm.Callback(() => {
        throw new Error(`no such file: ${import.meta.filename}`);
      }),
    );
    return String(await context.eval(script, { timeout: 5_000 }));
  } finally {
    isolate.dispose();
  }
}

describe('nothing of isolated-vm is reachable', () => {
  test('control arm: the walk finds a Reference and a Callback where they can be reached', async () => {
    const found = await naive(`${WALK} JSON.stringify(walk({ globalThis }).found)`);
    expect(found).toContain('globalThis.ref has');
    expect(found).toContain('hostThrows is a nameless native function');
  });

  test('from the globals and the arguments of a call', async () => {
    const { size, found } = await details('walkGlobals');
    expect(size).toBeGreaterThan(700);
    expect(found).toEqual([]);
  });

  test('from every module that can be required', async () => {
    const { builtinModules } = await import('node:module');
    const names = [
      ...builtinModules,
      'node:test',
      'node:sqlite',
      'typebox',
      'dash-agent',
      '@earendil-works/pi-coding-agent',
      '@earendil-works/pi-ai',
      'undici',
    ];
    for (const name of names) {
      const { size, found } = await details('walkModules', { names: [name] });
      expect({ name, found }).toEqual({ name, found: [] });
      expect(size).toBeGreaterThan(5);
    }
  });

  test('from what API calls answered, threw and rejected', async () => {
    expect((await details('walkAfterCalls')).found).toEqual([]);
  });

  test('from the frames of the stack (prepareStackTrace, CallSite)', async () => {
    // control arm: in node:vm the frames lead to functions of the host
    const host = runInNewContext(
      `Error.prepareStackTrace = (e, frames) => frames.map((f) => f.getFunction() ?? f.getThis()).find((f) => f && f.constructor.constructor('return typeof process')() === 'object'); callback(() => new Error().stack)`,
      {
        callback: function callback(this: unknown, f: () => unknown) {
          return f();
        },
      },
    );
    const leakedByThrow = runInNewContext(`callback.constructor('return process')().pid`, { callback: () => undefined }) as number;
    expect(host === undefined || typeof host === 'function').toBe(true);
    expect(leakedByThrow).toBe(process.pid);
    const { names, found } = await details('frames');
    expect(found).toEqual([]);
    expect((names as string[]).length).toBeGreaterThan(5);
    for (const name of names as string[]) expect(name).not.toMatch(/^\/(?!package)|file:|node:internal|node_modules/);
  });

  test('from the callers of a function and their arguments', async () => {
    expect((await details('callers')).found).toEqual([]);
  });

  test('with call, apply, bind, Reflect, JSON, iterators, promises and Object.prototype poisoned', async () => {
    // control arm: `f.call(ref)` hands the Reference to whoever owns Function.prototype.call
    const leaked = await naive(
      `const stolen = []; const { applySyncPromise } = ref; Function.prototype.call = function (...args) { stolen.push(...args); }; applySyncPromise.call(ref, undefined, ['x']); typeof stolen[0].applySyncPromise`,
    );
    expect(leaked).toBe('function');
    const { spied, found } = await details('poison');
    expect(spied).toBeGreaterThan(10);
    expect(found).toEqual([]);
    expect(await fixture.text('alive')).toBe('alive');
  });
});

describe('code from text', () => {
  test('function constructors of every kind make functions of the guest', async () => {
    for (const attack of [`this.constructor.constructor('return process')()`, `callback.constructor.constructor('return process')()`]) {
      expect((runInNewContext(attack, { callback: () => undefined }) as NodeJS.Process).pid).toBe(process.pid); // control arm
    }
    const { results, pid } = await details('constructors');
    expect(pid).not.toBe(process.pid);
    expect(pid).not.toBe(fixture.extension.pid);
    for (const [, result] of results as [string, string][]) {
      expect(result).not.toContain(`undefined${process.pid},`);
    }
  });

  test('import() of text finds nothing', async () => {
    const control = execFileSync(process.execPath, ['-e', `new Function('return import("node:fs")')().then((fs) => console.log(typeof fs.readFileSync))`], {
      encoding: 'utf8',
    });
    expect(control.trim()).toBe('function');
    const names = [
      'fs',
      'node:fs',
      'node:child_process',
      '/etc/passwd',
      'file:///etc/passwd',
      'data:text/javascript,export default 1',
      './index.ts',
      'isolated-vm',
      'https://example.com/x.js',
      '',
    ];
    for (const [name, result] of Object.entries(await details('imports', { names }))) expect([name, result]).toEqual([name, 'refused']);
  });
});

describe('modules', () => {
  test('names that are no module of the guest are not found', async () => {
    const names = [
      'isolated-vm',
      '/etc/passwd',
      './../../x',
      '../isolate.js',
      'internal/bootstrap',
      'node:internal/process',
      '_linklist',
      '__proto__',
      'constructor',
      'toString',
      'hasOwnProperty',
      'node:__proto__',
      'fs/../child_process',
      'FS',
      ' fs',
      'fs\0',
      'file:///etc/passwd',
      '',
    ];
    for (const [name, result] of Object.entries(await details('names', { names }))) expect([name, result]).toEqual([name, 'MODULE_NOT_FOUND']);
  });

  test('members that would lead out are not there', async () => {
    expect(typeof process.getBuiltinModule('node:fs').readFileSync).toBe('function'); // control arm
    const code = {
      binding: `return process.binding('fs')`,
      linked: `return process._linkedBinding('fs')`,
      dlopen: `process.dlopen({ exports: {} }, '/lib/x.so'); return 1`,
      mainModule: `return process.mainModule.require('fs')`,
      load: `return require('module')._load('child_process').execSync('id')`,
      createRequire: `return require('module').createRequire('/')('/etc/passwd')`,
      builtin: `return process.getBuiltinModule('child_process').execSync('id')`,
      vm: `return require('vm').runInThisContext('process').mainModule.require`,
      worker: `return new (require('worker_threads').Worker)('require("fs")', { eval: true })`,
      inspector: `return require('inspector').open(9229)`,
      session: `return new (require('inspector').Session)().connect()`,
      v8: `return require('v8').setFlagsFromString('--allow-natives-syntax')`,
      heap: `return require('v8').writeHeapSnapshot()`,
      cluster: `return require('cluster').fork()`,
      repl: `return require('repl').start()`,
      net: `return require('net').connect(80, 'example.com')`,
      dgram: `return require('dgram').createSocket('udp4')`,
      dns: `return require('dns').lookupSync ? 1 : require('dns').lookup('example.com', () => {})`,
      http: `return require('http').createServer().listen(0)`,
      exec: `return require('child_process').execSync('id')`,
      spawn: `return require('child_process').spawnSync('id').stdout.toString() || undefined`,
      kill: `return process.kill(process.ppid, 'SIGUSR1')`,
      exit: `return process.exit(1)`,
      abort: `return process.abort()`,
      chdir: `return process.chdir('/')`,
      setuid: `return process.setuid(0)`,
      wasm: `return new WebAssembly.Memory({ initial: 1 })`,
      require: `return module.constructor._extensions || require.cache.x || module.parent.require('fs')`,
    };
    const results = await details('members', { code });
    const open = Object.entries(results).filter(([, result]) => !/refused|nothing/.test(String(result)));
    expect(open.map(([name, result]) => `${name}: ${String(result)}`)).toEqual([]);
    expect(await fixture.text('alive')).toBe('alive');
  });
});

describe('errors', () => {
  test('are the guest’s own, without paths and frames of the host', async () => {
    const leak = await naive(`try { hostThrows(); } catch (error) { error.message + error.stack }`);
    expect(leak).toContain('escapes.test.ts'); // control arm
    const texts = (await details('errors')) as unknown as [string, string, boolean, string][];
    expect(texts.length).toBeGreaterThan(8);
    for (const [message, stack, own, json] of texts) {
      expect(own).toBe(true);
      for (const text of [message, stack, json]) expect(text).not.toMatch(/node:internal|file:\/\/\/(?!etc)|node_modules|sandbox\/|\.cjs|isolated-vm|fixture/);
    }
  });
});
