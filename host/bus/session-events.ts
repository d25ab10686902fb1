import { Value } from '@sinclair/typebox/value';
import type { BoundHandler, Delivery, ExtensionEvent } from './delivery.ts';
import { BoundaryAnswer, type BoundaryEntry, Cancellation, DiscoveredPaths, HandedOver, isNothing, WarmingAnswer } from './event-answers.ts';

/** What was added where a turn or a run ended, and whether the agent goes on. */
export interface Boundary {
  readonly entries: readonly (BoundaryEntry & { readonly package: string })[];
  readonly goOn: boolean;
}

/** What it costs in dollars to keep a prompt cache for another while, and to have lost it, and what is going to be done. */
export interface WarmingDecision {
  readonly warmCost: number;
  readonly missCost: number;
  readonly continuationProbability: number;
  readonly action: 'warm' | 'stop';
}

/** What packages add and decide where a turn, a run, a session or a generation ends. */
export interface SessionEvents {
  /** Where a turn or a run ends: asks who may add entries, tells everybody else. */
  boundary(event: ExtensionEvent): Promise<Boundary>;
  /** Tells those who leave, and takes what each of them hands to its successor, by package. */
  handOver(event: ExtensionEvent, only: (handler: BoundHandler) => boolean): Promise<ReadonlyMap<string, unknown>>;
  /** Where resources are looked for: what each package names besides those of its manifest, as it named it. */
  discover(cwd: string, reason: 'startup' | 'reload'): Promise<ReadonlyMap<string, DiscoveredPaths>>;
  /** Whether the prompt cache of a provider is kept warm; the last answer counts. */
  cacheWarming(decision: WarmingDecision): Promise<WarmingDecision['action']>;
  /** For the `session_before_…` events: whether someone cancelled, and the last answer with whose it is. */
  before(event: ExtensionEvent, signal?: AbortSignal): Promise<{ readonly cancelled: boolean; readonly value: unknown; readonly by?: string }>;
}

/** What is larger belongs into the session or into a file. */
const MAX_STATE_CHARACTERS = 1024 * 1024;

/** Asks where something ends. */
export function sessionEvents({ handlers, caughtUp, deliver, ask, notify, report }: Delivery): SessionEvents {
  return {
    async boundary(event) {
      const { type } = event;
      const mayChange = (handler: BoundHandler): boolean => handler.cannotChange === undefined;
      void notify(event, (handler) => !mayChange(handler));
      let entries: Boundary['entries'] = [];
      let goOn = false;
      await ask(
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
        { only: mayChange },
      );
      return { entries, goOn };
    },

    async handOver(event, only) {
      const states = new Map<string, unknown>();
      const leaving = Map.groupBy(
        handlers(event.type).filter((handler) => only(handler) && handler.sandboxed.pid !== undefined),
        ({ sandboxed }) => sandboxed,
      );
      await Promise.all(
        [...leaving].map(async ([sandboxed, handlers]) => {
          await caughtUp({ sandboxed });
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

    async discover(cwd, reason) {
      const found = new Map<string, DiscoveredPaths>();
      const also = (before: readonly string[] = [], more: readonly string[] = []): string[] => [...before, ...more];
      await ask(
        () => ({ type: 'resources_discover', cwd, reason }),
        ({ value }, handler) => {
          if (isNothing(value)) return 'go on';
          const before = found.get(handler.package) ?? {};
          if (Value.Check(DiscoveredPaths, value))
            found.set(handler.package, {
              skillPaths: also(before.skillPaths, value.skillPaths),
              promptPaths: also(before.promptPaths, value.promptPaths),
              themePaths: also(before.themePaths, value.themePaths),
            });
          else report(handler, 'resources_discover', new Error('a `resources_discover` handler must return {skillPaths?, promptPaths?, themePaths?}'));
          return 'go on';
        },
      );
      return found;
    },

    async cacheWarming(decision) {
      let { action } = decision;
      await ask(
        () => ({ type: 'cache_warming_decision', ...decision, action }),
        ({ value }, handler) => {
          if (isNothing(value)) return 'go on';
          if (Value.Check(WarmingAnswer, value)) action = value.action;
          else report(handler, 'cache_warming_decision', new Error('a `cache_warming_decision` handler must return {action: "warm" | "stop"}'));
          return 'go on';
        },
      );
      return action;
    },

    async before(event, signal) {
      let value: unknown;
      let cancelled = false;
      let by: string | undefined;
      await ask(
        () => event,
        (outcome, handler) => {
          if (isNothing(outcome.value)) return 'go on';
          value = outcome.value;
          by = handler.package;
          cancelled = Value.Check(Cancellation, outcome.value) && outcome.value.cancel;
          return cancelled ? 'stop' : 'go on';
        },
        signal === undefined ? {} : { signal },
      );
      return { cancelled, value, ...(by === undefined ? {} : { by }) };
    },
  };
}
