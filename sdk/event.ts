import type { ExtensionContext, SystemPromptOptions, CompactionResult, CustomMessageDraft } from './context.ts';
import type { AgentMessage, AssistantMessageEvent, ImageContent, Message, TextContent, ToolResultMessage, Usage } from './message.ts';
import type { Model, ThinkingLevel } from './model.ts';
import type { BranchSummaryEntry, CompactionEntry, ContextEditEntry, ProjectedSessionEntry, SessionEntry } from './session.ts';

/** Never delivered to a package: trust is the user's alone. Subscribing is legal and has no effect. */
export interface ProjectTrustEvent {
  type: 'project_trust';
  cwd: string;
}

export interface ResourcesDiscoverEvent {
  type: 'resources_discover';
  cwd: string;
  reason: 'startup' | 'reload';
}

export interface SessionStartEvent {
  type: 'session_start';
  reason: 'startup' | 'reload' | 'new' | 'resume' | 'fork';
  previousSessionFile?: string;
  /** After a reload: what the build before this one handed over. */
  state?: unknown;
}

export interface SessionInfoChangedEvent {
  type: 'session_info_changed';
  name: string | undefined;
}

export interface SessionBeforeSwitchEvent {
  type: 'session_before_switch';
  reason: 'new' | 'resume';
  targetSessionFile?: string;
}

export interface SessionBeforeForkEvent {
  type: 'session_before_fork';
  entryId: string;
  position: 'before' | 'at';
}

export type CompactionReason = 'manual' | 'threshold' | 'overflow';

export interface CompactionPreparation {
  firstKeptEntryId: string;
  messagesToSummarize: AgentMessage[];
  turnPrefixMessages: AgentMessage[];
  isSplitTurn: boolean;
  tokensBefore: number;
  previousSummary?: string;
}

export interface SessionBeforeCompactEvent {
  type: 'session_before_compact';
  preparation: CompactionPreparation;
  branchEntries: SessionEntry[];
  customInstructions?: string;
  reason: CompactionReason;
  /** Whether the turn that overflowed runs again afterwards. */
  willRetry: boolean;
  signal: AbortSignal;
}

export interface SessionCompactEvent {
  type: 'session_compact';
  compactionEntry: CompactionEntry;
  fromExtension: boolean;
  reason: CompactionReason;
  willRetry: boolean;
}

export interface SessionCompactFailedEvent {
  type: 'session_compact_failed';
  reason: CompactionReason;
  errorMessage?: string;
  aborted: boolean;
  willRetry: boolean;
  fromExtension: boolean;
}

export interface SessionShutdownEvent {
  type: 'session_shutdown';
  reason: 'quit' | 'reload' | 'new' | 'resume' | 'fork';
  targetSessionFile?: string;
}

export interface TreePreparation {
  targetId: string;
  oldLeafId: string | null;
  commonAncestorId: string | null;
  entriesToSummarize: SessionEntry[];
  userWantsSummary: boolean;
  customInstructions?: string;
  replaceInstructions?: boolean;
  label?: string;
}

export interface SessionBeforeTreeEvent {
  type: 'session_before_tree';
  preparation: TreePreparation;
  signal: AbortSignal;
}

export interface SessionTreeEvent {
  type: 'session_tree';
  newLeafId: string | null;
  oldLeafId: string | null;
  summaryEntry?: BranchSummaryEntry;
  fromExtension?: boolean;
}

/** Before each request: the conversation without system messages. */
export interface ContextEvent {
  type: 'context';
  messages: AgentMessage[];
}

/** After every `context` handler: everything, as it will be sent. */
export interface ContextWithSystemEvent {
  type: 'context_with_system';
  messages: AgentMessage[];
}

export interface CacheWarmingDecisionEvent {
  type: 'cache_warming_decision';
  warmCost: number;
  missCost: number;
  continuationProbability: number;
  action: 'warm' | 'stop';
}

export interface BeforeProviderRequestEvent {
  type: 'before_provider_request';
  /** Without credentials. */
  payload: unknown;
}

export interface BeforeProviderHeadersEvent {
  type: 'before_provider_headers';
  /** Without credentials; change it in place, `null` removes a header. */
  headers: Record<string, string | null>;
}

export interface AfterProviderResponseEvent {
  type: 'after_provider_response';
  status: number;
  headers: Record<string, string>;
}

export interface BeforeAgentStartEvent {
  type: 'before_agent_start';
  prompt: string;
  images?: ImageContent[];
  readonly systemPrompt: string;
  /** Change it in place; later handlers see the change. */
  systemPromptOptions: SystemPromptOptions;
}

