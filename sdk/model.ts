import type { AssistantMessage, Message } from './message.ts';

export type ThinkingLevel = 'off' | 'minimal' | 'low' | 'medium' | 'high' | 'xhigh' | 'max';

/** A model the user can choose. Prices are US dollars for a million tokens. */
export interface Model {
  id: string;
  name: string;
  /** The wire, e.g. `anthropic-messages`. */
  api: string;
  provider: string;
  baseUrl: string;
  reasoning: boolean;
  input: ('text' | 'image')[];
  cost: { input: number; output: number; cacheRead: number; cacheWrite: number };
  contextWindow: number;
  maxTokens: number;
  headers?: Record<string, string>;
}

export interface ScopedModel {
  model: Model;
  thinkingLevel?: ThinkingLevel;
}

export interface ModelRequest {
  systemPrompt?: string;
  messages: Message[];
}

/** The models and their prices. Keys of providers stay with the host. */
export interface ModelRegistry {
  getAll(): Model[];
  getAvailable(): Model[];
  find(provider: string, modelId: string): Model | undefined;
  hasConfiguredAuth(model: Model): boolean;
  getProviderDisplayName(provider: string): string;
  /** Needs `model`: the host makes the request. */
  complete(model: Model, request: ModelRequest, options?: { signal?: AbortSignal; maxTokens?: number }): Promise<AssistantMessage>;
  /** Needs `model:credentials`; without it the answer is `{ok: false}`. */
  getApiKeyAndHeaders(model: Model): Promise<{ ok: true; apiKey?: string; headers?: Record<string, string> } | { ok: false; error: string }>;
}

/** One model of a provider that an extension brings. */
export interface ProviderModelConfig {
  id: string;
  name: string;
  api?: string;
  baseUrl?: string;
  reasoning: boolean;
  input: ('text' | 'image')[];
  cost: Model['cost'];
  contextWindow: number;
  maxTokens: number;
  headers?: Record<string, string>;
}

/** A provider of models; needs `provider:HOST` for the host of its `baseUrl`. */
export interface ProviderConfig {
  name?: string;
  baseUrl?: string;
  /** `$NAME` takes an environment variable; `!command` needs `exec`. */
  apiKey?: string;
  api?: string;
  headers?: Record<string, string>;
  authHeader?: boolean;
  models?: ProviderModelConfig[];
  /** `dash login <provider>` runs it. What it shows and asks is marked with the package's name; what it brings is handed to this package alone. */
  oauth?: ProviderOAuth;
  /** Gives the models there are now, in place of {@link models}; the host keeps them for the next start. */
  refreshModels?(context: RefreshModelsContext): Promise<ProviderModelConfig[]>;
}

/** What a login brought. `expires` are milliseconds since 1970; what else is put in comes back with it. */
export interface ProviderLogin {
  access: string;
  refresh: string;
  expires: number;
  [key: string]: unknown;
}

/** The login of a provider. */
export interface ProviderOAuth {
  name: string;
  login(callbacks: LoginCallbacks): Promise<ProviderLogin>;
  refreshToken(login: ProviderLogin, signal: AbortSignal): Promise<ProviderLogin>;
  getApiKey(login: ProviderLogin): string;
}

/** How a login speaks to the user. Nothing is opened by itself; addresses begin with `https://`, or are on this machine. */
export interface LoginCallbacks {
  onAuth(info: { url: string; instructions?: string }): void;
  onDeviceCode(info: { userCode: string; verificationUri: string }): void;
  onProgress(message: string): void;
  /** Rejects when the user leaves. */
  onPrompt(prompt: { message: string; placeholder?: string }): Promise<string>;
  onManualCodeInput(): Promise<string>;
  onSelect(prompt: { message: string; options: { id: string; label: string }[] }): Promise<string | undefined>;
  signal: AbortSignal;
}

/** What a provider looks its models up with. */
export interface RefreshModelsContext {
  /** Of the user's login at this provider. */
  credential?: ProviderLogin & { type: 'oauth' };
  /** What it looked up, or described, last. */
  stored: { models: ProviderModelConfig[] };
  allowNetwork: boolean;
  force: boolean;
  signal: AbortSignal;
}
