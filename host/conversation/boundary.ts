import type { AgentEvent } from '../loop/agent-event.ts';
import type { ExtensionEvent } from '../bus/delivery.ts';
import type { EventBus } from '../bus/event-bus.ts';
import type { Queues } from '../loop/queues.ts';
import { projectPath } from '../session/context.ts';
import { type SessionEntry, toLine } from '../session/entry.ts';
import type { Session } from '../session/session.ts';
import { type AgentMessage, type CustomMessage, toModelMessages } from '../loop/transcript.ts';

/** Where a turn or a run ends. */
export interface BoundaryPlace {
  readonly bus: EventBus;
  readonly session: Session;
  readonly queues: Queues;
  /** Told whose a message is that goes through the run. */
  readonly said: (message: CustomMessage, by: string) => void;
}

type Outcome = 'completed' | 'aborted' | 'error';

/** Asks at the end of a run. @returns what the agent goes on with; nothing to let it end */
export function beforeSettle(outcome: Outcome, place: BoundaryPlace): Promise<readonly CustomMessage[]> {
  return ask({ type: 'agent_before_settle' }, outcome, false, place);
}

/** Asks at the end of a turn. @returns what the next turn begins with */
export function atTurnEnd(event: Extract<AgentEvent, { type: 'turn_end' }>, place: BoundaryPlace): Promise<readonly CustomMessage[]> {
  const { stopReason } = event.message;
  const outcome = stopReason === 'aborted' || stopReason === 'error' ? stopReason : 'completed';
  return ask({ ...event, ...entriesOf(event, place.session) }, outcome, event.toolResults.length > 0, place);
}

async function ask(event: ExtensionEvent, outcome: Outcome, goesOn: boolean, { bus, session, queues, said }: BoundaryPlace): Promise<readonly CustomMessage[]> {
  if (!bus.listens(event.type)) return [];
  const projected = projectPath(session.tree.path());
  const messages = projected.flatMap((one) => one.messages);
  const { steering, followUp } = queues.waiting();
  const context = {
    contextEntries: projected.map(({ entry, messages: shown }) => ({ sourceEntry: toLine(entry), messages: shown })),
    contextMessages: messages,
    llmMessages: toModelMessages(messages),
    pendingMessages: [...steering, ...followUp],
    canContinue: outcome === 'completed',
  };
  const { entries, goOn } = await bus.boundary({ ...event, outcome, context });
  const next: CustomMessage[] = [];
  for (const { package: owner, ...entry } of entries) {
    // The run holds its own transcript: what it is to see goes through it, everything else into the file.
    if (entry.type === 'custom_message' && (goOn || goesOn) && outcome === 'completed') {
      const { customType, content, display, details } = entry;
      const message: CustomMessage = {
        role: 'custom',
        package: owner,
        customType,
        content,
        display,
        ...(details === undefined ? {} : { details }),
        timestamp: Date.now(),
      };
      said(message, owner);
      next.push(message);
    } else if (entry.type !== 'context_edit' || session.tree.entry(entry.targetId) !== undefined)
      session.append(entry.type === 'context_edit' ? entry : { ...entry, package: owner });
  }
  return next;
}

/** Where the messages of a turn stand in the file. */
function entriesOf({ message, toolResults }: Extract<AgentEvent, { type: 'turn_end' }>, session: Session): Readonly<Record<string, unknown>> {
  const path = session.tree.path();
  const isOf = (entry: SessionEntry, wanted: AgentMessage): boolean => entry.type === 'message' && entry.message === wanted;
  const idOf = (wanted: AgentMessage): string | undefined => path.findLast((record) => record.kind === 'message' && isOf(record.load(), wanted))?.id;
  return { messageEntryId: idOf(message), toolResultEntryIds: toolResults.map(idOf).filter((id) => id !== undefined) };
}
