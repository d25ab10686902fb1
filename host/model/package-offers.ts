import type { Diagnostic, ProviderModelRegistration, ProviderRegistration } from '../../format/index.ts';
import type { ProviderLogin, SandboxedPackage } from '../../sandbox/index.ts';
import { planProvider, type ProvidedModel, type ProviderFacts } from './plan-provider.ts';
import type { Shelf } from './provider-shelf.ts';

/** A package that may describe providers. */
export interface ProviderSource {
  readonly package: string;
  readonly sandboxed: Pick<SandboxedPackage, 'source' | 'providers' | 'canProvide' | 'openGate' | 'streamModel' | 'askProvider'>;
}

/** A provider that counts, of the package that described it first. */
export interface Offer extends ProviderSource {
  readonly registration: ProviderRegistration;
  /** Those that may be reached; only offered where no login is missing. */
  readonly models: readonly ProvidedModel[];
  readonly canLogIn: boolean;
  /** What the user's login brought. */
  readonly login: ProviderLogin | undefined;
  readonly lookedUp: readonly ProviderModelRegistration[] | undefined;
  readonly checkedAt: number | undefined;
}

/** What the providers of all packages come to. */
export interface Offers {
  readonly byName: ReadonlyMap<string, Offer>;
  /** What is not offered, and why. */
  readonly diagnostics: readonly Diagnostic[];
}

export interface OfferSurroundings {
  /** In load order: the first package that describes a provider keeps its name. */
  readonly sources: readonly (ProviderSource & { readonly shelf: Shelf })[];
  /** Names of `models.json`: what the user described is nobody else's. */
  readonly users: ReadonlySet<string>;
  readonly known: (provider: string) => Promise<ProviderFacts['known']>;
}

/** Models of one package: more than a list can show are no help to anybody. */
const MOST_MODELS = 2_000;

/** Works out whose provider counts, where its models may be reached, and what it lacks. */
export async function planOffers({ sources, users, known }: OfferSurroundings): Promise<Offers> {
  const byName = new Map<string, Offer>();
  /** By how they look: `OpenAI` is read as `openai`. */
  const taken = new Map<string, string>([...users].map((name) => [name.toLowerCase(), 'that of your `models.json`']));
  const diagnostics: Diagnostic[] = [];
  const warn = (code: string, message: string): void => void diagnostics.push({ severity: 'warning', code, message });
  for (const { package: owner, sandboxed, shelf } of sources) {
    let left = MOST_MODELS;
    for (const registration of sandboxed.providers) {
      const { name } = registration;
      const plain = name.toLowerCase();
      const first = taken.get(plain) ?? (plain !== name && (await known(plain)).length > 0 ? `Dash's own \`${plain}\`` : undefined);
      if (first !== undefined) {
        warn('PROVIDER_COLLISION', `\`${owner}\` describes the provider \`${name}\`, which there is already; ${first} counts`);
        continue;
      }
      const { login, models: kept, checkedAt } = shelf.get(name) ?? {};
      const lookedUp = registration.refreshes === true ? kept : undefined;
      const plan = planProvider(registration, { known: await known(name), ...(lookedUp === undefined ? {} : { lookedUp }) });
      for (const message of plan.problems) warn('PROVIDER_NOT_OFFERED', `${message} (described by \`${owner}\`)`);
      const closed = new Set(plan.models.flatMap(({ host }) => (sandboxed.canProvide(host) ? [] : [host])));
      for (const host of closed)
        warn('PERMISSION_DENIED', `models of \`${name}\` at \`${host}\` are not offered: \`dash permissions grant ${owner} provider:${host}\` allows it`);
      const open = plan.models.filter(({ host }) => !closed.has(host));
      if (open.length > left) warn('PROVIDER_NOT_OFFERED', `\`${owner}\` describes more than ${MOST_MODELS} models; the rest of \`${name}\` is left out`);
      const models = open.slice(0, left).map((model) => ({ ...model, info: { ...model.info, package: owner } }));
      left -= models.length;
      const lacksLogin = plan.login === 'needed' && login === undefined;
      if (lacksLogin && (models.length > 0 || registration.refreshes === true))
        warn('PROVIDER_NOT_OFFERED', `\`${name}\` has to be logged in to: \`dash login ${name}\` (described by \`${owner}\`)`);
      const canLogIn = plan.login !== 'none' && (models.length > 0 || registration.refreshes === true);
      if (models.length === 0 && !canLogIn && registration.refreshes !== true) continue;
      taken.set(plain, `the one of \`${owner}\``);
      byName.set(name, {
        package: owner,
        sandboxed,
        registration,
        models: lacksLogin ? [] : models,
        canLogIn,
        login: plan.login === 'none' ? undefined : login,
        lookedUp,
        checkedAt,
      });
    }
  }
  return { byName, diagnostics };
}
