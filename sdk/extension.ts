import type { TSchema } from 'typebox';

import type { CustomMessageDraft, ExtensionCommandContext, ExtensionContext, SendMessageOptions, SendUserMessageOptions } from './context.ts';
import type { EventHandler, EventName } from './event.ts';
import type { CustomMessage, ImageContent, TextContent } from './message.ts';
import type { Model, ProviderConfig, ThinkingLevel } from './model.ts';
import type { CustomEntry } from './session.ts';
import type { SimpleToolDefinition, SourceInfo, ToolDefinition, ToolInfo } from './tool.ts';
import type { AutocompleteItem, Component, Theme } from './ui.ts';

export interface CommandDefinition {
  description?: string;
  getArgumentCompletions?: (prefix: string) => AutocompleteItem[] | null | Promise<AutocompleteItem[] | null>;
  /** What it returns is ignored; a promise is waited for. */
  handler: (args: string, ctx: ExtensionCommandContext) => unknown;
}

export interface ShortcutDefinition {
  description?: string;
  handler: (ctx: ExtensionContext) => Promise<void> | void;
}

export type FlagDefinition = { description?: string; type: 'boolean'; default?: boolean } | { description?: string; type: 'string'; default?: string };

export interface ExecOptions {
  signal?: AbortSignal;
  /** Milliseconds. */
  timeout?: number;
  cwd?: string;
}

export interface ExecResult {
  stdout: string;
  stderr: string;
  code: number;
  killed: boolean;
}

/** Messages between packages; data is copied. */
export interface EventBus {
  emit(channel: string, data: unknown): void;
  on(channel: string, handler: (data: unknown) => void): () => void;
}

export interface SlashCommandInfo {
  name: string;
  description?: string;
  source: 'extension' | 'prompt' | 'skill';
  sourceInfo: SourceInfo;
}

/** Draws messages of an extension's own type. */
export type MessageRenderer<T = unknown> = (
  message: CustomMessage<T>,
  options: { expanded: boolean; outputPad: number },
  theme: Theme,
) => Component | undefined;
export type EntryRenderer<T = unknown> = (entry: CustomEntry<T>, options: { expanded: boolean }, theme: Theme) => Component | undefined;
export type MarkdownTransformer = (
  markdown: string,
  context: { messageType: 'user' | 'assistant' | 'assistant-thinking'; isStreaming: boolean; availableWidth: number },
) => string;

/** A run started by an extension: never more authority than the extension has. */
export interface SpawnOptions {
  task: string;
  model?: string;
  tools?: string[];
  /** US dollars. */
  budget?: number;
  permissions?: string[];
  signal?: AbortSignal;
}

export interface SpawnResult {
  agentId: string;
  result: string;
  totalCost: number;
}

/**
 * What the factory of an extension is given. While the factory runs, only registrations (`on`, `register…`) and
 * `getFlag` are legal; everything else throws. Which permission a member needs is in PACKAGE_FORMAT.md.
 */
export interface ExtensionAPI {
  /** Subscribes to an event; call what it returns to end that. */
  on<N extends EventName>(event: N, handler: EventHandler<N>): () => void;

  /**
   * After the factory has run it needs `tools:dynamic`: the model is offered the tool at its next turn, under a name that
   * begins with the package's. Typed as pi's; what it gives then is a promise, which rejects when the tool is not offered.
   */
  registerTool<TParams extends TSchema = TSchema, TDetails = unknown>(tool: ToolDefinition<TParams, TDetails>): void;
  registerTool<TParams extends TSchema = TSchema>(tool: SimpleToolDefinition<TParams>): void;
  registerCommand(name: string, command: CommandDefinition): void;
  registerShortcut(shortcut: string, definition: ShortcutDefinition): void;
  registerFlag(name: string, definition: FlagDefinition): void;
  getFlag(name: string): boolean | string | undefined;
  /**
   * What the user, or a trusted project, set for this package (`dash config`), else the default of its schema in
   * `dash.settings`. Dash's own. Not while the factory runs: what is registered may not depend on it. Asked for at each use it
   * is as the last reload found it.
   */
  getSetting<T = unknown>(name: string): T | undefined;
  /** All of them that have a value. Dash's own. */
  getSettings(): Readonly<Record<string, unknown>>;
  registerMessageRenderer<T = unknown>(customType: string, renderer: MessageRenderer<T>): void;
  registerEntryRenderer<T = unknown>(customType: string, renderer: EntryRenderer<T>): void;
  registerMarkdownTransformer(transformer: MarkdownTransformer): void;

  /** Adds a message of the extension's own type. */
  sendMessage<T = unknown>(message: CustomMessageDraft<T>, options?: SendMessageOptions): void;
  /** Adds a user message, marked with the package as its origin, and starts a turn. */
  sendUserMessage(content: string | (TextContent | ImageContent)[], options?: SendUserMessageOptions): void;
  /** Keeps data in the session; the model does not see it. */
  appendEntry<T = unknown>(customType: string, data?: T): void;
  setSessionName(name: string): void;
  getSessionName(): string | undefined;
  setLabel(entryId: string, label: string | undefined): void;

  /** Runs a program; needs `exec:COMMAND`. */
  exec(command: string, args: string[], options?: ExecOptions): Promise<ExecResult>;

  getActiveTools(): string[];
  getAllTools(): ToolInfo[];
  /** Narrows what the model is offered, and widens it only to what the user had enabled. */
  setActiveTools(toolNames: string[]): void;
  getCommands(): SlashCommandInfo[];
  setModel(model: Model): Promise<boolean>;
  getThinkingLevel(): ThinkingLevel;
  setThinkingLevel(level: ThinkingLevel): void;

  registerProvider(name: string, config: ProviderConfig): void;
  registerProvider(provider: ProviderConfig & { id: string }): void;
  unregisterProvider(name: string): void;

  events: EventBus;

  /** Shows a notification wherever the user is looking. Dash's own. */
  notify(message: string, type?: 'info' | 'warning' | 'error'): Promise<void>;
  /** Runs an agent to its end. Dash's own; needs `agent:spawn`. */
  spawnAgent(name: string, task: string): Promise<SpawnResult>;
  spawnAgent(options: SpawnOptions): Promise<SpawnResult>;
}

/** The default export of an extension. */
export type ExtensionFactory = (dash: ExtensionAPI) => void | Promise<void>;

/** Gives the factory back, with `dash` typed. */
export function defineExtension(factory: ExtensionFactory): ExtensionFactory {
  return factory;
}
