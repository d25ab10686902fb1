import { readFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AuditRecord } from '../../sandbox/index.ts';
import { extensionOf, openFixture, until, type Fixture } from '../support/sandbox-fixture.ts';

/** Work that outlives the call it was started in, or was never in one: whose it is, and what it may do. */
const TOOLS = {
  // A request that is not waited for, to a server that does not answer.
  // what is read after it was decided on after it: the call does not end before
  leave: `globalThis.left = fetch(params.url).then(() => 'answered', (error) => String(error.code)); await require('fs/promises').readFile('a.txt'); return 'left'`,
  // The same, in a call that lasts until another call ends it.
  hold: `globalThis.left = fetch(params.url).then(() => 'answered', (error) => String(error.code)); await new Promise((done) => { globalThis.release = done; }); return 'held'`,
  wait: `await new Promise((done) => { globalThis.releaseOther = done; }); return 'waited'`,
  release: `globalThis[params.name](); return 'released'`,
  isHeld: `return String(typeof globalThis[params.name])`,
  how: `return globalThis.left`,
  later: `setTimeout(() => { require('fs/promises').readFile('a.txt', 'utf8').then((text) => { globalThis.later = text; }, (error) => { globalThis.later = error.code; }); }, 1); return 'planned'`,
  what: `return String(globalThis.later)`,
};

let open: ServerResponse[] = [];
let closed = 0;
/** Of which test a request is: one of the last may come or close late. */
let run = 0;
const server = createServer((request, response) => {
  const isOfThis = (): boolean => request.url === `/${run}`;
  if (isOfThis()) open.push(response);
  response.on('close', () => isOfThis() && closed++);
});
let base: string;
let url: string;
const started: Fixture[] = [];

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});
afterAll(async () => {
  for (const fixture of started) await fixture[Symbol.asyncDispose]();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

async function start(...more: readonly string[]): Promise<Fixture> {
  [open, closed] = [[], 0];
  url = base + String(++run);
  const fixture = await openFixture({
    files: { 'index.ts': extensionOf(TOOLS) },
    granted: ['fs:read', `net:127.0.0.1:${new URL(base).port}`, ...more],
    workspaceFiles: { 'a.txt': 'the text' },
  });
  started.push(fixture);
  return fixture;
}

const trail = (fixture: Fixture): AuditRecord[] =>
  readFileSync(fixture.audit.file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as AuditRecord);

describe('a request that nobody waits for', () => {
  test('ends with its call, and the trail says so', async () => {
    const fixture = await start();
    expect(await fixture.text('leave', { url })).toBe('left');
    expect(await fixture.text('how')).toBe('ABORT_ERR');
    expect(trail(fixture).filter(({ capability }) => capability === 'net.fetch')).toMatchObject([
      { 'event.name': 'decision', decision: 'allow', 'call.id': '1' },
      { 'event.name': 'effect', outcome: 'ended with its call', 'call.id': '1', background: true },
    ]);
  });

  test('control arm: with `background` it goes on', async () => {
    const fixture = await start('background');
    await fixture.text('leave', { url });
    await until(() => open.length === 1);
    expect(closed).toBe(0);
    open[0]?.end('ok');
    expect(await fixture.text('how')).toBe('answered');
  });

  test('does not live on in a call that began after it', async () => {
    const fixture = await start();
    const holding = fixture.text('hold', { url });
    await until(() => open.length === 1);
    const waiting = fixture.text('wait');
    await until(async () => (await fixture.text('isHeld', { name: 'releaseOther' })) === 'function');
    await fixture.text('release', { name: 'release' });
    expect(await holding).toBe('held');
    await until(() => closed === 1); // while the other call is still being served
    expect(fixture.extension.inFlight).toBe(1);
    await fixture.text('release', { name: 'releaseOther' });
    expect(await waiting).toBe('waited');
  });
});

test('what a timer asks for outside of calls is denied as background, and is written down as such', async () => {
  const fixture = await start();
  await fixture.text('later');
  await until(() => fixture.denials.length > 0);
  expect(fixture.denials).toMatchObject([{ capability: 'fs.readFile', permission: 'background', rule: 'outside a call' }]);
  expect(await fixture.text('what')).toBe('EACCES');
  const [record] = trail(fixture).filter(({ capability }) => capability === 'fs.readFile');
  expect(record).toMatchObject({ decision: 'deny', rule: 'outside a call', background: true });
  expect(record).not.toHaveProperty(['call.id']);
});

test('control arm: with `background` the timer reads, and is still written down as background', async () => {
  const fixture = await start('background');
  await fixture.text('later');
  await until(async () => (await fixture.text('what')) === 'the text');
  expect(trail(fixture).find(({ capability }) => capability === 'fs.readFile')).toMatchObject({ decision: 'allow', rule: 'fs:read' });
});
