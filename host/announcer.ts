import type { HandlerProblem } from './bus/delivery.ts';
import type { HostEvent, HostListener } from './host-event.ts';

/** Tells whoever watches the host what happens in it. */
export interface Announcer {
  subscribe(listener: HostListener): () => void;
  /** Settles when every listener has taken it, one after the other. */
  emit(event: HostEvent): Promise<void>;
  /** A handler of a package failed: the run goes on. */
  report(problem: HandlerProblem): void;
}

/** Makes an announcer whom nobody listens to yet. */
export function createAnnouncer(): Announcer {
  const listeners = new Set<HostListener>();
  const emit = async (event: HostEvent): Promise<void> => {
    for (const listener of listeners) await listener(event);
  };
  return {
    emit,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    report({ package: name, event, code, message, where }) {
      void emit({ type: 'extension_error', extensionPath: name, event, error: message, code, ...(where === undefined ? {} : { where }) });
    },
  };
}
