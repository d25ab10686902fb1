import { createServer } from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openBareIsolate, type BareIsolate } from '../../support/bare-isolate.ts';

const directory = mkdtempSync(join(tmpdir(), 'guest-'));
let guest: BareIsolate;
beforeAll(async () => {
  guest = await openBareIsolate(directory);
}, 60_000);
afterAll(() => {
  guest[Symbol.dispose]();
  rmSync(directory, { recursive: true, force: true });
});

const names = [
  'URL',
  'URLSearchParams',
  'TextEncoder',
  'TextDecoder',
  'AbortController',
  'AbortSignal',
  'EventTarget',
  'Event',
  'CustomEvent',
  'DOMException',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'clearTimeout',
  'clearInterval',
  'clearImmediate',
  'queueMicrotask',
  'structuredClone',
  'console',
  'performance',
  'atob',
  'btoa',
  'fetch',
  'Headers',
  'Request',
  'Response',
  'Blob',
  'File',
  'FormData',
  'MessageChannel',
  'MessagePort',
  'MessageEvent',
  'ReadableStream',
  'WritableStream',
  'TransformStream',
  'TextDecoderStream',
  'crypto',
  'Buffer',
  'process',
  'global',
];

describe('globals in a bare isolate', () => {
  test.each(names)('%s works as the first global touched', async (name) => {
    using fresh = await openBareIsolate('/');
    expect(await fresh.run(`return typeof ${name}`)).toMatch(/^(?:function|object)$/);
  });

  // Each program runs here in Node and there in the isolate, and must give the same.
  test.each([
    [
      'URL',
      `const u = new URL('../x?a=1&a=2#h', 'https://user@exämple.com:443/b/c/'); return [u.href, u.host, [...u.searchParams], URL.canParse('nope'), new URLSearchParams({ q: 'a b&c' }).toString()]`,
    ],
    [
      'text',
      `const d = new TextDecoder(); return [[...new TextEncoder().encode('aé漢😀\\ud800')], d.decode(new Uint8Array([0xe6, 0xbc]), { stream: true }) + d.decode(new Uint8Array([0xa2, 0xff])), new TextDecoder().decode(new Uint8Array([0xef, 0xbb, 0xbf, 65])), new TextDecoder('utf-16le').decode(new Uint8Array([65, 0, 61, 216]))]`,
    ],
    [
      'malformed text',
      `return [[0xc0, 0x80], [0xe0, 0x80, 0x80], [0xf0, 0x9f, 0x98], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82, 65]].map((bytes) => new TextDecoder().decode(new Uint8Array(bytes)))`,
    ],
    ['fatal text', `try { new TextDecoder('utf-8', { fatal: true }).decode(new Uint8Array([255])); } catch (error) { return [error.name, error.code]; }`],
    ['base64', `return [btoa('\\xff\\x00a'), atob(' aGk'), Buffer.from('aGk_', 'base64url').toString('hex')]`],
    ['base64 errors', `try { atob('a'); } catch (error) { return [error.name, error.code, error instanceof DOMException, error instanceof Error]; }`],
    [
      'structuredClone',
      `const a = { d: new Date(0), m: new Map([[1, new Set([2])]]), e: new RangeError('x'), b: new Uint8Array([1]) }; a.self = a; const c = structuredClone(a); return [c.self === c, c.d.getTime(), [...c.m.get(1)], c.e.name, c.b[0], c !== a]`,
    ],
    ['uncloneable values', `try { structuredClone(() => {}); } catch (error) { return error.name; }`],
    [
      'abort',
      `const c = new AbortController(); const seen = []; c.signal.addEventListener('abort', () => seen.push('listener')); c.signal.onabort = () => seen.push('property'); const any = AbortSignal.any([c.signal]); c.abort('why'); c.abort('again'); return [seen, any.aborted, any.reason, c.signal.reason, AbortSignal.abort().reason.name]`,
    ],
    ['abort timeout', `const s = AbortSignal.timeout(1); await new Promise((r) => s.addEventListener('abort', r)); return [s.aborted, s.reason.name]`],
    [
      'events',
      `const t = new EventTarget(); const seen = []; t.addEventListener('x', (e) => { seen.push(e.detail); e.preventDefault(); }, { once: true }); t.addEventListener('x', { handleEvent: () => seen.push('object') }); return [t.dispatchEvent(new CustomEvent('x', { detail: 1, cancelable: true })), t.dispatchEvent(new Event('x')), seen]`,
    ],
    [
      'order of timers',
      `const seen = []; setTimeout(() => seen.push('timer'), 5); queueMicrotask(() => seen.push('micro')); process.nextTick((a) => seen.push(a), 'tick'); seen.push('sync'); clearTimeout(setTimeout(() => seen.push('never'), 1)); await new Promise((r) => setTimeout(r, 20)); return [seen[0], seen.includes('micro'), seen.includes('tick'), seen.at(-1), seen.length]`,
    ],
    ['intervals', `let n = 0; await new Promise((r) => { const i = setInterval(() => { if (++n === 3) { clearInterval(i); r(); } }, 1); }); return n`],
    [
      'streams',
      `const out = []; const s = new ReadableStream({ start(c) { c.enqueue('a'); c.enqueue('b'); c.close(); } }).pipeThrough(new TransformStream({ transform(x, c) { c.enqueue(x + x); } })); for await (const x of s) out.push(x); return out`,
    ],
    [
      'text streams',
      `const bytes = new TextEncoder().encode('é'); const s = new ReadableStream({ start(c) { c.enqueue(bytes.slice(0, 1)); c.enqueue(bytes.slice(1)); c.close(); } }).pipeThrough(new TextDecoderStream()); let t = ''; for await (const x of s) t += x; return t`,
    ],
    [
      'blob',
      `const b = new Blob(['ab', new Uint8Array([99])], { type: 'Text/Plain' }); return [b.size, b.type, await b.slice(1).text(), (await b.arrayBuffer()).byteLength, new File(['x'], 'n').name]`,
    ],
    [
      'responses',
      `const r = new Response('{"a":1}', { status: 201, headers: { 'X-A': '1' } }); const c = r.clone(); return [await r.json(), r.bodyUsed, await c.text(), r.ok, r.headers.get('x-a'), r.headers.get('content-type'), (await Response.json({ b: 2 }).bytes()).length]`,
    ],
    ['a body read twice', `const r = new Response('x'); await r.text(); try { await r.text(); } catch (error) { return error.name; }`],
    ['headers', `const h = new Headers([['B', '2'], ['a', '1'], ['b', '3'], ['set-cookie', 'x'], ['set-cookie', 'y']]); return [[...h], h.getSetCookie()]`],
    ['hostile header', `try { new Headers({ a: 'x\\r\\nb: y' }); } catch (error) { return error.name; }`],
    [
      'request bodies',
      `const r = new Request('https://a.b/', { method: 'post', body: new URLSearchParams({ a: '1' }) }); return [r.method, r.headers.get('content-type'), await r.text()]`,
    ],
    [
      'form data',
      `const f = new FormData(); f.append('a', '1'); f.append('a', new File(['x'], 'n.txt')); return [f.getAll('a').length, f.get('a'), [...f.keys()]]`,
    ],
    ['digest', `return Buffer.from(await crypto.subtle.digest('SHA-256', new TextEncoder().encode('a'))).toString('hex')`],
    [
      'random',
      `const a = crypto.getRandomValues(new Uint32Array(4)); return [a.some((n) => n !== 0), crypto.randomUUID().length, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(crypto.randomUUID())]`,
    ],
    [
      'buffers',
      `return [Buffer.from('héllo').toString('base64'), Buffer.concat([Buffer.from([1]), Buffer.alloc(2)]).toString('hex'), Buffer.from('ff00', 'hex').readUInt16BE(0), Buffer.byteLength('é'), Buffer.isBuffer(new Uint8Array(1))]`,
    ],
    ['data URLs', `return [await (await fetch('data:text/plain,a%20b')).text(), await (await fetch('data:;base64,aGk=')).text()]`],
  ])('%s behaves as in Node', async (_name, code) => {
    const AsyncFunction = (async () => {}).constructor as new (code: string) => () => Promise<unknown>;
    const inNode: unknown = await new AsyncFunction(code)();
    expect(await guest.run(code)).toEqual(JSON.parse(JSON.stringify(inNode)));
  });

  test('fetch goes through the broker: method, headers, body, status, stream', async () => {
    const server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk) => (body += String(chunk)));
      request.on('end', () => {
        response.writeHead(202, { 'x-seen': String(request.headers['x-sent']) });
        response.end(`${request.method} ${body}`);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const code = `const r = await fetch('http://127.0.0.1:${port}/', { method: 'POST', headers: { 'x-sent': 'yes' }, body: 'hi' });
      let text = ''; for await (const chunk of r.body) text += new TextDecoder().decode(chunk);
      return [r.status, r.headers.get('x-seen'), text]`;
    expect(await guest.run(code)).toEqual([202, 'yes', 'POST hi']);
    server.close();
  });

  test('an aborted fetch rejects with the reason', async () => {
    expect(
      await guest.run(`try { await fetch('http://127.0.0.1:9/', { signal: AbortSignal.abort(new Error('enough')) }) } catch (error) { return error.message }`),
    ).toBe('enough');
  });

  test('a denied fetch keeps the code and the words of the denial', async () => {
    using denied = await openBareIsolate('/', { deny: () => Object.assign(new Error('needs `net:a.b`'), { code: 'PERMISSION_DENIED' }) });
    expect(await denied.run(`try { await fetch('https://a.b/') } catch (error) { return [error.name, error.code, error.message] }`)).toEqual([
      'TypeError',
      'PERMISSION_DENIED',
      'fetch failed: needs `net:a.b`',
    ]);
  });

  test('the console writes to the log with its level', async () => {
    await guest.run(`console.log('a %s %d', 'b', 1, { c: 2 }); console.error(new Map([[1, 'x']])); console.group('g'); console.warn('in'); console.groupEnd()`);
    expect(guest.log.slice(-4)).toEqual([
      { level: 'info', text: 'a b 1 { c: 2 }' },
      { level: 'error', text: "Map(1) { 1 => 'x' }" },
      { level: 'info', text: 'g' },
      { level: 'warn', text: '  in' },
    ]);
  });

  test('process tells what was granted and refuses what would end the agent', async () => {
    expect(
      await guest.run(
        `process.stdout.write('one\\ntw'); process.stdout.write('o\\n'); return [process.env.GRANTED, process.env.HOME, process.platform, process.stdout.columns, process.stdout.isTTY, process.cwd() === require('path').resolve('.')]`,
      ),
    ).toEqual(['yes', null, 'linux', 91, false, true]);
    expect(guest.log.slice(-2).map(({ text }) => text)).toEqual(['one', 'two']);
    for (const call of ['exit(0)', 'chdir("/")', 'abort()', 'binding("fs")', 'memoryUsage()', 'dlopen({}, "x")']) {
      expect(await guest.run(`try { process.${call} } catch (error) { return error.code }`), call).toBe('UNSUPPORTED_API');
    }
  });

  test('an error in a microtask is heard', async () => {
    await guest.run(`queueMicrotask(() => { throw new Error('in a microtask') }); await null; await null`);
    expect(guest.log.at(-1)?.text).toContain('in a microtask');
  });
});

describe('MessageChannel', () => {
  test('delivers copies, in order, in turns of their own, once the port is started', async () => {
    const text = await guest.run(`
      const { port1, port2 } = new MessageChannel();
      const seen = [];
      const sent = { n: 1 };
      port1.postMessage(sent);
      sent.n = 2;
      port1.postMessage('two');
      await new Promise((resolve) => setTimeout(resolve, 5));
      seen.push('nothing yet ' + seen.length);
      const done = new Promise((resolve) => {
        port2.onmessage = ({ data }) => { seen.push(data); if (data === 'two') resolve(); };
      });
      seen.push('asked');
      await done;
      let refused = '';
      try { port1.postMessage(() => 1); } catch (error) { refused = error.name; }
      let illegal = '';
      try { new MessagePort(); } catch (error) { illegal = error.constructor.name; }
      port1.close();
      return JSON.stringify([seen, refused, illegal]);
    `);
    expect(JSON.parse(String(text))).toEqual([['nothing yet 0', 'asked', { n: 1 }, 'two'], 'DataCloneError', 'TypeError']);
  });
});
