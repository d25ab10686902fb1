import type { Static, TSchema } from 'typebox';

import type { ExtensionContext } from './context.ts';
import type { ImageContent, TextContent, Usage } from './message.ts';
import type { Component, Theme } from './ui.ts';

/** The arguments a schema describes, be it of typebox 1 or of @sinclair/typebox 0.34. */
export type Arguments<TParams> = TParams extends { static: infer T; params: unknown[] } ? T : TParams extends TSchema ? Static<TParams> : unknown;

export interface ToolResult<TDetails = unknown> {
  /** What the model reads. */
  content: (TextContent | ImageContent)[];
  /** For logs and rendering; the model does not see it. */
  details: TDetails;
  usage?: Usage;
  /** Ends the run after this batch of calls when every result of the batch says so. */
  terminate?: boolean;
  /** What it answers by its `outputSchema`; without `content` the model reads it as JSON. */
  structuredContent?: unknown;
}

export type ToolUpdate<TDetails = unknown> = (partial: ToolResult<TDetails>) => void;

export interface ToolRenderOptions {
  expanded: boolean;
  isPartial: boolean;
}

export interface ToolRenderContext<TArgs = unknown> {
  args: TArgs;
  toolCallId: string;
  invalidate: () => void;
  lastComponent: Component | undefined;
  /** Kept between renders of one call. */
  state: Record<string, unknown>;
  cwd: string;
  executionStarted: boolean;
  argsComplete: boolean;
  isPartial: boolean;
  expanded: boolean;
  showImages: boolean;
  isError: boolean;
}

/** A tool the model can call. Throw to report a failure. */
export interface ToolDefinition<TParams = TSchema, TDetails = unknown> {
  /** ASCII letters, digits, `_` and `-`, at most 64. */
  name: string;
  label: string;
  description: string;
  /** One line for the list of tools in the system prompt. */
  promptSnippet?: string;
  /** Lines for the guidelines of the system prompt while the tool is active. */
  promptGuidelines?: string[];
  /** A TypeBox schema; arguments are checked against it before `execute`. */
  parameters: TParams;
  constrainedSampling?: false | Record<string, unknown>;
  renderShell?: 'default' | 'self';
  /** Repairs arguments before they are checked. */
  prepareArguments?: (args: unknown) => Arguments<TParams>;
  executionMode?: 'sequential' | 'parallel';
  /** Who may call it: the model and packages (`direct`), one of them, or the model once `setActiveTools` has named it. */
  exposure?: 'direct' | 'model-only' | 'codemode' | 'deferred' | 'hidden';
  namespace?: string;
  annotations?: Record<string, unknown>;
  /** A schema of `structuredContent`. */
  outputSchema?: TSchema;
  /**
   * Says what the model sees of the active tools while this one is among them: called before a request whenever they are
   * others than the last time. Needs `prompt:modify`.
   */
  prepareLoadout?: (loadout: ToolLoadout) => ToolLoadoutChanges | undefined | Promise<ToolLoadoutChanges | undefined>;
  execute(
    toolCallId: string,
    params: Arguments<TParams>,
    signal: AbortSignal | undefined,
    onUpdate: ToolUpdate<TDetails> | undefined,
    ctx: ExtensionContext,
  ): Promise<ToolResult<TDetails>>;
  renderCall?: (args: Arguments<TParams>, theme: Theme, context: ToolRenderContext<Arguments<TParams>>) => Component;
  renderResult?: (result: ToolResult<TDetails>, options: ToolRenderOptions, theme: Theme, context: ToolRenderContext<Arguments<TParams>>) => Component;
}

/** A tool as `prepareLoadout` is told of it. */
export interface LoadoutTool {
  /** As the model calls it. */
  name: string;
  description: string;
  parameters: unknown;
  /** As `ctx.executeTool` calls it. Dash's own. */
  call: string;
}

/** The tools of a session. */
export interface ToolLoadout {
  /** Those that the model is told of, with the descriptions that they came with. */
  readonly declared: readonly LoadoutTool[];
  /** Those that `ctx.executeTool` can call. */
  readonly callable: readonly LoadoutTool[];
  readonly registered: readonly LoadoutTool[];
  getExposure(name: string): 'direct' | 'model-only' | 'codemode' | 'deferred' | 'hidden';
  getNamespace(name: string): string | undefined;
  getPromptGuidelines(name: string): readonly string[];
}

export interface ToolLoadoutChanges {
  /** In place of descriptions of active tools, by their names. */
  descriptions?: Readonly<Record<string, string>>;
  /** Active tools that the model is not told of; they can be called all the same. */
  hiddenDeclarations?: readonly string[];
}

/** The short form: `execute` has one parameter, the arguments, and whatever it returns reaches the model as JSON. */
export interface SimpleToolDefinition<TParams = TSchema> {
  name: string;
  label?: string;
  description?: string;
  parameters: TParams;
  execute(args: Arguments<TParams>): unknown;
}

/** A tool as `getAllTools` lists it. */
export interface ToolInfo {
  name: string;
  description: string;
  parameters: unknown;
  promptGuidelines?: string[];
  sourceInfo: SourceInfo;
}

/** Where something comes from. */
export interface SourceInfo {
  path: string;
  source: string;
  scope: 'user' | 'project' | 'temporary';
  origin: 'package' | 'top-level';
  baseDir?: string;
}

/** Gives the definition back: types of arguments and details are kept when a tool is defined apart from its registration. */
export function defineTool<TParams extends TSchema, TDetails = unknown>(tool: ToolDefinition<TParams, TDetails>): ToolDefinition<TParams, TDetails> {
  return tool;
}
