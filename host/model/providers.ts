// Besides `pi-ai.ts` the one file that knows pi-ai. Each import is a subpath and dynamic: the root index costs 150 ms,
// one provider a few. The types are taken from the subpaths too, so no line names the root.
type KnownProviderOfPi = ReturnType<typeof import('@earendil-works/pi-ai/providers/openai').openaiProvider>;

/** How requests go out. */
export type Wire = Pick<ReturnType<typeof import('@earendil-works/pi-ai/api/openai-completions.lazy').openAICompletionsApi>, 'streamSimple'>;
export type PiModel = Parameters<Wire['streamSimple']>[0];

export interface PiProvider extends Wire {
  readonly id: string;
  readonly auth: KnownProviderOfPi['auth'];
  getModels(): readonly PiModel[];
}

/** A provider that Dash can use. */
export interface KnownProvider {
  readonly id: string;
  /** The model that is used when nobody names another. */
  readonly model: string;
  /** Each of these sets of variables makes it usable; the first of the first set is the key that `dash login` keeps. */
  readonly ways: readonly (readonly string[])[];
  readonly load: () => Promise<PiProvider>;
}

/** In order of preference for a default model. Who is left out, and why, says {@link REFUSED}. */
export const PROVIDERS: readonly KnownProvider[] = [
  {
    id: 'anthropic',
    model: 'claude-sonnet-5',
    ways: [['ANTHROPIC_API_KEY'], ['ANTHROPIC_AUTH_TOKEN']],
    load: async () => (await import('@earendil-works/pi-ai/providers/anthropic')).anthropicProvider(),
  },
  { id: 'openai', model: 'gpt-5.5', ways: [['OPENAI_API_KEY']], load: async () => (await import('@earendil-works/pi-ai/providers/openai')).openaiProvider() },
  {
    id: 'google',
    model: 'gemini-3.1-pro-preview',
    ways: [['GEMINI_API_KEY']],
    load: async () => (await import('@earendil-works/pi-ai/providers/google')).googleProvider(),
  },
  {
    id: 'openrouter',
    model: 'anthropic/claude-sonnet-5',
    ways: [['OPENROUTER_API_KEY']],
    load: async () => (await import('@earendil-works/pi-ai/providers/openrouter')).openrouterProvider(),
  },
  { id: 'xai', model: 'grok-4.7', ways: [['XAI_API_KEY']], load: async () => (await import('@earendil-works/pi-ai/providers/xai')).xaiProvider() },
  {
    id: 'groq',
    model: 'openai/gpt-oss-120b',
    ways: [['GROQ_API_KEY']],
    load: async () => (await import('@earendil-works/pi-ai/providers/groq')).groqProvider(),
  },
  {
    id: 'mistral',
    model: 'devstral-latest',
    ways: [['MISTRAL_API_KEY']],
    load: async () => (await import('@earendil-works/pi-ai/providers/mistral')).mistralProvider(),
  },
  {
    id: 'deepseek',
    model: 'deepseek-v4-pro',
    ways: [['DEEPSEEK_API_KEY']],
    load: async () => (await import('@earendil-works/pi-ai/providers/deepseek')).deepseekProvider(),
  },
  {
    id: 'cerebras',
    model: 'gpt-oss-120b',
    ways: [['CEREBRAS_API_KEY']],
    load: async () => (await import('@earendil-works/pi-ai/providers/cerebras')).cerebrasProvider(),
  },
  {
    id: 'together',
    model: 'moonshotai/Kimi-K2.6',
    ways: [['TOGETHER_API_KEY']],
    load: async () => (await import('@earendil-works/pi-ai/providers/together')).togetherProvider(),
  },
  {
    id: 'fireworks',
    model: 'accounts/fireworks/models/kimi-k2p6',
    ways: [['FIREWORKS_API_KEY']],
    load: async () => (await import('@earendil-works/pi-ai/providers/fireworks')).fireworksProvider(),
  },
  {
    id: 'huggingface',
    model: 'moonshotai/Kimi-K2.6',
    ways: [['HF_TOKEN']],
    load: async () => (await import('@earendil-works/pi-ai/providers/huggingface')).huggingfaceProvider(),
  },
  {
    id: 'moonshotai',
    model: 'kimi-k2.6',
    ways: [['MOONSHOT_API_KEY']],
    load: async () => (await import('@earendil-works/pi-ai/providers/moonshotai')).moonshotaiProvider(),
  },
  { id: 'zai', model: 'glm-5.3', ways: [['ZAI_API_KEY']], load: async () => (await import('@earendil-works/pi-ai/providers/zai')).zaiProvider() },
  {
    id: 'minimax',
    model: 'MiniMax-M2.7',
    ways: [['MINIMAX_API_KEY']],
    load: async () => (await import('@earendil-works/pi-ai/providers/minimax')).minimaxProvider(),
  },
  {
    id: 'nvidia',
    model: 'nvidia/nemotron-3-super-120b-a12b',
    ways: [['NVIDIA_API_KEY']],
    load: async () => (await import('@earendil-works/pi-ai/providers/nvidia')).nvidiaProvider(),
  },
  {
    id: 'vercel-ai-gateway',
    model: 'zai/glm-5.1',
    ways: [['AI_GATEWAY_API_KEY']],
    load: async () => (await import('@earendil-works/pi-ai/providers/vercel-ai-gateway')).vercelAIGatewayProvider(),
  },
  {
    id: 'azure-openai-responses',
    model: 'gpt-5.4',
    ways: [
      ['AZURE_OPENAI_API_KEY', 'AZURE_OPENAI_BASE_URL'],
      ['AZURE_OPENAI_API_KEY', 'AZURE_OPENAI_RESOURCE_NAME'],
    ],
    load: async () => (await import('@earendil-works/pi-ai/providers/azure-openai-responses')).azureOpenAIResponsesProvider(),
  },
  {
    id: 'google-vertex',
    model: 'gemini-3.1-pro-preview',
    ways: [
      ['GOOGLE_CLOUD_API_KEY'],
      ['GOOGLE_APPLICATION_CREDENTIALS', 'GOOGLE_CLOUD_PROJECT', 'GOOGLE_CLOUD_LOCATION'],
      ['GOOGLE_CLOUD_PROJECT', 'GOOGLE_CLOUD_LOCATION'],
    ],
    load: async () => (await import('@earendil-works/pi-ai/providers/google-vertex')).googleVertexProvider(),
  },
  {
    id: 'baseten',
    model: 'zai-org/GLM-5.2',
    ways: [['BASETEN_API_KEY']],
    load: async () => (await import('@earendil-works/pi-ai/providers/baseten')).basetenProvider(),
  },
  { id: 'meta', model: 'muse-spark-1.3', ways: [['META_API_KEY']], load: async () => (await import('@earendil-works/pi-ai/providers/meta')).metaProvider() },
  {
    id: 'minimax-cn',
    model: 'MiniMax-M2.7',
    ways: [['MINIMAX_CN_API_KEY']],
    load: async () => (await import('@earendil-works/pi-ai/providers/minimax-cn')).minimaxCnProvider(),
  },
  {
    id: 'qwen-token-plan',
    model: 'qwen3.7-max',
    ways: [['QWEN_TOKEN_PLAN_API_KEY']],
    load: async () => (await import('@earendil-works/pi-ai/providers/qwen-token-plan')).qwenTokenPlanProvider(),
  },
  {
    id: 'xiaomi',
    model: 'mimo-v2.5-pro',
    ways: [['XIAOMI_API_KEY']],
    load: async () => (await import('@earendil-works/pi-ai/providers/xiaomi')).xiaomiProvider(),
  },
  {
    id: 'ant-ling',
    model: 'Ring-2.6-1T',
    ways: [['ANT_LING_API_KEY']],
    load: async () => (await import('@earendil-works/pi-ai/providers/ant-ling')).antLingProvider(),
  },
  {
    id: 'amazon-bedrock',
    model: 'anthropic.claude-sonnet-5',
    ways: [
      ['AWS_BEARER_TOKEN_BEDROCK'],
      ['AWS_PROFILE'],
      ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'],
      ['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI'],
      ['AWS_CONTAINER_CREDENTIALS_FULL_URI'],
      ['AWS_WEB_IDENTITY_TOKEN_FILE'],
    ],
    load: async () => (await import('@earendil-works/pi-ai/providers/amazon-bedrock')).amazonBedrockProvider(),
  },
  {
    id: 'cloudflare-workers-ai',
    model: '@cf/moonshotai/kimi-k2.6',
    ways: [['CLOUDFLARE_API_KEY', 'CLOUDFLARE_ACCOUNT_ID']],
    load: async () => (await import('@earendil-works/pi-ai/providers/cloudflare-workers-ai')).cloudflareWorkersAIProvider(),
  },
  {
    id: 'cloudflare-ai-gateway',
    model: 'claude-sonnet-5',
    ways: [['CLOUDFLARE_API_KEY', 'CLOUDFLARE_ACCOUNT_ID', 'CLOUDFLARE_GATEWAY_ID']],
    load: async () => (await import('@earendil-works/pi-ai/providers/cloudflare-ai-gateway')).cloudflareAIGatewayProvider(),
  },
  {
    id: 'kimi-coding',
    model: 'kimi-for-coding',
    ways: [['KIMI_API_KEY']],
    load: async () => (await import('@earendil-works/pi-ai/providers/kimi-coding')).kimiCodingProvider(),
  },
  {
    id: 'opencode',
    model: 'claude-sonnet-5',
    ways: [['OPENCODE_API_KEY']],
    load: async () => (await import('@earendil-works/pi-ai/providers/opencode')).opencodeProvider(),
  },
  {
    id: 'opencode-go',
    model: 'kimi-k2.6',
    ways: [['OPENCODE_API_KEY']],
    load: async () => (await import('@earendil-works/pi-ai/providers/opencode-go')).opencodeGoProvider(),
  },
  {
    id: 'moonshotai-cn',
    model: 'kimi-k2.6',
    ways: [['MOONSHOT_API_KEY']],
    load: async () => (await import('@earendil-works/pi-ai/providers/moonshotai-cn')).moonshotaiCnProvider(),
  },
  {
    id: 'qwen-token-plan-cn',
    model: 'qwen3.7-max',
    ways: [['QWEN_TOKEN_PLAN_CN_API_KEY']],
    load: async () => (await import('@earendil-works/pi-ai/providers/qwen-token-plan-cn')).qwenTokenPlanCnProvider(),
  },
  {
    id: 'qwen-token-plan-individual',
    model: 'qwen3.7-max',
    ways: [['QWEN_TOKEN_PLAN_API_KEY']],
    load: async () => (await import('@earendil-works/pi-ai/providers/qwen-token-plan-individual')).qwenTokenPlanIndividualProvider(),
  },
  {
    id: 'xiaomi-token-plan-ams',
    model: 'mimo-v2.5-pro',
    ways: [['XIAOMI_TOKEN_PLAN_AMS_API_KEY']],
    load: async () => (await import('@earendil-works/pi-ai/providers/xiaomi-token-plan-ams')).xiaomiTokenPlanAmsProvider(),
  },
  {
    id: 'xiaomi-token-plan-cn',
    model: 'mimo-v2.5-pro',
    ways: [['XIAOMI_TOKEN_PLAN_CN_API_KEY']],
    load: async () => (await import('@earendil-works/pi-ai/providers/xiaomi-token-plan-cn')).xiaomiTokenPlanCnProvider(),
  },
  {
    id: 'xiaomi-token-plan-sgp',
    model: 'mimo-v2.5-pro',
    ways: [['XIAOMI_TOKEN_PLAN_SGP_API_KEY']],
    load: async () => (await import('@earendil-works/pi-ai/providers/xiaomi-token-plan-sgp')).xiaomiTokenPlanSgpProvider(),
  },
  {
    id: 'zai-coding-cn',
    model: 'glm-5.3',
    ways: [['ZAI_CODING_CN_API_KEY']],
    load: async () => (await import('@earendil-works/pi-ai/providers/zai-coding-cn')).zaiCodingCnProvider(),
  },
];

