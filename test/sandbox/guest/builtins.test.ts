import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readNodeMembers } from '../../../sandbox/guest/build/node-members.ts';
import { unsupportedModules } from '../../../sandbox/guest/builtins/unsupported.ts';
import { openBareIsolate, type BareIsolate } from '../../support/bare-isolate.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const require = createRequire(import.meta.url);
const directory = mkdtempSync(join(tmpdir(), 'guest-'));
let guest: BareIsolate;
beforeAll(async () => {
  guest = await openBareIsolate(directory);
}, 60_000);
afterAll(() => {
  guest[Symbol.dispose]();
  rmSync(directory, { recursive: true, force: true });
});

const modules = Object.keys(readNodeMembers());

describe('no silent stub', () => {
  test.each(modules)('%s has every member of Node\u2019s', async (name) => {
    const missing = Object.getOwnPropertyNames(require(`node:${name}`)).filter(
      (member) => !member.startsWith('_') && !['prototype', 'length', 'name', 'caller', 'arguments'].includes(member),
    );
    const there = (await guest.run(`const m = require('${name}'); return ${JSON.stringify(missing)}.filter((key) => key in m)`)) as string[];
    const functions = missing.filter((member) => typeof (require(`node:${name}`) as Record<string, unknown>)[member] === 'function');
    expect(functions.filter((member) => !there.includes(member))).toEqual([]);
  });

  test.each(Object.keys(unsupportedModules))('every function of %s throws when it is called or constructed, never before', async (name) => {
    const code = `const { isIP, isIPv4, isIPv6, ...m } = require('${name}'); const probes = ['url', 'isSea', 'MessageChannel', 'MessagePort', 'markAsUncloneable', 'markAsUntransferable', 'isMarkedAsUntransferable'];
      const wrong = [];
      for (const [key, member] of Object.entries(m)) {
        if (typeof member !== 'function' || probes.includes(key)) continue;
        class Sub extends member {}
        for (const use of [() => member(), () => new member(), () => new Sub()]) {
          try { use(); wrong.push(key); } catch (error) { if (error.code !== 'UNSUPPORTED_MODULE' || !error.message.includes('${name}.' + key)) wrong.push(key + ' ' + error.message); }
        }
      }
      return wrong`;
    expect(await guest.run(code)).toEqual([]);
  });

  test('worker_threads has what needs no thread', async () => {
    const code = `const { MessageChannel: Channel, markAsUncloneable, isMarkedAsUntransferable, isMainThread } = require('worker_threads');
      const { port1, port2 } = new Channel();
      const heard = new Promise((resolve) => port2.on('message', resolve));
      port1.postMessage([1]);
      return [await heard, markAsUncloneable({}) ?? null, isMarkedAsUntransferable({}), isMainThread]`;
    expect(await guest.run(code)).toEqual([[1], null, false, true]);
  });
});

