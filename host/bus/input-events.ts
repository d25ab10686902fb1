import { Value } from '@sinclair/typebox/value';
import type { ImageContent, JsonObject } from '../model/messages.ts';
import type { AgentMessage, CustomMessage } from '../loop/transcript.ts';
import type { Delivery, ExtensionEvent } from './delivery.ts';
import { type Changed, isSame } from './request-events.ts';
import { AgentStartChange, type BashAnswer, ChangedMessage, ChangedOptions, InputVerdict, isNothing, UserBashAnswer } from './event-answers.ts';

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

export type UserBashDecision =
  | { readonly kind: 'run' }
  | { readonly kind: 'answered'; readonly result: BashAnswer; readonly package: string }
  | { readonly kind: 'blocked'; readonly reason: string };

/** What packages make of what comes in: the user's line or command, the start of a run, a message that is complete. */
export interface InputEvents {
  input(
    text: string,
    images: readonly ImageContent[],
    source: 'interactive' | 'rpc' | 'extension',
    streamingBehavior: 'steer' | 'followUp' | undefined,
    changed?: Changed,
  ): Promise<InputDecision>;
  beforeAgentStart(start: AgentStart, changed?: Changed): Promise<AgentStartDecision>;
  messageEnd(message: AgentMessage, changed?: Changed): Promise<AgentMessage>;
  /** A command that the user typed. */
  userBash(command: string, excludeFromContext: boolean, cwd: string): Promise<UserBashDecision>;
}

/** Asks about what comes in. */
export function inputEvents({ handlers, hold, caughtUp, mayHear, deliver, ask, report }: Delivery): InputEvents {
  return {
    async input(text, images, source, streamingBehavior, changed) {
      let current: InputDecision = { kind: 'continue', text, images };
      const event = (): ExtensionEvent => ({
        type: 'input',
        source,
        ...(current.kind === 'continue' ? { text: current.text, images: current.images } : {}),
        ...(streamingBehavior === undefined ? {} : { streamingBehavior }),
      });
      await ask(event, ({ value }, handler) => {
        if (isNothing(value)) return 'go on';
        if (!Value.Check(InputVerdict, value))
          report(handler, 'input', new Error('an `input` handler must return {action: "continue" | "transform" | "handled"}'));
        else if (value.action === 'handled') {
          current = { kind: 'handled' };
          return 'stop';
        } else if (value.action === 'transform' && current.kind === 'continue') {
          current = { kind: 'continue', text: value.text, images: value.images ?? current.images };
          changed?.(handler.package);
        }
        return 'go on';
      });
      return current;
    },

    async beforeAgentStart(start, changed) {
      let { systemPrompt, systemPromptOptions } = start;
      const messages: CustomMessage[] = [];
      const event = (): ExtensionEvent => ({ type: 'before_agent_start', prompt: start.prompt, images: start.images, systemPrompt, systemPromptOptions });
      await ask(event, ({ value, event: after }, handler) => {
        if (Value.Check(ChangedOptions, after) && !isSame(systemPromptOptions, after.systemPromptOptions)) {
          systemPromptOptions = after.systemPromptOptions;
          changed?.(handler.package);
        }
        if (isNothing(value)) return 'go on';
        if (!Value.Check(AgentStartChange, value)) {
          report(handler, 'before_agent_start', new Error('a `before_agent_start` handler must return {message?, systemPrompt?}'));
          return 'go on';
        }
        if (value.systemPrompt !== undefined || value.message !== undefined) changed?.(handler.package);
        if (value.systemPrompt !== undefined) systemPrompt = value.systemPrompt;
        if (value.message !== undefined) {
          const { customType, content, display = true, details } = value.message;
          messages.push({
            role: 'custom',
            package: handler.package,
            customType,
            content,
            display,
            ...(details === undefined ? {} : { details }),
            timestamp: Date.now(),
          });
        }
        return 'go on';
      });
      return { systemPrompt, systemPromptOptions, messages };
    },

    async messageEnd(message, changed) {
      if (handlers('message_end').length === 0) return message;
      let current = message;
      await ask(
        () => ({ type: 'message_end', message: current }),
        ({ value }, handler) => {
          if (isNothing(value)) return 'go on';
          if (Value.Check(ChangedMessage, value) && value.message.role === current.role) {
            current = fromTheSame(current, value.message);
            changed?.(handler.package);
          } else report(handler, 'message_end', new Error('a `message_end` handler must return a whole {message} with the same role'));
          return 'go on';
        },
      );
      return current;
    },

    async userBash(command, excludeFromContext, cwd) {
      using _ = hold();
      for (const handler of handlers('user_bash')) {
        await caughtUp(handler);
        try {
          if (!(await mayHear(handler, 'user_bash'))) continue;
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
  };
}

/** Who sent a message is not among what another package can change of it. */
function fromTheSame(message: AgentMessage, changed: AgentMessage): AgentMessage {
  return message.role === 'custom' && changed.role === 'custom' ? { ...changed, package: message.package } : changed;
}