export interface AgentStartEvent {
  type: 'agent_start';
}

export interface AgentEndEvent {
  type: 'agent_end';
  messages: AgentMessage[];
}

export type SessionBoundaryDraft =
  | { type: 'custom'; customType: string; data?: unknown }
  | { type: 'custom_message'; customType: string; content: string | (TextContent | ImageContent)[]; display: boolean; details?: unknown }
  | { type: 'context_edit'; targetId: string; replacement: ContextEditEntry['replacement'] }
  | { type: 'compaction'; summary: string; firstKeptEntryId: string | null; details?: unknown; usage?: Usage };

/** Where a turn or a run ends and entries may be added. */
export interface BoundaryState {
  entries: SessionBoundaryDraft[];
  continue: boolean;
  context: {
    contextEntries: ProjectedSessionEntry[];
    contextMessages: AgentMessage[];
    llmMessages: Message[];
    pendingMessages: AgentMessage[];
    canContinue: boolean;
  };
  outcome: 'completed' | 'aborted' | 'error';
}

export interface AgentBeforeSettleEvent extends BoundaryState {
  type: 'agent_before_settle';
}

export interface AgentSettledEvent {
  type: 'agent_settled';
}

/** A run has ended for good. Dash's own event. */
export interface AgentCompleteEvent {
  type: 'agent_complete';
  agentId: string;
  /** The last text of the answer. */
  result: string;
  /** US dollars. */
  totalCost: number;
}

export type UIPromptKind = 'select' | 'confirm' | 'input' | 'editor' | 'custom';

export interface UIPromptStartEvent {
  type: 'ui_prompt_start';
  reason: 'ui_prompt';
  kind: UIPromptKind;
  title?: string;
}

export interface UIPromptEndEvent {
  type: 'ui_prompt_end';
  reason: 'ui_prompt';
  kind: UIPromptKind;
  title?: string;
}

export interface TurnStartEvent {
  type: 'turn_start';
  turnIndex: number;
  timestamp: number;
}

export interface TurnEndEvent extends BoundaryState {
  type: 'turn_end';
  turnIndex: number;
  message: AgentMessage;
  toolResults: ToolResultMessage[];
  messageEntryId: string;
  toolResultEntryIds: string[];
}

export interface MessageStartEvent {
  type: 'message_start';
  message: AgentMessage;
}

export interface MessageUpdateEvent {
  type: 'message_update';
  message: AgentMessage;
  assistantMessageEvent: AssistantMessageEvent;
}

export interface MessageEndEvent {
  type: 'message_end';
  message: AgentMessage;
}

export interface ToolExecutionStartEvent {
  type: 'tool_execution_start';
  toolCallId: string;
  toolName: string;
  args: unknown;
}

export interface ToolExecutionUpdateEvent {
  type: 'tool_execution_update';
  toolCallId: string;
  toolName: string;
  args: unknown;
  partialResult: unknown;
}

export interface ToolExecutionEndEvent {
  type: 'tool_execution_end';
  toolCallId: string;
  toolName: string;
  result: unknown;
  isError: boolean;
}

export interface ModelSelectEvent {
  type: 'model_select';
  model: Model;
  previousModel: Model | undefined;
  source: 'set' | 'cycle' | 'restore';
}

export interface ThinkingLevelSelectEvent {
  type: 'thinking_level_select';
  level: ThinkingLevel;
  previousLevel: ThinkingLevel;
}

/** Before a tool runs. Change `input` in place; it is checked against the schema again. */
export interface ToolCallEvent {
  type: 'tool_call';
  toolCallId: string;
  toolName: string;
  input: Record<string, unknown>;
}

export interface ToolResultEvent {
  type: 'tool_result';
  toolCallId: string;
  toolName: string;
  input: Record<string, unknown>;
  content: (TextContent | ImageContent)[];
  details: unknown;
  isError: boolean;
  usage?: Usage;
}

/** The user ran a command with `!` (or `!!`, which keeps it from the model). */
export interface UserBashEvent {
  type: 'user_bash';
  command: string;
  excludeFromContext: boolean;
  cwd: string;
}

export interface InputEvent {
  type: 'input';
  text: string;
  images?: ImageContent[];
  source: 'interactive' | 'rpc' | 'extension';
  streamingBehavior?: 'steer' | 'followUp';
}

