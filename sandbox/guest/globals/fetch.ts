import type { GuestLink } from '../link.ts';
import { base64ToBytes, bytesToBase64 } from './base64.ts';
import { Body, extractBody, IncomingBody } from './body.ts';
import { Headers } from './headers.ts';

interface RequestOptions {
  readonly method?: string;
  readonly headers?: ConstructorParameters<typeof Headers>[0];
  readonly body?: unknown;
  readonly redirect?: 'follow' | 'error' | 'manual';
  readonly signal?: AbortSignal | null;
  readonly duplex?: 'half';
  readonly credentials?: string;
  readonly cache?: string;
  readonly mode?: string;
  readonly referrer?: string;
  readonly integrity?: string;
  readonly keepalive?: boolean;
}

/** The fetch class. */
export class Request extends Body {
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
  readonly redirect: 'follow' | 'error' | 'manual';
  readonly signal: AbortSignal;
  readonly duplex = 'half';
  readonly credentials: string;
  readonly cache: string;
  readonly mode: string;
  readonly referrer: string;
  readonly integrity: string;
  readonly keepalive: boolean;

  constructor(input: Request | URL | string, options: RequestOptions = {}) {
    const source = input instanceof Request ? input : undefined;
    const method = String(options.method ?? source?.method ?? 'GET');
    const body = extractBody(options.body);
    const upper = method.toUpperCase();
    if (body !== undefined && (upper === 'GET' || upper === 'HEAD')) throw new TypeError('Request with GET/HEAD method cannot have body.');
    super(body === undefined ? source?.teeBody() : body.content);
    this.method = ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'POST', 'PUT'].includes(upper) ? upper : method;
    this.url = source === undefined ? parseUrl(input as URL | string) : source.url;
    if (/^[a-z]+:\/\/[^/?#]*@/i.test(this.url)) throw new TypeError(`Request cannot be constructed from a URL that includes credentials: ${this.url}`);
    this.headers = new Headers(options.headers ?? source?.headers);
    if (body?.contentType !== undefined && !this.headers.has('content-type')) this.headers.set('content-type', body.contentType);
    this.redirect = options.redirect ?? source?.redirect ?? 'follow';
    this.signal = options.signal ?? source?.signal ?? new AbortController().signal;
    this.credentials = options.credentials ?? source?.credentials ?? 'same-origin';
    this.cache = options.cache ?? source?.cache ?? 'default';
    this.mode = options.mode ?? source?.mode ?? 'cors';
    this.referrer = options.referrer ?? source?.referrer ?? 'about:client';
    this.integrity = options.integrity ?? source?.integrity ?? '';
    this.keepalive = options.keepalive ?? source?.keepalive ?? false;
  }

  clone(): Request {
    return new Request(this);
  }

  protected override contentType(): string {
    return this.headers.get('content-type') ?? '';
  }

  get [Symbol.toStringTag](): string {
    return 'Request';
  }
}

interface ResponseOptions {
  readonly status?: number;
  readonly statusText?: string;
  readonly headers?: ConstructorParameters<typeof Headers>[0];
}

/** The fetch class. */
export class Response extends Body {
  readonly status: number;
  readonly statusText: string;
  readonly headers: Headers;
  #type = 'default';
  #url = '';
  #redirected = false;

  constructor(init?: unknown, options: ResponseOptions = {}) {
    const body = extractBody(init);
    const status = options.status ?? 200;
    if (status !== 0 && (status < 200 || status > 599)) throw new RangeError('init["status"] must be in the range of 200 to 599, inclusive.');
    if (body !== undefined && [101, 103, 204, 205, 304].includes(status)) throw new TypeError(`Response constructor: Invalid response status code ${status}`);
    super(body?.content);
    this.status = status;
    this.statusText = options.statusText ?? '';
    this.headers = new Headers(options.headers);
    if (body?.contentType !== undefined && !this.headers.has('content-type')) this.headers.set('content-type', body.contentType);
  }

  get type(): string {
    return this.#type;
  }

