import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { etag } from 'hono/etag';

import { tarballFile } from './npm-name.ts';
import type { PackageDirectory } from './package-directory.ts';
import { isToken, parsePublishRequest } from './publish-request.ts';
import { RegistryRefusal } from './registry-refusal.ts';
import { searchPackages } from './search-packages.ts';
import type { Upstream } from './upstream.ts';

export interface AppOptions {
  readonly packages: PackageDirectory;
  /** With a token only its bearer may publish; reading is open. */
  readonly token?: string;
  readonly upstream?: Upstream;
  /** Largest body of a publish. */
  readonly maxBodyBytes: number;
  readonly now: () => Date;
}

/** The npm protocol as far as clients need it to search, install and publish. */
export function createApp({ packages, token, upstream, maxBodyBytes, now }: AppOptions): Hono {
  const app = new Hono();

  // the service listens on loopback: a page in a browser that rebinds its own name to 127.0.0.1 must not reach it
  app.use(async (c, next) => {
    if (!isLoopback(new URL(c.req.url).hostname)) throw new RegistryRefusal(421, 'this registry answers on loopback only');
    await next();
  });
  app.use(etag());
  app.use(
    bodyLimit({
      maxSize: maxBodyBytes,
      onError: () => {
        throw new RegistryRefusal(413, `a publish may have ${maxBodyBytes} bytes at most`);
      },
    }),
  );

  app.get('/-/ping', (c) => c.json({}));
  app.get('/-/whoami', (c) => {
    assertToken(c);
    return c.json({ username: token === undefined ? 'anonymous' : 'publisher' });
  });
  app.get('/-/v1/search', async (c) => {
    const names = await packages.names();
    const packuments = (await Promise.all(names.map((name) => packages.packument(name)))).filter((packument) => packument !== undefined);
    const found = searchPackages(packuments, {
      text: c.req.query('text') ?? '',
      size: numberBetween(c.req.query('size'), { least: 0, most: 250, otherwise: 20 }),
      from: numberBetween(c.req.query('from'), { least: 0, most: 10_000, otherwise: 0 }),
    });
    return c.json({ ...found, time: now().toISOString() });
  });

  for (const path of ['/:name', '/:scope{@[^/]+}/:name'] as const) {
    app.get(path, async (c) => packument(c, nameOf(c)));
    app.get(`${path}/-/:file`, async (c) => tarball(c, nameOf(c), c.req.param('file') ?? ''));
    app.put(path, async (c) => publish(c, nameOf(c)));
  }

  app.notFound(() => {
    throw new RegistryRefusal(404, 'not found');
  });
  app.onError((error, c) => {
    if (error instanceof RegistryRefusal) return c.json({ error: error.message }, error.status);
    console.error(error);
    return c.json({ error: 'the registry failed' }, 500);
  });
  return app;

  async function packument(c: Context, name: string): Promise<Response> {
    const found = (await packages.packument(name)) ?? (await upstream?.packument(name));
    if (found === undefined) throw new RegistryRefusal(404, `\`${name}\` is not in this registry`);
    const base = new URL(c.req.url).origin;
    const versions = Object.fromEntries(
      Object.entries(found.versions).map(([version, manifest]) => [
        version,
        { ...manifest, dist: { ...manifest.dist, tarball: `${base}/${name}/-/${tarballFile(name, version)}` } },
      ]),
    );
    return c.json({ ...found, versions });
  }

  async function tarball(c: Context, name: string, file: string): Promise<Response> {
    const found = (await packages.tarball(name, file)) ?? (await upstream?.tarball(name, file));
    if (found === undefined) throw new RegistryRefusal(404, `\`${name}\` has no file \`${file}\``);
    c.header('content-type', 'application/octet-stream');
    // a version never changes, so neither do its bytes
    c.header('cache-control', 'public, max-age=31536000, immutable');
    if (found.integrity !== undefined) c.header('etag', `"${found.integrity}"`);
    return c.body(new Uint8Array(found.bytes));
  }

  async function publish(c: Context, name: string): Promise<Response> {
    assertToken(c);
    // a form or a plain-text body is what a page in a browser can send without asking
    if (!c.req.header('content-type')?.startsWith('application/json')) throw new RegistryRefusal(415, 'a publish is application/json');
    const body: unknown = await c.req.json().catch((error: unknown) => {
      if (error instanceof RegistryRefusal) throw error;
      throw new RegistryRefusal(400, 'the body is not JSON', { cause: error });
    });
    const request = parsePublishRequest(name, body);
    await packages.add(request, now());
    return c.json({ ok: true, id: request.name, rev: request.version }, 201);
  }

  function assertToken(c: Context): void {
    if (token !== undefined && !isToken(token, c.req.header('authorization'))) {
      throw new RegistryRefusal(401, "this needs the registry's token");
    }
  }
}

/** `@scope%2fname` arrives as one decoded parameter, `@scope/name` as two. */
function nameOf(c: Context): string {
  const name = c.req.param('name') ?? '';
  const scope = c.req.param('scope');
  return scope === undefined ? name : `${scope}/${name}`;
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '127.0.0.1' || hostname === '[::1]';
}

function numberBetween(text: string | undefined, range: { readonly least: number; readonly most: number; readonly otherwise: number }): number {
  const number = Number.parseInt(text ?? '', 10);
  return Number.isNaN(number) ? range.otherwise : Math.min(Math.max(number, range.least), range.most);
}
