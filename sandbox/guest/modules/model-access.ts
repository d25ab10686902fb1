import type { GuestLink } from '../link.ts';

/** What pi-ai's completions become: one request to the host, which has the keys and the budget. */
export interface ModelAccess {
  complete(model: unknown, context: unknown, options: unknown, signal: AbortSignal | undefined): Promise<unknown>;
  /** The host's catalog. */
  models(): readonly { readonly provider: string; readonly id: string }[];
}

/** Makes the way to `model.complete`. Options that hold credentials or functions stay in the guest. */
export function createModelAccess(link: Pick<GuestLink, 'request' | 'requestSync'>): ModelAccess {
  return {
    complete: (model, context, options, signal) => {
      const { provider, id } = identify(model);
      return link.request('model.complete', { model: { provider, id }, context, options: plainOptions(options) }, signal);
    },
    models: () => {
      const models = link.requestSync('agent.query', { kind: 'models' });
      return Array.isArray(models) ? models : [];
    },
  };
}

function identify(model: unknown): { provider: string; id: string } {
  if (typeof model === 'object' && model !== null && 'provider' in model && 'id' in model) return { provider: String(model.provider), id: String(model.id) };
  throw new TypeError('a model has `provider` and `id`; take one from ctx.modelRegistry or ctx.model');
}

const carried = ['temperature', 'maxTokens', 'reasoning', 'reasoningEffort', 'cacheRetention', 'sessionId'];

function plainOptions(options: unknown): Record<string, unknown> {
  if (typeof options !== 'object' || options === null) return {};
  return Object.fromEntries(Object.entries(options).filter(([name, value]) => carried.includes(name) && value !== undefined));
}
