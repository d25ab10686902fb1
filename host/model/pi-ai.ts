import { DashError } from '../../format/index.ts';
import type { CustomProvider } from './custom-providers.ts';
import { handOff } from './handoff.ts';
import type { AssistantMessage } from './messages.ts';
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

// This is the one file that knows pi-ai. Each import is a subpath and dynamic: the root index costs
// 150 ms, one provider a few. The types are taken from the subpaths too, so no line names the root.
type Wire = Pick<ReturnType<typeof import('@earendil-works/pi-ai/api/openai-completions.lazy').openAICompletionsApi>, 'streamSimple'>;
type PiModel = Parameters<Wire['streamSimple']>[0];
type PiContext = Parameters<typeof import('@earendil-works/pi-ai/utils/transcript').normalizeContext>[0];
type PiTool = NonNullable<PiContext['tools']>[number];
type Auth = NonNullable<
  Awaited<ReturnType<NonNullable<ReturnType<typeof import('@earendil-works/pi-ai/providers/openai').openaiProvider>['auth']['apiKey']>['resolve']>>
>;

interface PiProvider extends Wire {
  readonly id: string;
  readonly auth: ReturnType<typeof import('@earendil-works/pi-ai/providers/openai').openaiProvider>['auth'];
  getModels(): readonly PiModel[];
}

interface KnownProvider {
  readonly id: string;
  /** The one that is used when nobody names another. */
  readonly model: string;
  /** Any of these in the environment makes the provider usable. */
  readonly env: readonly string[];
  readonly load: () => Promise<PiProvider>;
}

/**
 * In order of preference for a default model. Left out on purpose: providers that can only be reached
 * with another client's identity or a browser login.
 */
