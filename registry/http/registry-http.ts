import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';

import { DashError } from '../../format/index.ts';
import type { NpmConfig } from '../npm-config.ts';
import { type Agents, openAgents } from './agents.ts';
import { type Credentials, credentialsFor } from './credentials.ts';
import { exchange, type Reply } from './exchange.ts';

/** Asks registries over http, as npm's settings say. */
export interface RegistryHttp {
  /**
   * Gets one document, trying again what may pass.
   *
   * @throws {DashError} PACKAGE_NOT_FOUND, REGISTRY_ERROR, REGISTRY_REPLY_INVALID, INTERRUPTED
   */
  get(url: string, request: GetRequest): Promise<Answer>;
}

export interface GetRequest {
  /** What is asked for, in the user's words. */
  readonly what: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Where the name is looked up: an archive on the same host is shown the same credentials. */
  readonly registry?: string | undefined;
  readonly maxBytes: number;
  /** Asks for a compressed answer, and unpacks it. Archives come as they are. */
  readonly compressed?: boolean;
  readonly onReceived?: (bytes: number, total: number | undefined) => void;
}

export interface Answer {
  readonly status: 200 | 304;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

export interface RegistryHttpOptions {
  readonly npm: NpmConfig;
  readonly signal?: AbortSignal | undefined;
}

/** So little in so long is a registry that does not work; `fetch-timeout` of the user's `.npmrc` is another stretch. */
const WINDOW_MS = 30_000;
/** 24 days. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
const REDIRECTS = 5;
/** npm waits ten seconds before it asks again; a user in front of a terminal should not. */
const RETRIES = 2;
const FIRST_WAIT_MS = 300;
const LONGEST_WAIT_MS = 5000;

export function openRegistryHttp({ npm, signal }: RegistryHttpOptions): RegistryHttp {
  const agents = openAgents(npm);
  const retries = numberOf(npm['fetchRetries'], RETRIES);
  return {
    async get(url, request) {
      for (let attempt = 0; ; attempt++) {
        const reply = await follow(url, request, { npm, agents, signal });
        if (reply.kind === 'answer' && (reply.status === 200 || reply.status === 304)) return toAnswer(reply, request);
        const wait = waitBefore(attempt, reply, npm);
        if (wait === undefined || attempt >= retries) throw failure(reply, request, url);
        await pause(wait, request.what, signal);
      }
    },
  };
}

interface Context {
  readonly npm: NpmConfig;
  readonly agents: Agents;
  readonly signal: AbortSignal | undefined;
}

/** Where a registry sends us we go without what it knows us by, unless it is the same origin, and never from https to http. */
async function follow(
  first: string,
  { headers = {}, registry, maxBytes, compressed = false, onReceived, what }: GetRequest,
  { npm, agents, signal }: Context,
): Promise<Reply> {
  const start = URL.parse(first);
  if (start === null || !['https:', 'http:'].includes(start.protocol)) {
    throw new DashError('REGISTRY_ERROR', `\`${what}\` is not looked up: where it would be is not an address of http`, {
      hint: 'check `registry` in your `.npmrc`: an address begins with `https://`',
    });
  }
  let url = start;
  const { origin } = url;
  const credentials = credentialsFor(url, npm, registry === undefined ? undefined : (URL.parse(registry) ?? undefined));
  const userAgent = typeof npm['userAgent'] === 'string' ? npm['userAgent'] : `dash node/${process.versions.node}`;
  for (let redirects = 0; ; redirects++) {
    const shown: Credentials = url.origin === origin ? credentials : {};
    const reply = await exchange({
      url,
      headers: {
        ...headers,
        'user-agent': userAgent,
        'accept-encoding': compressed ? 'gzip' : 'identity',
        ...(shown.authorization !== undefined && { authorization: shown.authorization }),
      },
      agent: agents.for(url, shown),
      maxBytes,
      windowMs: windowOf(npm),
      signal,
      onReceived,
    });
    const { location } = reply.kind === 'answer' && [301, 302, 303, 307, 308].includes(reply.status) ? reply.headers : {};
    if (location === undefined) return reply;
    const next = URL.parse(location, url.href);
    const isWeaker = url.protocol === 'https:' && next?.protocol !== 'https:';
    if (next === null || isWeaker || !['https:', 'http:'].includes(next.protocol)) {
      throw new DashError('REGISTRY_ERROR', `the registry sends us from \`${printable(url)}\` to a place that is not fetched over https for \`${what}\``, {
        hint: 'check `registry` in your `.npmrc`',
      });
    }
    if (redirects === REDIRECTS) {
      throw new DashError('REGISTRY_ERROR', `the registry sends us round in circles for \`${what}\`: more than ${REDIRECTS} redirects`, {
        hint: 'check `registry` in your `.npmrc`',
      });
    }
    url = next;
  }
}

/** Tells how long to wait before asking again, `undefined` where that would not help. */
function waitBefore(attempt: number, reply: Reply, npm: NpmConfig): number | undefined {
  const longest = numberOf(npm['fetchRetryMaxtimeout'], LONGEST_WAIT_MS);
  const usual = Math.min(longest, numberOf(npm['fetchRetryMintimeout'], FIRST_WAIT_MS) * 3 ** attempt);
  if (reply.kind === 'broken') return isPassing(reply.error) ? usual : undefined;
  if (reply.kind !== 'answer' || !(reply.status === 408 || reply.status === 429 || reply.status >= 500)) return undefined;
  const asked = retryAfterMs(reply.headers['retry-after']);
  if (asked === undefined) return usual;
  // who asks for more patience than a user has gets an answer at once
  return asked > longest ? undefined : Math.max(asked, 0);
}

/** A certificate that is not believed today is not believed in a second. */
function isPassing(error: Error): boolean {
  const code = 'code' in error ? error.code : undefined;
  return (
    typeof code === 'string' &&
    ['ECONNRESET', 'ECONNREFUSED', 'ECONNABORTED', 'ETIMEDOUT', 'EPIPE', 'EAI_AGAIN', 'ENETUNREACH', 'EHOSTUNREACH', 'HPE_INVALID_CONSTANT'].includes(code)
  );
}

/** Seconds or a date. https://www.rfc-editor.org/rfc/rfc9110#field.retry-after */
function retryAfterMs(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isNaN(ms) ? undefined : ms;
}

async function pause(ms: number, what: string, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(ms, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    throw interrupted(what, error);
  }
}

const unzip = promisify(gunzip);

async function toAnswer({ status, headers, body }: Extract<Reply, { kind: 'answer' }>, { compressed = false, maxBytes, what }: GetRequest): Promise<Answer> {
  if (status !== 200) return { status: 304, headers, body };
  if (!compressed || headers['content-encoding'] !== 'gzip') return { status, headers, body };
  try {
    return { status, headers, body: await unzip(body, { maxOutputLength: maxBytes }) };
  } catch (error) {
    throw unreadable(what, error);
  }
}

function failure(reply: Reply, { what, maxBytes }: GetRequest, url: string): DashError {
  const host = URL.parse(url)?.host ?? 'the registry';
  switch (reply.kind) {
    case 'interrupted':
      return interrupted(what);
    case 'too-large':
      return new DashError('REGISTRY_REPLY_INVALID', `the registry's answer for \`${what}\` has more than ${maxBytes} bytes`, {
        hint: 'check `registry` in your `.npmrc`',
      });
    case 'too-slow':
      return new DashError('REGISTRY_ERROR', `\`${host}\` is too slow for \`${what}\`: it sends next to nothing`, {
        hint: 'try again later; `fetch-timeout` in your `.npmrc` is how many milliseconds it may take to send as many bytes',
      });
    case 'too-long':
      return new DashError('REGISTRY_ERROR', `\`${host}\` was still sending \`${what}\` after ${Math.ceil(reply.ms / 1000)} s`, {
        hint: 'try again later; `fetch-timeout` in your `.npmrc`, in milliseconds, times 60 is how long an answer may take',
      });
    case 'broken':
      return new DashError('REGISTRY_ERROR', `the registry did not answer for \`${what}\`: ${reasonOf(reply.error)}`, {
        hint: 'check the network and `registry` in your `.npmrc`',
        cause: reply.error,
      });
    case 'answer':
      return refusal(reply, what);
  }
}

/** In one line. Node says nothing at all where several addresses of one name were tried, and OpenSSL more than anybody can read. */
function reasonOf(error: Error): string {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (code === 'EPROTO') return 'what answers there does not speak https';
  const [first = ''] = error instanceof AggregateError ? error.errors.map((one: unknown) => (one instanceof Error ? one.message : '')) : [error.message];
  return first.trim().split('\n', 1).join('') || code;
}

function refusal({ status, headers }: Extract<Reply, { kind: 'answer' }>, what: string): DashError {
  if (status === 404 || status === 410)
    return new DashError('PACKAGE_NOT_FOUND', `\`${what}\` is not on the registry`, {
      hint: 'check the name with `dash search`, and the registry in your `.npmrc`',
    });
  if (status === 401 || status === 403)
    return new DashError('REGISTRY_ERROR', `the registry refuses \`${what}\` (${status})`, { hint: 'log in with `npm login`' });
  const later = retryAfterMs(headers['retry-after']);
  return new DashError('REGISTRY_ERROR', `the registry answered ${status} for \`${what}\``, {
    hint: later !== undefined && later > 0 ? `it asks to be left alone for ${Math.ceil(later / 1000)} s` : 'try again later; check `registry` in your `.npmrc`',
  });
}

function interrupted(what: string, cause?: unknown): DashError {
  return new DashError('INTERRUPTED', `interrupted while asking for \`${what}\`; nothing was changed`, { cause });
}

/** @internal An answer that is not what was asked for. */
export function unreadable(what: string, cause: unknown): DashError {
  return new DashError('REGISTRY_REPLY_INVALID', `the registry's answer for \`${what}\` cannot be read`, { hint: 'check `registry` in your `.npmrc`', cause });
}

/** Without the password that an address may carry. */
function printable({ origin, pathname }: URL): string {
  return `${origin}${pathname}`;
}

/** `fetch-timeout=0` is npm's word for no limit; what a timer cannot hold would ring at once. */
function windowOf(npm: NpmConfig): number {
  const ms = numberOf(npm['timeout'], WINDOW_MS);
  return ms === 0 ? LONGEST_TIMER_MS : Math.min(ms, LONGEST_TIMER_MS);
}

function numberOf(value: NpmConfig[string] | undefined, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise;
}
