import type { EventBus } from '../bus/event-bus.ts';
import type { Changed } from '../bus/request-events.ts';
import type { ModelContext } from '../loop/agent-loop.ts';
import { markOrigin } from './mark-origin.ts';
import { type Message, textOf } from '../model/messages.ts';
import type { RequestWatch } from '../model/port.ts';
import { type AgentMessage, toModelMessages } from '../loop/transcript.ts';

/** What packages make of a request: its messages, its system prompt, its body and its headers. */
export interface RequestHooks {
  /** `changed` is told which package made something else of it. */
  toModel(messages: readonly AgentMessage[], systemPrompt: string, signal: AbortSignal, changed: Changed): Promise<ModelContext>;
  /** Only what somebody listens to is looked at: a request with a hook is a request that waits for it. */
  watch(signal: AbortSignal): RequestWatch;
}

/** Makes the hooks; `ownerOf` names the package of a tool, whose results are marked as its word. */
export function createRequestHooks(bus: EventBus, ownerOf: (tool: string) => string | undefined): RequestHooks {
  const told = (all: readonly AgentMessage[]): Message[] => markOrigin(toModelMessages(all), ownerOf);
  return {
    async toModel(messages, systemPrompt, signal, changed) {
      const seen = await bus.context(messages, signal, changed);
      if (!bus.listens('context_with_system')) return { messages: told(seen) };
      const system: AgentMessage = { role: 'system', content: systemPrompt, timestamp: Date.now() };
      const [first, ...rest] = await bus.contextWithSystem([system, ...seen], signal, changed);
      return { messages: told(rest), ...(first?.role === 'system' ? { systemPrompt: textOf(first.content) } : {}) };
    },
    watch: (signal) => ({
      ...(bus.listens('before_provider_request') ? { payload: (payload) => bus.providerRequest(payload, signal) } : {}),
      ...(bus.listens('before_provider_headers') ? { headers: (headers) => bus.providerHeaders(headers, signal) } : {}),
      ...(bus.listens('after_provider_response')
        ? { response: (status, headers) => void bus.notify({ type: 'after_provider_response', status, headers }) }
        : {}),
    }),
  };
}
