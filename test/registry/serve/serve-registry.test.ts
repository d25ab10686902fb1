import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { describe, expect, test } from 'vitest';

import { startNpmRegistry } from '../../support/npm-registry.ts';
import { getJson, publishDocument, put, sha512, startRegistry, temporaryDirectory } from './registry-fixture.ts';

describe('publishing', () => {
  test('a published version is in the packument with its time and hashes, and its bytes come back', async () => {
    const registry = await startRegistry();
    const bytes = Buffer.from('the bytes');

    expect(await put(registry, publishDocument({ name: 'weather', bytes }))).toEqual({ status: 201, error: undefined });

    const tarball = `${registry.url}weather/-/weather-1.0.0.tgz`;
    expect(await getJson(registry, 'weather')).toMatchObject({
      name: 'weather',
      'dist-tags': { latest: '1.0.0' },
      time: { '1.0.0': expect.stringMatching(/^\d{4}-\d\d-\d\dT/) },
      versions: { '1.0.0': { name: 'weather', dist: { tarball, integrity: sha512(bytes), shasum: expect.stringMatching(/^[0-9a-f]{40}$/) } } },
    });
    expect(Buffer.from(await (await fetch(tarball)).arrayBuffer())).toEqual(bytes);
  });

  test('a scoped package answers under both spellings of its name', async () => {
    const registry = await startRegistry();
    await put(registry, publishDocument({ name: '@acme/weather' }));

    const plain = await getJson(registry, '@acme/weather');
    expect(plain).toMatchObject({ name: '@acme/weather', versions: { '1.0.0': { dist: { tarball: `${registry.url}@acme/weather/-/weather-1.0.0.tgz` } } } });
    expect(await getJson(registry, '@acme%2fweather')).toEqual(plain);
    expect((await fetch(`${registry.url}@acme/weather/-/weather-1.0.0.tgz`)).status).toBe(200);
    expect((await fetch(`${registry.url}@acme%2fweather/-/weather-1.0.0.tgz`)).status).toBe(200);
  });

  test('a version is never replaced', async () => {
    const registry = await startRegistry();
    await put(registry, publishDocument({ name: 'weather', bytes: Buffer.from('first') }));

    expect(await put(registry, publishDocument({ name: 'weather', bytes: Buffer.from('second') }))).toEqual({
      status: 403,
      error: 'you cannot publish over the previously published version 1.0.0',
    });
    expect(await (await fetch(`${registry.url}weather/-/weather-1.0.0.tgz`)).text()).toBe('first');
  });

  test('of eight publishes of one version at the same time one is accepted, and other versions are kept', async () => {
    const registry = await startRegistry();
    const same = Array.from({ length: 8 }, (_, i) => put(registry, publishDocument({ name: 'weather', bytes: Buffer.from(`bytes ${i}`) })));
    const others = ['1.1.0', '1.2.0', '1.3.0'].map((version) => put(registry, publishDocument({ name: 'weather', version })));

    const statuses = (await Promise.all(same)).map(({ status }) => status);
    expect(statuses.toSorted((a, b) => a - b)).toEqual([201, 403, 403, 403, 403, 403, 403, 403]);
    expect((await Promise.all(others)).map(({ status }) => status)).toEqual([201, 201, 201]);
    expect(await getJson(registry, 'weather')).toHaveProperty('versions', {
      '1.0.0': expect.anything(),
      '1.1.0': expect.anything(),
      '1.2.0': expect.anything(),
      '1.3.0': expect.anything(),
    });
  });

  test('a tag other than `latest` leaves `latest` where it is', async () => {
    const registry = await startRegistry();
    await put(registry, publishDocument({ name: 'weather' }));
    await put(registry, publishDocument({ name: 'weather', version: '2.0.0-beta.1', tag: 'next' }));

    expect(await getJson(registry, 'weather')).toHaveProperty('dist-tags', { latest: '1.0.0', next: '2.0.0-beta.1' });
  });

  test.for([
    [
      'a hash that is not of the bytes',
      { ...publishDocument({ name: 'weather', manifest: { dist: { integrity: 'sha512-AAAA' } } }) },
      /^integrity of the tarball is sha512-/,
    ],
    ['a shasum that is not of the bytes', publishDocument({ name: 'weather', manifest: { dist: { shasum: '00' } } }), /^shasum of the tarball/],
    [
      'a length that is not that of the bytes',
      { ...publishDocument({ name: 'weather' }), _attachments: { 'weather-1.0.0.tgz': { data: 'AAAA', length: 9 } } },
      /has 3 bytes, the document says 9/,
    ],
    ['a manifest of another package', publishDocument({ name: 'weather', manifest: { name: 'left-pad' } }), /the manifest says `left-pad@1.0.0`/],
    ['a manifest of another version', publishDocument({ name: 'weather', manifest: { version: '6.6.6' } }), /the manifest says `weather@6.6.6`/],
    ['a version that is none', publishDocument({ name: 'weather', version: '1.0' }), /`1.0` is not a version/],
    ['a tag that reads as a range', publishDocument({ name: 'weather', tag: 'v1' }), /`v1` is not a tag/],
    ['no tarball', { ...publishDocument({ name: 'weather' }), _attachments: {} }, /exactly one tarball/],
    [
      'two versions',
      { ...publishDocument({ name: 'weather' }), versions: { '1.0.0': { name: 'weather', version: '1.0.0' }, '2.0.0': { name: 'weather', version: '2.0.0' } } },
      /exactly one version/,
    ],
    ['a document of another shape', { name: 'weather', versions: 1 }, /^not a publish document/],
  ] as const)('refuses %s, and nothing is stored', async ([, document, reason]) => {
    const dir = await temporaryDirectory();
    const registry = await startRegistry({ dir });

    expect(await put(registry, document)).toEqual({ status: 400, error: expect.stringMatching(reason) });
    expect(await readdir(dir)).toEqual([]);
  });

  test.for(['..', '__proto__', '.hidden', '_private', 'UPPER', 'a+b', '@scope', 'a b', 'x'.repeat(215)])('refuses the name `%s`', async (name) => {
    const dir = await temporaryDirectory();
    const registry = await startRegistry({ dir });
    const response = await fetch(registry.url + encodeURIComponent(name).replace('..', '%2e%2e'), {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(publishDocument({ name })),
    });

    expect(response.status).toBeGreaterThanOrEqual(400);
    expect(await readdir(dir)).toEqual([]);
  });

  test('refuses a body that is too large, before it is read to its end', async () => {
    const registry = await startRegistry({ maxBodyBytes: 1000 });
    expect(await put(registry, publishDocument({ name: 'weather', bytes: Buffer.alloc(2000) }))).toEqual({
      status: 413,
      error: expect.stringContaining('1000 bytes'),
    });
  });

  test('refuses what a page in a browser may send without asking', async () => {
    const registry = await startRegistry();
    const body = JSON.stringify(publishDocument({ name: 'weather' }));
    const plain = await fetch(`${registry.url}weather`, { method: 'PUT', headers: { 'content-type': 'text/plain' }, body });
    expect(plain.status).toBe(415);
  });

  test('refuses a Host that is not loopback', async () => {
    const registry = await startRegistry();
    const sent = request(`${registry.url}-/ping`, { headers: { host: 'evil.example' } }).end();
    const [response] = await once(sent, 'response');
    response.resume();
    expect(response.statusCode).toBe(421);
  });

  test('with a token, only its bearer publishes', async () => {
    const registry = await startRegistry({ token: 'let-me-in' });
    const document = publishDocument({ name: 'weather' });

    expect(await put(registry, document)).toMatchObject({ status: 401 });
    expect(await put(registry, document, { authorization: 'Bearer let-me-out' })).toMatchObject({ status: 401 });
    expect((await fetch(`${registry.url}-/whoami`)).status).toBe(401);
    expect(await put(registry, document, { authorization: 'Bearer let-me-in' })).toMatchObject({ status: 201 });
    expect((await fetch(`${registry.url}weather`)).status).toBe(200);
  });
});

