import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';

import { onTestFinished } from 'vitest';

import { packTarball } from './tar.ts';

/** One version on the fixture registry. */
export interface PublishedVersion {
  readonly name: string;
  readonly version?: string;
  /** Merged into package.json and into the packument. */
  readonly manifest?: Readonly<Record<string, unknown>>;
  readonly files?: Readonly<Record<string, string>>;
  /** ISO 8601, `null` for a registry that gives no date. Default: a year ago. */
  readonly time?: string | null;
  /** The archive itself, when it is not made of `files`. */
  readonly tarball?: Buffer;
  /** What the registry says of `dist`, when it lies. */
  readonly dist?: Readonly<Record<string, unknown>>;
  /** Default `latest` for the last version given. */
  readonly tag?: string;
}

export interface FixtureRegistry {
  readonly url: string;
  /** Every request, e.g. `GET /left-pad`. */
  readonly requests: string[];
  /** Authorization headers as they came. */
  readonly authorizations: (string | undefined)[];
  /** Answers 401 to whoever does not show this token. */
  demand(token: string): void;
  /** Sends whoever asks for anything to this address. */
  redirectAll(url: string): void;
  publish(...versions: readonly PublishedVersion[]): void;
  /** Lets somebody else answer a path, or all paths (`*`), until it is given back with `undefined`. */
  handle(path: string, listener: RequestListener | undefined): void;
  /** Answers a path with this instead. */
  override(path: string, answer: { readonly status: number; readonly body?: string | Buffer; readonly headers?: Readonly<Record<string, string>> }): void;
}

const A_YEAR_AGO = new Date(Date.now() - 365 * 86_400_000).toISOString();

/** An npm registry on loopback, of packages made in the test; closed after it. */
export async function startNpmRegistry(...versions: readonly PublishedVersion[]): Promise<FixtureRegistry> {
  const packages = new Map<string, Map<string, { document: Record<string, unknown>; tarball: Buffer; time: string | null; tag: string }>>();
  const overrides = new Map<string, { readonly status: number; readonly body?: string | Buffer; readonly headers?: Readonly<Record<string, string>> }>();
  const handlers = new Map<string, RequestListener | undefined>();
  const requests: string[] = [];
  const authorizations: (string | undefined)[] = [];
  let demanded: string | undefined;
  let elsewhere: string | undefined;

  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? '/');
    requests.push(`${request.method} ${path}`);
    authorizations.push(request.headers.authorization);
    if (demanded !== undefined && request.headers.authorization !== `Bearer ${demanded}`) {
      response.writeHead(401, { 'content-type': 'application/json' }).end('{"error":"who are you?"}');
      return;
    }
    if (elsewhere !== undefined) {
      response.writeHead(302, { location: elsewhere }).end();
      return;
    }
    const handler = handlers.get(path) ?? handlers.get('*');
    if (handler !== undefined) {
      handler(request, response);
      return;
    }
    const answer = overrides.get(path);
    if (answer !== undefined) {
      response.writeHead(answer.status, answer.headers).end(answer.body);
      return;
    }
    const [, name = '', file] = /^\/((?:@[^/]+\/)?[^/]+)(?:\/-\/(.+))?$/.exec(path) ?? [];
    const found = packages.get(name);
    if (found === undefined) {
      response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":"not found"}');
      return;
    }
    if (file !== undefined) {
      const version = [...found].find(([number]) => file === fileOf(name, number));
      response.writeHead(version === undefined ? 404 : 200, { 'content-type': 'application/octet-stream' }).end(version?.[1].tarball);
      return;
    }
    const times = [...found].filter(([, { time }]) => time !== null).map(([version, { time }]) => [version, time]);
    const packument = {
      name,
      'dist-tags': Object.fromEntries([...found].map(([version, { tag }]) => [tag, version])),
      versions: Object.fromEntries([...found].map(([version, { document }]) => [version, document])),
      ...(times.length > 0 && { time: Object.fromEntries(times) }),
    };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(packument));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const url = `http://127.0.0.1:${address.port}/`;

  function publish(...more: readonly PublishedVersion[]): void {
    for (const { name, version = '1.0.0', manifest = {}, files = {}, time = A_YEAR_AGO, tarball, dist = {}, tag = 'latest' } of more) {
      const document = { name, version, ...manifest };
      const bytes = tarball ?? packTarball({ 'package.json': JSON.stringify(document), ...files });
      const integrity = `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
      const known = packages.get(name) ?? new Map();
      known.set(version, {
        document: { ...document, dist: { tarball: `${url}${name}/-/${fileOf(name, version)}`, integrity, ...dist } },
        tarball: bytes,
        time,
        tag,
      });
      packages.set(name, known);
    }
  }
  publish(...versions);
  return {
    url,
    requests,
    authorizations,
    publish,
    demand: (token) => void (demanded = token),
    redirectAll: (to) => void (elsewhere = to),
    handle: (path, listener) => void handlers.set(path, listener),
    override: (path, answer) => void overrides.set(path, answer),
  };
}

function fileOf(name: string, version: string): string {
  return `${name.slice(name.indexOf('/') + 1)}-${version}.tgz`;
}
