/** What a message is made of, in the shapes that sessions keep on disk. */
export interface TextContent {
  type: 'text';
  text: string;
  textSignature?: string;
}

export interface ImageContent {
  type: 'image';
  /** Base64. */
  data: string;
  mimeType: string;
}

export interface ThinkingContent {
  type: 'thinking';
  thinking: string;
  thinkingSignature?: string;
  /** The provider hid the text; the signature carries it. */
  redacted?: boolean;
}

export interface ToolCall {
  type: 'toolCall';
  id: string;
  name: string;
  arguments: Record<string, unknown>;
  thoughtSignature?: string;
}

/** Tokens and their price in US dollars. */
export interface Usage {
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite: number;
  cacheWrite1h?: number;
  reasoning?: number;
  totalTokens: number;
  cost: { input: number; output: number; cacheRead: number; cacheWrite: number; total: number };
}

export type StopReason = 'pending' | 'stop' | 'length' | 'toolUse' | 'error' | 'aborted' | 'deferred';

export interface SystemMessage {
  role: 'system';
  content: string | TextContent[];
  /** Named parts after `content`; `null` removes one. */
  sections?: Record<string, string | null>;
  timestamp: number;
}

export interface UserMessage {
  role: 'user';
  content: string | (TextContent | ImageContent)[];
  timestamp: number;
}

export interface AssistantMessage {
  role: 'assistant';
  content: (TextContent | ThinkingContent | ToolCall)[];
  api: string;
  provider: string;
  model: string;
  responseId?: string;
  usage: Usage;
  stopReason: StopReason;
  errorMessage?: string;
  timestamp: number;
}

export interface ToolResultMessage {
  role: 'toolResult';
  toolCallId: string;
  toolName: string;
  content: (TextContent | ImageContent)[];
  details?: unknown;
  usage?: Usage;
  isError: boolean;
  timestamp: number;
}

/** A message of an extension's own type; it reaches the model as a user message. */
export interface CustomMessage<T = unknown> {
  role: 'custom';
  /** Who sent it, as the host knows; only this package's renderer draws it. */
  package?: string;
  customType: string;
  content: string | (TextContent | ImageContent)[];
  /** Whether the user sees it. */
  display: boolean;
  details?: T;
  timestamp: number;
}

/** What the user ran with `!`. */
export interface BashExecutionMessage {
  role: 'bashExecution';
  command: string;
  output: string;
  exitCode: number | undefined;
  cancelled: boolean;
  truncated: boolean;
  fullOutputPath?: string;
  timestamp: number;
  excludeFromContext?: boolean;
}

export interface BranchSummaryMessage {
  role: 'branchSummary';
  summary: string;
  fromId: string | null;
  timestamp: number;
}

export interface CompactionSummaryMessage {
  role: 'compactionSummary';
  summary: string;
  tokensBefore: number;
  timestamp: number;
}

/** What a model is sent and answers. */
export type Message = SystemMessage | UserMessage | AssistantMessage | ToolResultMessage;

/**
 * Messages of a program's own kind, for whoever keeps them in sessions: they are declared here, under a name and with a
 * `role` of their own, and are then among what a session's entries may hold. Dash keeps them as they are and sends them to
 * no model.
 *
 * @example
 * declare module 'dash-agent/sdk' {
 *   interface CustomAgentMessages {
 *     artifact: { role: 'artifact'; url: string; timestamp: number };
 *   }
 * }
 */
// oxlint-disable-next-line typescript/no-empty-object-type -- an interface, for only those can be declared further
export interface CustomAgentMessages {}

/** What a conversation is made of. */
export type AgentMessage =
  | Message
  | CustomMessage
  | BashExecutionMessage
  | BranchSummaryMessage
  | CompactionSummaryMessage
  // oxlint-disable-next-line typescript/no-redundant-type-constituents -- nothing, until somebody declares one
  | CustomAgentMessages[keyof CustomAgentMessages];

/** One step of an answer that is being streamed. */
export type AssistantMessageEvent =
  | { type: 'start'; partial: AssistantMessage }
  | { type: 'text_start' | 'thinking_start' | 'toolcall_start'; contentIndex: number; partial: AssistantMessage }
  | { type: 'text_delta' | 'thinking_delta' | 'toolcall_delta'; contentIndex: number; delta: string; partial: AssistantMessage }
  | { type: 'text_end' | 'thinking_end'; contentIndex: number; content: string; partial: AssistantMessage }
  | { type: 'toolcall_end'; contentIndex: number; toolCall: ToolCall; partial: AssistantMessage }
  | { type: 'done'; reason: StopReason; message: AssistantMessage }
  | { type: 'error'; reason: StopReason; error: AssistantMessage };
