/**
 * The messages a model reads and writes, in the shape pi's sessions and wires have, so that
 * transcripts of both programs are one format. Everything here is plain JSON.
 */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;
export type JsonObject = { [key: string]: JsonValue };

export interface TextContent {
  readonly type: 'text';
  readonly text: string;
  readonly textSignature?: string;
}

/** `data` is base64. */
export interface ImageContent {
  readonly type: 'image';
  readonly data: string;
  readonly mimeType: string;
}

/** `thinkingSignature` is opaque and only means something to the provider that wrote it. */
export interface ThinkingContent {
  readonly type: 'thinking';
  readonly thinking: string;
  readonly thinkingSignature?: string;
  readonly redacted?: boolean;
}

export interface ToolCall {
  readonly type: 'toolCall';
  readonly id: string;
  readonly name: string;
  readonly arguments: JsonObject;
  readonly thoughtSignature?: string;
}

export interface UsageCost {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  readonly total: number;
}

/** Tokens, and their price in dollars. `reasoning` is part of `output`. */
export interface Usage {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  readonly reasoning?: number;
  readonly totalTokens: number;
  readonly cost: UsageCost;
}

export const NO_USAGE: Usage = {
  input: 0,
  output: 0,
  cacheRead: 0,
  cacheWrite: 0,
  totalTokens: 0,
  cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, total: 0 },
};

export type StopReason = 'pending' | 'stop' | 'length' | 'toolUse' | 'error' | 'aborted' | 'deferred';

/** Changes the prompt or the tools in the middle of a transcript; the first one is the system prompt. */
export interface SystemMessage {
  readonly role: 'system';
  readonly content: string | TextContent[];
  readonly sections?: Record<string, string | null>;
  readonly timestamp: number;
}

export interface UserMessage {
  readonly role: 'user';
  readonly content: string | (TextContent | ImageContent)[];
  readonly timestamp: number;
}

export interface AssistantMessage {
  readonly role: 'assistant';
  readonly content: (TextContent | ThinkingContent | ToolCall)[];
  readonly api: string;
  readonly provider: string;
  readonly model: string;
  readonly responseId?: string;
  readonly usage: Usage;
  readonly stopReason: StopReason;
  readonly errorMessage?: string;
  readonly timestamp: number;
}

export interface ToolResultMessage {
  readonly role: 'toolResult';
  readonly toolCallId: string;
  readonly toolName: string;
  readonly content: (TextContent | ImageContent)[];
  readonly details?: JsonValue;
  readonly usage?: Usage;
  readonly isError: boolean;
  readonly timestamp: number;
}

/** What a provider understands. */
export type Message = SystemMessage | UserMessage | AssistantMessage | ToolResultMessage;

/** The text blocks of a message, joined by nothing. */
export function textOf(content: string | readonly { readonly type: string; readonly text?: unknown }[]): string {
  if (typeof content === 'string') return content;
  return content.map((block) => (block.type === 'text' && typeof block.text === 'string' ? block.text : '')).join('');
}

/** The tool calls of an assistant message, in the order in which the model wrote them. */
export function toolCallsOf(message: AssistantMessage): ToolCall[] {
  return message.content.filter((block) => block.type === 'toolCall');
}
