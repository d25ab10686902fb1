import { Type } from '@sinclair/typebox';
import { lookup as resolveHost } from 'node:dns/promises';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { type CapabilityContext, CapabilityFailure, defineCapability, type Need } from '../define-capability.ts';
import { leadsToInternet } from './address.ts';
import { keepTransfer } from './net-transfer.ts';

/**
 * HTTP(S) for guests. The URL is parsed once by WHATWG rules and decided on in that form; the host is resolved
 * once, every address is checked, and the connection goes to the address that was checked, so that a name that
 * resolves twice (DNS rebinding) gains nothing. A redirect is a new request that is decided on again.
 *
 * A secret goes out where its handle stands in a header: after the decision, over https on 443, to the host it was granted
 * for, and along with no redirect. What the server repeats of it is taken out of the answer.
 */
const closed = { additionalProperties: false } as const;
const MAX_BODY_BYTES = 16 * 1024 * 1024;
const MAX_REDIRECTS = 10;
const REQUEST_TIMEOUT_MS = 60_000;
/** Between two pieces of a body that is read as it comes: events of a server may be rare. */
const STREAM_TIMEOUT_MS = 300_000;
/** A body of this length, which the server said, is not worth a second message. */
const SMALL_BODY_BYTES = 64 * 1024;

/** Headers that would let a guest speak for somebody else, or to somebody else, than was decided on. */
const REFUSED_HEADERS =
  /^(host|connection|content-length|transfer-encoding|upgrade|te|trailer|keep-alive|expect|cookie|cookie2|set-cookie|via|proxy-.*|sec-.*)$/i;
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const CREDENTIALS = /auth|key|token|secret|credential|signature|session|password/i;

interface FetchParams {
  readonly url: string;
  readonly method: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body?: { readonly text: string } | { readonly base64: string };
  readonly redirect: 'follow' | 'error' | 'manual';
  /** The body may come later, by `net.read`: a small one, and one that must be searched for secrets, still comes at once. */
  readonly stream?: boolean;
}

interface FetchReply {
  readonly status: number;
  readonly statusText: string;
  readonly url: string;
  readonly redirected: boolean;
  readonly headers: readonly (readonly [string, string])[];
  readonly base64: string;
  /** The body's name for `net.read`; `base64` is empty then. */
  readonly transfer?: number;
}

export const fetchUrl = defineCapability({
  kind: 'request',
  name: 'net.fetch',
  params: Type.Object(
    {
      url: Type.String({ minLength: 1, maxLength: 65_536 }),
      method: Type.String({ minLength: 1, maxLength: 32 }),
      headers: Type.Array(Type.Tuple([Type.String({ maxLength: 256 }), Type.String({ maxLength: 65_536 })]), { maxItems: 200 }),
      body: Type.Optional(Type.Union([Type.Object({ text: Type.String() }, closed), Type.Object({ base64: Type.String() }, closed)])),
      stream: Type.Optional(Type.Boolean()),
      redirect: Type.Union([Type.Literal('follow'), Type.Literal('error'), Type.Literal('manual')]),
    },
    closed,
  ),
  needs: ({ url, method, headers, body }, { secrets }) => {
    const parsed = parseUrl(url);
    assertHandlesInHeaders(parsed, body, secrets);
    return [needFor(parsed, method), ...secretNeeds(parsed, headers, secrets)];
  },
  run: (params, context, { signal, decide }) => follow(params as FetchParams, context, signal, decide),
});

