import type { CustomMessage, ImageContent, TextContent } from './message.ts';
import type { Model, ModelRegistry, ScopedModel, ThinkingLevel } from './model.ts';
import type { ReadonlySessionManager } from './session.ts';
import type { ExtensionUIContext } from './ui.ts';

export type ExtensionMode = 'tui' | 'rpc' | 'json' | 'print';

export interface ContextUsage {
  /** `null` while unknown, as right after a compaction. */
  tokens: number | null;
  contextWindow: number;
  percent: number | null;
}

export interface CompactionResult {
  summary: string;
  firstKeptEntryId: string;
  tokensBefore: number;
  details?: unknown;
}

export interface CompactOptions {
  customInstructions?: string;
  onComplete?: (result: CompactionResult) => void;
  onError?: (error: Error) => void;
}

/** The parts a system prompt is built of. */
export interface SystemPromptOptions {
  customPrompt?: string;
  selectedTools: string[];
  toolSnippets: Record<string, string>;
  toolGuidelines: Record<string, string[]>;
  promptGuidelines: string[];
  appendSystemPrompt: string;
  sections: Record<string, string>;
  cwd: string;
  contextFiles: { path: string; content: string }[];
}

/** What every handler and tool is given beside its arguments. It is of the moment: do not keep it. */
export interface ExtensionContext {
  ui: ExtensionUIContext;
  mode: ExtensionMode;
  /** Whether somebody can answer a dialog. */
  hasUI: boolean;
  cwd: string;
  sessionManager: ReadonlySessionManager;
  modelRegistry: ModelRegistry;
  model: Model | undefined;
  scopedModels: readonly ScopedModel[];
  thinkingLevel?: ThinkingLevel;
  /** The signal of the run, `undefined` while idle. */
  signal: AbortSignal | undefined;
  isIdle(): boolean;
  isProjectTrusted(): boolean;
  abort(): void;
  hasPendingMessages(): boolean;
  shutdown(): void;
  getContextUsage(): ContextUsage | undefined;
  compact(options?: CompactOptions): void;
  getSystemPrompt(): string;
  /**
   * Calls a tool of another package, `PACKAGE/NAME`, or of the host, `host/NAME`; needs `tool:PACKAGE/NAME`. What it does
   * happens with its package's rights and within yours, or within `permissions`, a part of yours. Not part of pi's API.
   */
  executeTool(
    tool: string,
    args?: unknown,
    options?: { signal?: AbortSignal; permissions?: readonly string[] },
  ): Promise<{ content: readonly (TextContent | ImageContent)[]; details?: unknown; isError: boolean }>;
}

/** What a command is given: it was started by the user, so it may change the session. */
export interface ExtensionCommandContext extends ExtensionContext {
  getSystemPromptOptions(): SystemPromptOptions;
  waitForIdle(): Promise<void>;
  /** `setup` writes what the session begins with, before it begins; needs `session:write`, and all of it is said to be this package's word. */
  newSession(options?: {
    parentSession?: string;
    setup?: (session: NewSessionManager) => Promise<void>;
    withSession?: (ctx: ReplacedSessionContext) => Promise<void>;
  }): Promise<{ cancelled: boolean }>;
  fork(
    entryId: string,
    options?: { position?: 'before' | 'at'; withSession?: (ctx: ReplacedSessionContext) => Promise<void> },
  ): Promise<{ cancelled: boolean }>;
  navigateTree(
    targetId: string,
    options?: { summarize?: boolean; customInstructions?: string; replaceInstructions?: boolean; label?: string },
  ): Promise<{ cancelled: boolean }>;
  switchSession(sessionPath: string, options?: { withSession?: (ctx: ReplacedSessionContext) => Promise<void> }): Promise<{ cancelled: boolean }>;
  reload(): Promise<void>;
}

/** Writes the beginning of a session; each member gives the id of what it wrote. */
export interface NewSessionManager {
  appendMessage(message: { role: 'user' | 'assistant'; content: string | (TextContent | ImageContent)[] } | ({ role: 'custom' } & CustomMessageDraft)): string;
  appendCustomMessageEntry<T = unknown>(customType: string, content: string | (TextContent | ImageContent)[], display?: boolean, details?: T): string;
  appendCustomEntry<T = unknown>(customType: string, data?: T): string;
  appendSessionInfo(name: string): string;
  appendLabelChange(targetId: string, label?: string): string;
  getEntries(): object[];
  getBranch(): object[];
  getEntry(id: string): object | undefined;
  getLeafId(): string | null;
  getLeafEntry(): object | undefined;
  getSessionName(): string | undefined;
  getCwd(): string;
}

/** The context of the session that took the place of the old one. */
export interface ReplacedSessionContext extends ExtensionCommandContext {
  sendMessage<T = unknown>(message: CustomMessageDraft<T>, options?: SendMessageOptions): Promise<void>;
  sendUserMessage(content: string | (TextContent | ImageContent)[], options?: SendUserMessageOptions): Promise<void>;
}

export type CustomMessageDraft<T = unknown> = Pick<CustomMessage<T>, 'customType' | 'content' | 'display' | 'details'>;

export interface SendMessageOptions {
  triggerTurn?: boolean;
  deliverAs?: 'steer' | 'followUp' | 'nextTurn';
}

export interface SendUserMessageOptions {
  /** Required while the agent is working. */
  deliverAs?: 'steer' | 'followUp';
  expandPromptTemplates?: boolean;
}
