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
  /** `needed`: there are no models without it. */
  readonly login: 'none' | 'possible' | 'needed';
  /** What is wrong with it, for its author and its user. */
  readonly problems: readonly string[];
}

/** What stands around a description. */
export interface ProviderFacts {
  /** The models that there are under this name without it. */
  readonly known: readonly ModelInfo[];
  /** What it looked up last, which takes the place of what it described. */
  readonly lookedUp?: readonly ProviderModelRegistration[];
}

/**
 * Works out what a package's description of a provider offers: with no list of models of its own it changes where the
 * known ones are reached, and with one it takes their place.
 */
export function planProvider(registration: ProviderRegistration, { known, lookedUp }: ProviderFacts): ProviderPlan {
  const { name, oauth, refreshes, apiKey, streams } = registration;
  if (RESERVED.has(name.toLowerCase())) return { models: [], login: 'none', problems: [`\`${name}\` means something else than a provider of a package`] };
  if (!PROVIDER_NAME.test(name))
    return { models: [], login: 'none', problems: [`\`${shown(name)}\` is no name of a provider: letters, digits, \`.\`, \`_\` and \`-\``] };
  const problems: string[] = [];
  const isDashs = known.length > 0;
  if (oauth === true && isDashs) problems.push(`\`${name}\` is a provider that Dash logs in to itself: a package can do so for one with another name`);
  const login = oauth !== true || isDashs ? 'none' : apiKey === undefined && streams !== true ? 'needed' : 'possible';
  const models = lookedUp ?? registration.models;
  if (models === undefined && !isDashs)
    problems.push(
      refreshes === true
        ? `\`${name}\` has not looked its models up yet: \`dash models --refresh\` has it do so`
        : `\`${name}\` describes no models, and there is no provider of that name`,
    );
  const described: readonly ProviderModelRegistration[] = models ?? known.map(({ id }) => ({ id }));
  const planned = described.map((model) => planModel(registration, model, known));
  return {
    models: planned.flatMap((one) => (typeof one === 'string' ? [] : [one])),
    login,
    problems: [...problems, ...new Set(planned.filter((one) => typeof one === 'string'))],
  };
}

/** It stands before a slash, on the screen and on command lines. */
const PROVIDER_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
/** What `--model` understands by itself, and what stands for no model: a package under such a name would be asked in its place. */
const RESERVED: ReadonlySet<string> = new Set(['auto', 'scripted', 'none']);
/** Neither spaces nor what a terminal, or an eye, is deceived by. */
const MODEL_ID = /^[^\p{C}\p{Z}]+$/u;

/** What a package wrote, in a message of ours. */
function shown(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 64);
}

/** Why nothing is sent to an address; `undefined` where it is one that can be sent to. */
export function addressProblem(baseUrl: string | undefined): string | undefined {
  if (baseUrl === undefined || !URL.canParse(baseUrl)) return '`baseUrl` is missing, or is no address';
  const { protocol, hostname } = new URL(baseUrl);
  if (protocol === 'https:' || (protocol === 'http:' && isThisMachine(hostname))) return undefined;
  return `\`${baseUrl}\` would be sent to without encryption`;
}

function planModel(registration: ProviderRegistration, model: ProviderModelRegistration, known: readonly ModelInfo[]): ProvidedModel | string {
  const { name, streams } = registration;
  const like = known.find(({ id }) => id === model.id) ?? known.find(({ api }) => api === (model.api ?? registration.api)) ?? known[0];
  const baseUrl = model.baseUrl ?? registration.baseUrl ?? like?.baseUrl;
  const api = model.api ?? registration.api ?? like?.api;
  if (!MODEL_ID.test(model.id)) return `\`${name}\`: \`${shown(model.id)}\` is no id of a model`;
  const wrong = addressProblem(baseUrl);
  if (baseUrl === undefined || wrong !== undefined) return `\`${name}\`: ${wrong}`;
  if (api === undefined) return `\`${name}\`: \`api\` is missing, at the provider or at the model`;
  const isGuests = streams === true && (model.api === undefined || model.api === registration.api);
  const wire = isGuests ? 'guest' : WIRE_NAMES.find((known) => known === api);
  if (wire === undefined)
    return `\`${name}\`: the host does not speak \`${api}\`, only ${WIRE_NAMES.join(', ')}; \`streamSimple\` speaks what the package knows`;
  const { compat, thinkingLevelMap, samplingParams } = model;
  const own = known.find(({ id }) => id === model.id);
  return {
    host: new URL(baseUrl).hostname,
    wire,
    headers: { ...registration.headers, ...model.headers },
    extra: {
      ...(compat === undefined ? {} : { compat }),
      ...(thinkingLevelMap === undefined ? {} : { thinkingLevelMap }),
      ...(samplingParams === undefined ? {} : { samplingParams }),
    },
    info: {
      id: model.id,
      name: model.name?.replaceAll(/\p{C}+/gu, ' ') ?? own?.name ?? model.id,
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
