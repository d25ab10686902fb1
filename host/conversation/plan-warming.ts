import type { WarmingDecision } from '../bus/session-events.ts';
import type { Usage } from '../model/messages.ts';
import { costOf, type ModelInfo, type ModelOptions } from '../model/port.ts';

/** Whether prompt caches are kept warm: never, while a run goes on (a tool that takes long), or between runs too. */
export type WarmingMode = 'off' | 'streaming' | 'idle';

/** What is asked again when a cache is about to be forgotten. */
export type WarmRequest = { readonly model: ModelInfo; readonly options: Pick<ModelOptions, 'thinking'> };

export type WarmingPhase = 'streaming' | 'idle';

/** For how long after the request that filled it a cache is kept. */
export const MOST_WARMING_MS: Readonly<Record<WarmingPhase, number>> = { streaming: 60 * 60_000, idle: 30 * 60_000 };

/** Dollars that one more request has to save, as far as can be told. */
const LEAST_SAVINGS = 0.05;

/** How often somebody goes on before the cache of an agent that waits is forgotten. */
const GOES_ON: Readonly<Record<WarmingPhase, number>> = { streaming: 1, idle: 0.15 };

/** When to ask again, and until when it is still worth it; milliseconds after the request. */
export interface WarmingSchedule {
  readonly warmAfterMs: number;
  /** One that begins later would most likely write the cache anew, at the full price. */
  readonly tooLateAfterMs: number;
}

/** When the cache that a request filled is warmed; `undefined` where that is not known, or not possible without losing it. */
export function scheduleWarming({ model, options }: WarmRequest): WarmingSchedule | undefined {
  const ttlMs = (model.promptCache?.short ?? 0) * 1000;
  if (ttlMs <= 10_000 || !isReplayable(model, options.thinking !== undefined)) return undefined;
  const warmAfterMs = Math.floor(Math.min(ttlMs * 0.9, ttlMs - 10_000));
  return { warmAfterMs, tooLateAfterMs: warmAfterMs + Math.floor((ttlMs - warmAfterMs) / 2) };
}

/** Whether one more request is worth its price: what a lost cache of `last` would cost, against what it costs to keep it. */
export function decideWarming(model: ModelInfo, last: Usage | undefined, phase: WarmingPhase): WarmingDecision {
  const tokens = last === undefined ? 0 : last.input + last.cacheRead + last.cacheWrite;
  const price = (part: Partial<Usage>): number => costOf(model, { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, totalTokens: 0, ...part }).total;
  const warmCost = price({ cacheRead: tokens, output: 1 });
  const anew = price(model.cost.cacheWrite > 0 ? { cacheWrite: tokens } : { input: tokens });
  const missCost = Math.max(0, anew - price({ cacheRead: tokens }));
  const continuationProbability = GOES_ON[phase];
  const savings = continuationProbability * missCost - warmCost;
  return { warmCost, missCost, continuationProbability, action: savings >= LEAST_SAVINGS ? 'warm' : 'stop' };
}

/** A budget for thinking is made from the cap on the answer, and the cache is keyed by it: another cap would miss the cache. */
function isReplayable({ api, compat }: ModelInfo, thinks: boolean): boolean {
  return !thinks || api !== 'anthropic-messages' || compat?.forceAdaptiveThinking === true;
}
