import type { GuestLink } from '../link.ts';
import { base64ToBytes, bytesToBase64 } from '../globals/base64.ts';
import type { IncomingBody } from '../globals/body.ts';
import { incomingBody } from '../globals/fetch.ts';
import { completeModule } from './throwing-members.ts';
import { unsupported } from './system-error.ts';

interface RequestOptions {
  readonly protocol?: string;
  readonly hostname?: string;
  readonly host?: string;
  readonly port?: number | string;
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | number | readonly string[] | undefined>>;
  readonly auth?: string;
  readonly timeout?: number;
  readonly signal?: AbortSignal;
}

interface FetchAnswer {
  readonly status: number;
  readonly statusText: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly base64: string;
  readonly transfer?: number;
}

/** Makes the client half of `http` or `https` over `net.fetch`; the server half throws. */
export function createHttp(link: Pick<GuestLink, 'request'>, scheme: 'http' | 'https', stream: typeof import('node:stream')) {
  class IncomingMessage extends stream.Readable {
    readonly httpVersion = '1.1';
    readonly statusCode: number;
    readonly statusMessage: string;
    readonly headers: Record<string, string | string[]> = {};
    readonly rawHeaders: string[] = [];
    readonly trailers = {};
    complete = false;

    readonly #body: IncomingBody | undefined;

    constructor(answer: FetchAnswer) {
      super();
      if (answer.transfer !== undefined) this.#body = incomingBody(link, answer.transfer);
      this.statusCode = answer.status;
      this.statusMessage = answer.statusText;
      for (const [name, value] of answer.headers) {
        this.rawHeaders.push(name, value);
        const key = name.toLowerCase();
        const known = this.headers[key];
        if (key === 'set-cookie') this.headers[key] = [...(Array.isArray(known) ? known : []), value];
        else this.headers[key] = known === undefined ? value : `${String(known)}, ${value}`;
      }
      if (this.#body !== undefined) return;
      const bytes = base64ToBytes(answer.base64);
      if (bytes.length > 0) this.push(Buffer.from(bytes.buffer));
      this.push(null);
      this.complete = true;
    }

    override _read(): void {
      this.#body?.next().then(
        (piece) => {
          if (piece === undefined) this.complete = true;
          this.push(piece === undefined ? null : Buffer.from(piece.buffer));
        },
        (error: unknown) => this.destroy(error as Error),
      );
    }

    override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
      if (!this.complete) this.#body?.cancel();
      done(error);
    }

    setTimeout(): this {
      return this;
    }
  }

  class ClientRequest extends stream.Writable {
    readonly method: string;
    readonly protocol: string;
    readonly host: string;
    readonly path: string;
    aborted = false;
    readonly #url: string;
    readonly #headers = new Map<string, [string, string | readonly string[]]>();
    readonly #chunks: Uint8Array[] = [];
    readonly #abort = new AbortController();
    #response: IncomingMessage | undefined;
    #timer: ReturnType<typeof setTimeout> | undefined;

    constructor(url: URL, options: RequestOptions, listener: ((response: IncomingMessage) => void) | undefined) {
      // The end of the body is the beginning of the exchange, not the end of the request.
      super({ autoDestroy: false });
      this.method = (options.method ?? 'GET').toUpperCase();
      this.#url = url.href;
      this.protocol = url.protocol;
      this.host = url.hostname;
      this.path = url.pathname + url.search;
      for (const [name, value] of Object.entries(options.headers ?? {})) if (value !== undefined) this.setHeader(name, value);
      if (options.auth !== undefined) this.setHeader('Authorization', `Basic ${btoa(options.auth)}`);
      if (listener !== undefined) this.once('response', listener);
      if (options.timeout !== undefined) this.setTimeout(options.timeout);
      options.signal?.addEventListener('abort', () => this.destroy(options.signal?.reason), { once: true });
    }

    setHeader(name: string, value: string | number | readonly string[]): this {
      this.#headers.set(name.toLowerCase(), [name, typeof value === 'number' ? String(value) : value]);
      return this;
    }

    getHeader(name: string): unknown {
      return this.#headers.get(name.toLowerCase())?.[1];
    }

    hasHeader(name: string): boolean {
      return this.#headers.has(name.toLowerCase());
    }

    removeHeader(name: string): void {
      this.#headers.delete(name.toLowerCase());
    }

    getHeaders(): Record<string, unknown> {
      return Object.fromEntries([...this.#headers].map(([key, [, value]]) => [key, value]));
    }

    getHeaderNames(): string[] {
      return [...this.#headers.keys()];
    }

    setTimeout(delayMs: number, callback?: () => void): this {
      clearTimeout(this.#timer);
      if (callback !== undefined) this.once('timeout', callback);
      if (delayMs > 0) this.#timer = setTimeout(() => this.emit('timeout'), delayMs);
      return this;
    }

    // The broker owns the connection: headers go out with the end of the body, and its sockets have no settings here.
    flushHeaders(): void {}

    setNoDelay(): this {
      return this;
    }

    setSocketKeepAlive(): this {
      return this;
    }

    abort(): void {
      this.aborted = true;
      this.emit('abort');
      this.destroy();
    }

    override _write(chunk: Uint8Array, _encoding: string, done: (error?: Error | null) => void): void {
      this.#chunks.push(chunk);
      done();
    }

    override _final(done: (error?: Error | null) => void): void {
      void this.#send();
      done();
    }

    override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
      clearTimeout(this.#timer);
      this.#abort.abort();
      this.#response?.destroy();
      done(error);
    }

    async #send(): Promise<void> {
      const body = Buffer.concat(this.#chunks);
      const headers = [...this.#headers.values()].flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : value.map((one) => [name, one])));
      // Host, length and connection are the broker's to set.
      const sent = headers.filter(([name]) => !['host', 'content-length', 'connection', 'transfer-encoding'].includes(String(name).toLowerCase()));
      try {
        const params = {
          url: this.#url,
          method: this.method,
          headers: sent,
          redirect: 'manual',
          stream: true,
          ...(body.length === 0 ? {} : { body: { base64: bytesToBase64(body) } }),
        };
        const answer = (await link.request('net.fetch', params, this.#abort.signal)) as FetchAnswer;
        clearTimeout(this.#timer);
        const response = new IncomingMessage(answer);
        this.#response = response;
        queueMicrotask(() => {
          if (!this.emit('response', response)) response.resume();
        });
      } catch (error) {
        clearTimeout(this.#timer);
        if (this.destroyed) return;
        this.destroy(error instanceof Error ? error : new Error(String(error)));
      }
    }
  }

  /** Node's class as data: connections are the broker's. */
  class Agent {
    readonly options: object;
    readonly maxSockets = Infinity;
    readonly requests = {};
    readonly sockets = {};
    readonly freeSockets = {};

    constructor(options: object = {}) {
      this.options = { ...options };
    }

    // There is no socket of ours to close.
    destroy(): void {}
  }

  const request = (...args: unknown[]) => {
    const listener = args.find((value): value is (response: IncomingMessage) => void => typeof value === 'function');
    const given = args.filter((value) => typeof value !== 'function');
    const hasUrl = typeof given[0] === 'string' || given[0] instanceof URL;
    const options = ((hasUrl ? given[1] : given[0]) ?? {}) as RequestOptions;
    const url = hasUrl ? new URL(String(given[0])) : urlOf(options, scheme);
    if (hasUrl && options.path !== undefined) return new ClientRequest(new URL(options.path, url), options, listener);
    return new ClientRequest(url, options, listener);
  };
  const get = (...args: unknown[]) => {
    const started = request(...args);
    started.end();
    return started;
  };
  const createServer = () => {
    throw Object.assign(unsupported(`${scheme}.createServer()`, 'an extension does not listen; offer a tool or a command'), { code: 'UNSUPPORTED_MODULE' });
  };
  const members: Record<string, unknown> = { request, get, createServer, Agent, globalAgent: new Agent() };
  if (scheme === 'http') {
    Object.assign(members, {
      ClientRequest,
      IncomingMessage,
      OutgoingMessage: stream.Writable,
      METHODS: [...methods],
      STATUS_CODES: statusCodes,
      maxHeaderSize: 16_384,
    });
  }
  return completeModule(scheme, members);
}

function urlOf(options: RequestOptions, scheme: string): URL {
  const protocol = options.protocol ?? `${scheme}:`;
  const host = options.hostname ?? options.host ?? 'localhost';
  const authority = options.port === undefined || host.includes(':') ? host : `${host}:${options.port}`;
  return new URL(options.path ?? '/', `${protocol}//${authority}`);
}

const methods = [
  'ACL',
  'BIND',
  'CHECKOUT',
  'CONNECT',
  'COPY',
  'DELETE',
  'GET',
  'HEAD',
  'LINK',
  'LOCK',
  'M-SEARCH',
  'MERGE',
  'MKACTIVITY',
  'MKCALENDAR',
  'MKCOL',
  'MOVE',
  'NOTIFY',
  'OPTIONS',
  'PATCH',
  'POST',
  'PROPFIND',
  'PROPPATCH',
  'PURGE',
  'PUT',
  'QUERY',
  'REBIND',
  'REPORT',
  'SEARCH',
  'SOURCE',
  'SUBSCRIBE',
  'TRACE',
  'UNBIND',
  'UNLINK',
  'UNLOCK',
  'UNSUBSCRIBE',
];

const statusCodes: Readonly<Record<number, string>> = {
  100: 'Continue',
  101: 'Switching Protocols',
  102: 'Processing',
  103: 'Early Hints',
  200: 'OK',
  201: 'Created',
  202: 'Accepted',
  203: 'Non-Authoritative Information',
  204: 'No Content',
  205: 'Reset Content',
  206: 'Partial Content',
  300: 'Multiple Choices',
  301: 'Moved Permanently',
  302: 'Found',
  303: 'See Other',
  304: 'Not Modified',
  307: 'Temporary Redirect',
  308: 'Permanent Redirect',
  400: 'Bad Request',
  401: 'Unauthorized',
  402: 'Payment Required',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  408: 'Request Timeout',
  409: 'Conflict',
  410: 'Gone',
  411: 'Length Required',
  412: 'Precondition Failed',
  413: 'Payload Too Large',
  414: 'URI Too Long',
  415: 'Unsupported Media Type',
  416: 'Range Not Satisfiable',
  417: 'Expectation Failed',
  418: "I'm a Teapot",
  421: 'Misdirected Request',
  422: 'Unprocessable Entity',
  423: 'Locked',
  424: 'Failed Dependency',
  425: 'Too Early',
  426: 'Upgrade Required',
  428: 'Precondition Required',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  451: 'Unavailable For Legal Reasons',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
  505: 'HTTP Version Not Supported',
  507: 'Insufficient Storage',
  508: 'Loop Detected',
  511: 'Network Authentication Required',
};