// Each program runs here in Node and there in the isolate, and must give the same.
const programs: readonly (readonly [string, string])[] = [
  [
    'path',
    `const p = require('path'); return [p.join('a', '..', 'b'), p.resolve('/a', '../b'), p.relative('/a/b', '/a/c/d'), p.parse('/x/y.tar.gz'), p.posix.sep, p.extname('a.b'), p.isAbsolute('a')]`,
  ],
  [
    'url',
    `const u = require('url'); return [u.fileURLToPath('file:///a%20b/c'), u.pathToFileURL('/a b#?%/c').href, u.parse('https://u:p@h.com:8080/p?q=1#f', true).query, u.format({ protocol: 'https', host: 'a.b', pathname: '/c', query: { d: 1 } }), u.resolve('/one/two', 'three'), u.resolve('http://a.b/c', '/d')]`,
  ],
  [
    'util.inspect',
    `const { inspect } = require('util'); class Foo { constructor() { this.a = 1 } } const circular = { name: 'x' }; circular.self = circular;
    return [{ a: 1, b: 'it\\'s', c: [1, , 3], d: null }, [undefined, -0, 1n, Symbol('s')], new Foo(), circular, Object.create(null), new Map([[{ a: 1 }, 'b']]), new Set(['x']), [['a', ['b', ['c', ['d']]]]], () => {}, class A extends Foo {}, function named() {}, new Date(0), /x/g, Buffer.from('hi'), new Uint8Array(2), { get x() { return 1 } }, { 'a-b': 1, [Symbol('k')]: 2 }, new (class extends Map {})(), Object(1), Object('s'), [], {}, 'a\\nb', { s: 'x'.repeat(90) }, Array.from({ length: 3 }, (_, i) => ({ id: i, name: 'n' + i }))].map((value) => inspect(value))`,
  ],
  [
    'util.format',
    `const { format } = require('util'); return [format('%s %d %i %f %j %o %%', 'a', '1.5', 1.9, '2.5', { a: 1 }, [1]), format('a', 'b', { c: 1 }), format(1, 2), format('%s', { toString() { return 'T' } }), format('%s', null, undefined), format('%d', 1n)]`,
  ],
  [
    'util',
    `const u = require('util'); function A() {} function B() {} u.inherits(A, B); return [u.isDeepStrictEqual({ a: [1, new Set([{ b: 1 }])] }, { a: [1, new Set([{ b: 1 }])] }), u.isDeepStrictEqual([1], ['1']), await u.promisify((a, cb) => cb(null, a + 1))(1), new A() instanceof B, u.styleText(['red', 'bold'], 'x', { validateStream: false }), u.stripVTControlCharacters('\\u001b[31mx\\u001b[0m'), u.types.isPromise(Promise.resolve()), u.types.isRegExp(/x/)]`,
  ],
  [
    'util.parseArgs',
    `const { parseArgs } = require('util'); return parseArgs({ args: ['-f', '--bar', 'b', '--no-x', 'pos', '--', '--raw'], options: { foo: { type: 'boolean', short: 'f' }, bar: { type: 'string', multiple: true }, x: { type: 'boolean' }, d: { type: 'string', default: 'dd' } }, allowPositionals: true, allowNegative: true })`,
  ],
  ['util.parseArgs errors', `try { require('util').parseArgs({ args: ['--nope'], options: {} }) } catch (error) { return error.code }`],
  [
    'events',
    `const EventEmitter = require('events'); const e = new EventEmitter(); const seen = []; e.once('x', (a) => seen.push(a)); e.prependListener('x', () => seen.push('first')); e.emit('x', 1); e.emit('x', 2); setTimeout(() => e.emit('y', 3), 1); seen.push(await EventEmitter.once(e, 'y')); e.on(EventEmitter.errorMonitor, (error) => seen.push(error.message)); e.on('error', () => seen.push('handled')); e.emit('error', new Error('bad')); return [seen, e.listenerCount('x'), EventEmitter.EventEmitter === EventEmitter]`,
  ],
  [
    'events.on',
    `const { on, EventEmitter } = require('events'); const e = new EventEmitter(); setTimeout(() => { e.emit('x', 1); e.emit('x', 2) }, 1); const out = []; for await (const [v] of on(e, 'x')) { out.push(v); if (v === 2) break } return [out, e.listenerCount('x')]`,
  ],
  [
    'assert',
    `const a = require('assert'); const codes = []; for (const f of [() => a(0), () => a.equal(1, 2), () => a.deepStrictEqual({ a: 1 }, { a: '1' }), () => a.strictEqual(1, '1'), () => a.throws(() => {}), () => a.match('a', /b/), () => a.fail('x')]) { try { f(); codes.push('passed') } catch (error) { codes.push(error.code) } } a.deepEqual([1, { b: 2 }], [1, { b: '2' }]); a.throws(() => { throw new TypeError('x') }, TypeError); await a.rejects(Promise.reject(new Error('r')), /r/); return codes`,
  ],
  ['querystring', `const q = require('querystring'); return [q.parse('a=1&b=2&a=3'), q.stringify({ x: ['1', '2'], y: 'z w' })]`],
  [
    'string_decoder',
    `const { StringDecoder } = require('string_decoder'); const d = new StringDecoder('utf8'); return d.write(Buffer.from([0xe2, 0x82])) + d.write(Buffer.from([0xac])) + d.end()`,
  ],
  [
    'stream',
    `const { Readable, Transform, PassThrough, pipeline } = require('stream'); const out = []; await require('stream/promises').pipeline(Readable.from(['a', 'b']), new Transform({ objectMode: true, transform(c, _, cb) { cb(null, String(c).toUpperCase()) } }), async function* (s) { for await (const c of s) out.push(String(c)) }); return [out, await require('stream/consumers').text(Readable.from(['x', 'y'])), typeof pipeline, new PassThrough() instanceof Readable]`,
  ],
  [
    'crypto',
    `const c = require('crypto'); return [...['md5', 'sha1', 'sha256', 'sha384', 'sha512'].map((n) => c.createHash(n).update('a').update(Buffer.from('b')).digest('hex')), c.createHmac('sha256', 'key').update('data').digest('base64'), c.createHash('sha256').copy().digest('hex'), c.randomBytes(8).length, c.timingSafeEqual(Buffer.from('a'), Buffer.from('a')), c.hash('sha1', 'x')]`,
  ],
  ['crypto errors', `const c = require('crypto'); const h = c.createHash('md5'); h.digest(); try { h.update('x') } catch (error) { return error.code }`],
  [
    'timers/promises',
    `const t = require('timers/promises'); return [await t.setTimeout(1, 'v'), await t.setImmediate('i'), await require('util').promisify(setTimeout)(1, 'p')]`,
  ],
  [
    'readline',
    `const rl = require('readline').createInterface({ input: require('stream').Readable.from(['a\\nb', 'c\\r', '\\nd']) }); const out = []; for await (const line of rl) out.push(line); return out`,
  ],
  [
    'diagnostics_channel',
    `const d = require('diagnostics_channel'); const seen = []; d.subscribe('x', (m, n) => seen.push(m, n)); d.channel('x').publish(1); return [seen, d.hasSubscribers('x'), d.hasSubscribers('y')]`,
  ],
  [
    'async_hooks',
    `const { AsyncLocalStorage } = require('async_hooks'); const s = new AsyncLocalStorage(); return [s.getStore() === undefined, s.run(1, () => s.getStore()), await s.run(2, () => Promise.resolve().then(() => s.getStore())), await new Promise((r) => s.run(3, () => setTimeout(() => r(s.getStore()), 1))), s.run(1, () => s.exit(() => s.getStore() === undefined)), s.run(5, () => AsyncLocalStorage.snapshot())(() => s.getStore())]`,
  ],
  [
    'net probes',
    `const n = require('net'); return ['1.2.3.4', '1.2.3.256', '01.2.3.4', '::', '::1', '1::2::3', 'fe80::1%eth0', '::ffff:1.2.3.4', '1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7', 'g::1', ''].map((ip) => n.isIP(ip))`,
  ],
  ['module', `const m = require('module'); return [m.isBuiltin('node:fs'), m.isBuiltin('x'), m.builtinModules.includes('fs')]`],
];