/** Every event an extension can subscribe to; `type` tells them apart. */
export type ExtensionEvent =
  | ProjectTrustEvent
  | ResourcesDiscoverEvent
  | SessionStartEvent
  | SessionInfoChangedEvent
  | SessionBeforeSwitchEvent
  | SessionBeforeForkEvent
  | SessionBeforeCompactEvent
  | SessionCompactEvent
  | SessionCompactFailedEvent
  | SessionShutdownEvent
  | SessionBeforeTreeEvent
  | SessionTreeEvent
  | ContextEvent
  | ContextWithSystemEvent
  | CacheWarmingDecisionEvent
  | BeforeProviderRequestEvent
  | BeforeProviderHeadersEvent
  | AfterProviderResponseEvent
  | BeforeAgentStartEvent
  | AgentStartEvent
  | AgentEndEvent
  | AgentBeforeSettleEvent
  | AgentSettledEvent
  | AgentCompleteEvent
  | UIPromptStartEvent
  | UIPromptEndEvent
  | TurnStartEvent
  | TurnEndEvent
  | MessageStartEvent
  | MessageUpdateEvent
  | MessageEndEvent
  | ToolExecutionStartEvent
  | ToolExecutionUpdateEvent
  | ToolExecutionEndEvent
  | ModelSelectEvent
  | ThinkingLevelSelectEvent
  | ToolCallEvent
  | ToolResultEvent
  | UserBashEvent
  | InputEvent;

export type EventName = ExtensionEvent['type'];

/** The event of one name. */
export type EventOf<N extends EventName> = Extract<ExtensionEvent, { type: N }>;

export interface ToolCallEventResult {
  /** Keeps the tool from running; the model reads `reason`. */
  block?: boolean;
  reason?: string;
  terminate?: boolean;
}

export interface ToolResultEventResult {
  content?: (TextContent | ImageContent)[];
  details?: unknown;
  isError?: boolean;
  usage?: Usage;
}

export type InputEventResult = { action: 'continue' } | { action: 'transform'; text: string; images?: ImageContent[] } | { action: 'handled' };

export interface BeforeAgentStartEventResult {
  message?: CustomMessageDraft;
  systemPrompt?: string;
}

export interface BoundaryResult {
  entries?: SessionBoundaryDraft[];
  continue?: boolean;
}

export interface BashResult {
  output: string;
  exitCode: number | undefined;
  cancelled: boolean;
  truncated: boolean;
  fullOutputPath?: string;
}

/** What a handler may answer; events that are absent here take no answer. */
export interface EventResults {
  project_trust: { trusted: 'yes' | 'no' | 'undecided'; remember?: boolean };
  resources_discover: { skillPaths?: string[]; promptPaths?: string[]; themePaths?: string[] };
  session_before_switch: { cancel?: boolean };
  session_before_fork: { cancel?: boolean; skipConversationRestore?: boolean };
  session_before_compact: { cancel?: boolean; compaction?: CompactionResult };
  session_before_tree: {
    cancel?: boolean;
    summary?: { summary: string; details?: unknown; usage?: Usage };
    customInstructions?: string;
    replaceInstructions?: boolean;
    label?: string;
  };
  /** Of a reload: handed to the build that takes this one's place. Dash's own. */
  session_shutdown: { state?: unknown };
  context: { messages?: AgentMessage[] };
  context_with_system: { messages?: AgentMessage[] };
  cache_warming_decision: { action?: 'warm' | 'stop' };
  before_provider_request: unknown;
  before_agent_start: BeforeAgentStartEventResult;
  agent_before_settle: BoundaryResult;
  turn_end: BoundaryResult;
  message_end: { message?: AgentMessage };
  tool_call: ToolCallEventResult;
  tool_result: ToolResultEventResult;
  /** `operations` runs it instead, in the package's sandbox. */
  user_bash:
    | { result: BashResult }
    | {
        operations: {
          exec(command: string, cwd: string, options: { onData: (data: Uint8Array) => void; signal?: AbortSignal }): Promise<{ exitCode: number | null }>;
        };
      };
  input: InputEventResult;
}

type ResultOf<N extends EventName> = N extends keyof EventResults ? EventResults[N] : never;

/** Handles one event; handlers run in the order in which packages were loaded and handlers registered. */
export type EventHandler<N extends EventName> = (event: EventOf<N>, ctx: ExtensionContext) => ResultOf<N> | void | Promise<ResultOf<N> | void>;

/**
 * Tells whether a call is one of the named tool, and gives its input a type.
 *
 * @example
 * if (isToolCallEventType<'deploy', { service: string }>('deploy', event)) event.input.service;
 */
export function isToolCallEventType<TName extends string, TInput extends Record<string, unknown> = Record<string, unknown>>(
  toolName: TName,
  event: ToolCallEvent,
): event is ToolCallEvent & { toolName: TName; input: TInput } {
  return event.toolName === toolName;
}