const PROVIDERS: readonly KnownProvider[] = [
  {
    id: 'anthropic',
    model: 'claude-sonnet-5',
    env: ['ANTHROPIC_API_KEY'],
    load: async () => (await import('@earendil-works/pi-ai/providers/anthropic')).anthropicProvider(),
  },
  { id: 'openai', model: 'gpt-5.5', env: ['OPENAI_API_KEY'], load: async () => (await import('@earendil-works/pi-ai/providers/openai')).openaiProvider() },
  {
    id: 'google',
    model: 'gemini-3.1-pro-preview',
    env: ['GEMINI_API_KEY'],
    load: async () => (await import('@earendil-works/pi-ai/providers/google')).googleProvider(),
  },
  {
    id: 'openrouter',
    model: 'anthropic/claude-sonnet-5',
    env: ['OPENROUTER_API_KEY'],
    load: async () => (await import('@earendil-works/pi-ai/providers/openrouter')).openrouterProvider(),
  },
  { id: 'xai', model: 'grok-4.7', env: ['XAI_API_KEY'], load: async () => (await import('@earendil-works/pi-ai/providers/xai')).xaiProvider() },
  { id: 'groq', model: 'openai/gpt-oss-120b', env: ['GROQ_API_KEY'], load: async () => (await import('@earendil-works/pi-ai/providers/groq')).groqProvider() },
  {
    id: 'mistral',
    model: 'devstral-latest',
    env: ['MISTRAL_API_KEY'],
    load: async () => (await import('@earendil-works/pi-ai/providers/mistral')).mistralProvider(),
  },
  {
    id: 'deepseek',
    model: 'deepseek-v4-pro',
    env: ['DEEPSEEK_API_KEY'],
    load: async () => (await import('@earendil-works/pi-ai/providers/deepseek')).deepseekProvider(),
  },
  {
    id: 'cerebras',
    model: 'gpt-oss-120b',
    env: ['CEREBRAS_API_KEY'],
    load: async () => (await import('@earendil-works/pi-ai/providers/cerebras')).cerebrasProvider(),
  },
  {
    id: 'together',
    model: 'moonshotai/Kimi-K2.6',
    env: ['TOGETHER_API_KEY'],
    load: async () => (await import('@earendil-works/pi-ai/providers/together')).togetherProvider(),
  },
  {
    id: 'fireworks',
    model: 'accounts/fireworks/models/kimi-k2p6',
    env: ['FIREWORKS_API_KEY'],
    load: async () => (await import('@earendil-works/pi-ai/providers/fireworks')).fireworksProvider(),
  },
  {
    id: 'huggingface',
    model: 'moonshotai/Kimi-K2.6',
    env: ['HF_TOKEN'],
    load: async () => (await import('@earendil-works/pi-ai/providers/huggingface')).huggingfaceProvider(),
  },
  {
    id: 'moonshotai',
    model: 'kimi-k2.6',
    env: ['MOONSHOT_API_KEY'],
    load: async () => (await import('@earendil-works/pi-ai/providers/moonshotai')).moonshotaiProvider(),
  },
  { id: 'zai', model: 'glm-5.3', env: ['ZAI_API_KEY'], load: async () => (await import('@earendil-works/pi-ai/providers/zai')).zaiProvider() },
  {
    id: 'minimax',
    model: 'MiniMax-M2.7',
    env: ['MINIMAX_API_KEY'],
    load: async () => (await import('@earendil-works/pi-ai/providers/minimax')).minimaxProvider(),
  },
  {
    id: 'nvidia',
    model: 'nvidia/nemotron-3-super-120b-a12b',
    env: ['NVIDIA_API_KEY'],
    load: async () => (await import('@earendil-works/pi-ai/providers/nvidia')).nvidiaProvider(),
  },
  {
    id: 'vercel-ai-gateway',
    model: 'zai/glm-5.1',
    env: ['AI_GATEWAY_API_KEY'],
    load: async () => (await import('@earendil-works/pi-ai/providers/vercel-ai-gateway')).vercelAIGatewayProvider(),
  },
  {
    id: 'azure-openai-responses',
    model: 'gpt-5.4',
    env: ['AZURE_OPENAI_API_KEY'],
    load: async () => (await import('@earendil-works/pi-ai/providers/azure-openai-responses')).azureOpenAIResponsesProvider(),
  },
  {
    id: 'google-vertex',
    model: 'gemini-3.1-pro-preview',
    env: ['GOOGLE_CLOUD_API_KEY'],
    load: async () => (await import('@earendil-works/pi-ai/providers/google-vertex')).googleVertexProvider(),
  },
  {
    id: 'baseten',
    model: 'zai-org/GLM-5.2',
    env: ['BASETEN_API_KEY'],
    load: async () => (await import('@earendil-works/pi-ai/providers/baseten')).basetenProvider(),
  },
  { id: 'meta', model: 'muse-spark-1.3', env: ['META_API_KEY'], load: async () => (await import('@earendil-works/pi-ai/providers/meta')).metaProvider() },
  {
    id: 'minimax-cn',
    model: 'MiniMax-M2.7',
    env: ['MINIMAX_CN_API_KEY'],
    load: async () => (await import('@earendil-works/pi-ai/providers/minimax-cn')).minimaxCnProvider(),
  },
  {
    id: 'qwen-token-plan',
    model: 'qwen3.7-max',
    env: ['QWEN_TOKEN_PLAN_API_KEY'],
    load: async () => (await import('@earendil-works/pi-ai/providers/qwen-token-plan')).qwenTokenPlanProvider(),
  },
  {
    id: 'xiaomi',
    model: 'mimo-v2.5-pro',
    env: ['XIAOMI_API_KEY'],
    load: async () => (await import('@earendil-works/pi-ai/providers/xiaomi')).xiaomiProvider(),
  },
  {
    id: 'ant-ling',
    model: 'Ring-2.6-1T',
    env: ['ANT_LING_API_KEY'],
    load: async () => (await import('@earendil-works/pi-ai/providers/ant-ling')).antLingProvider(),
  },
];

const WIRES: Readonly<Record<CustomProvider['api'], () => Promise<Wire>>> = {
  'openai-completions': async () => (await import('@earendil-works/pi-ai/api/openai-completions.lazy')).openAICompletionsApi(),
  'openai-responses': async () => (await import('@earendil-works/pi-ai/api/openai-responses.lazy')).openAIResponsesApi(),
  'anthropic-messages': async () => (await import('@earendil-works/pi-ai/api/anthropic-messages.lazy')).anthropicMessagesApi(),
  'google-generative-ai': async () => (await import('@earendil-works/pi-ai/api/google-generative-ai.lazy')).googleGenerativeAIApi(),
};

/** The names of environment variables that make a provider usable. */
export const PROVIDER_KEY_NAMES: readonly string[] = PROVIDERS.flatMap(({ env }) => env);

/** The variable that holds the key of a provider, by the provider's name. */
export const KEY_NAMES: ReadonlyMap<string, string> = new Map(PROVIDERS.flatMap(({ id, env: [name] }) => (name === undefined ? [] : [[id, name]])));

export interface PiAiOptions {
  /** Where keys are looked up; nothing else is read. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Endpoints from `models.json`. */
  readonly custom: readonly CustomProvider[];
}

/** A provider that is usable now: what it offers, and how it is called. */
interface Connection {
  readonly models: readonly PiModel[];
  readonly wire: Wire;
  readonly auth: Auth;
}

