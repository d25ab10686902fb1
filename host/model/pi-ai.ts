import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { DashError, isDashError } from '../../format/index.ts';
import type { CustomProvider } from './custom-providers.ts';
import { handOff } from './handoff.ts';
import { type AssistantMessage, NO_USAGE } from './messages.ts';
import {
  type ModelEvent,
  type ModelInfo,
  type ModelOptions,
  type ModelPort,
  type RequestWatch,
  THINKING_LEVELS,
  type ThinkingLevel,
  type Transcript,
} from './port.ts';
import { KEY_NAMES, type KnownProvider, missingOf, type PiModel, type PiProvider, PROVIDERS, REFUSED, type Wire } from './providers.ts';

type PiContext = Parameters<typeof import('@earendil-works/pi-ai/utils/transcript').normalizeContext>[0];
type PiTool = NonNullable<PiContext['tools']>[number];
type Auth = NonNullable<Awaited<ReturnType<NonNullable<PiProvider['auth']['apiKey']>['resolve']>>>;

/** The wires that an endpoint of somebody's own may speak. */
export const WIRES: Readonly<Record<CustomProvider['api'], () => Promise<Wire>>> = {
  'openai-completions': async () => (await import('@earendil-works/pi-ai/api/openai-completions.lazy')).openAICompletionsApi(),
  'openai-responses': async () => (await import('@earendil-works/pi-ai/api/openai-responses.lazy')).openAIResponsesApi(),
  'anthropic-messages': async () => (await import('@earendil-works/pi-ai/api/anthropic-messages.lazy')).anthropicMessagesApi(),
  'google-generative-ai': async () => (await import('@earendil-works/pi-ai/api/google-generative-ai.lazy')).googleGenerativeAIApi(),
};

