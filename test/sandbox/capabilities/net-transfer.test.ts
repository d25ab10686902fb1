import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { extensionOf, type Fixture, openFixture, until } from '../../support/sandbox-fixture.ts';

let server: Server;
let route: RequestListener;
let port: number;
let closed = 0;
let fixture: Fixture;

const tools = {
  /** Reads piece by piece, and lets the server go on when it has seen one. */
  follow: `const r = await fetch(params.url); const seen = []; const d = new TextDecoder(); for await (const piece of r.body) { seen.push(d.decode(piece, { stream: true })); await fetch(params.next); } return JSON.stringify(seen)`,
  text: `const r = await fetch(params.url); return String((await r.text()).length)`,
  first: `const r = await fetch(params.url); const reader = r.body.getReader(); const { value } = await reader.read(); await reader.cancel(); return new TextDecoder().decode(value)`,
  abandon: `globalThis.kept = await fetch(params.url); return String(kept.status)`,
  later: `try { return await kept.text() } catch (error) { return error.name + ' ' + error.code }`,
  abort: `const c = new AbortController(); const r = await fetch(params.url, { signal: c.signal }); const read = r.text(); c.abort(new Error('enough')); try { await read; return 'read' } catch (error) { return error.message }`,
  http: `const res = await new Promise((resolve, reject) => require('http').get(params.url, resolve).on('error', reject)); const seen = []; for await (const piece of res) { seen.push(String(piece)); await fetch(params.next); } return JSON.stringify([seen, res.complete])`,
  broken: `const r = await fetch(params.url); try { await r.text(); return 'read' } catch (error) { return error.name + ' ' + error.message }`,
  clone: `const r = await fetch(params.url); const c = r.clone(); return (await r.text()) + '|' + (await c.text())`,
  many: `const open = []; try { for (let n = 0; n < 40; n++) open.push(await fetch(params.url)) } catch (error) { return open.length + ' ' + error.code } finally { for (const r of open) await r.body.cancel() }`,
};

beforeAll(async () => {
  server = createServer((request, response) => {
    response.on('close', () => closed++);
    route(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ({ port } = server.address() as AddressInfo);
  fixture = await openFixture({ files: { 'index.ts': extensionOf(tools) }, granted: [`net:127.0.0.1:${port}`] });
});
afterAll(async () => {
  await fixture[Symbol.asyncDispose]();
  server.closeAllConnections();
  server.close();
});
const url = (path = '/'): string => `http://127.0.0.1:${port}${path}`;

/** Writes a piece each time that `/next` is asked for. */
function inSteps(pieces: readonly string[]): RequestListener {
  const left = [...pieces];
  let streaming: import('node:http').ServerResponse | undefined;
  const step = (): void => {
    const piece = left.shift();
    if (piece === undefined) streaming?.end();
    else streaming?.write(piece);
  };
  return (request, response) => {
    if (request.url === '/next') {
      response.end('ok');
      return step();
    }
    streaming = response;
    response.flushHeaders();
    step();
  };
}

describe('the body of an answer', () => {
  it('is read as it comes: the server writes on when a piece was seen', async () => {
    route = inSteps(['one', 'twö', 'three']);
    expect(JSON.parse(await fixture.text('follow', { url: url('/stream'), next: url('/next') }))).toEqual(['one', 'twö', 'three']);
  });

  it('comes through `http` in the same way', async () => {
    route = inSteps(['a', 'b']);
    expect(JSON.parse(await fixture.text('http', { url: url('/stream'), next: url('/next') }))).toEqual([['a', 'b'], true]);
  });

  it('may be large, compressed, or both, and be read at once', async () => {
    route = (_request, response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(3_000_000, 'x')));
    expect(await fixture.text('text', { url: url() })).toBe('3000000');
    route = (_request, response) => void response.end('y'.repeat(5_000_000));
    expect(await fixture.text('text', { url: url() })).toBe('5000000');
  });

  it('is read by two after `clone`', async () => {
    route = (_request, response) => void (response.write('twice'), response.end());
    expect(await fixture.text('clone', { url: url() })).toBe('twice|twice');
  });

  it('stays with the server where nobody reads it, and ends with a cancel, an abort, or the call', async () => {
    route = (_request, response) => {
      response.write('first');
    };
    for (const [tool, expected] of [
      ['first', 'first'],
      ['abort', 'enough'],
      ['abandon', '200'],
    ] as const) {
      const before = closed;
      expect(await fixture.text(tool, { url: url() })).toBe(expected);
      await until(() => closed > before);
    }
    expect(await fixture.text('later')).toMatch(/^TypeError (ECONNRESET|ECANCELED)/);
  });

  it('that breaks off is an error', async () => {
    route = (_request, response) => void response.write('half', () => response.destroy());
    expect(await fixture.text('broken', { url: url() })).toMatch(/^TypeError terminated/);
  });

  it('is one of few that are open', async () => {
    route = (_request, response) => void response.write('open');
    expect(await fixture.text('many', { url: url() })).toBe('32 EMFILE');
    expect(await fixture.text('many', { url: url() })).toBe('32 EMFILE');
  });
});