describe('builtins behave as in Node', () => {
  test.each(programs)('%s', async (_name, code) => {
    const AsyncFunction = (async () => {}).constructor as new (name: string, code: string) => (require: NodeJS.Require) => Promise<unknown>;
    const inNode: unknown = await new AsyncFunction('require', code)(require);
    expect(await guest.run(code)).toEqual(JSON.parse(JSON.stringify(inNode)));
  });
});

const files: readonly (readonly [string, string])[] = [
  [
    'whole files',
    `fs.writeFileSync('a.txt', 'hé\\n'); fs.appendFileSync('a.txt', Buffer.from('!')); fs.writeFileSync('b.bin', new Uint8Array([0, 255])); return [fs.readFileSync('a.txt', 'utf8'), fs.readFileSync('b.bin').toString('hex'), fs.readFileSync('a.txt', { encoding: 'base64' }), fs.existsSync('a.txt'), fs.existsSync('none')]`,
  ],
  [
    'exclusive creation',
    `fs.writeFileSync('x', '1'); try { fs.writeFileSync('x', '2', { flag: 'wx' }) } catch (e) { return [e.code, e.errno, e.syscall, e.path, e.message] }`,
  ],
  [
    'errors',
    `const out = []; for (const f of [() => fs.readFileSync('no'), () => fs.statSync('no/x'), () => fs.readdirSync('no'), () => fs.mkdirSync('.'), () => fs.unlinkSync('no'), () => fs.rmdirSync('no'), () => fs.renameSync('no', 'b'), () => fs.accessSync('no'), () => fs.realpathSync.native('no'), () => fs.openSync('no', 'r'), () => fs.closeSync(999), () => fs.copyFileSync('no', 'x'), () => fs.lstatSync('no')]) { try { f(); out.push('passed') } catch (e) { out.push([e.code, e.errno, e.syscall, e.message]) } } return out`,
  ],
  [
    'stats',
    `fs.writeFileSync('s', 'abc'); fs.mkdirSync('d'); const s = fs.statSync('s'); return [s.size, s.isFile(), s.isDirectory(), s.mtime instanceof Date, s instanceof fs.Stats, fs.statSync('d').isDirectory(), fs.statSync('no', { throwIfNoEntry: false }) === undefined, typeof fs.statSync('s', { bigint: true }).size, (s.mode & 0o777).toString(8)]`,
  ],
  [
    'directories',
    `const first = fs.mkdirSync('p/q/r', { recursive: true }); fs.writeFileSync('p/f', ''); return [require('path').basename(first), fs.readdirSync('p').sort(), fs.readdirSync('p', { recursive: true }).sort(), fs.readdirSync('p', { withFileTypes: true }).map((e) => [e.name, e.parentPath, e.isFile()]).sort(), fs.mkdirSync('p', { recursive: true }) === undefined]`,
  ],
  [
    'moves and removals',
    `fs.writeFileSync('m', '1'); fs.renameSync('m', 'n'); fs.copyFileSync('n', 'o'); fs.mkdirSync('t/u', { recursive: true }); fs.cpSync('t', 'v', { recursive: true }); fs.rmSync('t', { recursive: true }); fs.rmSync('gone', { force: true }); fs.unlinkSync('n'); fs.rmdirSync('v/u'); return [fs.readFileSync('o', 'utf8'), fs.existsSync('t'), fs.existsSync('v'), fs.existsSync('n'), fs.existsSync('v/u')]`,
  ],
  [
    'times and modes',
    `fs.writeFileSync('u', ''); fs.utimesSync('u', 1, new Date(2000)); fs.chmodSync('u', 0o600); const s = fs.statSync('u'); return [s.atimeMs, s.mtimeMs, (s.mode & 0o777).toString(8)]`,
  ],
  [
    'callbacks',
    `fs.writeFileSync('c', 'x'); return [await new Promise((r) => fs.readFile('c', 'utf8', (e, d) => r([e, d]))), await new Promise((r) => fs.readFile('no', (e) => r(e.code))), await new Promise((r) => fs.exists('c', r)), await new Promise((r) => fs.mkdir('k', (e) => r(e)))]`,
  ],
  [
    'promises',
    `const p = fs.promises; await p.writeFile('w', (async function* () { yield 'a'; yield 'b' })()); await p.appendFile('w', 'c'); await p.mkdir('e'); const d = await p.mkdtemp('tmp-'); return [await p.readFile('w', 'utf8'), (await p.stat('w')).size, await p.access('w').then(() => 'ok'), await p.access('no').catch((e) => e.code), d.length, await p.rm('e', { recursive: true }) === undefined, require('fs/promises') === p]`,
  ],
  [
    'descriptors',
    `const fd = fs.openSync('fd', 'w+'); fs.writeSync(fd, 'hello'); fs.writeSync(fd, 'J', 0); fs.writeSync(fd, Buffer.from('!')); const b = Buffer.alloc(4); const n = fs.readSync(fd, b, 0, 4, 1); const size = fs.fstatSync(fd).size; fs.ftruncateSync(fd, 3); fs.closeSync(fd); return [n, b.toString(), size, fs.readFileSync('fd', 'utf8')]`,
  ],
  [
    'appending descriptors',
    `fs.writeFileSync('log', 'a'); const fd = fs.openSync('log', 'a'); fs.writeSync(fd, 'b'); fs.writeSync(fd, 'c'); fs.closeSync(fd); try { fs.writeSync(fd, 'x') } catch (e) { return [fs.readFileSync('log', 'utf8'), e.code] }`,
  ],
  [
    'file handles',
    `const h = await fs.promises.open('h', 'w+'); await h.writeFile('one\\ntwo\\n'); const { bytesRead } = await h.read(Buffer.alloc(3), 0, 3, 0); const size = (await h.stat()).size; await h.close(); const g = await fs.promises.open('h'); const lines = []; for await (const l of g.readLines()) lines.push(l); await g.close(); return [bytesRead, size, lines]`,
  ],
  [
    'streams',
    `const w = fs.createWriteStream('st'); w.write('hel'); w.end('lo'); await require('events').once(w, 'finish'); const parts = []; for await (const c of fs.createReadStream('st', { encoding: 'utf8', highWaterMark: 2 })) parts.push(c); let part = ''; for await (const c of fs.createReadStream('st', { start: 1, end: 3 })) part += c; const bad = await require('events').once(fs.createReadStream('no'), 'error').catch((e) => [e]); return [parts.join('|'), part, w.bytesWritten, bad[0].code]`,
  ],
  [
    'opendir',
    `fs.mkdirSync('od'); fs.writeFileSync('od/x', ''); const names = []; for await (const e of await fs.promises.opendir('od')) names.push(e.name); return names`,
  ],
  [
    'paths as URL and Buffer',
    `const { pathToFileURL } = require('url'); fs.writeFileSync('url', 'u'); return [fs.readFileSync(pathToFileURL(require('path').resolve('url')), 'utf8'), fs.readFileSync(Buffer.from('url'), 'utf8')]`,
  ],
  [
    'bad arguments',
    `const out = []; for (const f of [() => fs.readFileSync(undefined), () => fs.readFileSync('a\\0b'), () => fs.writeFileSync('z', {}), () => fs.openSync('z', 'q')]) { try { f() } catch (e) { out.push(e.code) } } return out`,
  ],
  [
    'promisified calls',
    `fs.writeFileSync('pr', 'abc'); const { promisify } = require('util'); return [await promisify(fs.readFile)('pr', 'utf8'), (await promisify(fs.read)(fs.openSync('pr', 'r'), Buffer.alloc(2), 0, 2, 0)).bytesRead]`,
  ],
];

