import type { ImageContent, JsonObject, JsonValue, TextContent, ToolCall, ToolResultMessage } from '../model/messages.ts';

/** What a call changed in a file, whole. */
export interface FileChange {
  /** Its real path. */
  readonly path: string;
  /** `undefined`: there was none. */
  readonly before: string | undefined;
  readonly after: string;
}

/** Where an answer carries its {@link FileChange}: as a symbol it is neither written down nor sent to anybody, only drawn. */
export const CHANGE: unique symbol = Symbol('change');

/** A tool's answer. `details` are for programs, `content` is for the model. */
export interface ToolAnswer {
  readonly [CHANGE]?: FileChange;
  readonly content: (TextContent | ImageContent)[];
  readonly details?: JsonValue;
  readonly isError: boolean;
  /** Ends the run without asking the model again. */
  readonly terminate?: boolean;
  /** For packages that call the tool; the model reads `content`. */
  readonly structuredContent?: unknown;
}

export interface ToolRun {
  readonly id: string;
  readonly signal: AbortSignal;
  readonly onUpdate: (partial: ToolAnswer) => void;
  /** Says for how many milliseconds it waited for the user: that is not its own time. */
  readonly onWaited: (ms: number) => void;
}

/** A tool as the loop knows it; it does not know where tools come from. */
export interface AgentTool {
  readonly name: string;
  readonly label?: string;
  readonly description: string;
  /** A plain JSON Schema, for the model. */
  readonly parameters: unknown;
  readonly executionMode?: 'sequential' | 'parallel';
  /** Says what is wrong with arguments, before hooks and again after them. */
  readonly validate?: (args: JsonObject) => string | undefined;
  execute(args: JsonObject, run: ToolRun): Promise<ToolAnswer>;
}

/** A call on its way: the arguments may have been changed by a hook. */
export interface PendingCall {
  readonly id: string;
  readonly name: string;
  readonly args: JsonObject;
}

export type Gate = { readonly kind: 'proceed'; readonly args: JsonObject } | { readonly kind: 'block'; readonly reason: string; readonly terminate?: boolean };

/** Who may look at a call before it runs and at its answer afterwards. */
export interface ToolHooks {
  before(call: PendingCall, signal: AbortSignal): Promise<Gate>;
  /** Decides on the final, frozen arguments; `undefined` lets the call run, a text says why not. */
  approve(call: PendingCall, tool: AgentTool, signal: AbortSignal): Promise<string | undefined>;
  after(call: PendingCall, answer: ToolAnswer, signal: AbortSignal): Promise<ToolAnswer>;
}

export type PreparedCall =
  | { readonly kind: 'ready'; readonly call: PendingCall; readonly tool: AgentTool }
  /** Will not run, but is answered all the same: every call has exactly one result. */
  | { readonly kind: 'settled'; readonly call: PendingCall; readonly answer: ToolAnswer };

/** Everything up to the effect: lookup, schema, before-hooks, schema again, approval. */
export async function prepareCall(toolCall: ToolCall, tools: readonly AgentTool[], hooks: ToolHooks, signal: AbortSignal): Promise<PreparedCall> {
  const asked: PendingCall = { id: toolCall.id, name: toolCall.name, args: toolCall.arguments };
  const settle = (text: string, terminate = false, call = asked): PreparedCall => ({
    kind: 'settled',
    call,
    answer: { ...errorAnswer(text), ...(terminate ? { terminate } : {}) },
  });

  if (signal.aborted) return settle('aborted before it ran');
  const tool = tools.find(({ name }) => name === asked.name);
  if (tool === undefined) return settle(`there is no tool \`${asked.name}\`; the tools are ${tools.map(({ name }) => `\`${name}\``).join(', ')}`);
  const wrong = problemWith(asked.args, tool);
  if (wrong !== undefined) return settle(wrong);

  const gate = await hooks.before(asked, signal);
  if (gate.kind === 'block') return settle(gate.reason, gate.terminate);
  // A copy, frozen: what is approved is what runs, whoever else holds the object.
  const call: PendingCall = { ...asked, args: deepFreeze(structuredClone(gate.args)) };
  const changedWrong = problemWith(call.args, tool);
  if (changedWrong !== undefined) return settle(changedWrong, false, call);

  const refusal = await hooks.approve(call, tool, signal);
  if (refusal !== undefined) return settle(refusal, false, call);
  return { kind: 'ready', call, tool };
}

export interface ExecutedCall {
  readonly answer: ToolAnswer;
  /** How long the tool worked, without what it waited for the user; absent where it never ran. */
  readonly workedMs?: number;
}

/** Runs a prepared call. A tool that throws has answered with an error. */
export async function executeCall(
  prepared: PreparedCall,
  hooks: ToolHooks,
  signal: AbortSignal,
  onUpdate: (partial: ToolAnswer) => void,
): Promise<ExecutedCall> {
  if (prepared.kind === 'settled') return { answer: prepared.answer };
  const { call, tool } = prepared;
  if (signal.aborted) return { answer: errorAnswer('aborted before it ran') };
  const began = performance.now();
  let waitedMs = 0;
  let answer: ToolAnswer;
  try {
    answer = await tool.execute(call.args, { id: call.id, signal, onUpdate, onWaited: (ms) => void (waitedMs += ms) });
  } catch (error) {
    answer = errorAnswer(error instanceof Error ? error.message : String(error));
  }
  const workedMs = Math.max(0, performance.now() - began - waitedMs);
  return { answer: await hooks.after(call, answer, signal), workedMs };
}

/** The message that answers a call. */
export function resultMessage(call: PendingCall, { content, details, isError }: ToolAnswer): ToolResultMessage {
  return {
    role: 'toolResult',
    toolCallId: call.id,
    toolName: call.name,
    content,
    ...(details === undefined ? {} : { details }),
    isError,
    timestamp: Date.now(),
  };
}

/** A failure as an answer the model can read. */
export function errorAnswer(text: string): ToolAnswer {
  return { content: [{ type: 'text', text }], isError: true };
}

/** A plain text answer. */
export function textAnswer(text: string, details?: JsonValue): ToolAnswer {
  return { content: [{ type: 'text', text }], ...(details === undefined ? {} : { details }), isError: false };
}

const MAX_ARGUMENT_DEPTH = 64;
const MAX_ARGUMENT_BYTES = 4 * 1024 * 1024;

function problemWith(args: JsonObject, tool: AgentTool): string | undefined {
  if (typeof args !== 'object' || args === null || Array.isArray(args)) return `the arguments of \`${tool.name}\` must be an object`;
  if (deeperThan(args, MAX_ARGUMENT_DEPTH)) return `the arguments of \`${tool.name}\` are nested more than ${MAX_ARGUMENT_DEPTH} levels deep`;
  if (Buffer.byteLength(JSON.stringify(args)) > MAX_ARGUMENT_BYTES) return `the arguments of \`${tool.name}\` are larger than ${MAX_ARGUMENT_BYTES} bytes`;
  return tool.validate?.(args);
}

function deeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((child) => deeperThan(child, levels - 1));
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null) {
    Object.values(value).forEach(deepFreeze);
    Object.freeze(value);
  }
  return value;
}
