import { Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { DashError, isDashError, type PlainArea, type Where } from '../../format/index.ts';
import type { CallContext, CallOrigin, HandlerOutcome, SandboxedPackage } from '../../sandbox/index.ts';
import { isNothing } from './event-answers.ts';
import { EXTENSION_EVENTS, type ExtensionEventName } from './extension-events.ts';

/** One handler of one package, allowed to receive its event. */
export interface BoundHandler {
  readonly package: string;
  readonly handler: number;
  readonly sandboxed: SandboxedPackage;
  /** What it takes to be told, and to change what is told. */
  readonly needs: readonly PlainArea[];
  readonly toChange: readonly PlainArea[];
  /** Without it the handler sees the event, and what it changes is dropped. The permission that is missing. */
  readonly cannotChange?: string;
}

/** A handler that threw, hung or answered with nonsense. The run goes on. */
export interface HandlerProblem {
  readonly package: string;
  readonly event: ExtensionEventName;
  readonly code: string;
  readonly message: string;
  readonly where?: Where;
}

export interface EventBusPorts {
  /** In the order of packages, then of registration; of the generation that is current now. */
  handlers(event: ExtensionEventName): readonly BoundHandler[];
  /** Keeps the current generation alive until it is disposed of. */
  hold(): Disposable;
  context(): CallContext;
  /** The user's message behind the run in which something happens. */
  origin(): CallOrigin | undefined;
  report(problem: HandlerProblem): void;
}

/** An event as packages get it: plain data under pi's names. */
export interface ExtensionEvent {
  readonly type: ExtensionEventName;
  readonly [field: string]: unknown;
}

/** Brings events to handlers, in the order of packages, and to each package in the order in which they happened. */
export interface Delivery {
  handlers(event: ExtensionEventName): readonly BoundHandler[];
  /** Keeps the current generation alive until it is disposed of. */
  hold(): Disposable;
  report(handler: BoundHandler, event: ExtensionEventName, error: unknown): void;
  /** Where a right is missing that can be asked for, this is where the user is asked. */
  mayHear(handler: BoundHandler, event: ExtensionEventName, signal?: AbortSignal): Promise<boolean>;
  /** Has one handler answer. `callers`: packages that wait for what the event is about. */
  deliver(handler: BoundHandler, event: ExtensionEvent, signal?: AbortSignal, callers?: readonly string[]): Promise<HandlerOutcome>;
  /** Settles when the package of `handler` has finished with everything it was told before. */
  caughtUp(handler: Pick<BoundHandler, 'sandboxed'>): Promise<void>;
  /** Asks the handlers one after the other, each with what those before it made of the event; `next` folds an answer in, or ends the round. */
  ask(event: () => ExtensionEvent, next: (outcome: HandlerOutcome, handler: BoundHandler) => 'go on' | 'stop', options?: AskOptions): Promise<void>;
  /** Tells everyone who listens. The promise settles when all have been told. */
  notify(event: ExtensionEvent, only?: (handler: BoundHandler) => boolean): Promise<void>;
  /** Settles when every handler that was told something has finished with it. */
  settled(): Promise<void>;
}

export interface AskOptions {
  readonly signal?: AbortSignal;
  /** Packages that wait for what the event is about, and are not asked. */
  readonly callers?: readonly string[];
  readonly only?: (handler: BoundHandler) => boolean;
}

/** Makes the delivery to the packages of the current generation. */
export function createDelivery(ports: EventBusPorts): Delivery {
  const report = (handler: BoundHandler, event: ExtensionEventName, error: unknown): void => {
    const code = isDashError(error) ? error.code : 'GUEST_ERROR';
    const where = isDashError(error) ? error.where : undefined;
    ports.report({
      package: handler.package,
      event,
      code,
      message: error instanceof Error ? error.message : String(error),
      ...(where === undefined ? {} : { where }),
    });
  };
  const deliver = (handler: BoundHandler, event: ExtensionEvent, signal?: AbortSignal, callers: readonly string[] = []): Promise<HandlerOutcome> => {
    const origin = ports.origin();
    return handler.sandboxed.deliver(handler.handler, event, {
      timeoutMs: EXTENSION_EVENTS[event.type].deadlineMs,
      context: ports.context(),
      ...(origin === undefined ? {} : { origin }),
      ...(signal === undefined ? {} : { signal }),
      ...(callers.length === 0 ? {} : { delegation: { callers, limits: [] } }),
    });
  };

  const mayHear = (handler: BoundHandler, event: ExtensionEventName, signal?: AbortSignal): Promise<boolean> => {
    const origin = ports.origin();
    return handler.sandboxed.mayHear(event, handler.needs, { ...(origin === undefined ? {} : { origin }), ...(signal === undefined ? {} : { signal }) });
  };

  const withoutChange = ({ value }: HandlerOutcome, handler: BoundHandler, name: ExtensionEventName): undefined => {
    if (!isNothing(value))
      report(
        handler,
        name,
        new DashError('PERMISSION_DENIED', `what the \`${name}\` handler answered was dropped: \`${handler.package}\` needs \`${handler.cannotChange}\``),
      );
  };

  // What a package was told and has not finished with, so that it meets events in their order.
  const told = new WeakMap<SandboxedPackage, Told>();
  const telling = new Set<Promise<void>>();
  const merge = mergeOnce();

  const ask: Delivery['ask'] = async (event, next, { signal, callers = [], only = () => true } = {}) => {
    const name = event().type;
    using _ = ports.hold();
    for (const handler of ports.handlers(name).filter((one) => !callers.includes(one.package) && only(one))) {
      await told.get(handler.sandboxed)?.settled;
      try {
        if (!(await mayHear(handler, name, signal))) continue;
        const outcome = await deliver(handler, event(), signal, callers);
        const change = handler.cannotChange === undefined ? outcome : withoutChange(outcome, handler, name);
        if (change !== undefined && next(change, handler) === 'stop') return;
      } catch (error) {
        report(handler, name, error);
      }
    }
  };

  const tell = (sandboxed: SandboxedPackage, handlers: readonly BoundHandler[], event: ExtensionEvent): Promise<void> => {
    const before = told.get(sandboxed) ?? { settled: Promise.resolve(), waiting: undefined };
    if (before.waiting !== undefined) {
      const merged = merge(before.waiting.event, event);
      if (merged !== undefined) {
        before.waiting.event = merged;
        return before.settled;
      }
    }
    const waiting = { event };
    const hold = ports.hold();
    const settled = before.settled.then(async () => {
      using _ = hold;
      const state = told.get(sandboxed);
      if (state?.waiting === waiting) state.waiting = undefined;
      for (const handler of handlers) {
        try {
          if (await mayHear(handler, event.type)) await deliver(handler, waiting.event);
        } catch (error) {
          report(handler, event.type, error);
        }
      }
    });
    told.set(sandboxed, { settled, waiting });
    telling.add(settled);
    void settled.finally(() => telling.delete(settled));
    return settled;
  };

  return {
    handlers: (event) => ports.handlers(event),
    hold: () => ports.hold(),
    report,
    deliver,
    mayHear,
    ask,
    async caughtUp({ sandboxed }) {
      await told.get(sandboxed)?.settled;
    },
    async notify(event, only = () => true) {
      const byPackage = Map.groupBy(ports.handlers(event.type).filter(only), ({ sandboxed }) => sandboxed);
      await Promise.all(
        [...byPackage].map(([sandboxed, handlers]) =>
          EXTENSION_EVENTS[event.type].wakes || sandboxed.pid !== undefined ? tell(sandboxed, handlers, event) : Promise.resolve(),
        ),
      );
    },
    async settled() {
      while (telling.size > 0) await Promise.all(telling);
    },
  };
}

/** What a package is being told, and the last event that has not begun. */
interface Told {
  readonly settled: Promise<void>;
  waiting: { event: ExtensionEvent } | undefined;
}

const FragmentEvent = Type.Object({
  type: Type.Literal('message_update'),
  assistantMessageEvent: Type.Object({ type: Type.String({ pattern: '_delta$' }), contentIndex: Type.Number(), delta: Type.String() }),
});

/** Packages that are busy with the same event wait with the same one: it is merged for the first of them. */
function mergeOnce(): typeof mergeUpdates {
  let last: { readonly waiting: ExtensionEvent; readonly next: ExtensionEvent; readonly merged: ExtensionEvent | undefined } | undefined;
  return (waiting, next) => {
    if (last?.waiting !== waiting || last.next !== next) last = { waiting, next, merged: mergeUpdates(waiting, next) };
    return last.merged;
  };
}

/** A busy package gets fragments of an answer in fewer, larger pieces; nothing is lost. */
function mergeUpdates(waiting: ExtensionEvent, next: ExtensionEvent): ExtensionEvent | undefined {
  if (!Value.Check(FragmentEvent, waiting) || !Value.Check(FragmentEvent, next)) return undefined;
  const [before, after] = [waiting.assistantMessageEvent, next.assistantMessageEvent];
  if (before.type !== after.type || before.contentIndex !== after.contentIndex) return undefined;
  return { ...next, assistantMessageEvent: { ...after, delta: before.delta + after.delta } };
}