async function follow(params: FetchParams, context: CapabilityContext, signal: AbortSignal, decide: (need: Need) => Promise<void>): Promise<FetchReply> {
  const { secrets } = context;
  let url = parseUrl(params.url);
  let method = params.method.toUpperCase();
  let body = params.body;
  const given = cleanHeaders(params.headers);
  const plain = given.filter(([, value]) => secrets.namesIn(value).length === 0);
  const isSecret = plain.length < given.length;
  let headers = given.map(([name, value]) => [name, secrets.reveal(value)] as const);
  // An answer in a foreign coding, or in parts, could not be searched for what it repeats.
  if (isSecret) headers = headers.filter(([name]) => !/^(accept-encoding|range|if-range)$/i.test(name)).concat([['accept-encoding', 'identity']]);
  const clean = isSecret ? secrets.scrub : (bytes: Buffer) => bytes;
  for (let hops = 0; ; hops++) {
    const reply = await send(url, method, headers, body, signal);
    const location = reply.headers.location;
    const isRedirect = [301, 302, 303, 307, 308].includes(reply.statusCode ?? 0) && location !== undefined;
    if (!isRedirect || params.redirect === 'manual') {
      const cleanText = (text: string): string => clean(Buffer.from(text, 'latin1')).toString('latin1');
      const head = headOf(reply, url, hops > 0, cleanText);
      if (params.stream !== true || isSecret || isSmall(reply)) return { ...head, base64: clean(await readWhole(reply, url, signal)).toString('base64') };
      reply.setTimeout(STREAM_TIMEOUT_MS);
      const transfer = keepTransfer(context, { need: needFor(url, method), body: decoded(reply), destroy: () => reply.destroy(), signal });
      return { ...head, base64: '', transfer };
    }
    reply.destroy(); // its body is nobody's, and may have no end
    if (params.redirect === 'error') throw failure('ERR_REDIRECT', `unexpected redirect from ${url.origin}`);
    if (hops >= MAX_REDIRECTS) throw failure('ERR_REDIRECT', `more than ${MAX_REDIRECTS} redirects`);

    const next = parseUrl(new URL(location, url).href);
    if (url.protocol === 'https:' && next.protocol === 'http:') throw failure('ERR_REDIRECT', 'a redirect from https to http is not followed');
    if (isSecret && hops === 0) headers = plain;
    if (next.origin !== url.origin) headers = headers.filter(([name]) => !CREDENTIALS.test(name));
    if (reply.statusCode === 303 || ((reply.statusCode === 301 || reply.statusCode === 302) && method === 'POST')) {
      method = 'GET';
      body = undefined;
    }
    url = next;
    await decide(needFor(url, method));
  }
}

type Secrets = CapabilityContext['secrets'];

/** One need for each secret in each header. @throws {CapabilityFailure} where the way is not safe for one */
function secretNeeds(url: URL, headers: FetchParams['headers'], secrets: Secrets): readonly Need[] {
  return headers.flatMap(([header, value]) =>
    secrets.namesIn(value).map((name): Need => {
      if (url.protocol !== 'https:' || (url.port !== '' && url.port !== String(secrets.port)))
        throw failure('EACCES', `the secret ${name} goes out over https on port 443 only`);
      return { effect: { kind: 'secret', name, host: hostOf(url), header }, target: `${name} in \`${header.toLowerCase()}\` for ${hostOf(url)}` };
    }),
  );
}

/** Elsewhere a handle is of no use: it is refused, so that an author learns it from us and not from a puzzled server. */
function assertHandlesInHeaders(url: URL, body: FetchParams['body'], secrets: Secrets): void {
  const [name] = secrets.namesIn(`${url.href}\n${body !== undefined && 'text' in body ? body.text : ''}`);
  if (name !== undefined) throw failure('EACCES', `the secret ${name} can stand in a header only, never in a URL or a body`);
}

/** @throws {CapabilityFailure} for anything that is not plain http(s) without credentials */
function parseUrl(text: string): URL {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw failure('ERR_INVALID_URL', 'Invalid URL');
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw failure('ERR_INVALID_URL', `the protocol ${url.protocol} cannot be fetched`);
  if (url.username !== '' || url.password !== '') throw failure('ERR_INVALID_URL', 'a URL with credentials cannot be fetched');
  return url;
}

export function needFor(url: URL, method: string): Need {
  const protocol = url.protocol === 'http:' ? ('http:' as const) : ('https:' as const);
  const host = hostOf(url);
  const port = url.port === '' ? (protocol === 'https:' ? 443 : 80) : Number(url.port);
  return {
    effect: { kind: 'net', method: method.toUpperCase(), protocol, host, port, path: url.pathname },
    target: `${method.toUpperCase()} ${url.origin}${url.pathname}`,
  };
}

