import { DashError, isDashError, type PlainArea, type Where } from '../../format/index.ts';
import type { Announcement, CallContext, CallOrigin, HandlerOutcome, SandboxedPackage } from '../../sandbox/index.ts';
import { isNothing } from './event-answers.ts';
import { EXTENSION_EVENTS, type ExtensionEventName } from './extension-events.ts';
import { gatherPieces, type StreamEvent } from './pieces.ts';
import { createTelling } from './telling.ts';

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
  /** Tells of a piece of a streaming answer, soon: with what follows it, and before everything else that packages are told or asked. */
  stream(event: StreamEvent): void;
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
  const deliver: Delivery['deliver'] = (handler, event, signal, callers = []) => bring(handler, event.type, event, signal, callers);
  const bring = (
    handler: BoundHandler,
    name: ExtensionEventName,
    event: ExtensionEvent | Announcement,
    signal?: AbortSignal,
    callers: readonly string[] = [],
  ): Promise<HandlerOutcome> => {
    const origin = ports.origin();
    return handler.sandboxed.deliver(handler.handler, event, {
      timeoutMs: EXTENSION_EVENTS[name].deadlineMs,
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

  const telling = createTelling({ bring, mayHear, report });

  const ask: Delivery['ask'] = async (event, next, { signal, callers = [], only = () => true } = {}) => {
    const name = event().type;
    using _ = ports.hold();
    pieces.flush();
    for (const handler of ports.handlers(name).filter((one) => !callers.includes(one.package) && only(one))) {
      await caughtUp(handler);
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

  const tellAll = async (event: ExtensionEvent, only: (handler: BoundHandler) => boolean = () => true): Promise<void> => {
    const byPackage = Map.groupBy(ports.handlers(event.type).filter(only), ({ sandboxed }) => sandboxed);
    const { wakes } = EXTENSION_EVENTS[event.type];
    const awake = [...byPackage].filter(([sandboxed]) => wakes || sandboxed.pid !== undefined);
    if (awake.length === 0) return;
    using _ = ports.hold();
    await Promise.all(awake.map(([sandboxed, handlers]) => telling.tell(sandboxed, handlers, event)));
  };

  const pieces = gatherPieces({
    isHeard: () => ports.handlers('message_update').length > 0,
    tell: (event) => void tellAll(event),
  });

  const caughtUp: Delivery['caughtUp'] = async ({ sandboxed }) => {
    pieces.flush();
    await telling.caughtUp(sandboxed);
  };

  return {
    handlers: (event) => ports.handlers(event),
    hold: () => ports.hold(),
    report,
    deliver,
    mayHear,
    ask,
    caughtUp,
    notify(event, only) {
      pieces.flush();
      return tellAll(event, only);
    },
    stream: pieces.add,
    async settled() {
      pieces.flush();
      await telling.settled();
    },
  };
}
