import type { AgentEvent } from '../loop/agent-event.ts';

/** An event about a part of a streaming answer. */
export type StreamEvent = Extract<AgentEvent, { readonly type: 'message_update' }>;

/**
 * How long packages wait for the pieces of an answer. They come by the hundred in a second, a message to a process costs a
 * thousand times what a piece does, and nobody reads faster than twenty pictures a second.
 */
export const GATHERING_MS = 50;

/** The part of a streaming answer that packages have not been told of yet, once for all of them. */
export interface Pieces {
  /** Takes a piece; it is told with those that come soon. */
  add(event: StreamEvent): void;
  /** Tells at once what was gathered. Comes before everything else that a package is told. */
  flush(): void;
}

export interface PiecesOptions {
  /** Whether anybody listens: asked once for what is gathered, and not for each piece. */
  readonly isHeard: () => boolean;
  /** Called with each event in its order; pieces of the same text have become one. */
  readonly tell: (event: StreamEvent) => void;
}

/** Gathers pieces for {@link GATHERING_MS}, or until something else is to be told. */
export function gatherPieces({ isHeard, tell }: PiecesOptions): Pieces {
  let gathered: Gathered[] = [];
  let last: Gathered | undefined;
  let timer: NodeJS.Timeout | undefined;
  const flush = (): void => {
    if (last === undefined) return;
    clearTimeout(timer);
    const told = gathered;
    gathered = [];
    last = undefined;
    for (const { event, text } of told) tell(withText(event, text));
  };
  return {
    add(event) {
      const part = event.assistantMessageEvent;
      if (last !== undefined && 'delta' in part) {
        const before = last.event.assistantMessageEvent;
        if (before.type === part.type && before.contentIndex === part.contentIndex) {
          last.event = event;
          last.text += part.delta;
          return;
        }
      }
      if (last === undefined) {
        if (!isHeard()) return;
        timer = setTimeout(flush, GATHERING_MS);
      }
      last = { event, text: 'delta' in part ? part.delta : '' };
      gathered.push(last);
    },
    flush,
  };
}

/** Pieces of one text, or one other event: the newest, with the text of all of them. */
interface Gathered {
  event: StreamEvent;
  text: string;
}

function withText(event: StreamEvent, text: string): StreamEvent {
  const part = event.assistantMessageEvent;
  return 'delta' in part && part.delta !== text ? { ...event, assistantMessageEvent: { ...part, delta: text } } : event;
}