const OTHERS_NAME = (program: string): string =>
  `its login answers nobody but ${program}: it goes by the client id of that program, and Dash does not pretend to be another`;

/**
 * Providers, or logins of providers, that cannot be used without pretending to be another program, with the reason. Their
 * keys are another matter: a provider that has both is used with its key.
 */
export const REFUSED: ReadonlyMap<string, string> = new Map([
  ['anthropic', `${OTHERS_NAME('Claude Code')}, in its requests as well`],
  ['github-copilot', `${OTHERS_NAME('Copilot Chat in VS Code')}, in its requests as well`],
  ['openai-codex', OTHERS_NAME('Codex')],
  ['kimi-coding', OTHERS_NAME('Kimi Code')],
  ['meta', OTHERS_NAME('Muse Code')],
  ['xai', OTHERS_NAME('Grok CLI')],
  ['radius', OTHERS_NAME('pi')],
]);

/** The names of environment variables that make a provider usable. */
export const PROVIDER_KEY_NAMES: readonly string[] = [...new Set(PROVIDERS.flatMap(({ ways }) => ways.flat()))];

/** The variable that holds the key of a provider, by the provider's name. Without one its credentials are elsewhere. */
export const KEY_NAMES: ReadonlyMap<string, string> = new Map(
  PROVIDERS.flatMap(({ id, ways: [first = []] }) => first.slice(0, 1).map((name): [string, string] => [id, name])),
);

type Environment = Readonly<Record<string, string | undefined>>;

/** What is missing of the variables of a provider: of the way that least is missing of, rather one that was begun. Empty: it is usable. */
export function missingOf({ ways }: Pick<KnownProvider, 'ways'>, env: Environment): readonly string[] {
  const begunFirst = ways.toSorted((a, b) => Number(isBegun({ ways: [b] }, env)) - Number(isBegun({ ways: [a] }, env)));
  const lacking = begunFirst.map((way) => way.filter((name) => !isSet(env, name)));
  return lacking.reduce((least, next) => (next.length < least.length ? next : least));
}

/** Whether something of it is there, so that somebody means to use it. */
export function isBegun({ ways }: Pick<KnownProvider, 'ways'>, env: Environment): boolean {
  return ways.some((way) => way.some((name) => isSet(env, name)));
}

function isSet(env: Environment, name: string): boolean {
  return (env[name] ?? '').trim() !== '';
}
