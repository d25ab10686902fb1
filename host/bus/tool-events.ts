import { Value } from '@sinclair/typebox/value';
import type { HandlerOutcome } from '../../sandbox/index.ts';
import type { Gate, PendingCall, ToolAnswer } from '../loop/tool-call.ts';
import type { Delivery, ExtensionEvent } from './delivery.ts';
import type { Changed } from './request-events.ts';
import { ChangedInput, defined, isNothing, ToolCallVerdict, ToolResultChange } from './event-answers.ts';

/** What packages say about a tool call before it runs, and make of its answer. */
export interface ToolEvents {
  /** `callers`: packages that wait for the call, and are not asked about it. */
  toolCall(call: PendingCall, signal: AbortSignal, callers?: readonly string[]): Promise<Gate>;
  toolResult(call: PendingCall, answer: ToolAnswer, signal: AbortSignal, callers?: readonly string[], changed?: Changed): Promise<ToolAnswer>;
}

/** Asks about tool calls. */
export function toolEvents({ handlers, hold, caughtUp, mayHear, deliver, ask, report }: Delivery): ToolEvents {
  return {
    async toolCall(call, signal, callers = []) {
      using _ = hold();
      let input = call.args;
      for (const handler of handlers('tool_call').filter((one) => !callers.includes(one.package))) {
        await caughtUp(handler);
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

    async toolResult(call, answer, signal, callers, changed) {
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
        event,
        ({ value }, handler) => {
          if (isNothing(value)) return 'go on';
          if (Value.Check(ToolResultChange, value)) {
            current = { ...current, ...defined(value) };
            changed?.(handler.package);
          } else report(handler, 'tool_result', new Error('a `tool_result` handler must return {content?, details?, isError?}'));
          return 'go on';
        },
        { signal, ...(callers === undefined ? {} : { callers }) },
      );
      return current;
    },
  };
}
