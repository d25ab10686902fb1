import { readCredentials } from './credentials.ts';
import { readCustomProviders } from './custom-providers.ts';
import type { Endpoints } from './package-providers.ts';
import { knownModels, send, WIRES, wireContext } from './pi-ai.ts';
import { KEY_NAMES, type PiModel } from './providers.ts';

/** Speaks to endpoints that packages describe. Keys of the providers we know come from `env` and from `dash login`. */
export async function openEndpoints(env: Readonly<Record<string, string | undefined>>, dashHome: string): Promise<Endpoints> {
  const [{ keys: kept }, custom] = await Promise.all([readCredentials(dashHome), readCustomProviders(dashHome)]);
  return {
    known: knownModels,
    users: new Set(custom.map(({ id }) => id)),
    keyOf(provider) {
      const name = KEY_NAMES.get(provider);
      return name === undefined ? undefined : { name, value: env[name] ?? kept[provider] };
    },
    async *ask({ info, wire, extra }, { apiKey = 'none', headers }, transcript, options) {
      if (wire === 'guest') throw new Error('a package speaks to this one');
      // what a package says about its server is passed to the wire as it is, as pi does
      const model: PiModel = { ...info, ...(extra as Partial<PiModel>) };
      yield* send(model, { wire: await WIRES[wire](), auth: { auth: { apiKey, headers } } }, transcript, options);
    },
    contextOf: wireContext,
  };
}
