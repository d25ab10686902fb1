import { Value } from '@sinclair/typebox/value';
import type { AgentMessage } from '../loop/transcript.ts';
import type { Delivery } from './delivery.ts';
import { ChangedHeaders, ChangedMessages, isNothing } from './event-answers.ts';

/** Told of the package that made something else of what it was shown. */
export type Changed = (packageName: string) => void;

/** What packages make of a request before it is sent. */
export interface RequestEvents {
  /** `changed` is told which package made something else of it. */
  context(messages: readonly AgentMessage[], signal: AbortSignal, changed?: Changed): Promise<readonly AgentMessage[]>;
  /** After `context`: everything as it will be sent, the system prompt first. */
  contextWithSystem(messages: readonly AgentMessage[], signal: AbortSignal, changed?: Changed): Promise<readonly AgentMessage[]>;
  /** The body of a request to a provider, without credentials. */
  providerRequest(payload: unknown, signal: AbortSignal): Promise<unknown>;
  /** Its headers, without credentials; `null` takes one away. */
  providerHeaders(headers: Readonly<Record<string, string | null>>, signal: AbortSignal): Promise<Readonly<Record<string, string | null>>>;
}

/** Asks about what goes to the model. */
export function requestEvents({ handlers, ask, report }: Delivery): RequestEvents {
  return {
    async context(messages, signal, changed) {
      if (handlers('context').length === 0) return messages;
      let current = messages;
      await ask(
        () => ({ type: 'context', messages: current }),
        ({ value, event }, handler) => {
          const returned = isNothing(value) || (typeof value === 'object' && value !== null && !('messages' in value)) ? event : value;
          if (Value.Check(ChangedMessages, returned)) {
            if (!isSame(current, returned.messages)) changed?.(handler.package);
            current = returned.messages;
          } else report(handler, 'context', new Error('a `context` handler must return {messages}, each of them whole'));
          return 'go on';
        },
        { signal },
      );
      return current;
    },

    async contextWithSystem(messages, signal, changed) {
      let current = messages;
      await ask(
        () => ({ type: 'context_with_system', messages: current }),
        ({ value, event }, handler) => {
          const returned = isNothing(value) ? event : value;
          if (!Value.Check(ChangedMessages, returned))
            report(handler, 'context_with_system', new Error('a `context_with_system` handler must return {messages}, each of them whole'));
          else if (returned.messages[0]?.role !== 'system')
            report(handler, 'context_with_system', new Error('a `context_with_system` handler must leave the system prompt in the first place'));
          else {
            if (!isSame(current, returned.messages)) changed?.(handler.package);
            current = returned.messages;
          }
          return 'go on';
        },
        { signal },
      );
      return current;
    },

    async providerRequest(payload, signal) {
      let current = payload;
      await ask(
        () => ({ type: 'before_provider_request', payload: current }),
        ({ value }, handler) => {
          if (isNothing(value)) return 'go on';
          // A body of another shape would be sent to the provider, and fail there in words that say nothing.
          if (typeof value === 'object' && Array.isArray(value) === Array.isArray(current)) current = value;
          else report(handler, 'before_provider_request', new Error('a `before_provider_request` handler must return the whole request'));
          return 'go on';
        },
        { signal },
      );
      return current;
    },

    async providerHeaders(headers, signal) {
      let current = headers;
      await ask(
        () => ({ type: 'before_provider_headers', headers: current }),
        ({ event }, handler) => {
          // Changed in place, as in pi: what is returned means nothing.
          if (Value.Check(ChangedHeaders, event)) current = event.headers;
          else report(handler, 'before_provider_headers', new Error('headers are texts, or `null` to take one away'));
          return 'go on';
        },
        { signal },
      );
      return current;
    },
  };
}

/** As the wire sees it: what has been to a package and back is a copy. */
export function isSame(before: unknown, after: unknown): boolean {
  return JSON.stringify(before) === JSON.stringify(after);
}
