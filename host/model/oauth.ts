import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Static, type TSchema, Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { DashError } from '../../format/index.ts';
import type { Token } from './credentials.ts';
import type { OAuthClient } from './custom-providers.ts';

/** What a login tells whoever sits before it. */
export type LoginStep =
  /** To be opened in a browser on this machine. */
  | { readonly kind: 'open'; readonly url: string }
  /** To be opened on any machine; `code` is typed there. */
  | { readonly kind: 'code'; readonly url: string; readonly code: string };

export interface LoginOptions {
  readonly show: (step: LoginStep) => void;
  readonly signal: AbortSignal;
}

/** How long somebody may take to log in. */
const PATIENCE_MS = 10 * 60_000;
const REQUEST_MS = 30_000;

const TokenAnswer = Type.Object({
  access_token: Type.String({ minLength: 1 }),
  refresh_token: Type.Optional(Type.String({ minLength: 1 })),
  expires_in: Type.Optional(Type.Number({ minimum: 0 })),
});
const ErrorAnswer = Type.Object({ error: Type.String(), error_description: Type.Optional(Type.String()) });
const DeviceAnswer = Type.Object({
  device_code: Type.String({ minLength: 1 }),
  user_code: Type.String({ minLength: 1 }),
  verification_uri: Type.String({ pattern: '^https?://' }),
  verification_uri_complete: Type.Optional(Type.String({ pattern: '^https?://' })),
  interval: Type.Optional(Type.Number({ minimum: 0 })),
  expires_in: Type.Number({ minimum: 1 }),
});

/**
 * Logs in with a code that the user types on any machine (RFC 8628), or else in a browser on this one (RFC 7636 with an
 * address on loopback, RFC 8252). @throws {DashError} LOGIN_FAILED, INTERRUPTED
 */
export async function logInWith(client: OAuthClient, { show, signal }: LoginOptions): Promise<Token> {
  const patience = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]);
  try {
    return client.deviceUrl === undefined
      ? await byBrowser(client, { show, signal: patience })
      : await byDevice(client, client.deviceUrl, { show, signal: patience });
  } catch (error) {
    if (signal.aborted) throw new DashError('INTERRUPTED', 'the login was stopped; nothing was kept');
    if (patience.aborted) throw new DashError('LOGIN_FAILED', 'nobody logged in for ten minutes', { hint: 'run it again' });
    throw error;
  }
}

/** A token in the place of one that has ended. @throws {DashError} LOGIN_FAILED */
export async function refreshToken(client: OAuthClient, { refresh = '' }: Token): Promise<Token> {
  const answer = await post(
    client.tokenUrl,
    { grant_type: 'refresh_token', refresh_token: refresh, client_id: client.clientId },
    AbortSignal.timeout(REQUEST_MS),
  );
  const token = tokenOf(answer);
  // a server that sends no new one means that the old one goes on
  return { refresh, ...token };
}

async function byBrowser({ clientId, authorizeUrl, tokenUrl, scope }: OAuthClient, { show, signal }: LoginOptions): Promise<Token> {
  if (authorizeUrl === undefined)
    throw new DashError('LOGIN_FAILED', 'its `oauth` has neither `authorizeUrl` nor `deviceUrl`', { hint: 'add one in `models.json`' });
  const [verifier, state] = [randomBytes(48).toString('base64url'), randomBytes(16).toString('base64url')];
  const { promise: answered, resolve, reject } = Promise.withResolvers<string>();
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://127.0.0.1');
    const isOurs = pathname === '/callback' && searchParams.get('state') === state;
    // whoever else finds the port learns nothing, and ends nothing
    response.writeHead(isOurs ? 200 : 404, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' });
    response.end(isOurs ? 'You can close this page and go back to dash.\n' : 'There is nothing here.\n');
    if (!isOurs) return;
    const code = searchParams.get('code');
    if (code === null) reject(refusal(searchParams.get('error') ?? 'no code', searchParams.get('error_description') ?? undefined));
    else resolve(code);
  });
  server.listen(0, '127.0.0.1');
  try {
    await new Promise<void>((listening, failed) => server.once('listening', listening).once('error', failed));
    const { port } = server.address() as AddressInfo;
    const redirectUri = `http://127.0.0.1:${port}/callback`;
    const url = new URL(authorizeUrl);
    const challenge = createHash('sha256').update(verifier).digest('base64url');
    const asked = { response_type: 'code', client_id: clientId, redirect_uri: redirectUri, state, code_challenge: challenge, code_challenge_method: 'S256' };
    for (const [name, value] of Object.entries({ ...asked, ...(scope === undefined ? {} : { scope }) })) url.searchParams.set(name, value);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    show({ kind: 'open', url: url.href });
    const code = await answered;
    return tokenOf(
      await post(tokenUrl, { grant_type: 'authorization_code', code, redirect_uri: redirectUri, client_id: clientId, code_verifier: verifier }, signal),
    );
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

async function byDevice({ clientId, tokenUrl, scope }: OAuthClient, deviceUrl: string, { show, signal }: LoginOptions): Promise<Token> {
  const started = parsed(DeviceAnswer, await post(deviceUrl, { client_id: clientId, ...(scope === undefined ? {} : { scope }) }, signal));
  show({ kind: 'code', url: started.verification_uri_complete ?? started.verification_uri, code: started.user_code });
  const endsAt = performance.now() + started.expires_in * 1000;
  let seconds = started.interval ?? 5;
  while (performance.now() < endsAt) {
    await sleep(seconds * 1000, undefined, { signal });
    const asked = { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', device_code: started.device_code, client_id: clientId };
    const answer = await post(tokenUrl, asked, signal);
    if (!Value.Check(ErrorAnswer, answer)) return tokenOf(answer);
    if (answer.error === 'slow_down') seconds += 5;
    else if (answer.error !== 'authorization_pending') throw refusal(answer.error, answer.error_description);
  }
  throw refusal('expired_token', undefined);
}

async function post(url: string, form: Readonly<Record<string, string>>, signal: AbortSignal): Promise<unknown> {
  try {
    const body = new URLSearchParams(form);
    // a redirect would carry what is secret to a place that nobody named
    const response = await fetch(url, {
      method: 'POST',
      body,
      headers: { accept: 'application/json' },
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_MS)]),
    });
    return JSON.parse(await response.text());
  } catch (cause) {
    if (signal.aborted) throw cause;
    // without its cause: an answer that is no JSON may hold a token
    throw new DashError('LOGIN_FAILED', `\`${new URL(url).host}\` did not answer the login as it should`, {
      hint: 'try again; `oauth` in `models.json` names the addresses',
    });
  }
}

function tokenOf(answer: unknown): Token {
  if (Value.Check(ErrorAnswer, answer)) throw refusal(answer.error, answer.error_description);
  const { access_token: access, refresh_token: refresh, expires_in: seconds } = parsed(TokenAnswer, answer);
  return { access, ...(refresh === undefined ? {} : { refresh }), ...(seconds === undefined ? {} : { expires: Date.now() + seconds * 1000 }) };
}

function parsed<Schema extends TSchema>(schema: Schema, answer: unknown): Static<Schema> {
  if (Value.Check(schema, answer)) return answer;
  throw new DashError('LOGIN_FAILED', 'the provider answered the login with something else than a token', {
    hint: '`oauth` in `models.json` names the addresses',
  });
}

function refusal(error: string, description: string | undefined): DashError {
  return new DashError('LOGIN_FAILED', `the provider refused the login: ${error}${description === undefined ? '' : `, ${description}`}`, {
    hint: 'run `dash login` again',
  });
}
