import { DashError } from '../../format/index.ts';
import type { CustomProvider } from './custom-providers.ts';
import type { AssistantMessage } from './messages.ts';
import { type ModelEvent, type ModelInfo, type ModelOptions, type ModelPort, THINKING_LEVELS, type ThinkingLevel, type Transcript } from './port.ts';

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
  /** Any of these in the environment makes the provider usable. */
  readonly env: readonly string[];
  readonly load: () => Promise<PiProvider>;
}

/**
 * In order of preference for a default model. Left out on purpose: providers that can only be reached
 * with another client's identity or a browser login.
 */
const PROVIDERS: readonly KnownProvider[] = [
  { id: 'anthropic', env: ['ANTHROPIC_API_KEY'], load: async () => (await import('@earendil-works/pi-ai/providers/anthropic')).anthropicProvider() },
  { id: 'openai', env: ['OPENAI_API_KEY'], load: async () => (await import('@earendil-works/pi-ai/providers/openai')).openaiProvider() },
  { id: 'google', env: ['GEMINI_API_KEY'], load: async () => (await import('@earendil-works/pi-ai/providers/google')).googleProvider() },
  { id: 'openrouter', env: ['OPENROUTER_API_KEY'], load: async () => (await import('@earendil-works/pi-ai/providers/openrouter')).openrouterProvider() },
  { id: 'xai', env: ['XAI_API_KEY'], load: async () => (await import('@earendil-works/pi-ai/providers/xai')).xaiProvider() },
  { id: 'groq', env: ['GROQ_API_KEY'], load: async () => (await import('@earendil-works/pi-ai/providers/groq')).groqProvider() },
  { id: 'mistral', env: ['MISTRAL_API_KEY'], load: async () => (await import('@earendil-works/pi-ai/providers/mistral')).mistralProvider() },
  { id: 'deepseek', env: ['DEEPSEEK_API_KEY'], load: async () => (await import('@earendil-works/pi-ai/providers/deepseek')).deepseekProvider() },
  { id: 'cerebras', env: ['CEREBRAS_API_KEY'], load: async () => (await import('@earendil-works/pi-ai/providers/cerebras')).cerebrasProvider() },
  { id: 'together', env: ['TOGETHER_API_KEY'], load: async () => (await import('@earendil-works/pi-ai/providers/together')).togetherProvider() },
  { id: 'fireworks', env: ['FIREWORKS_API_KEY'], load: async () => (await import('@earendil-works/pi-ai/providers/fireworks')).fireworksProvider() },
  { id: 'huggingface', env: ['HF_TOKEN'], load: async () => (await import('@earendil-works/pi-ai/providers/huggingface')).huggingfaceProvider() },
  { id: 'moonshotai', env: ['MOONSHOT_API_KEY'], load: async () => (await import('@earendil-works/pi-ai/providers/moonshotai')).moonshotaiProvider() },
  { id: 'zai', env: ['ZAI_API_KEY'], load: async () => (await import('@earendil-works/pi-ai/providers/zai')).zaiProvider() },
  { id: 'minimax', env: ['MINIMAX_API_KEY'], load: async () => (await import('@earendil-works/pi-ai/providers/minimax')).minimaxProvider() },
  { id: 'nvidia', env: ['NVIDIA_API_KEY'], load: async () => (await import('@earendil-works/pi-ai/providers/nvidia')).nvidiaProvider() },
  {
    id: 'vercel-ai-gateway',
    env: ['AI_GATEWAY_API_KEY'],
    load: async () => (await import('@earendil-works/pi-ai/providers/vercel-ai-gateway')).vercelAIGatewayProvider(),
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
      yield* connection.wire.streamSimple(baseUrl === undefined ? model : { ...model, baseUrl }, normalizeContext(contextOf(transcript)), {
        ...requestOptions(model, options),
        apiKey,
        headers,
        env: connection.auth.env,
      });
    },
  };
}

async function connect(env: PiAiOptions['env'], custom: readonly CustomProvider[]): Promise<readonly Connection[]> {
  const usable = PROVIDERS.filter((provider) => provider.env.some((name) => (env[name] ?? '').trim() !== ''));
  const known = await Promise.all(usable.map(async ({ load }) => openProvider(await load(), env)));
  const own = await Promise.all(custom.map((provider) => openEndpoint(provider, env)));
  // The user's own endpoints come first: who writes one means to use it.
  return [...own, ...known].filter((connection) => connection !== undefined);
}

async function openProvider(provider: PiProvider, env: PiAiOptions['env']): Promise<Connection | undefined> {
  const ctx = { env: async (name: string) => env[name], fileExists: async () => false };
  const auth = await provider.auth.apiKey?.resolve({ ctx, signal: new AbortController().signal });
  return auth === undefined ? undefined : { models: provider.getModels(), wire: provider, auth };
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
    cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
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

function describe({ id, name, api, provider, baseUrl, reasoning, input, cost, contextWindow, maxTokens }: PiModel): ModelInfo {
  const { input: read, output, cacheRead, cacheWrite } = cost;
  return { id, name, api, provider, baseUrl, reasoning, input, cost: { input: read, output, cacheRead, cacheWrite }, contextWindow, maxTokens };
}

function contextOf({ systemPrompt, tools, messages }: Transcript): PiContext {
  return {
    systemPrompt,
    messages: [...messages],
    tools: tools.map(({ name, description, parameters }): PiTool => ({ name, description, parameters: asSchema(parameters) })),
  };
}

/** A schema goes over the wire as it is; the model gets to see it, nothing here compiles it. */
function asSchema(parameters: unknown): PiTool['parameters'] {
  return typeof parameters === 'object' && parameters !== null ? parameters : { type: 'object', properties: {} };
}

function requestOptions(model: PiModel, { thinking, signal, sessionId }: ModelOptions): NonNullable<Parameters<Wire['streamSimple']>[2]> {
  const reasoning = model.reasoning && thinking !== undefined && isLevel(thinking) ? thinking : undefined;
  // One retry policy: the loop's. The clients' own retries would multiply with it, unseen by the user.
  return { signal, sessionId, maxRetries: 0, ...(reasoning === undefined ? {} : { reasoning }) };
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
