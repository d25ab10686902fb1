import { DashError } from '../../format/index.ts';
import { changeCredentials, readCredentials, type Token } from './credentials.ts';
import { type CustomProvider, readCustomProviders } from './custom-providers.ts';
import type { LoginOptions } from './oauth.ts';
import { KEY_NAMES, PROVIDERS, REFUSED } from './providers.ts';

/** How a provider is logged into. */
export type LoginWay =
  | { readonly kind: 'key'; readonly alsoBrowser: boolean; readonly noBrowser?: string }
  | { readonly kind: 'browser' }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'unknown'; readonly known: readonly string[] };

/** The one provider among those we know whose login in a browser is open to every program: it gives a key. */
const GIVES_KEY = 'openrouter';

/** Says how `provider` is logged into. @throws {DashError} SETTINGS_INVALID */
export async function loginWay(dashHome: string, provider: string): Promise<LoginWay> {
  const own = (await ownWithCredentials(dashHome)).find(({ id }) => id === provider);
  if (own !== undefined) return own.oauth === undefined ? { kind: 'key', alsoBrowser: false } : { kind: 'browser' };
  const reason = REFUSED.get(provider);
  if (KEY_NAMES.has(provider)) return { kind: 'key', alsoBrowser: provider === GIVES_KEY, ...(reason === undefined ? {} : { noBrowser: reason }) };
  if (reason !== undefined) return { kind: 'refused', reason };
  return { kind: 'unknown', known: await knownProviders(dashHome) };
}

/** The names of providers that can be logged into. @throws {DashError} SETTINGS_INVALID */
export async function knownProviders(dashHome: string): Promise<readonly string[]> {
  return [...KEY_NAMES.keys(), ...(await ownWithCredentials(dashHome)).map(({ id }) => id)];
}

async function ownWithCredentials(dashHome: string): Promise<readonly CustomProvider[]> {
  return (await readCustomProviders(dashHome)).filter(({ apiKeyEnv, oauth }) => apiKeyEnv !== undefined || oauth !== undefined);
}

/** Keeps the key of a provider. @throws {DashError} LOGIN_REFUSED, SETTINGS_INVALID */
export async function keepKey(dashHome: string, provider: string, key: string): Promise<void> {
  if (provider === 'anthropic' && key.includes('sk-ant-oat'))
    throw new DashError('LOGIN_REFUSED', `this is the token of a subscription: ${REFUSED.get('anthropic')}`, { hint: 'use an API key' });
  await changeCredentials(dashHome, provider, async () => ({ key }));
}

/** Forgets what is kept of a provider. Says whether there was anything. @throws {DashError} SETTINGS_INVALID */
export async function forget(dashHome: string, provider: string): Promise<boolean> {
  let was = false;
  await changeCredentials(dashHome, provider, async (now) => {
    was = now !== undefined;
    return undefined;
  });
  return was;
}

/** Logs in through a browser or with a device code, and keeps what it brings. @throws {DashError} LOGIN_FAILED, INTERRUPTED */
export async function logInByBrowser(dashHome: string, provider: string, options: LoginOptions): Promise<void> {
  const client = (await readCustomProviders(dashHome)).find(({ id }) => id === provider)?.oauth;
  if (client === undefined) {
    const key = await openRouterKey(options);
    await changeCredentials(dashHome, provider, async () => ({ key }));
    return;
  }
  const { logInWith } = await import('./oauth.ts');
  const token = await logInWith(client, options);
  await changeCredentials(dashHome, provider, async () => ({ token }));
}

/** A token that ends sooner than this is brought up to date before it is used. */
const SOON_MS = 60_000;

/**
 * The token of a provider, as good as it is now; `undefined` where nobody logged in. Of several processes one brings it up
 * to date, for many providers take a refresh token only once. @throws {DashError} LOGIN_FAILED
 */
export async function freshToken(dashHome: string, { id, oauth }: CustomProvider): Promise<string | undefined> {
  const token = (await readCredentials(dashHome)).tokens[id];
  if (token === undefined || oauth === undefined || !endsSoon(token)) return token?.access;
  const kept = await changeCredentials(dashHome, id, async (now) => {
    if (now === undefined || !('token' in now) || !endsSoon(now.token)) return now;
    if (now.token.refresh === undefined) throw new DashError('LOGIN_FAILED', `the login at \`${id}\` has ended`, { hint: `run \`dash login ${id}\` again` });
    const { refreshToken } = await import('./oauth.ts');
    return { token: await refreshToken(oauth, now.token) };
  });
  return kept !== undefined && 'token' in kept ? kept.token.access : undefined;
}

function endsSoon({ expires }: Token): boolean {
  return expires !== undefined && expires - SOON_MS < Date.now();
}

/** OpenRouter gives every program a key of the user's for an authorization code; no program has an identity there. */
async function openRouterKey({ show, signal }: LoginOptions): Promise<string> {
  const provider = await PROVIDERS.find(({ id }) => id === GIVES_KEY)?.load();
  const oauth = provider?.auth.oauth;
  if (oauth === undefined) throw new Error(`${GIVES_KEY} has no login in a browser any more`);
  try {
    const { access } = await oauth.login({
      signal,
      // nobody types anything: the browser comes back to this machine
      prompt: (prompt) =>
        new Promise((_, reject) => {
          (prompt.signal ?? signal).addEventListener('abort', () => reject(new Error('nobody types it')), { once: true });
        }),
      notify(event) {
        if (event.type === 'auth_url') show({ kind: 'open', url: event.url });
      },
    });
    return access;
  } catch (cause) {
    if (signal.aborted) throw new DashError('INTERRUPTED', 'the login was stopped; nothing was kept');
    throw new DashError('LOGIN_FAILED', cause instanceof Error ? cause.message : String(cause), {
      hint: `run \`dash login ${GIVES_KEY} --browser\` again`,
      cause,
    });
  }
}
