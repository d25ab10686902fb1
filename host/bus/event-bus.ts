import { type BoundHandler, createDelivery, type EventBusPorts, type ExtensionEvent } from './delivery.ts';
import type { ExtensionEventName } from './extension-events.ts';
import { type InputEvents, inputEvents } from './input-events.ts';
import type { StreamEvent } from './pieces.ts';
import { type RequestEvents, requestEvents } from './request-events.ts';
import { type SessionEvents, sessionEvents } from './session-events.ts';
import { type ToolEvents, toolEvents } from './tool-events.ts';

/** What the host tells packages and asks them, one method for each kind of question. */
export interface EventBus extends InputEvents, RequestEvents, ToolEvents, SessionEvents {
  listens(event: ExtensionEventName): boolean;
  /** Tells everyone who listens. The promise settles when all have been told; a run does not wait for it. */
  notify(event: ExtensionEvent, only?: (handler: BoundHandler) => boolean): Promise<void>;
  /** Tells of a piece of a streaming answer, soon: with what follows it, and before everything else that packages are told or asked. */
  stream(event: StreamEvent): void;
  /** Settles when every handler that was told something has finished with it. */
  settled(): Promise<void>;
}

/** Makes the bus between the host and the packages of its current generation. */
export function createEventBus(ports: EventBusPorts): EventBus {
  const delivery = createDelivery(ports);
  return {
    listens: (event) => delivery.handlers(event).length > 0,
    notify: delivery.notify,
    stream: delivery.stream,
    settled: delivery.settled,
    ...inputEvents(delivery),
    ...requestEvents(delivery),
    ...toolEvents(delivery),
    ...sessionEvents(delivery),
  };
}
