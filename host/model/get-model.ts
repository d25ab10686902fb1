import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { DashError } from '../../format/index.ts';
import type { KnownModels } from './known-models.ts';
import { describe } from './pi-ai.ts';
import type { ModelInfo } from './port.ts';
import type { PiModel } from './providers.ts';

/**
 * A model by its provider and its id; both are checked where the call is compiled. What it costs and can do is in it; a
 * key is needed only once it is asked. @throws {DashError} NO_MODEL where there is no such model, for callers without types
 *
 * @example
 * await using host = await createHost({ model: getModel('anthropic', 'claude-sonnet-5') });
 */
export function getModel<Provider extends keyof KnownModels>(provider: Provider, id: KnownModels[Provider]): ModelInfo {
  const model = modelsOf(provider).find((each) => each.id === id);
  if (model === undefined) throw new DashError('NO_MODEL', `\`${provider}\` has no model \`${id}\``, { hint: '`dash models --all` lists them' });
  return describe(model);
}

/** Only this provider's list is read, at once: pi-ai's modules are loadable by `require`. */
function modelsOf(provider: string): readonly PiModel[] {
  if (!/^[a-z0-9-]+$/.test(provider)) return [];
  try {
    const path = fileURLToPath(import.meta.resolve(`@earendil-works/pi-ai/providers/${provider}.models`));
    const lists: Readonly<Record<string, Readonly<Record<string, PiModel>>>> = createRequire(import.meta.url)(path);
    return Object.values(lists).flatMap((list) => Object.values(list));
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'MODULE_NOT_FOUND' || error.code === 'ERR_MODULE_NOT_FOUND')) return [];
    throw error;
  }
}