describe('fs over the broker behaves as Node\u2019s', () => {
  test.each(files)('%s', async (_name, code) => {
    const [there, here] = [await temporaryDirectory(), await temporaryDirectory()];
    using isolate = await openBareIsolate(there);
    const AsyncFunction = (async () => {}).constructor as new (...args: string[]) => (require: NodeJS.Require, fs: unknown) => Promise<unknown>;
    const before = process.cwd();
    let inNode: unknown;
    try {
      process.chdir(here);
      inNode = JSON.parse(JSON.stringify(await new AsyncFunction('require', 'fs', code)(require, require('node:fs'))));
    } finally {
      process.chdir(before);
    }
    expect(await isolate.run(`const fs = require('fs'); ${code}`)).toEqual(inNode);
  });

  test('a denial is EACCES with the broker\u2019s words, in the terms of the call', async () => {
    using denied = await openBareIsolate(directory, { deny: () => Object.assign(new Error('`fs:read` was not granted'), { code: 'PERMISSION_DENIED' }) });
    expect(await denied.run(`try { require('fs').readFileSync('secret') } catch (e) { return [e.code, e.errno, e.syscall, e.path, e.message] }`)).toEqual([
      'EACCES',
      -13,
      'open',
      'secret',
      '`fs:read` was not granted',
    ]);
  });

  test('watch hears changes and is silent after close', async () => {
    const seen =
      await guest.run(`const fs = require('fs'); const w = fs.watch('.'); const heard = new Promise((r) => w.on('change', (event, name) => name === 'watched' && r(name)));
      const timer = setInterval(() => fs.writeFileSync('watched', String(Math.random())), 20); const name = await heard; clearInterval(timer); w.close(); return name`);
    expect(seen).toBe('watched');
  });
});

