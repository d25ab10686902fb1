import { randomUUID } from 'node:crypto';
import { DashError, type Diagnostic, isDashError } from '../../format/index.ts';
import type { CallContext, CallOrigin, ProviderAnswer, ProviderLogin } from '../../sandbox/index.ts';
import type { Offer, Offers } from './package-offers.ts';
import { changeShelf } from './provider-shelf.ts';
import { REFUSED } from './providers.ts';

/** A provider of a package that can be logged in to. */
export interface LoginPlace {
  readonly provider: string;
  readonly package: string;
  readonly isLoggedIn: boolean;
}

/** What is done for the providers of packages by the packages' own code: each token is handed to the package it belongs to, and to nobody else. */
export interface PackageLogins {
  places(): Promise<readonly LoginPlace[]>;
  /** Has the package log the user in, who is asked through the dialogs that name it, and keeps what it brings. @throws {DashError} USAGE, LOGIN_FAILED, LOGIN_REFUSED, PERMISSION_DENIED, INTERRUPTED */
  logIn(provider: string, signal: AbortSignal): Promise<void>;
  /** Forgets a login. Says whether there was one. */
  logOut(provider: string): Promise<boolean>;
  /** Has providers look their models up whose list is older than that, and keeps what they find; says what went wrong. */
  lookUpModels(options: { readonly olderThanMs: number; readonly signal: AbortSignal }): Promise<readonly Diagnostic[]>;
  /** The login at a provider, as good as it is now; `undefined` where nobody logged in. @throws {DashError} LOGIN_FAILED, GUEST_ERROR */
  freshLogin(offer: Offer, signal: AbortSignal): Promise<ProviderLogin | undefined>;
  /** What a request goes out with. @throws {DashError} LOGIN_REFUSED, GUEST_ERROR */
  keyOf(offer: Offer, login: ProviderLogin, signal: AbortSignal): Promise<ProviderAnswer<'key'>>;
}

export interface PackageLoginsOptions {
  readonly dashHome: string;
  readonly offers: () => Promise<Offers>;
  readonly origin: () => CallOrigin | undefined;
  readonly context: () => CallContext;
}

/** A token that ends sooner than this is brought up to date before it is used. */
const SOON_MS = 60_000;

/** What a list of models may take on the disk. */
const MOST_CHARACTERS = 2_000_000;