export interface PiAiOptions {
  /** Where keys are looked up; a kept key stands behind it. */
  readonly env: Environment;
  /** Keys that `dash login` keeps, by provider. */
  readonly keys: Readonly<Record<string, string>>;
  /** Endpoints from `models.json`. */
  readonly custom: readonly CustomProvider[];
  /** The token of a provider that is logged into through a browser, as good as it is now. */
  readonly token: (provider: CustomProvider) => Promise<string | undefined>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** A provider that is usable now: what it offers, and how it is called. */
interface Connection {
  readonly models: readonly PiModel[];
  readonly wire: Wire;
  readonly auth: () => Promise<Auth>;
}

/** Language models behind pi-ai: the providers whose key is in the environment, and the user's own endpoints. */
export function createPiAiModels(options: PiAiOptions): ModelPort {
  let connecting: Promise<readonly Connection[]> | undefined;
  const connections = (): Promise<readonly Connection[]> => (connecting ??= connect(options));
  return {
    async models() {
      return (await connections()).flatMap(({ models }) => models.map(describe));
    },
    async *stream(info, transcript, request) {
      const found = find(await connections(), info);
      if (found === undefined) {
        yield noCredentials(info);
        return;
      }
      const { model, connection } = found;
      let auth: Auth;
      try {
        auth = await connection.auth();
      } catch (error) {
        yield failed(info, error);
        return;
      }
      yield* send(model, { wire: connection.wire, auth }, transcript, request);
    },
  };
}

/** The library beneath would say that it is pi. */
const OUR_NAME = 'dash-agent';

/** With such a token the library beneath would say that it is Claude Code, in its headers and in the system prompt. */
function isSubscriptionToken({ api }: PiModel, apiKey: string | undefined): boolean {
  return api === 'anthropic-messages' && apiKey?.includes('sk-ant-oat') === true;
}

/** Sends a request over a wire, watched, with what the provider says about coming back later. */
export async function* send(
  model: PiModel,
  { wire, auth: { auth, env } }: { readonly wire: Wire; readonly auth: Auth },
  transcript: Transcript,
  options: ModelOptions,
): AsyncIterable<ModelEvent> {
  const { apiKey, headers, baseUrl } = auth;
  if (isSubscriptionToken(model, apiKey)) {
    const error = new DashError('LOGIN_REFUSED', `this is the token of a subscription: ${REFUSED.get('anthropic')}`, { hint: 'use an API key' });
    yield failed(describe(model), error);
    return;
  }
  const watch = watchRetryAfter();
  const events = wire.streamSimple(baseUrl === undefined ? model : { ...model, baseUrl }, await wireContext(transcript, describe(model)), {
    ...requestOptions(model, options),
    apiKey,
    headers: await watchedHeaders({ 'User-Agent': OUR_NAME, ...headers }, options.watch),
    ...watchedRequest(options.watch),
    env,
    ...(model.api.startsWith('google-') || model.api.startsWith('bedrock-') ? {} : { fetch: watch.fetch }),
  });
  for await (const event of events) {
    if (event.type !== 'error') {
      yield event;
      continue;
    }
    const retryAfterMs = watch.retryAfterMs() ?? retryDelayIn(event.error.errorMessage ?? '');
    yield retryAfterMs === undefined ? event : { ...event, retryAfterMs };
  }
}

/** The models of a provider that we know, whether or not there is a key for it. */
export async function knownModels(provider: string): Promise<readonly ModelInfo[]> {
  const known = PROVIDERS.find(({ id }) => id === provider);
  return known === undefined ? [] : (await known.load()).getModels().map(describe);
}

/** A header that may hold a credential, by its name: packages neither see nor set one. */
const CREDENTIAL = /auth|key|token|cookie|secret|signature/i;

type Headers = Readonly<Record<string, string | null>>;

function isPublic([name]: readonly [string, unknown]): boolean {
  return !CREDENTIAL.test(name);
}

async function watchedHeaders<Given extends Headers>(
  headers: Given | undefined,
  watch: RequestWatch | undefined,
): Promise<Given | Record<string, string | null> | undefined> {
  if (watch?.headers === undefined) return headers;
  const all = Object.entries(headers ?? {});
  const changed = await watch.headers(Object.fromEntries(all.filter(isPublic)));
  return { ...Object.fromEntries(all.filter((entry) => !isPublic(entry))), ...Object.fromEntries(Object.entries(changed).filter(isPublic)) };
}

function watchedRequest(watch: RequestWatch | undefined): Pick<NonNullable<Parameters<Wire['streamSimple']>[2]>, 'onPayload' | 'onResponse'> {
  const { payload, response } = watch ?? {};
  return {
    ...(payload === undefined ? {} : { onPayload: (body: unknown) => payload(body) }),
    ...(response === undefined
      ? {}
      : {
          onResponse: ({ status, headers }: { status: number; headers: Record<string, string> }) =>
            response(status, Object.fromEntries(Object.entries(headers).filter(isPublic))),
        }),
  };
}

/** Google's client takes no other `fetch`, and says it in the body: `"retryDelay": "34s"`. */
function retryDelayIn(errorMessage: string): number | undefined {
  const seconds = /"retryDelay\\?":\s*\\?"(\d+(?:\.\d+)?)s/.exec(errorMessage)?.[1];
  return seconds === undefined ? undefined : Number(seconds) * 1000;
}

/** Looks at the answers of a provider as they come: its errors are told in words, without their headers. */
function watchRetryAfter(): { readonly fetch: typeof globalThis.fetch; retryAfterMs(): number | undefined } {
  let retryAfterMs: number | undefined;
  return {
    async fetch(input, init) {
      const response = await globalThis.fetch(input, init);
      retryAfterMs = response.ok ? undefined : parseRetryAfter(response.headers.get('retry-after'), Date.now());
      return response;
    },
    retryAfterMs: () => retryAfterMs,
  };
}

/** Seconds or a date, as RFC 9110 has it. */
function parseRetryAfter(value: string | null, now: number): number | undefined {
  if (value === null || value.trim() === '') return undefined;
  const seconds = Number(value);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(value) - now;
  return Number.isFinite(ms) && ms >= 0 ? ms : undefined;
}

async function connect({ env, keys, custom, token }: PiAiOptions): Promise<readonly Connection[]> {
  const known = await Promise.all(PROVIDERS.map((provider) => openProvider(provider, withKept(provider.id, env, keys))));
  const own = await Promise.all(custom.map((provider) => openEndpoint(provider, env[provider.apiKeyEnv ?? ''] ?? keys[provider.id], token)));
  // The user's own endpoints come first: who writes one means to use it.
  return [...own, ...known].filter((connection) => connection !== undefined);
}

/** The environment as one provider sees it: what really stands there goes before the key that is kept for it. */
export function withKept(provider: string, env: Environment, keys: PiAiOptions['keys']): Environment {
  const [name, key] = [KEY_NAMES.get(provider), keys[provider]];
  return name === undefined || key === undefined ? env : { [name]: key, ...env };
}

async function openProvider(known: KnownProvider, env: Environment): Promise<Connection | undefined> {
  if (missingOf(known, env).length > 0) return undefined;
  const provider = await known.load();
  const ctx = { env: async (name: string) => env[name], fileExists: async (path: string) => existsSync(path.replace(/^~(?=\/)/, env['HOME'] ?? homedir())) };
  const auth = await provider.auth.apiKey?.resolve({ ctx, signal: new AbortController().signal });
  if (auth === undefined) return undefined;
  const set = Object.fromEntries(Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
  return {
    // The list is in the order of the alphabet; who names none means one that can do the work.
    models: provider.getModels().toSorted((a, b) => Number(b.id === known.model) - Number(a.id === known.model)),
    wire: provider,
    auth: async () => ({ ...auth, env: { ...set, ...auth.env } }),
  };
}

async function openEndpoint(provider: CustomProvider, key: string | undefined, token: PiAiOptions['token']): Promise<Connection | undefined> {
  const isOpen = provider.apiKeyEnv === undefined && provider.oauth === undefined;
  if (!isOpen && key === undefined && (provider.oauth === undefined || (await token(provider).catch(() => 'expired')) === undefined)) return undefined;
  const models = provider.models.map((model): PiModel => ({
    id: model.id,
    name: model.name ?? model.id,
    api: provider.api,
    provider: provider.id,
    baseUrl: provider.baseUrl,
    reasoning: model.reasoning ?? false,
    input: model.images === true ? ['text', 'image'] : ['text'],
    cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, ...model.cost },
    contextWindow: model.contextWindow ?? 128_000,
    maxTokens: model.maxTokens ?? 16_384,
  }));
  return {
    models,
    wire: await WIRES[provider.api](),
    auth: async () => ({ auth: { apiKey: key ?? (provider.oauth === undefined ? undefined : await token(provider)) ?? 'none' } }),
  };
}

function find(connections: readonly Connection[], info: ModelInfo): { model: PiModel; connection: Connection } | undefined {
  for (const connection of connections) {
    const model = connection.models.find(({ id, provider }) => id === info.id && provider === info.provider);
    if (model !== undefined) return { model, connection };
  }
  return undefined;
}

/** A model as the rest of Dash knows it. */
export function describe({ id, name, api, provider, baseUrl, reasoning, input, cost, contextWindow, maxTokens, promptCache, compat }: PiModel): ModelInfo {
  const { input: read, output, cacheRead, cacheWrite } = cost;
  const price = { input: read, output, cacheRead, cacheWrite };
  return {
    id,
    name,
    api,
    provider,
    baseUrl,
    reasoning,
    input,
    cost: price,
    contextWindow,
    maxTokens,
    ...(promptCache === undefined ? {} : { promptCache }),
    ...(compat !== undefined && 'forceAdaptiveThinking' in compat && compat.forceAdaptiveThinking === true ? { compat: { forceAdaptiveThinking: true } } : {}),
  };
}

/** What one request says, as pi's wires read it. */
export async function wireContext(transcript: Transcript, model: ModelInfo): Promise<Parameters<Wire['streamSimple']>[1]> {
  const { normalizeContext } = await import('@earendil-works/pi-ai/utils/transcript');
  return normalizeContext(contextOf(transcript, model));
}

function contextOf({ systemPrompt, tools, messages }: Transcript, model: ModelInfo): PiContext {
  return {
    systemPrompt,
    messages: handOff(messages, model),
    tools: tools.map(({ name, description, parameters }): PiTool => ({ name, description, parameters: asSchema(parameters) })),
  };
}

/** A schema goes over the wire as it is; the model gets to see it, nothing here compiles it. */
function asSchema(parameters: unknown): PiTool['parameters'] {
  return typeof parameters === 'object' && parameters !== null ? parameters : { type: 'object', properties: {} };
}

function requestOptions(
  model: PiModel,
  { thinking, thinkingBudgets, signal, sessionId, maxTokens }: ModelOptions,
): NonNullable<Parameters<Wire['streamSimple']>[2]> {
  const reasoning = model.reasoning && thinking !== undefined && isLevel(thinking) ? thinking : undefined;
  // One retry policy: the loop's. The clients' own retries would multiply with it, unseen by the user.
  return {
    signal,
    sessionId,
    maxRetries: 0,
    ...(maxTokens === undefined ? {} : { maxTokens }),
    ...(reasoning === undefined ? {} : { reasoning }),
    ...(thinkingBudgets === undefined ? {} : { thinkingBudgets }),
  };
}

function isLevel(level: string): level is ThinkingLevel {
  return THINKING_LEVELS.some((known) => known === level);
}

function noCredentials(model: ModelInfo): ModelEvent {
  const known = PROVIDERS.find(({ id }) => id === model.provider);
  const hint = known === undefined ? 'describe the endpoint in `models.json`' : `set ${known.ways.map((way) => way.join(' and ')).join(', or ')}`;
  return failed(model, new DashError('NO_MODEL', `no credentials for \`${model.provider}/${model.id}\``, { hint }));
}

function failed(model: ModelInfo, cause: unknown): ModelEvent {
  const hint = isDashError(cause) && cause.hint !== undefined ? `; ${cause.hint}` : '';
  const error: AssistantMessage = {
    role: 'assistant',
    content: [],
    api: model.api,
    provider: model.provider,
    model: model.id,
    usage: NO_USAGE,
    stopReason: 'error',
    errorMessage: `${cause instanceof Error ? cause.message : String(cause)}${hint}`,
    timestamp: Date.now(),
  };
  return { type: 'error', reason: 'error', error };
}
