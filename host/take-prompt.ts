import { type Diagnostic, isDashError } from '../format/index.ts';
import type { CallContext } from '../sandbox/index.ts';
import type { CommandHost } from './commands/index.ts';
import type { CommandContribution, Contributions } from './packages/contributions.ts';
import type { Conversation } from './conversation/conversation.ts';
import type { EventBus } from './bus/event-bus.ts';
import type { HostEvent } from './host-event.ts';
import type { PromptOptions, PromptOutcome } from './host-options.ts';
import { expandText, readPromptText, templateOrigins } from './prompt-text.ts';

export interface TakePromptOptions {
  readonly conversation: Conversation;
  readonly bus: EventBus;
  readonly contributions: () => Contributions;
  /** A package with its version. */
  readonly versioned: (packageName: string) => string;
  readonly hold: () => Disposable;
  readonly callContext: () => CallContext;
  readonly commandHost: CommandHost;
  /** What is waited for before a prompt; nothing once the session has begun. */
  readonly beginning: () => Promise<void> | undefined;
  readonly emit: (event: HostEvent) => Promise<void>;
  /** Ends what is still running when the host ends. */
  readonly closing: AbortSignal;
}

/** Takes a line of the user's, or a text of a package's. */
export type TakePrompt = (text: string, options?: PromptOptions) => Promise<PromptOutcome>;

/** A command of a package may wait for a person, and for runs it started. */
const COMMAND_TIMEOUT_MS = 3_600_000;

/** Makes what decides whether a line is a command of the host, one of a package, or a prompt; and what becomes of it. */
export function createTakePrompt({
  conversation,
  bus,
  contributions,
  versioned,
  hold,
  callContext,
  commandHost,
  beginning,
  emit,
  closing,
}: TakePromptOptions): TakePrompt {
  const runCommand = async ({ sandboxed, registration, name, package: owner }: CommandContribution, args: string, typed: string): Promise<void> => {
    using _ = hold();
    try {
      await sandboxed.runCommand(registration.name, args, {
        timeoutMs: COMMAND_TIMEOUT_MS,
        context: callContext(),
        origin: conversation.originOf(typed),
        signal: closing,
      });
    } catch (error) {
      if (!isDashError(error)) throw error;
      await emit({ type: 'extension_error', extensionPath: owner, event: `command:${name}`, error: error.message, code: error.code, ...whereOf(error) });
    }
  };
  return async (text, { images = [], source = 'interactive', streamingBehavior, accepted, whose = [] } = {}) => {
    const first = beginning();
    if (first !== undefined) await first;
    // What a package says is text, as in pi: as a command it would do what only the user, or `session:control`, may.
    const isTyped = source !== 'extension';
    const read = isTyped ? readPromptText(text, contributions()) : { kind: 'text' as const };
    if (read.kind === 'host') return { kind: 'handled', message: await read.command.run(read.args, commandHost) };
    if (read.kind === 'extension') {
      await runCommand(read.command, read.args, text);
      return { kind: 'handled' };
    }
    const changers: string[] = [];
    const decision = await bus.input(text, images, source, streamingBehavior, (by) => changers.push(`changed:${versioned(by)}`));
    if (decision.kind === 'handled') return { kind: 'handled' };
    const expanded = isTyped ? expandText(decision.text, contributions().resources, () => conversation.messages) : decision.text;
    const filled = isTyped ? templateOrigins(decision.text, contributions().resources) : [];
    const by = { typed: isTyped ? text : undefined, whose: [...whose, ...changers, ...filled] };
    if (!conversation.isStreaming) return { kind: 'started', done: conversation.start(expanded, decision.images, by, accepted) };
    if (streamingBehavior === undefined)
      throw new Error('the agent is at work; say with `streamingBehavior` whether this steers it or follows (`steer` or `followUp`)');
    conversation.queue(streamingBehavior, expanded, decision.images, by);
    return { kind: 'queued' };
  };
}

function whereOf({ where }: { readonly where?: Diagnostic['where'] }): { readonly where?: NonNullable<Diagnostic['where']> } {
  return where === undefined ? {} : { where };
}
