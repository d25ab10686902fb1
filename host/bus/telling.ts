import { Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { Announcement, type HandlerOutcome, type SandboxedPackage } from '../../sandbox/index.ts';
import type { BoundHandler, ExtensionEvent } from './delivery.ts';
import type { ExtensionEventName } from './extension-events.ts';

export interface TellingPorts {
  /** Brings one event to one handler. */
  bring(handler: BoundHandler, name: ExtensionEventName, event: ExtensionEvent | Announcement): Promise<HandlerOutcome>;
  mayHear(handler: BoundHandler, name: ExtensionEventName): Promise<boolean>;
  report(handler: BoundHandler, name: ExtensionEventName, error: unknown): void;
}

/** Tells packages what nobody waits for: each package one event after the other, and what comes while it is busy waits. */
export interface Telling {
  /** Settles when the package has been told. */
  tell(sandboxed: SandboxedPackage, handlers: readonly BoundHandler[], event: ExtensionEvent): Promise<void>;
  /** Settles when a package has finished with everything it was told; `undefined` when it has. */
  caughtUp(sandboxed: SandboxedPackage): Promise<void> | undefined;
  /** Settles when all have. */
  settled(): Promise<void>;
}

/** What a package is being told, and the last event that has not begun. */
interface Told {
  settled: Promise<void>;
  waiting: { event: ExtensionEvent } | undefined;
}

/** Makes the telling, with nobody told anything yet. */
export function createTelling({ bring, mayHear, report }: TellingPorts): Telling {
  const told = new Map<SandboxedPackage, Told>();
  const merge = mergeOnce();
  const announce = announceOnce();

  const run = async (
    sandboxed: SandboxedPackage,
    handlers: readonly BoundHandler[],
    state: Told,
    { event }: { readonly event: ExtensionEvent },
  ): Promise<void> => {
    state.waiting = undefined;
    for (const handler of handlers) {
      try {
        const isFree = handler.needs.every((area) => sandboxed.holds(area));
        if (isFree || (await mayHear(handler, event.type))) await bring(handler, event.type, announce(event));
      } catch (error) {
        report(handler, event.type, error);
      }
    }
    if (told.get(sandboxed) === state) told.delete(sandboxed);
  };

  return {
    tell(sandboxed, handlers, event) {
      const before = told.get(sandboxed);
      if (before?.waiting !== undefined) {
        const merged = merge(before.waiting.event, event);
        if (merged !== undefined) {
          before.waiting.event = merged;
          return before.settled;
        }
      }
      const waiting = { event };
      const state: Told = { settled: Promise.resolve(), waiting };
      told.set(sandboxed, state);
      const begin = (): Promise<void> => run(sandboxed, handlers, state, waiting);
      state.settled = before === undefined ? begin() : before.settled.then(begin);
      return state.settled;
    },
    caughtUp: (sandboxed) => told.get(sandboxed)?.settled,
    async settled() {
      while (told.size > 0) await Promise.all([...told.values()].map(({ settled }) => settled));
    },
  };
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

/** What is told to several packages is written for all of them at once. A package keeps the event that its session began with. */
function announceOnce(): (event: ExtensionEvent) => ExtensionEvent | Announcement {
  const announced = new WeakMap<ExtensionEvent, Announcement>();
  return (event) => {
    if (event.type === 'session_start') return event;
    const known = announced.get(event) ?? new Announcement(event);
    announced.set(event, known);
    return known;
  };
}

/** A busy package gets fragments of an answer in fewer, larger pieces; nothing is lost. */
function mergeUpdates(waiting: ExtensionEvent, next: ExtensionEvent): ExtensionEvent | undefined {
  if (!Value.Check(FragmentEvent, waiting) || !Value.Check(FragmentEvent, next)) return undefined;
  const [before, after] = [waiting.assistantMessageEvent, next.assistantMessageEvent];
  if (before.type !== after.type || before.contentIndex !== after.contentIndex) return undefined;
  return { ...next, assistantMessageEvent: { ...after, delta: before.delta + after.delta } };
}
