import { readCredentials } from './credentials.ts';
import { readCustomProviders } from './custom-providers.ts';
import { describe, withKept } from './pi-ai.ts';
import type { ModelInfo } from './port.ts';
import { isBegun, missingOf, PROVIDERS, REFUSED } from './providers.ts';

/** A provider, and what it lacks. */
export interface ProviderState {
  readonly id: string;
  /** Names of variables of the environment; empty where it can be used. */
  readonly missing: readonly string[];
  /** Some of what it needs is there: somebody means to use it. */
  readonly begun: boolean;
  readonly models: () => Promise<readonly ModelInfo[]>;
}

/** Every provider that Dash knows, whether or not it can be used, with its models. @throws {DashError} SETTINGS_INVALID */
export async function listProviders(dashHome: string, env: Readonly<Record<string, string | undefined>>): Promise<readonly ProviderState[]> {
  const [{ keys, tokens }, custom] = await Promise.all([readCredentials(dashHome), readCustomProviders(dashHome)]);
  const known = PROVIDERS.map((provider): ProviderState => {
    const seen = withKept(provider.id, env, keys);
    const models = async () => (await provider.load()).getModels().map(describe);
    return { id: provider.id, missing: missingOf(provider, seen), begun: isBegun(provider, seen), models };
  });
  const own = custom.flatMap(({ id, apiKeyEnv, oauth }): ProviderState[] => {
    const lacks = oauth === undefined ? apiKeyEnv !== undefined && env[apiKeyEnv] === undefined && keys[id] === undefined : tokens[id] === undefined;
    return lacks ? [{ id, missing: apiKeyEnv === undefined ? [] : [apiKeyEnv], begun: true, models: async () => [] }] : [];
  });
  return [...own, ...known];
}

/** Who is not used, and why. */
export function refusedProviders(): readonly { readonly id: string; readonly reason: string }[] {
  return [...REFUSED].flatMap(([id, reason]) => (PROVIDERS.some((provider) => provider.id === id) ? [] : [{ id, reason }]));
}
