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
}