describe('keeping', () => {
  test('an acknowledged publish survives kill -9, and half-written files are no packages', async () => {
    const dir = await temporaryDirectory();
    const program = `
      import { serveRegistry } from ${JSON.stringify(new URL('../../../registry/serve/index.ts', import.meta.url).href)};
      console.log((await serveRegistry({ dir: ${JSON.stringify(dir)} })).url);
    `;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', program], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [url] = await once(createInterface({ input: child.stdout }), 'line');
    const { status } = await put({ url }, publishDocument({ name: 'weather', bytes: Buffer.from('kept') }));
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(status).toBe(201);
    // what a kill in the middle of the next publish would leave
    await writeFile(join(dir, 'weather', 'weather-2.0.0.tgz'), 'half');
    await writeFile(join(dir, 'weather', 'packument.json.0.tmp'), '{"name":');

    const again = await startRegistry({ dir });
    expect(await (await fetch(`${again.url}weather/-/weather-1.0.0.tgz`)).text()).toBe('kept');
    expect((await fetch(`${again.url}weather/-/weather-2.0.0.tgz`)).status).toBe(404);
    expect(await put(again, publishDocument({ name: 'weather', version: '2.0.0' }))).toMatchObject({ status: 201 });
  });

  test('a damaged packument is an error, not an empty package that the next publish would overwrite', async () => {
    const dir = await temporaryDirectory();
    const registry = await startRegistry({ dir });
    await put(registry, publishDocument({ name: 'weather' }));
    await writeFile(join(dir, 'weather', 'packument.json'), '{"name":"weather"}');

    expect(await put(registry, publishDocument({ name: 'weather', version: '2.0.0' }))).toMatchObject({ status: 500 });
    expect(await readFile(join(dir, 'weather', 'packument.json'), 'utf8')).toBe('{"name":"weather"}');
  });
});