const children: readonly (readonly [string, string])[] = [
  ['execSync', `return [cp.execSync('echo hi', { encoding: 'utf8' }), cp.execFileSync('printf', ['%s', 'a b']).toString()]`],
  [
    'a failing execSync',
    `try { cp.execSync('echo out; echo err >&2; exit 3', { stdio: 'pipe' }) } catch (e) { return [e.status, e.stdout.toString(), e.stderr.toString(), e.message, e.signal] }`,
  ],
  ['spawnSync', `const r = cp.spawnSync('sh', ['-c', 'cat; exit 2'], { input: 'in', encoding: 'utf8' }); return [r.status, r.stdout, r.stderr, r.signal]`],
  ['a program that is not there', `const r = cp.spawnSync('no-such-program'); return [r.error.code, r.error.message, r.status]`],
  ['exec', `return await new Promise((r) => cp.exec('echo a; exit 4', (e, out, err) => r([e.code, e.cmd, e.killed, out, err])))`],
  ['promisified execFile', `return await require('util').promisify(cp.execFile)('echo', ['x'])`],
  [
    'spawn',
    `const c = cp.spawn('sh', ['-c', 'read x; echo got $x; echo e >&2; exit 5']); c.stdin.end('line\\n'); let out = '', err = ''; c.stdout.setEncoding('utf8').on('data', (d) => (out += d)); c.stderr.on('data', (d) => (err += d)); const code = await new Promise((r) => c.on('close', r)); return [out, err, code, c.exitCode, c.spawnfile]`,
  ],
  [
    'a failing spawn',
    `const c = cp.spawn('no-such-program', ['x']); const [e] = await new Promise((r) => c.on('error', (...a) => r(a))); return [e.code, e.syscall, e.path, e.spawnargs, e.message]`,
  ],
  [
    'kill',
    `const c = cp.spawn('sleep', ['30']); c.stdin.end(); setTimeout(() => c.kill(), 30); const result = await new Promise((r) => c.on('close', (...a) => r(a))); return [result, c.killed]`,
  ],
];