/** Makes them, for the providers that count at each moment. */
export function createPackageLogins({ dashHome, offers, origin, context }: PackageLoginsOptions): PackageLogins {
  const call = (signal: AbortSignal, from = origin()) => ({ context: context(), signal, ...(from === undefined ? {} : { origin: from }) });
  /** The last key of each: a package is not woken for what it said already. */
  const keys = new WeakMap<Offer, { readonly of: string; readonly key: ProviderAnswer<'key'> }>();

  const freshLogin: PackageLogins['freshLogin'] = async ({ sandboxed, registration: { name }, login }, signal) => {
    if (login === undefined || !endsSoon(login)) return login;
    // Of several processes one brings it up to date, for many providers take a refresh token only once.
    const kept = await changeShelf(dashHome, sandboxed.source, name, async (now) => {
      if (now.login === undefined || !endsSoon(now.login)) return now;
      return { ...now, login: accepted(name, await sandboxed.askProvider(name, { kind: 'renew', login: now.login }, call(signal))) };
    });
    return kept.login;
  };

  const lookUp = async (offer: Offer, signal: AbortSignal): Promise<void> => {
    const { sandboxed, registration, lookedUp } = offer;
    const login = await freshLogin(offer, signal);
    const known = lookedUp ?? registration.models ?? [];
    const models = await sandboxed.askProvider(registration.name, { kind: 'models', known, ...(login === undefined ? {} : { login }) }, call(signal));
    if (JSON.stringify(models).length > MOST_CHARACTERS)
      throw new DashError('GUEST_ERROR', `${offer.package}: the models of \`${registration.name}\` are too long a list`);
    await changeShelf(dashHome, sandboxed.source, registration.name, async (now) => ({ ...now, models, checkedAt: Date.now() }));
  };

  return {
    freshLogin,
    async keyOf(offer, login, signal) {
      const of = JSON.stringify(login);
      const last = keys.get(offer);
      if (last?.of === of) return last.key;
      const { name } = offer.registration;
      // a package may have kept it elsewhere than where a login has its token
      const key = accepted(name, await offer.sandboxed.askProvider(name, { kind: 'key', login }, call(signal)));
      keys.set(offer, { of, key });
      return key;
    },
    async places() {
      const { byName } = await offers();
      return [...byName.values()]
        .filter(({ canLogIn }) => canLogIn)
        .map(({ registration: { name }, package: owner, login }) => ({ provider: name, package: owner, isLoggedIn: login !== undefined }));
    },
    async logIn(provider, signal) {
      const offer = (await offers()).byName.get(provider);
      if (offer?.canLogIn !== true) throw new DashError('USAGE', `no package has a provider \`${provider}\` that can be logged in to`);
      const { sandboxed, registration } = offer;
      // whoever logs in typed so: what the package needs for it can be asked for
      const asked = { chain: randomUUID(), message: `log in to ${provider}`, sources: [] };
      try {
        const login = accepted(provider, await sandboxed.askProvider(provider, { kind: 'login' }, call(signal, asked)));
        await changeShelf(dashHome, sandboxed.source, provider, async (now) => ({ ...now, login }));
      } catch (error) {
        if (signal.aborted) throw new DashError('INTERRUPTED', 'the login was stopped; nothing was kept');
        throw isDashError(error, 'GUEST_ERROR')
          ? new DashError('LOGIN_FAILED', error.message, { hint: `run \`dash login ${provider}\` again`, cause: error })
          : error;
      }
      const now = (await offers()).byName.get(provider);
      // a list may depend on who asks; without it those that it described remain
      if (registration.refreshes === true && now !== undefined) await lookUp(now, signal).catch(expectDashError);
    },
    async logOut(provider) {
      const offer = (await offers()).byName.get(provider);
      if (offer?.login === undefined) return false;
      await changeShelf(dashHome, offer.sandboxed.source, provider, async ({ models, checkedAt }) =>
        models === undefined ? undefined : { models, ...(checkedAt === undefined ? {} : { checkedAt }) },
      );
      return true;
    },
    async lookUpModels({ olderThanMs, signal }) {
      const { byName } = await offers();
      const due = [...byName.values()].filter(
        ({ registration, checkedAt = 0, canLogIn, login }) =>
          registration.refreshes === true && Date.now() - checkedAt >= olderThanMs && (login !== undefined || !canLogIn || registration.apiKey !== undefined),
      );
      const problems = await Promise.all(due.map((offer) => lookUp(offer, signal).then(() => undefined, expectDashError)));
      return problems.flatMap((problem, index): Diagnostic[] =>
        problem === undefined
          ? []
          : [
              {
                severity: 'warning',
                code: problem.code,
                message: `the models of \`${due[index]?.registration.name}\` could not be looked up: ${problem.message}`,
              },
            ],
      );
    },
  };
}

function endsSoon({ expires }: ProviderLogin): boolean {
  return expires - SOON_MS < Date.now();
}

/** What only another program is given is not used, whoever brings it. @throws {DashError} LOGIN_REFUSED */
function accepted<Brought extends object>(provider: string, brought: Brought): Brought {
  if (!JSON.stringify(brought).includes('sk-ant-oat')) return brought;
  throw new DashError('LOGIN_REFUSED', `what \`${provider}\` brought is the token of a subscription: ${REFUSED.get('anthropic')}`, { hint: 'use an API key' });
}

function expectDashError(error: unknown): DashError {
  if (isDashError(error)) return error;
  throw error;
}
