import type { WarmingDecision } from '../bus/session-events.ts';
import type { Usage } from '../model/messages.ts';
import type { ModelInfo, ModelOptions, ModelPort, Transcript } from '../model/port.ts';
import { decideWarming, MOST_WARMING_MS, scheduleWarming, type WarmingMode, type WarmingPhase } from './plan-warming.ts';

export interface WarmerPorts {
  mode(): WarmingMode;
  /** Of the newest answer of a model in the session. */
  lastUsage(): Usage | undefined;
  /** Packages may say otherwise. */
  decide(decision: WarmingDecision): Promise<WarmingDecision['action']>;
  /** Something that changes when the conversation is another one, or was summed up: what is in the cache is of no use then. */
  context(): unknown;
  warmed(model: ModelInfo, usage: Usage, isOverridden: boolean): void;
  readonly clock: Clock;
}

/** Time, for what is due later. */
export interface Clock {
  now(): number;
  after(delayMs: number, fire: () => void): { cancel(): void };
}

/** The machine's clock; what waits for it keeps no process alive. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(delayMs, fire) {
    const timer = setTimeout(fire, delayMs);
    timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
};

/** Keeps the prompt cache of the newest request from being forgotten, as long as that saves money. */
export interface CacheWarmer {
  /** The port, with every request of it being the one whose cache is kept. */
  watch(port: ModelPort): ModelPort;
  /** The run has ended: from here on nobody may ever go on. */
  settled(): void;
  stop(): void;
}

interface Warming {
  readonly port: ModelPort;
  readonly model: ModelInfo;
  readonly transcript: Transcript;
  readonly options: ModelOptions;
  readonly context: unknown;
  readonly startedAt: number;
  readonly stopped: AbortController;
  phase: WarmingPhase;
  timer: { cancel(): void } | undefined;
}

/** Makes a warmer; at most one request is kept warm. */
export function createCacheWarmer({ mode, lastUsage, decide, context, warmed, clock }: WarmerPorts): CacheWarmer {
  let current: Warming | undefined;
  const stop = (): void => {
    current?.timer?.cancel();
    current?.stopped.abort();
    current = undefined;
  };
  const isStillOf = (warming: Warming): boolean =>
    current === warming && mode() !== 'off' && (mode() === 'idle' || warming.phase === 'streaming') && context() === warming.context;

  const schedule = (warming: Warming): void => {
    const plan = scheduleWarming(warming);
    const from = clock.now();
    if (plan === undefined || from + plan.warmAfterMs - warming.startedAt > MOST_WARMING_MS[warming.phase]) return stop();
    // A machine that slept wakes with a cache that is gone.
    warming.timer = clock.after(plan.warmAfterMs, () => void refresh(warming, from + plan.tooLateAfterMs).catch(stop));
  };

  const refresh = async (warming: Warming, tooLateAt: number): Promise<void> => {
    const { port, model, transcript, options, stopped } = warming;
    const isWorthIt = (): boolean => isStillOf(warming) && clock.now() <= tooLateAt;
    if (!isWorthIt()) return stop();
    const planned = decideWarming(model, lastUsage(), warming.phase);
    const action = await decide(planned);
    if (action === 'stop' || !isWorthIt()) return current === warming ? stop() : undefined;
    for await (const event of port.stream(model, transcript, { ...options, maxTokens: 1, signal: stopped.signal })) {
      if (event.type === 'done' && isStillOf(warming)) warmed(model, event.message.usage, action !== planned.action);
    }
    if (isStillOf(warming)) schedule(warming);
  };

  return {
    watch: (port) => ({
      models: () => port.models(),
      stream(model, transcript, options) {
        stop();
        if (mode() !== 'off') {
          current = {
            port,
            model,
            transcript,
            options,
            context: context(),
            startedAt: clock.now(),
            stopped: new AbortController(),
            phase: 'streaming',
            timer: undefined,
          };
          schedule(current);
        }
        return port.stream(model, transcript, options);
      },
    }),
    settled() {
      if (current === undefined) return;
      current.phase = 'idle';
      if (mode() !== 'idle' || clock.now() - current.startedAt >= MOST_WARMING_MS.idle) stop();
    },
    stop,
  };
}
