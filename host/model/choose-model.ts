import { DashError } from '../../format/index.ts';
import { AUTO, createAutoModels } from './auto.ts';
import type { ModelInfo, ModelPort } from './port.ts';
import { KEY_NAMES, PROVIDER_KEY_NAMES, REFUSED } from './providers.ts';
import { openProviders } from './providers-now.ts';
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
  const models = await openProviders(dashHome, env);
  const order = reference?.startsWith(`${AUTO}:`) === true ? reference.slice(AUTO.length + 1).split(',') : undefined;
  return createAutoModels(models, { always: reference === AUTO || order !== undefined, ...(order === undefined ? {} : { order }) });
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
  const refusal = variable === undefined ? REFUSED.get(provider) : undefined;
  if (refusal !== undefined && !models.some((model) => model.provider === provider)) throw new DashError('NO_MODEL', `\`${provider}\` is not used: ${refusal}`);
  throw new DashError('NO_MODEL', `no model \`${reference}\` among the ${models.length} that have credentials`, {
    hint: variable === undefined ? '`dash models` lists them; write it as `provider/id`' : `set ${variable}, or run \`dash login ${provider}\``,
  });
}
