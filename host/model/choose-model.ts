import { DashError } from '../../format/index.ts';
import { AUTO, createAutoModels } from './auto.ts';
import { readKeys } from './credentials.ts';
import { type CustomProvider, readCustomProviders } from './custom-providers.ts';
import { createPiAiModels, KEY_NAMES, PROVIDER_KEY_NAMES } from './pi-ai.ts';
import type { ModelInfo, ModelPort } from './port.ts';
import { createScriptedModel, readScript } from './scripted.ts';

export interface ModelSource {
  /** `scripted:FILE`, `auto`, `auto:provider/id,provider/id`, `provider/id`, `id`, or nothing: the first provider with credentials. */
  readonly reference: string | undefined;
  readonly dashHome: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The port that `reference` asks for. @throws {DashError} SCRIPT_INVALID, SETTINGS_INVALID */
export async function openModels({ reference, dashHome, env }: ModelSource): Promise<ModelPort> {
  if (reference?.startsWith('scripted:') === true) return createScriptedModel(await readScript(reference.slice('scripted:'.length)));
  const custom = await readCustomProviders(dashHome);
  const models = createPiAiModels({ env: { ...keptKeys(await readKeys(dashHome), custom), ...env }, custom });
  const order = reference?.startsWith(`${AUTO}:`) === true ? reference.slice(AUTO.length + 1).split(',') : undefined;
  return createAutoModels(models, { always: reference === AUTO || order !== undefined, ...(order === undefined ? {} : { order }) });
}

/** The names of providers that a key can be kept for. @throws {DashError} SETTINGS_INVALID */
export async function knownProviders(dashHome: string): Promise<readonly string[]> {
  const own = (await readCustomProviders(dashHome)).filter(({ apiKeyEnv }) => apiKeyEnv !== undefined);
  return [...KEY_NAMES.keys(), ...own.map(({ id }) => id)];
}

/** What `dash login` keeps, as if it stood in the environment; what really stands there goes before it. */
function keptKeys(keys: Readonly<Record<string, string>>, custom: readonly CustomProvider[]): Record<string, string> {
  const named = Object.entries(keys).flatMap(([provider, key]): [string, string][] => {
    const name = custom.find(({ id }) => id === provider)?.apiKeyEnv ?? KEY_NAMES.get(provider);
    return name === undefined ? [] : [[name, key]];
  });
  return Object.fromEntries(named);
}

/** Picks the model that `reference` names among `models`. @throws {DashError} NO_MODEL */
export function chooseModel(models: readonly ModelInfo[], reference: string | undefined): ModelInfo {
  const first = models[0];
  const [wanted = ''] = reference?.split('/', 1) ?? [];
  if (first === undefined && KEY_NAMES.has(wanted)) {
    throw new DashError('NO_MODEL', `there is no key for \`${wanted}\``, { hint: `set ${KEY_NAMES.get(wanted)}, or run \`dash login ${wanted}\`` });
  }
  if (first === undefined) {
    throw new DashError('NO_MODEL', 'no model provider has credentials', {
      hint: `set one of ${PROVIDER_KEY_NAMES.slice(0, 4).join(', ')}, run \`dash login <provider>\`, or describe an endpoint in \`models.json\``,
    });
  }
  if (reference === undefined || reference.startsWith('scripted:')) return first;
  if (reference.startsWith(`${AUTO}:`)) return chooseModel(models, AUTO);
  // `provider/`: any of that provider's
  const found =
    models.find(({ provider }) => `${provider}/` === reference) ??
    models.find(({ provider, id }) => `${provider}/${id}` === reference) ??
    models.find(({ id }) => id === reference);
  if (found !== undefined) return found;
  const [provider = ''] = reference.split('/', 1);
  const variable = models.some((model) => model.provider === provider) ? undefined : KEY_NAMES.get(provider);
  throw new DashError('NO_MODEL', `no model \`${reference}\` among the ${models.length} that have credentials`, {
    hint: variable === undefined ? '`dash models` lists them; write it as `provider/id`' : `set ${variable}, or run \`dash login ${provider}\``,
  });
}
