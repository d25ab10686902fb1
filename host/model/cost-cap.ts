import { NO_USAGE } from './messages.ts';
import type { ModelEvent, ModelInfo, ModelPort } from './port.ts';

export interface CostCap {
  /** Dollars that a session may cost; `undefined` is as many as it takes. */
  readonly most: number | undefined;
  /** Dollars that it has cost so far. */
  readonly spent: () => number;
}

/** Answers with an error instead of asking, once a session has cost what it may. One request may go over it, none begins after it. */
export function withCostCap(port: ModelPort, { most, spent }: CostCap): ModelPort {
  if (most === undefined) return port;
  return {
    models: () => port.models(),
    async *stream(model, transcript, options) {
      const cost = spent();
      if (cost >= most) yield refusal(model, cost, most);
      else yield* port.stream(model, transcript, options);
    },
  };
}

function refusal(model: ModelInfo, cost: number, most: number): ModelEvent {
  const errorMessage = `this session has cost $${cost.toFixed(2)} of at most $${most.toFixed(2)}: \`maxCost\` in settings.json or \`--max-cost\` raises that, \`/new\` begins another one`;
  return {
    type: 'error',
    reason: 'error',
    error: {
      role: 'assistant',
      content: [],
      api: model.api,
      provider: model.provider,
      model: model.id,
      usage: NO_USAGE,
      stopReason: 'error',
      errorMessage,
      timestamp: Date.now(),
    },
  };
}