describe('reading', () => {
  test('an unknown package, version or path is 404', async () => {
    const registry = await startRegistry();
    await put(registry, publishDocument({ name: 'weather' }));
    for (const path of ['nothing', 'weather/-/weather-9.9.9.tgz', 'weather/-/packument.json', 'weather/-/..%2f..%2fpackument.json', '-/v1/other']) {
      expect((await fetch(registry.url + path)).status, path).toBe(404);
    }
  });

  test('an unchanged packument or tarball is answered with 304', async () => {
    const registry = await startRegistry();
    await put(registry, publishDocument({ name: 'weather' }));
    for (const path of ['weather', 'weather/-/weather-1.0.0.tgz']) {
      const etag = (await fetch(registry.url + path)).headers.get('etag');
      expect(etag, path).toMatch(/^"/);
      expect((await fetch(registry.url + path, { headers: { 'if-none-match': etag ?? '' } })).status, path).toBe(304);
    }
    const before = (await fetch(`${registry.url}weather`)).headers.get('etag') ?? '';
    await put(registry, publishDocument({ name: 'weather', version: '1.0.1' }));
    expect((await fetch(`${registry.url}weather`, { headers: { 'if-none-match': before } })).status).toBe(200);
  });

  test('answers ping and whoami', async () => {
    const registry = await startRegistry();
    expect(await getJson(registry, '-/ping')).toEqual({});
    expect(await getJson(registry, '-/whoami')).toEqual({ username: 'anonymous' });
  });
});

describe('reading through', () => {
  test('packages it does not hold come from the upstream, with their tarballs under its own address', async () => {
    const upstream = await startRegistry();
    const bytes = Buffer.from('from upstream');
    await put(upstream, publishDocument({ name: '@far/away', bytes }));
    await put(upstream, publishDocument({ name: 'both' }));
    const registry = await startRegistry({ upstream: upstream.url });
    await put(registry, publishDocument({ name: 'both', version: '7.0.0' }));

    const tarball = `${registry.url}@far/away/-/away-1.0.0.tgz`;
    expect(await getJson(registry, '@far%2faway')).toMatchObject({ versions: { '1.0.0': { dist: { tarball, integrity: sha512(bytes) } } } });
    expect(Buffer.from(await (await fetch(tarball)).arrayBuffer())).toEqual(bytes);
    expect(await getJson(registry, 'both')).toHaveProperty('dist-tags', { latest: '7.0.0' });
    expect((await fetch(`${registry.url}nowhere`)).status).toBe(404);
  });

  test('a token of the upstream goes to no other origin, neither with a packument nor with an archive', async () => {
    const elsewhere = await startNpmRegistry({ name: 'away' });
    const mine = await startNpmRegistry();
    mine.handle('*', (asked, response) => response.writeHead(302, { location: new URL(asked.url ?? '/', elsewhere.url).href }).end());
    const registry = await startRegistry({ upstream: mine.url, upstreamOptions: { [`//${new URL(mine.url).host}/:_authToken`]: 'secret' } });
    expect(await getJson(registry, 'away')).toHaveProperty(['versions', '1.0.0', 'version'], '1.0.0');
    expect((await fetch(`${registry.url}away/-/away-1.0.0.tgz`)).status).toBe(200);
    expect(mine.authorizations).toEqual(['Bearer secret']);
    expect(elsewhere.requests).toEqual(['GET /away', 'GET /away/-/away-1.0.0.tgz']);
    expect(elsewhere.authorizations).toEqual([undefined, undefined]);
  });

  test.each([
    ['no JSON', 'hello'],
    ['no packument', '{"name":"away"}'],
    ['something else under `versions`', '{"name":"away","versions":{"1.0.0":{}}}'],
  ])('an upstream that answers with %s is a bad gateway', async (_, body) => {
    const upstream = await startNpmRegistry();
    upstream.override('/away', { status: 200, body });
    const registry = await startRegistry({ upstream: upstream.url });
    expect((await fetch(`${registry.url}away`)).status).toBe(502);
  });

  test('an archive that is not what the upstream promised is not passed on', async () => {
    const upstream = await startNpmRegistry({ name: 'away', dist: { integrity: sha512(Buffer.from('other')) } });
    const registry = await startRegistry({ upstream: upstream.url });
    expect((await fetch(`${registry.url}away/-/away-1.0.0.tgz`)).status).toBe(502);
  });
});
