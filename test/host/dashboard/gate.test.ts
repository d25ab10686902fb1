import { request } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CODE_MS, createGate } from '../../../host/events/dashboard/gate.ts';
import { type Scene, startScene } from '../../support/dashboard-scene.ts';

interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: string;
}

/** A request as it is, with a `Host` that no browser would let a page set. */
function send(origin: string, path: string, headers: Readonly<Record<string, string>> = {}, body?: string): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const asking = request(`${origin}${path}`, { method: body === undefined ? 'GET' : 'POST', headers }, (reply) => {
      let text = '';
      reply.setEncoding('utf8').on('data', (piece: string) => (text += piece));
      reply.on('end', () => resolve({ status: reply.statusCode ?? 0, headers: reply.headers, body: text }));
    });
    asking.on('error', reject);
    asking.end(body);
  });
}

describe('who may read the dashboard', () => {
  let scene: Scene;
  beforeEach(async () => {
    scene = await startScene();
  });
  afterEach(() => scene.close());

  const exchange = (code: string, headers: Readonly<Record<string, string>> = {}) =>
    send(scene.origin, '/key', { origin: scene.origin, 'content-type': 'application/json', ...headers }, JSON.stringify({ code }));
  const unlock = async (): Promise<{ readonly cookie: string; readonly area: string }> => {
    const { headers, body, status } = await exchange(scene.code);
    expect(status).toBe(200);
    const [cookie = ''] = headers['set-cookie'] ?? [];
    expect(cookie).toMatch(/^dash_dashboard=[\w-]{43}; HttpOnly; SameSite=Strict; Path=\/[\w-]{24}\/$/);
    const { area } = JSON.parse(body) as { readonly area: string };
    return { cookie: cookie.split(';', 1)[0] ?? '', area };
  };

  it('is whoever holds the key, and nobody without', async () => {
    const { cookie, area } = await unlock();
    // the control arm
    expect(await send(scene.origin, `/${area}/sessions`, { cookie })).toMatchObject({ status: 200, body: expect.stringContaining('Make the forecast faster') });
    const others = ['', 'dash_dashboard=', `${cookie}x`, cookie.replace('dash_', 'other_')].map((other): Readonly<Record<string, string>> => ({
      cookie: other,
    }));
    for (const wrong of [...others, {}]) {
      for (const path of ['sessions', 'use', 'events', `sessions/${scene.forked}`])
        expect(await send(scene.origin, `/${area}/${path}`, wrong)).toMatchObject({ status: 401 });
    }
    // the key opens the path that nobody else knows, and no other
    expect(await send(scene.origin, `/${'a'.repeat(24)}/sessions`, { cookie })).toMatchObject({ status: 404 });
  });

  it('is no other name that leads here: a rebound DNS name reads nothing', async () => {
    const { cookie, area } = await unlock();
    const port = new URL(scene.origin).port;
    expect(await send(scene.origin, `/${area}/use`, { cookie, host: `127.0.0.1:${port}` })).toMatchObject({ status: 200 });
    for (const host of [`evil.example:${port}`, `localhost:${port}`, '127.0.0.1', `127.0.0.1.nip.io:${port}`]) {
      expect(await send(scene.origin, `/${area}/use`, { cookie, host })).toMatchObject({ status: 403 });
      expect(await send(scene.origin, '/', { host })).toMatchObject({ status: 403 });
    }
  });

  it('is no page of another origin, even with the cookie', async () => {
    const { cookie, area } = await unlock();
    const own = { cookie, origin: scene.origin, 'sec-fetch-site': 'same-origin' };
    const good = await send(scene.origin, `/${area}/use`, own);
    expect(good.status).toBe(200);
    expect(good.headers['access-control-allow-origin']).toBeUndefined();
    const port = new URL(scene.origin).port;
    for (const origin of ['http://evil.example', 'null', `https://127.0.0.1:${port}`, `http://localhost:${port}`, 'http://127.0.0.1:1'])
      expect(await send(scene.origin, `/${area}/use`, { ...own, origin })).toMatchObject({ status: 403 });
    for (const site of ['cross-site', 'same-site'])
      expect(await send(scene.origin, `/${area}/use`, { cookie, 'sec-fetch-site': site })).toMatchObject({ status: 403 });
  });

  it('changes the code for the key once, for its own page', async () => {
    expect((await exchange(scene.code, { origin: 'http://evil.example' })).status).toBe(403);
    expect((await send(scene.origin, '/key', { 'content-type': 'application/json' }, JSON.stringify({ code: scene.code }))).status).toBe(403);
    expect((await exchange(scene.code, { 'content-type': 'text/plain' })).status).toBe(401);
    expect((await exchange('x'.repeat(24))).status).toBe(401);
    expect((await exchange(`${scene.code}${' '.repeat(2_000)}`)).status).toBe(401);
    await unlock();
    const replayed = await exchange(scene.code);
    expect(replayed.status).toBe(401);
    expect(replayed.headers['set-cookie']).toBeUndefined();
  });

  it('gives up on who guesses', async () => {
    for (let guess = 0; guess < 5; guess += 1) expect((await exchange(`guess-${guess}`)).status).toBe(401);
    expect((await exchange(scene.code)).status).toBe(401);
  });

  it('says of everything that nothing else may be loaded, framed or kept', async () => {
    const { cookie, area } = await unlock();
    for (const path of ['/', '/dashboard.js', '/nowhere', `/${area}/use`, `/${area}/sessions/none`]) {
      const { headers } = await send(scene.origin, path, { cookie });
      expect(headers['content-security-policy']).toContain("default-src 'none'");
      expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cache-control': 'no-store',
        'cross-origin-resource-policy': 'same-origin',
      });
    }
  });

  it('names no file by what is asked for', async () => {
    const { cookie, area } = await unlock();
    expect((await send(scene.origin, `/${area}/sessions/${scene.forked}`, { cookie })).status).toBe(200);
    for (const id of ['..%2f..%2fetc%2fpasswd', '%2Fetc%2Fpasswd', scene.forked.slice(0, 8), encodeURIComponent(`${scene.dashHome}/events.db`)])
      expect((await send(scene.origin, `/${area}/sessions/${id}`, { cookie })).status).toBe(404);
    for (const path of ['/index.html', '/app.ts', '/../gate.ts', '/%2e%2e/gate.ts']) expect((await send(scene.origin, path)).status).toBe(404);
  });
});

describe('the code', () => {
  it('is good for ten minutes', () => {
    let now = 0;
    const gate = createGate('127.0.0.1:1', () => now);
    now = CODE_MS;
    expect(gate.exchange(gate.code)).toBeDefined();
    const late = createGate('127.0.0.1:1', () => now);
    now += CODE_MS + 1;
    expect(late.exchange(late.code)).toBeUndefined();
  });
});