  get ok(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  get url(): string {
    return this.#url;
  }

  get redirected(): boolean {
    return this.#redirected;
  }

  clone(): Response {
    return responseFrom(this.teeBody(), this, this.#url, this.#redirected);
  }

  static json(data: unknown, options: ResponseOptions = {}): Response {
    const headers = new Headers(options.headers);
    if (!headers.has('content-type')) headers.set('content-type', 'application/json');
    return new Response(JSON.stringify(data), { ...options, headers });
  }

  static error(): Response {
    const response = new Response(null, { status: 0 });
    response.#type = 'error';
    return response;
  }

  static redirect(url: string | URL, status = 302): Response {
    if (![301, 302, 303, 307, 308].includes(status)) throw new RangeError(`Invalid status code ${status}`);
    return new Response(null, { status, headers: { location: parseUrl(url) } });
  }

  /** A response as it came from the broker; package code cannot set `url` and `redirected`. */
  static from(body: unknown, options: ResponseOptions, url: string, redirected: boolean): Response {
    const response = new Response(body, options);
    response.#url = url;
    response.#redirected = redirected;
    return response;
  }

  protected override contentType(): string {
    return this.headers.get('content-type') ?? '';
  }

  get [Symbol.toStringTag](): string {
    return 'Response';
  }
}

const responseFrom = Response.from;
Reflect.deleteProperty(Response, 'from');

/** The broker's answer to `net.fetch`. */
interface FetchAnswer {
  readonly status: number;
  readonly statusText: string;
  readonly url: string;
  readonly redirected: boolean;
  readonly headers: readonly (readonly [string, string])[];
  readonly base64: string;
  /** What the rest comes by, with `net.read`. */
  readonly transfer?: number;
}

/** Reads what a server still sends, at the reader's pace. */
export function incomingBody(link: Pick<GuestLink, 'request'>, transfer: number, signal?: AbortSignal): IncomingBody {
  return new IncomingBody(
    async () => {
      try {
        const piece = (await link.request('net.read', { transfer }, signal)) as { base64?: string };
        return piece.base64 === undefined ? undefined : base64ToBytes(piece.base64);
      } catch (error) {
        if (signal?.aborted) throw signal.reason;
        throw Object.assign(new TypeError('terminated', { cause: error }), { code: error instanceof Error ? Reflect.get(error, 'code') : undefined });
      }
    },
    () => {
      link.request('net.read', { transfer, cancel: true }).catch(() => undefined); // it has ended by itself
    },
  );
}

/** Makes `fetch` over the capability `net.fetch`. A failure is a TypeError `fetch failed` whose cause has the code. */
export function createFetch(link: Pick<GuestLink, 'request'>) {
  return async function fetch(input: Request | URL | string, options?: RequestOptions): Promise<Response> {
    const request = new Request(input, options);
    request.signal.throwIfAborted();
    if (request.url.startsWith('data:')) return fetchDataUrl(request.url);
    const content = request.body === null ? undefined : await request.bytes();
    const params = {
      url: request.url,
      method: request.method,
      headers: [...request.headers],
      redirect: request.redirect,
      stream: true,
      ...(content === undefined ? {} : { body: { base64: bytesToBase64(content) } }),
    };
    let answer: FetchAnswer;
    try {
      answer = (await link.request('net.fetch', params, request.signal)) as FetchAnswer;
    } catch (error) {
      if (request.signal.aborted) throw request.signal.reason;
      // Node's shape, but with the denial in the message: `fetch failed` alone tells neither user nor model what to do.
      const message = error instanceof Error ? `fetch failed: ${error.message}` : 'fetch failed';
      const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
      throw Object.assign(new TypeError(message, { cause: error }), code === undefined ? {} : { code });
    }
    const hasBody = ![101, 103, 204, 205, 304].includes(answer.status) && request.method !== 'HEAD';
    const headers = new Headers(answer.headers);
    const { transfer } = answer;
    if (transfer !== undefined) {
      const body = incomingBody(link, transfer, request.signal);
      // whoever gives up wants nothing more of it, read or not
      request.signal.addEventListener('abort', () => body.cancel(), { once: true });
      if (hasBody) return responseFrom(body, { status: answer.status, statusText: answer.statusText, headers }, answer.url, answer.redirected);
      body.cancel();
    }
    const body = hasBody ? base64ToBytes(answer.base64) : null;
    return responseFrom(body, { status: answer.status, statusText: answer.statusText, headers }, answer.url, answer.redirected);
  };
}

function fetchDataUrl(url: string): Response {
  const match = /^data:([^,]*?)(;base64)?,(.*)$/s.exec(url.replace(/#.*$/s, ''));
  if (match === null) throw new TypeError('fetch failed', { cause: new Error('invalid data URL') });
  const [, type = '', base64, data = ''] = match;
  const bytes = base64 === undefined ? percentDecode(data) : base64ToBytes(decodeURIComponent(data));
  return responseFrom(bytes, { headers: { 'content-type': type || 'text/plain;charset=US-ASCII' } }, url, false);
}

function percentDecode(text: string): Uint8Array {
  const bytes: number[] = [];
  for (let index = 0; index < text.length; index++) {
    const escape = text.charAt(index) === '%' ? Number.parseInt(text.slice(index + 1, index + 3), 16) : Number.NaN;
    if (Number.isNaN(escape)) {
      bytes.push(text.charCodeAt(index) & 255);
    } else {
      bytes.push(escape);
      index += 2;
    }
  }
  return Uint8Array.from(bytes);
}

function parseUrl(input: URL | string): string {
  try {
    return new URL(String(input)).href;
  } catch (error) {
    throw new TypeError(`Failed to parse URL from ${String(input)}`, { cause: error });
  }
}
