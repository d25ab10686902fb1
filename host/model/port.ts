import type { AssistantMessage, Message, StopReason, ToolCall, Usage, UsageCost } from './messages.ts';

/** Dollars for a million tokens. */
export interface ModelPrice {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
}

/** A model as packages and clients see it: data, without credentials. */
export interface ModelInfo {
  readonly id: string;
  readonly name: string;
  readonly provider: string;
  /** The package that describes it; absent for those of the host. */
  readonly package?: string;
  readonly api: string;
  readonly baseUrl: string;
  readonly reasoning: boolean;
  readonly input: ('text' | 'image')[];
  readonly cost: ModelPrice;
  /** Tokens. */
  readonly contextWindow: number;
  readonly maxTokens: number;
  /** How many seconds the provider remembers a prompt, where that is known. */
  readonly promptCache?: { readonly short?: number; readonly long?: number };
  readonly compat?: { readonly forceAdaptiveThinking?: boolean };
}

/** "off" is the absence of a level. */
export type ThinkingLevel = 'minimal' | 'low' | 'medium' | 'high' | 'xhigh';
export const THINKING_LEVELS: readonly ThinkingLevel[] = ['minimal', 'low', 'medium', 'high', 'xhigh'];

/** A tool as the model is told of it. `parameters` is a plain JSON Schema. */
export interface ToolDeclaration {
  readonly name: string;
  readonly description: string;
  readonly parameters: unknown;
}

/** Everything one request says. */
export interface Transcript {
  readonly systemPrompt: string;
  readonly tools: readonly ToolDeclaration[];
  readonly messages: readonly Message[];
}

export interface ModelOptions {
  readonly thinking?: ThinkingLevel;
  readonly signal?: AbortSignal;
  /** Of the answer. Default: what the model can do. */
  readonly maxTokens?: number;
  /** Most tokens of thought, by level, where a model counts them. */
  readonly thinkingBudgets?: Partial<Record<ThinkingLevel, number>>;
  /** Who looks at a request and its answer on the way. */
  readonly watch?: RequestWatch;
  /** Lets providers reuse their prompt cache. */
  readonly sessionId?: string;
}

/** What of a request can be looked at and changed. Credentials are never among it. */
export interface RequestWatch {
  readonly payload?: (payload: unknown) => Promise<unknown>;
  readonly headers?: (headers: Readonly<Record<string, string | null>>) => Promise<Readonly<Record<string, string | null>>>;
  readonly response?: (status: number, headers: Readonly<Record<string, string>>) => void;
}

interface SoFar {
  /** The answer so far; one live object, not a snapshot. */
  readonly partial: AssistantMessage;
}

/** What a model says while it answers, under pi's names. A stream ends with `done` or `error`, exactly once. */
export type ModelEvent =
  | ({ readonly type: 'start' } & SoFar)
  | ({ readonly type: 'text_start' | 'thinking_start'; readonly contentIndex: number } & SoFar)
  | ({ readonly type: 'text_delta' | 'thinking_delta' | 'toolcall_delta'; readonly contentIndex: number; readonly delta: string } & SoFar)
  | ({ readonly type: 'text_end' | 'thinking_end'; readonly contentIndex: number; readonly content: string } & SoFar)
  | ({ readonly type: 'toolcall_start'; readonly contentIndex: number } & SoFar)
  | ({ readonly type: 'toolcall_end'; readonly contentIndex: number; readonly toolCall: ToolCall } & SoFar)
  | { readonly type: 'done'; readonly reason: Extract<StopReason, 'stop' | 'length' | 'toolUse' | 'deferred'>; readonly message: AssistantMessage }
  /** Before anything was said, another model took over. */
  | { readonly type: 'failover'; readonly from: ModelName; readonly to: ModelName; readonly reason: string }
  | {
      readonly type: 'error';
      readonly reason: Extract<StopReason, 'aborted' | 'error'>;
      readonly error: AssistantMessage;
      /** How long the provider wants to be left alone. */
      readonly retryAfterMs?: number;
    };

/** Which model, without what it can do. */
export type ModelName = Pick<ModelInfo, 'provider' | 'id'>;

/**
 * The one door to language models. A failing provider is an `error` event, never an exception:
 * the transcript has to show what happened.
 */
export interface ModelPort {
  /** Every model this port can reach with the credentials at hand. */
  models(): Promise<readonly ModelInfo[]>;
  stream(model: ModelInfo, transcript: Transcript, options: ModelOptions): AsyncIterable<ModelEvent>;
}

/** The price of `usage` in dollars. */
export function costOf(model: ModelInfo, usage: Omit<Usage, 'cost'>): UsageCost {
  const price = (tokens: number, perMillion: number): number => (tokens * perMillion) / 1_000_000;
  const input = price(usage.input, model.cost.input);
  const output = price(usage.output, model.cost.output);
  const cacheRead = price(usage.cacheRead, model.cost.cacheRead);
  const cacheWrite = price(usage.cacheWrite, model.cost.cacheWrite);
  return { input, output, cacheRead, cacheWrite, total: input + output + cacheRead + cacheWrite };
}