/** Without brackets, without the trailing dot that makes `example.com.` another name for the same host. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
}

function cleanHeaders(headers: FetchParams['headers']): readonly (readonly [string, string])[] {
  for (const [name, value] of headers) {
    if (!TOKEN.test(name) || /[\r\n\0]/.test(value)) throw failure('ERR_INVALID_CHAR', `the header ${JSON.stringify(name)} is not valid`);
  }
  // Browsers drop these silently; undici refuses some. Dropping keeps real clients working.
  return headers.filter(([name]) => !REFUSED_HEADERS.test(name));
}

async function send(
  url: URL,
  method: string,
  headers: readonly (readonly [string, string])[],
  body: FetchParams['body'],
  signal: AbortSignal,
): Promise<IncomingMessage> {
  if (!TOKEN.test(method) || method === 'CONNECT' || method === 'TRACE') throw failure('ERR_METHOD', `the method ${method} cannot be used`);
  const host = hostOf(url);
  const address = await checkedAddress(host);
  const bytes = body === undefined ? undefined : 'text' in body ? Buffer.from(body.text, 'utf8') : Buffer.from(body.base64, 'base64');
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest;

  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const request = send({
    method,
    host,
    port: url.port === '' ? undefined : Number(url.port),
    path: `${url.pathname}${url.search}`,
    headers: { 'accept-encoding': 'gzip, deflate, br', ...combine(headers), ...(bytes && { 'content-length': String(bytes.length) }) },
    // Pinned: whatever the resolver would say now, the connection goes to the address that was checked.
    lookup: (_host, options, callback) => {
      const family = isIP(address);
      if (typeof options === 'object' && options.all === true) callback(null, [{ address, family }]);
      else callback(null, address, family);
    },
    agent: false,
    signal,
    timeout: REQUEST_TIMEOUT_MS,
  });
  request.on('timeout', () => request.destroy(failure('ETIMEDOUT', `no answer within ${REQUEST_TIMEOUT_MS} ms`)));
  request.on('error', reject);
  request.on('response', resolve);
  request.end(bytes);
  return promise;
}

function combine(headers: readonly (readonly [string, string])[]): Record<string, string> {
  const combined = Object.create(null) as Record<string, string>;
  for (const [name, value] of headers) {
    const key = name.toLowerCase();
    combined[key] = combined[key] === undefined ? value : `${combined[key]}, ${value}`;
  }
  return combined;
}

/**
 * A literal address was decided on as such by the grant. A name must lead to public addresses only, all of
 * them: one private address among them is how a page reaches a router.
 */
export async function checkedAddress(host: string): Promise<string> {
  if (isIP(host) !== 0) return host;
  if (host === 'localhost' || host.endsWith('.localhost')) return '127.0.0.1';
  const addresses = await resolveHost(host, { all: true, verbatim: true });
  const hidden = addresses.find(({ address }) => !leadsToInternet(address));
  if (hidden !== undefined) throw failure('EACCES', `${host} leads to the private address ${hidden.address}`);
  const first = addresses[0];
  if (first === undefined) throw failure('ENOTFOUND', `getaddrinfo ENOTFOUND ${host}`);
  return first.address;
}

async function readWhole(reply: IncomingMessage, url: URL, signal: AbortSignal): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of decoded(reply)) {
    signal.throwIfAborted();
    size += (chunk as Buffer).length;
    if (size > MAX_BODY_BYTES) {
      reply.destroy();
      throw failure('EFBIG', `the answer of ${url.host} is larger than ${MAX_BODY_BYTES} bytes`);
    }
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

/** Compressed, it may become anything. */
function isSmall({ headers }: IncomingMessage): boolean {
  return headers['content-encoding'] === undefined && Number(headers['content-length'] ?? Infinity) <= SMALL_BODY_BYTES;
}

function headOf(reply: IncomingMessage, url: URL, redirected: boolean, cleanText: (text: string) => string): Omit<FetchReply, 'base64'> {
  const headers: [string, string][] = [];
  for (let index = 0; index + 1 < reply.rawHeaders.length; index += 2) {
    const name = reply.rawHeaders[index] ?? '';
    // The body is decoded already; `set-cookie` belongs to a jar that guests do not have.
    if (!/^(content-encoding|content-length|set-cookie)$/i.test(name)) headers.push([name, cleanText(reply.rawHeaders[index + 1] ?? '')]);
  }
  return { status: reply.statusCode ?? 0, statusText: cleanText(reply.statusMessage ?? ''), url: url.href, redirected, headers };
}

/** The limit above counts decoded bytes, so a bomb stops at the limit and not at the disk. */
function decoded(reply: IncomingMessage): AsyncIterable<unknown> {
  const failed = (stream: NodeJS.ReadWriteStream): AsyncIterable<unknown> => {
    reply.on('error', (error) => (stream as unknown as { destroy(error: Error): void }).destroy(error));
    return reply.pipe(stream);
  };
  switch (reply.headers['content-encoding']) {
    case 'gzip':
    case 'x-gzip':
      return failed(createGunzip());
    case 'deflate':
      return failed(createInflate());
    case 'br':
      return failed(createBrotliDecompress());
    default:
      return reply;
  }
}

function failure(code: string, message: string): CapabilityFailure {
  return new CapabilityFailure({ code, message });
}
