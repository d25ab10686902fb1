import type { AssistantMessage, JsonObject, ToolResultMessage } from '../model/messages.ts';
import type { ModelEvent, ModelName } from '../model/port.ts';
import type { ToolAnswer } from './tool-call.ts';
import type { AgentMessage } from './transcript.ts';

/** A fragment of an answer: a model's event without those about the stream itself. */
export type AnswerEvent = Exclude<ModelEvent, { readonly type: 'done' | 'error' | 'failover' }>;

/**
 * What a run reports, under pi's names. The order is part of the contract:
 * `agent_start (turn_start message_* tool_execution_* turn_end)+ agent_end`; every `message_end`
 * follows its `message_start`, and tool results end in the order of their calls.
 */
export type AgentEvent =
  | { readonly type: 'agent_start' }
  | { readonly type: 'turn_start'; readonly turnIndex: number; readonly timestamp: number }
  | { readonly type: 'message_start'; readonly message: AgentMessage }
  | { readonly type: 'message_update'; readonly message: AssistantMessage; readonly assistantMessageEvent: AnswerEvent }
  | { readonly type: 'message_end'; readonly message: AgentMessage }
  | { readonly type: 'tool_execution_start'; readonly toolCallId: string; readonly toolName: string; readonly args: JsonObject }
  | {
      readonly type: 'tool_execution_update';
      readonly toolCallId: string;
      readonly toolName: string;
      readonly args: JsonObject;
      readonly partialResult: ToolAnswer;
    }
  | {
      readonly type: 'tool_execution_end';
      readonly toolCallId: string;
      readonly toolName: string;
      readonly result: ToolAnswer;
      readonly isError: boolean;
      /** How long the tool worked, without what it waited for the user; absent where it never ran. Unknown to pi's clients. */
      readonly workedMs?: number;
    }
  | { readonly type: 'turn_end'; readonly turnIndex: number; readonly message: AssistantMessage; readonly toolResults: readonly ToolResultMessage[] }
  | { readonly type: 'auto_retry_start'; readonly attempt: number; readonly maxAttempts: number; readonly delayMs: number; readonly errorMessage: string }
  /** Unknown to pi's clients. */
  | { readonly type: 'model_failover'; readonly from: ModelName; readonly to: ModelName; readonly reason: string }
  | { readonly type: 'auto_retry_end'; readonly success: boolean; readonly attempt: number; readonly finalError?: string }
  | { readonly type: 'agent_end'; readonly messages: readonly AgentMessage[]; readonly willRetry: false };
