import type { AgentEvent } from './loop/agent-event.ts';
import type { CompactionReason, CompactionResult } from './conversation/compactor.ts';
import type { HandlerProblem } from './bus/delivery.ts';
import type { ModelInfo } from './model/port.ts';
import type { Reloaded } from './packages/reload.ts';

/** What a host reports besides the events of its runs. Unknown to pi's clients: `reload`, `session_changed`, `model_select`, `error`, `model_failover`. */
export type HostEvent =
  | AgentEvent
  /** A run could not go on for a reason outside of model and tools, e.g. a full disk. */
  | { readonly type: 'error'; readonly code: string; readonly message: string; readonly hint?: string }
  /** Nothing more will run by itself. */
  | { readonly type: 'agent_settled' }
  | { readonly type: 'compaction_start'; readonly reason: CompactionReason }
  | {
      readonly type: 'compaction_end';
      readonly reason: CompactionReason;
      readonly result: CompactionResult | undefined;
      readonly aborted: boolean;
      /** Whether the request that did not fit is sent again. */
      readonly willRetry: boolean;
      readonly errorMessage?: string;
    }
  /** Output of a command that the user ran; `id` is the client's. */
  | { readonly type: 'bash_execution_update'; readonly id?: string; readonly delta: string }
  | { readonly type: 'queue_update'; readonly steering: readonly string[]; readonly followUp: readonly string[] }
  | { readonly type: 'entry_appended'; readonly entry: Readonly<Record<string, unknown>> }
  /** Another session, or another place in this one: what is shown begins anew. */
  | { readonly type: 'session_changed'; readonly reason: 'new' | 'resume' | 'fork' | 'tree' }
  | { readonly type: 'session_info_changed'; readonly name?: string }
  | { readonly type: 'thinking_level_changed'; readonly level: string }
  | { readonly type: 'model_select'; readonly model: ModelInfo }
  | {
      readonly type: 'extension_error';
      readonly extensionPath: string;
      readonly event: string;
      readonly error: string;
      readonly code: string;
      readonly where?: HandlerProblem['where'];
    }
  /** The user is asked something, by Dash or by a package; nothing is said of what. */
  | { readonly type: 'user_asked' }
  /** One question fewer is open. */
  | { readonly type: 'user_answered' }
  /** A host tool waits for the user. */
  | { readonly type: 'permission_requested'; readonly tool: string; readonly access: 'read' | 'write' | 'run'; readonly target: string }
  /** What a host tool was refused, or what a command left behind and was undone. `rule` says by what. */
  | { readonly type: 'permission_denied'; readonly tool: string; readonly access: 'read' | 'write' | 'run'; readonly target: string; readonly rule: string }
  | ({ readonly type: 'reload' } & Reloaded);

export type HostListener = (event: HostEvent) => void | Promise<void>;