describe('child_process over the broker behaves as Node\u2019s', () => {
  test.each(children)('%s', async (_name, code) => {
    const AsyncFunction = (async () => {}).constructor as new (...args: string[]) => (require: NodeJS.Require, cp: unknown) => Promise<unknown>;
    const inNode: unknown = await new AsyncFunction('require', 'cp', code)(require, require('node:child_process'));
    expect(await guest.run(`const cp = require('child_process'); ${code}`)).toEqual(JSON.parse(JSON.stringify(inNode)));
  });
});

test('http.get and http.request are clients over the broker; servers throw', async () => {
  const server = createServer((request, response) => {
    request.on('data', (chunk) => response.write(`${request.method} ${String(chunk)}`));
    request.on('end', () => response.end('.'));
    response.setHeader('X-A', 'b');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const code = `const http = require('http'); const read = async (res) => { let t = ''; for await (const c of res) t += c; return [res.statusCode, res.headers['x-a'], t] };
    const got = await new Promise((r) => http.get('http://127.0.0.1:${port}/', (res) => r(read(res))));
    const posted = await new Promise((r) => { const q = http.request({ hostname: '127.0.0.1', port: ${port}, method: 'POST', path: '/x' }, (res) => r(read(res))); q.write('bo'); q.end('dy') });
    const failed = await new Promise((r) => http.get('http://127.0.0.1:1/').on('error', (e) => r(e instanceof Error)));
    let server; try { http.createServer() } catch (e) { server = e.code }
    return [got, posted, failed, server]`;
  const [got, posted, failed, refused] = (await guest.run(code)) as unknown[][];
  expect(got).toEqual([200, 'b', '.']);
  expect(posted?.[0]).toBe(200);
  expect(String(posted?.[2])).toContain('POST bo');
  expect(failed).toBe(true);
  expect(refused).toBe('UNSUPPORTED_MODULE');
  server.close();
});

test('undici and node-fetch are the guest\u2019s fetch', async () => {
  const code = `const u = require('undici'); const f = require('node-fetch'); u.setGlobalDispatcher(new u.ProxyAgent('http://p')); const { body, statusCode } = await u.request('data:,hi'); return [await (await f('data:,x')).text(), f.default === f, statusCode, await body.text()]`;
  expect(await guest.run(code)).toEqual(['x', true, 200, 'hi']);
});

test('createRequire reaches builtins and the package\u2019s own bundle', async () => {
  expect(
    await guest.run(`const r = require('module').createRequire('/package/index.ts'); return [r('node:path') === require('path'), r('./data.json')]`),
  ).toEqual([true, './data.json of /package/index.ts']);
});
