import type { ProviderModelRegistration, ProviderRegistration } from '../../format/index.ts';
import type { ModelInfo } from './port.ts';

/** Wires that the host speaks itself. */
export const WIRE_NAMES = ['openai-completions', 'openai-responses', 'anthropic-messages', 'google-generative-ai'] as const;
export type WireName = (typeof WIRE_NAMES)[number];

/** A model of a package's provider, and how a request to it is made. */
export interface ProvidedModel {
  readonly info: ModelInfo;
  /** Where it goes, as the permission names it. */
  readonly host: string;
  /** `guest`: the package speaks to it. */
  readonly wire: WireName | 'guest';
  readonly headers: Readonly<Record<string, string>>;
  /** What the wire is told about the server, as the package wrote it. */
  readonly extra: Pick<ProviderModelRegistration, 'compat' | 'thinkingLevelMap' | 'samplingParams'>;
}

export interface ProviderPlan {
  readonly models: readonly ProvidedModel[];
  /** What is wrong with it, for its author and its user. */
  readonly problems: readonly string[];
}

/**
 * Works out what a package's description of a provider offers. `known` are the models that there are under this name
 * without it: with no list of its own it changes where those are reached, and with one it takes their place.
 */
export function planProvider(registration: ProviderRegistration, known: readonly ModelInfo[]): ProviderPlan {
  const { name, models, oauth, refreshes, apiKey, streams } = registration;
  const problems: string[] = [];
  if (oauth === true && apiKey === undefined)
    problems.push(`\`${name}\` wants to be logged in to, which packages cannot do here: a provider with \`apiKey: "$NAME"\` takes a key that you set`);
  if (refreshes === true) problems.push(`\`${name}\` wants to look its models up by itself: \`registerProvider\` may be called again when it knows them`);
  if (models === undefined && known.length === 0) problems.push(`\`${name}\` describes no models, and there is no provider of that name`);
  if (oauth === true && apiKey === undefined && streams !== true) return { models: [], problems };
  const described: readonly ProviderModelRegistration[] = models ?? known.map(({ id }) => ({ id }));
  const planned = described.map((model) => planModel(registration, model, known));
  return {
    models: planned.flatMap((one) => (typeof one === 'string' ? [] : [one])),
    problems: [...problems, ...new Set(planned.filter((one) => typeof one === 'string'))],
  };
}

function planModel(registration: ProviderRegistration, model: ProviderModelRegistration, known: readonly ModelInfo[]): ProvidedModel | string {
  const { name, streams } = registration;
  const like = known.find(({ id }) => id === model.id) ?? known.find(({ api }) => api === (model.api ?? registration.api)) ?? known[0];
  const baseUrl = model.baseUrl ?? registration.baseUrl ?? like?.baseUrl;
  const api = model.api ?? registration.api ?? like?.api;
  if (baseUrl === undefined || !URL.canParse(baseUrl)) return `\`${name}\`: \`baseUrl\` is missing, or is no address`;
  if (api === undefined) return `\`${name}\`: \`api\` is missing, at the provider or at the model`;
  const { protocol, hostname } = new URL(baseUrl);
  if (protocol !== 'https:' && !(protocol === 'http:' && isThisMachine(hostname))) return `\`${name}\`: \`${baseUrl}\` would be sent to without encryption`;
  const isGuests = streams === true && (model.api === undefined || model.api === registration.api);
  const wire = isGuests ? 'guest' : WIRE_NAMES.find((known) => known === api);
  if (wire === undefined)
    return `\`${name}\`: the host does not speak \`${api}\`, only ${WIRE_NAMES.join(', ')}; \`streamSimple\` speaks what the package knows`;
  const { compat, thinkingLevelMap, samplingParams } = model;
  const own = known.find(({ id }) => id === model.id);
  return {
    host: hostname,
    wire,
    headers: { ...registration.headers, ...model.headers },
    extra: {
      ...(compat === undefined ? {} : { compat }),
      ...(thinkingLevelMap === undefined ? {} : { thinkingLevelMap }),
      ...(samplingParams === undefined ? {} : { samplingParams }),
    },
    info: {
      id: model.id,
      name: model.name ?? own?.name ?? model.id,
      provider: name,
      api,
      baseUrl,
      reasoning: model.reasoning ?? own?.reasoning ?? false,
      input: model.input === undefined ? (own?.input ?? ['text']) : [...model.input],
      cost: model.cost === undefined ? (own?.cost ?? FREE) : { ...FREE, ...model.cost },
      contextWindow: model.contextWindow ?? own?.contextWindow ?? 128_000,
      maxTokens: model.maxTokens ?? own?.maxTokens ?? 16_384,
      ...(model.promptCache === undefined ? {} : { promptCache: model.promptCache }),
    },
  };
}

const FREE = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 };

function isThisMachine(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname);
}
