import type { EventBus } from '../bus/event-bus.ts';
import { type CacheWarmer, type Clock, createCacheWarmer, systemClock } from './cache-warmer.ts';
import type { HostEvent } from '../host-event.ts';
import type { WarmingMode } from './plan-warming.ts';
import { toLine } from '../session/entry.ts';
import type { Conversation } from './conversation.ts';

export interface KeepWarmOptions {
  readonly bus: EventBus;
  readonly cacheWarming: () => WarmingMode;
  /** Default: the machine's. */
  readonly clock?: Clock;
  readonly emit: (event: HostEvent) => Promise<void>;
}

/** Keeps the provider's cache of a conversation warm between its runs, and writes down what that costs. */
export function keepWarm(conversation: Conversation, { bus, cacheWarming, clock = systemClock, emit }: KeepWarmOptions): CacheWarmer {
  return createCacheWarmer({
    mode: cacheWarming,
    lastUsage: () => conversation.messages.findLast((message) => message.role === 'assistant')?.usage,
    decide: (decision) => bus.cacheWarming(decision),
    // another place in the tree and a summary stop it by themselves
    context: () => `${conversation.session.id} ${conversation.model?.provider}/${conversation.model?.id} ${conversation.thinking}`,
    warmed: ({ provider, id }, usage, isOverridden) => {
      const note = isOverridden ? { note: 'extension override' } : {};
      const entry = conversation.session.append({ type: 'usage', kind: 'cache_warm', provider, model: id, usage, ...note });
      void emit({ type: 'entry_appended', entry: toLine(entry) });
    },
    clock,
  });
}
