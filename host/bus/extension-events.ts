/** How the handlers of an event play together. Handlers run in the order of packages, then of registration. */
export type Chaining =
  /** Everyone is told; answers mean nothing. */
  | 'notify'
  /** Each handler gets what the one before it made of the event. */
  | 'transform'
  /** The first handler that answers decides, the others are not asked. */
  | 'first'
  /** The first handler that blocks ends it; one that throws has blocked. */
  | 'gate'
  /** Everyone is asked, and what all of them answer counts together. */
  | 'collect'
  /** The first handler that cancels ends it; otherwise the last answer counts. */
  | 'cancel';

export interface EventRule {
  readonly chaining: Chaining;
  /** How long one handler may take before it is cut off and named. */
  readonly deadlineMs: number;
  /** Whether a package that sleeps is woken for it. */
  readonly wakes: boolean;
}

const notify: EventRule = { chaining: 'notify', deadlineMs: 30_000, wakes: true };
const transform: EventRule = { chaining: 'transform', deadlineMs: 30_000, wakes: true };
const cancel: EventRule = { chaining: 'cancel', deadlineMs: 30_000, wakes: true };

/** Every event of pi's by name, and our own; packages may subscribe to all of them. */
export const EXTENSION_EVENTS = {
  project_trust: notify,
  resources_discover: { ...notify, chaining: 'collect' },
  session_start: notify,
  session_info_changed: notify,
  session_before_switch: cancel,
  session_before_fork: cancel,
  session_before_compact: cancel,
  session_compact: notify,
  session_compact_failed: notify,
  // Waking a package only to tell it goodbye would be a start for nothing.
  session_shutdown: { ...notify, deadlineMs: 5000, wakes: false },
  session_before_tree: cancel,
  session_tree: notify,
  context: transform,
  context_with_system: transform,
  cache_warming_decision: transform,
  before_provider_request: transform,
  before_provider_headers: transform,
  after_provider_response: notify,
  before_agent_start: transform,
  agent_start: notify,
  agent_end: notify,
  agent_before_settle: transform,
  agent_settled: notify,
  /** Dash's own: the final answer of a run and what it cost. */
  agent_complete: notify,
  ui_prompt_start: notify,
  ui_prompt_end: notify,
  turn_start: notify,
  turn_end: transform,
  message_start: notify,
  message_update: notify,
  message_end: transform,
  tool_execution_start: notify,
  tool_execution_update: notify,
  tool_execution_end: notify,
  model_select: notify,
  thinking_level_select: notify,
  // A question to the user may stand behind a gate, so it gets the time a person needs.
  user_bash: { chaining: 'first', deadlineMs: 600_000, wakes: true },
  input: transform,
  tool_call: { chaining: 'gate', deadlineMs: 600_000, wakes: true },
  tool_result: transform,
} as const satisfies Readonly<Record<string, EventRule>>;

export type ExtensionEventName = keyof typeof EXTENSION_EVENTS;

/** Tells whether packages can subscribe to an event of this name. */
export function isExtensionEvent(name: string): name is ExtensionEventName {
  return Object.hasOwn(EXTENSION_EVENTS, name);
}
