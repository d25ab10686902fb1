import { Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { DashError, isDashError, type PlainArea, type Where } from '../format/index.ts';
import type { CallContext, CallOrigin, HandlerOutcome, SandboxedPackage } from '../sandbox/index.ts';
import {
  type BashAnswer,
  type BoundaryEntry,
  AgentStartChange,
  BoundaryAnswer,
  Cancellation,
  ChangedHeaders,
  ChangedInput,
  ChangedMessage,
  ChangedMessages,
  ChangedOptions,
  HandedOver,
  InputVerdict,
  ToolCallVerdict,
  ToolResultChange,
  UserBashAnswer,
  defined,
  isNothing,
} from './event-answers.ts';
import { EXTENSION_EVENTS, type ExtensionEventName } from './extension-events.ts';
import type { ImageContent, JsonObject } from './model/messages.ts';
import type { Gate, PendingCall, ToolAnswer } from './tool-call.ts';
import type { AgentMessage, CustomMessage } from './transcript.ts';

/** One handler of one package, allowed to receive its event. */
export interface BoundHandler {
  readonly package: string;
  readonly handler: number;
  readonly sandboxed: SandboxedPackage;
  /** What it takes to be told, and to change what is told. */
  readonly needs: readonly PlainArea[];
  readonly toChange: readonly PlainArea[];
  /** Without it the handler sees the event, and what it changes is dropped. The permission that is missing. */
  readonly cannotChange?: string;
}

/** A handler that threw, hung or answered with nonsense. The run goes on. */
export interface HandlerProblem {
  readonly package: string;
  readonly event: ExtensionEventName;
  readonly code: string;
  readonly message: string;
  readonly where?: Where;
}

export interface EventBusPorts {
  /** In the order of packages, then of registration; of the generation that is current now. */
  handlers(event: ExtensionEventName): readonly BoundHandler[];
  /** Keeps the current generation alive until it is disposed of. */
  hold(): Disposable;
  context(): CallContext;
  /** The user's message behind the run in which something happens. */
  origin(): CallOrigin | undefined;
  report(problem: HandlerProblem): void;
}

/** An event as packages get it: plain data under pi's names. */
export interface ExtensionEvent {
  readonly type: ExtensionEventName;
  readonly [field: string]: unknown;
}

export type InputDecision = { readonly kind: 'continue'; readonly text: string; readonly images: readonly ImageContent[] } | { readonly kind: 'handled' };

export interface AgentStart {
  readonly prompt: string;
  readonly images: readonly ImageContent[];
  readonly systemPrompt: string;
  readonly systemPromptOptions: JsonObject;
}

export interface AgentStartDecision {
  readonly systemPrompt: string;
  readonly systemPromptOptions: JsonObject;
  readonly messages: readonly CustomMessage[];
}

/** What was added where a turn or a run ended, and whether the agent goes on. */
export interface Boundary {
  readonly entries: readonly (BoundaryEntry & { readonly package: string })[];
  readonly goOn: boolean;
}

export type UserBashDecision =
  | { readonly kind: 'run' }
  | { readonly kind: 'answered'; readonly result: BashAnswer; readonly package: string }
  | { readonly kind: 'blocked'; readonly reason: string };

export interface EventBus {
  listens(event: ExtensionEventName): boolean;
  /** Tells everyone who listens. The promise settles when all have been told; a run does not wait for it. */
  notify(event: ExtensionEvent, only?: (handler: BoundHandler) => boolean): Promise<void>;
  /** `callers`: packages that wait for the call, and are not asked about it. */
  toolCall(call: PendingCall, signal: AbortSignal, callers?: readonly string[]): Promise<Gate>;
  toolResult(call: PendingCall, answer: ToolAnswer, signal: AbortSignal, callers?: readonly string[]): Promise<ToolAnswer>;
  context(messages: readonly AgentMessage[], signal: AbortSignal): Promise<readonly AgentMessage[]>;
  input(
    text: string,
    images: readonly ImageContent[],
    source: 'interactive' | 'rpc' | 'extension',
    streamingBehavior: 'steer' | 'followUp' | undefined,
  ): Promise<InputDecision>;
  beforeAgentStart(start: AgentStart): Promise<AgentStartDecision>;
  messageEnd(message: AgentMessage): Promise<AgentMessage>;
  /** After `context`: everything as it will be sent, the system prompt first. */
  contextWithSystem(messages: readonly AgentMessage[], signal: AbortSignal): Promise<readonly AgentMessage[]>;
  /** The body of a request to a provider, without credentials. */
  providerRequest(payload: unknown, signal: AbortSignal): Promise<unknown>;
  /** Its headers, without credentials; `null` takes one away. */
  providerHeaders(headers: Readonly<Record<string, string | null>>, signal: AbortSignal): Promise<Readonly<Record<string, string | null>>>;
  /** Where a turn or a run ends: asks who may add entries, tells everybody else. */
  boundary(event: ExtensionEvent): Promise<Boundary>;
  /** A command that the user typed. */
  userBash(command: string, excludeFromContext: boolean, cwd: string): Promise<UserBashDecision>;
  /** Tells those who leave, and takes what each of them hands to its successor, by package. */
  handOver(event: ExtensionEvent, only: (handler: BoundHandler) => boolean): Promise<ReadonlyMap<string, unknown>>;
  /** For the `session_before_…` events: whether someone cancelled, and the last answer. */
  before(event: ExtensionEvent, signal?: AbortSignal): Promise<{ readonly cancelled: boolean; readonly value: unknown }>;
  /** Settles when every handler that was told something has finished with it. */
  settled(): Promise<void>;
}

/** What is larger belongs into the session or into a file. */
const MAX_STATE_CHARACTERS = 1024 * 1024;

/** Makes the bus between the host and the packages of its current generation. */
export function createEventBus(ports: EventBusPorts): EventBus {
  const report = (handler: BoundHandler, event: ExtensionEventName, error: unknown): void => {
    const code = isDashError(error) ? error.code : 'GUEST_ERROR';
    const where = isDashError(error) ? error.where : undefined;
    ports.report({
      package: handler.package,
      event,
      code,
      message: error instanceof Error ? error.message : String(error),
      ...(where === undefined ? {} : { where }),
    });
  };
  const deliver = (handler: BoundHandler, event: ExtensionEvent, signal?: AbortSignal, callers: readonly string[] = []): Promise<HandlerOutcome> => {
    const origin = ports.origin();
    return handler.sandboxed.deliver(handler.handler, event, {
      timeoutMs: EXTENSION_EVENTS[event.type].deadlineMs,
      context: ports.context(),
      ...(origin === undefined ? {} : { origin }),
      ...(signal === undefined ? {} : { signal }),
      ...(callers.length === 0 ? {} : { delegation: { callers, limits: [] } }),
    });
  };

  /** Where a right is missing that can be asked for, this is where the user is asked. */
  const mayHear = (handler: BoundHandler, event: ExtensionEventName, signal?: AbortSignal): Promise<boolean> => {
    const origin = ports.origin();
    return handler.sandboxed.mayHear(event, handler.needs, { ...(origin === undefined ? {} : { origin }), ...(signal === undefined ? {} : { signal }) });
  };

  const withoutChange = ({ value }: HandlerOutcome, handler: BoundHandler, name: ExtensionEventName): undefined => {
    if (!isNothing(value))
      report(
        handler,
        name,
        new DashError('PERMISSION_DENIED', `what the \`${name}\` handler answered was dropped: \`${handler.package}\` needs \`${handler.cannotChange}\``),
      );
  };

  // What a package was told and has not finished with, so that it meets events in their order.
  const told = new WeakMap<SandboxedPackage, Told>();
  const telling = new Set<Promise<void>>();

  /** Asks the handlers one after the other; `next` folds an answer in, or ends the round with `stop`. */
  const ask = async (
    name: ExtensionEventName,
    event: () => ExtensionEvent,
    next: (outcome: HandlerOutcome, handler: BoundHandler) => 'go on' | 'stop',
    signal?: AbortSignal,
    callers: readonly string[] = [],
    only: (handler: BoundHandler) => boolean = () => true,
  ): Promise<void> => {
    using _ = ports.hold();
    for (const handler of ports.handlers(name).filter((one) => !callers.includes(one.package) && only(one))) {
      await told.get(handler.sandboxed)?.settled;
      try {
        if (!(await mayHear(handler, name, signal))) continue;
        const outcome = await deliver(handler, event(), signal, callers);
        const change = handler.cannotChange === undefined ? outcome : withoutChange(outcome, handler, name);
        if (change !== undefined && next(change, handler) === 'stop') return;
      } catch (error) {
        report(handler, name, error);
      }
    }
  };

  const tell = (sandboxed: SandboxedPackage, handlers: readonly BoundHandler[], event: ExtensionEvent): Promise<void> => {
    const before = told.get(sandboxed) ?? { settled: Promise.resolve(), waiting: undefined };
    if (before.waiting !== undefined) {
      const merged = mergeUpdates(before.waiting.event, event);
      if (merged !== undefined) {
        before.waiting.event = merged;
        return before.settled;
      }
    }
    const waiting = { event };
    const hold = ports.hold();
    const settled = before.settled.then(async () => {
      using _ = hold;
      const state = told.get(sandboxed);
      if (state?.waiting === waiting) state.waiting = undefined;
      for (const handler of handlers) {
        try {
          if (await mayHear(handler, event.type)) await deliver(handler, waiting.event);
        } catch (error) {
          report(handler, event.type, error);
        }
      }
    });
    told.set(sandboxed, { settled, waiting });
    telling.add(settled);
    void settled.finally(() => telling.delete(settled));
    return settled;
  };

  const bus: EventBus = {
    listens: (event) => ports.handlers(event).length > 0,

    async notify(event, only = () => true) {
      const byPackage = Map.groupBy(ports.handlers(event.type).filter(only), ({ sandboxed }) => sandboxed);
      await Promise.all(
        [...byPackage].map(([sandboxed, handlers]) =>
          EXTENSION_EVENTS[event.type].wakes || sandboxed.pid !== undefined ? tell(sandboxed, handlers, event) : Promise.resolve(),
        ),
      );
    },

    async toolCall(call, signal, callers = []) {
      using _ = ports.hold();
      let input = call.args;
      for (const handler of ports.handlers('tool_call').filter((one) => !callers.includes(one.package))) {
        await told.get(handler.sandboxed)?.settled;
        let outcome: HandlerOutcome;
        try {
          if (!(await mayHear(handler, 'tool_call', signal))) continue;
          outcome = await deliver(handler, { type: 'tool_call', toolCallId: call.id, toolName: call.name, input }, signal, callers);
        } catch (error) {
          // A guard that fails must not let the call through.
          report(handler, 'tool_call', error);
          return {
            kind: 'block',
            reason: `blocked: a \`tool_call\` handler of \`${handler.package}\` failed: ${error instanceof Error ? error.message : String(error)}`,
          };
        }
        if (Value.Check(ToolCallVerdict, outcome.value) && outcome.value.block === true) {
          const { reason = `blocked by \`${handler.package}\``, terminate } = outcome.value;
          return { kind: 'block', reason, ...(terminate === undefined ? {} : { terminate }) };
        }
        if (Value.Check(ChangedInput, outcome.event)) input = outcome.event.input;
      }
      return { kind: 'proceed', args: input };
    },

    async toolResult(call, answer, signal, callers) {
      let current = answer;
      const event = (): ExtensionEvent => ({
        type: 'tool_result',
        toolCallId: call.id,
        toolName: call.name,
        input: call.args,
        content: current.content,
        details: current.details,
        isError: current.isError,
      });
      await ask(
        'tool_result',
        event,
        ({ value }, handler) => {
          if (isNothing(value)) return 'go on';
          if (Value.Check(ToolResultChange, value)) current = { ...current, ...defined(value) };
          else report(handler, 'tool_result', new Error('a `tool_result` handler must return {content?, details?, isError?}'));
          return 'go on';
        },
        signal,
        callers,
      );
      return current;
    },

    async context(messages, signal) {
      if (ports.handlers('context').length === 0) return messages;
      let current = messages;
      await ask(
        'context',
        () => ({ type: 'context', messages: current }),
        ({ value, event }, handler) => {
          const returned = isNothing(value) || (typeof value === 'object' && value !== null && !('messages' in value)) ? event : value;
          if (Value.Check(ChangedMessages, returned)) current = returned.messages;
          else report(handler, 'context', new Error('a `context` handler must return {messages}, each of them whole'));
          return 'go on';
        },
        signal,
      );
      return current;
    },

    async input(text, images, source, streamingBehavior) {
      let current: InputDecision = { kind: 'continue', text, images };
      const event = (): ExtensionEvent => ({
        type: 'input',
        source,
        ...(current.kind === 'continue' ? { text: current.text, images: current.images } : {}),
        ...(streamingBehavior === undefined ? {} : { streamingBehavior }),
      });
      await ask('input', event, ({ value }, handler) => {
        if (isNothing(value)) return 'go on';
        if (!Value.Check(InputVerdict, value))
          report(handler, 'input', new Error('an `input` handler must return {action: "continue" | "transform" | "handled"}'));
        else if (value.action === 'handled') {
          current = { kind: 'handled' };
          return 'stop';
        } else if (value.action === 'transform' && current.kind === 'continue')
          current = { kind: 'continue', text: value.text, images: value.images ?? current.images };
        return 'go on';
      });
      return current;
    },

    async beforeAgentStart(start) {
      let { systemPrompt, systemPromptOptions } = start;
      const messages: CustomMessage[] = [];
      const event = (): ExtensionEvent => ({ type: 'before_agent_start', prompt: start.prompt, images: start.images, systemPrompt, systemPromptOptions });
      await ask('before_agent_start', event, ({ value, event: after }, handler) => {
        if (Value.Check(ChangedOptions, after)) systemPromptOptions = after.systemPromptOptions;
        if (isNothing(value)) return 'go on';
        if (!Value.Check(AgentStartChange, value)) {
          report(handler, 'before_agent_start', new Error('a `before_agent_start` handler must return {message?, systemPrompt?}'));
          return 'go on';
        }
        if (value.systemPrompt !== undefined) systemPrompt = value.systemPrompt;
        if (value.message !== undefined) {
          const { customType, content, display = true, details } = value.message;
          messages.push({ role: 'custom', customType, content, display, ...(details === undefined ? {} : { details }), timestamp: Date.now() });
        }
        return 'go on';
      });
      return { systemPrompt, systemPromptOptions, messages };
    },

    async messageEnd(message) {
      if (ports.handlers('message_end').length === 0) return message;
      let current = message;
      await ask(
        'message_end',
        () => ({ type: 'message_end', message: current }),
        ({ value }, handler) => {
          if (isNothing(value)) return 'go on';
          if (Value.Check(ChangedMessage, value) && value.message.role === current.role) current = value.message;
          else report(handler, 'message_end', new Error('a `message_end` handler must return a whole {message} with the same role'));
          return 'go on';
        },
      );
      return current;
    },

    async contextWithSystem(messages, signal) {
      let current = messages;
      await ask(
        'context_with_system',
        () => ({ type: 'context_with_system', messages: current }),
        ({ value, event }, handler) => {
          const returned = isNothing(value) ? event : value;
          if (!Value.Check(ChangedMessages, returned))
            report(handler, 'context_with_system', new Error('a `context_with_system` handler must return {messages}, each of them whole'));
          else if (returned.messages[0]?.role !== 'system')
            report(handler, 'context_with_system', new Error('a `context_with_system` handler must leave the system prompt in the first place'));
          else current = returned.messages;
          return 'go on';
        },
        signal,
      );
      return current;
    },

    async providerRequest(payload, signal) {
      let current = payload;
      await ask(
        'before_provider_request',
        () => ({ type: 'before_provider_request', payload: current }),
        ({ value }, handler) => {
          if (isNothing(value)) return 'go on';
          // A body of another shape would be sent to the provider, and fail there in words that say nothing.
          if (typeof value === 'object' && Array.isArray(value) === Array.isArray(current)) current = value;
          else report(handler, 'before_provider_request', new Error('a `before_provider_request` handler must return the whole request'));
          return 'go on';
        },
        signal,
      );
      return current;
    },

    async providerHeaders(headers, signal) {
      let current = headers;
      await ask(
        'before_provider_headers',
        () => ({ type: 'before_provider_headers', headers: current }),
        ({ event }, handler) => {
          // Changed in place, as in pi: what is returned means nothing.
          if (Value.Check(ChangedHeaders, event)) current = event.headers;
          else report(handler, 'before_provider_headers', new Error('headers are texts, or `null` to take one away'));
          return 'go on';
        },
        signal,
      );
      return current;
    },

    async boundary(event) {
      const { type } = event;
      const mayChange = (handler: BoundHandler): boolean => handler.cannotChange === undefined;
      void bus.notify(event, (handler) => !mayChange(handler));
      let entries: Boundary['entries'] = [];
      let goOn = false;
      await ask(
        type,
        () => ({ ...event, entries: entries.map(({ package: _owner, ...entry }) => entry), continue: goOn }),
        ({ value }, handler) => {
          if (isNothing(value)) return 'go on';
          if (!Value.Check(BoundaryAnswer, value)) {
            const forms = 'an entry is a `custom`, a `custom_message` or a `context_edit`';
            report(handler, type, new Error(`a \`${type}\` handler must return {entries?, continue?}; ${forms}`));
            return 'go on';
          }
          const before = entries;
          // What was there already keeps its owner.
          if (value.entries !== undefined) entries = value.entries.map((entry, index) => ({ ...entry, package: before[index]?.package ?? handler.package }));
          goOn = value.continue ?? goOn;
          return 'go on';
        },
        undefined,
        [],
        mayChange,
      );
      return { entries, goOn };
    },

    async userBash(command, excludeFromContext, cwd) {
      using _ = ports.hold();
      for (const handler of ports.handlers('user_bash')) {
        await told.get(handler.sandboxed)?.settled;
        try {
          const { value } = await deliver(handler, { type: 'user_bash', command, excludeFromContext, cwd });
          if (isNothing(value)) continue;
          if (Value.Check(UserBashAnswer, value)) return { kind: 'answered', result: value.result, package: handler.package };
          throw new Error('a `user_bash` handler must return nothing, or {result}');
        } catch (error) {
          // A guard that fails must not let the command through.
          report(handler, 'user_bash', error);
          const why = error instanceof Error ? error.message : String(error);
          return { kind: 'blocked', reason: `a \`user_bash\` handler of \`${handler.package}\` failed: ${why}` };
        }
      }
      return { kind: 'run' };
    },

    async handOver(event, only) {
      const states = new Map<string, unknown>();
      const leaving = Map.groupBy(
        ports.handlers(event.type).filter((handler) => only(handler) && handler.sandboxed.pid !== undefined),
        ({ sandboxed }) => sandboxed,
      );
      await Promise.all(
        [...leaving].map(async ([sandboxed, handlers]) => {
          await told.get(sandboxed)?.settled;
          for (const handler of handlers) {
            try {
              const { value } = await deliver(handler, event);
              if (!Value.Check(HandedOver, value) || value.state === undefined) continue;
              if (JSON.stringify(value.state).length <= MAX_STATE_CHARACTERS) states.set(handler.package, value.state);
              else report(handler, event.type, new Error(`the state that is handed over is larger than ${MAX_STATE_CHARACTERS} characters`));
            } catch (error) {
              report(handler, event.type, error);
            }
          }
        }),
      );
      return states;
    },

    async before(event, signal) {
      let value: unknown;
      let cancelled = false;
      await ask(
        event.type,
        () => event,
        (outcome) => {
          if (isNothing(outcome.value)) return 'go on';
          value = outcome.value;
          cancelled = Value.Check(Cancellation, outcome.value) && outcome.value.cancel;
          return cancelled ? 'stop' : 'go on';
        },
        signal,
      );
      return { cancelled, value };
    },

    async settled() {
      while (telling.size > 0) await Promise.all(telling);
    },
  };
  return bus;
}

/** What a package is being told, and the last event that has not begun. */
interface Told {
  readonly settled: Promise<void>;
  waiting: { event: ExtensionEvent } | undefined;
}

const FragmentEvent = Type.Object({
  type: Type.Literal('message_update'),
  assistantMessageEvent: Type.Object({ type: Type.String({ pattern: '_delta$' }), contentIndex: Type.Number(), delta: Type.String() }),
});

/** A busy package gets fragments of an answer in fewer, larger pieces; nothing is lost. */
function mergeUpdates(waiting: ExtensionEvent, next: ExtensionEvent): ExtensionEvent | undefined {
  if (!Value.Check(FragmentEvent, waiting) || !Value.Check(FragmentEvent, next)) return undefined;
  const [before, after] = [waiting.assistantMessageEvent, next.assistantMessageEvent];
  if (before.type !== after.type || before.contentIndex !== after.contentIndex) return undefined;
  return { ...next, assistantMessageEvent: { ...after, delta: before.delta + after.delta } };
}