/** Language models behind pi-ai: the providers whose key is in the environment, and the user's own endpoints. */
export function createPiAiModels({ env, custom }: PiAiOptions): ModelPort {
  let connecting: Promise<readonly Connection[]> | undefined;
  const connections = (): Promise<readonly Connection[]> => (connecting ??= connect(env, custom));
  return {
    async models() {
      return (await connections()).flatMap(({ models }) => models.map(describe));
    },
    async *stream(info, transcript, options) {
      const found = find(await connections(), info);
      if (found === undefined) {
        yield noCredentials(info);
        return;
      }
      const { normalizeContext } = await import('@earendil-works/pi-ai/utils/transcript');
      const { model, connection } = found;
      const { apiKey, headers, baseUrl } = connection.auth.auth;
      const watch = watchRetryAfter();
      const events = connection.wire.streamSimple(baseUrl === undefined ? model : { ...model, baseUrl }, normalizeContext(contextOf(transcript, info)), {
        ...requestOptions(model, options),
        apiKey,
        headers: await watchedHeaders(headers, options.watch),
        ...watchedRequest(options.watch),
        env: connection.auth.env,
        ...(model.api.startsWith('google-') ? {} : { fetch: watch.fetch }),
      });
      for await (const event of events) {
        const retryAfterMs = event.type === 'error' ? (watch.retryAfterMs() ?? retryDelayIn(event.error.errorMessage ?? '')) : undefined;
        yield retryAfterMs === undefined ? event : { ...event, retryAfterMs };
      }
    },
  };
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

async function connect(env: PiAiOptions['env'], custom: readonly CustomProvider[]): Promise<readonly Connection[]> {
  const usable = PROVIDERS.filter((provider) => provider.env.some((name) => (env[name] ?? '').trim() !== ''));
  const known = await Promise.all(usable.map(async ({ load, model }) => openProvider(await load(), model, env)));
  const own = await Promise.all(custom.map((provider) => openEndpoint(provider, env)));
  // The user's own endpoints come first: who writes one means to use it.
  return [...own, ...known].filter((connection) => connection !== undefined);
}

async function openProvider(provider: PiProvider, first: string, env: PiAiOptions['env']): Promise<Connection | undefined> {
  const ctx = { env: async (name: string) => env[name], fileExists: async () => false };
  const auth = await provider.auth.apiKey?.resolve({ ctx, signal: new AbortController().signal });
  if (auth === undefined) return undefined;
  // The list is in the order of the alphabet; who names none means one that can do the work.
  return { models: provider.getModels().toSorted((a, b) => Number(b.id === first) - Number(a.id === first)), wire: provider, auth };
}

async function openEndpoint(provider: CustomProvider, env: PiAiOptions['env']): Promise<Connection | undefined> {
  const apiKey = provider.apiKeyEnv === undefined ? 'none' : env[provider.apiKeyEnv];
  if (apiKey === undefined) return undefined;
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
  return { models, wire: await WIRES[provider.api](), auth: { auth: { apiKey } } };
}

function find(connections: readonly Connection[], info: ModelInfo): { model: PiModel; connection: Connection } | undefined {
  for (const connection of connections) {
    const model = connection.models.find(({ id, provider }) => id === info.id && provider === info.provider);
    if (model !== undefined) return { model, connection };
  }
  return undefined;
}

function describe({ id, name, api, provider, baseUrl, reasoning, input, cost, contextWindow, maxTokens, promptCache, compat }: PiModel): ModelInfo {
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

function requestOptions(model: PiModel, { thinking, signal, sessionId, maxTokens }: ModelOptions): NonNullable<Parameters<Wire['streamSimple']>[2]> {
  const reasoning = model.reasoning && thinking !== undefined && isLevel(thinking) ? thinking : undefined;
  // One retry policy: the loop's. The clients' own retries would multiply with it, unseen by the user.
  return { signal, sessionId, maxRetries: 0, ...(maxTokens === undefined ? {} : { maxTokens }), ...(reasoning === undefined ? {} : { reasoning }) };
}

function isLevel(level: string): level is ThinkingLevel {
  return THINKING_LEVELS.some((known) => known === level);
}

function noCredentials(model: ModelInfo): ModelEvent {
  const known = PROVIDERS.find(({ id }) => id === model.provider);
  const { message, hint } = new DashError('NO_MODEL', `no credentials for \`${model.provider}/${model.id}\``, {
    hint: known === undefined ? 'describe the endpoint in `models.json`' : `set ${known.env.join(' or ')}`,
  });
  const error: AssistantMessage = {
    role: 'assistant',
    content: [],
    api: model.api,
    provider: model.provider,
    model: model.id,
    usage: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, totalTokens: 0, cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, total: 0 } },
    stopReason: 'error',
    errorMessage: `${message}; ${hint}`,
    timestamp: Date.now(),
  };
  return { type: 'error', reason: 'error', error };
}
