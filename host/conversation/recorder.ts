import type { AgentEvent } from '../loop/agent-event.ts';
import { atTurnEnd, type BoundaryPlace } from './boundary.ts';
import type { EventBus } from '../bus/event-bus.ts';
import { isExtensionEvent } from '../bus/extension-events.ts';
import type { HostEvent } from '../host-event.ts';
import { AUDIT_ENTRY, type AuditHead } from '../session/audit-anchor.ts';
import type { Session } from '../session/session.ts';
import type { AgentMessage } from '../loop/transcript.ts';
import type { Provenance } from './provenance.ts';

export interface RecorderOptions {
  readonly bus: EventBus;
  readonly session: () => Session;
  readonly provenance: Provenance;
  /** Where a turn ends, now. */
  readonly place: () => BoundaryPlace;
  readonly emit: (event: HostEvent) => Promise<void>;
  /** The newest line of the audit trail; `undefined` as long as no package was opened. */
  readonly auditHead: () => AuditHead | undefined;
}

/** Writes down what happens in a run and tells it. */
export interface Recorder {
  append(message: AgentMessage): void;
  /** Tells the host's listeners and the packages. */
  announce(event: AgentEvent): Promise<void>;
  /** Writes down first, then tells: nobody hears of a message that is not in the file. */
  tell(event: AgentEvent): Promise<void>;
}

/** Makes the recorder of a conversation. */
export function createRecorder({ bus, session, provenance, place, emit, auditHead }: RecorderOptions): Recorder {
  let anchored: string | undefined;

  const append = (message: AgentMessage): void => void session().appendMessage(message, provenance.take(message));

  const announce = async (event: AgentEvent): Promise<void> => {
    await emit(event);
    if (event.type === 'message_update') return bus.stream(event);
    // `message_end` has been through the bus already: its handlers may change the message.
    if (event.type === 'message_end' || !isExtensionEvent(event.type) || !bus.listens(event.type)) return;
    if (event.type === 'turn_end') {
      const here = place();
      for (const message of await atTurnEnd(event, here)) here.queues.steer(message);
      return;
    }
    const told = bus.notify({ ...event, type: event.type });
    if (event.type === 'agent_end') await told;
  };

  /** Whoever takes the last lines of the trail away would have to change the session, too. */
  const anchorAudit = (): void => {
    const head = auditHead();
    if (head === undefined || head.hash === anchored) return;
    anchored = head.hash;
    session().append({ type: 'custom', customType: AUDIT_ENTRY, data: { file: head.file, hash: head.hash } });
  };

  return {
    append,
    announce,
    async tell(event) {
      if (event.type === 'message_end') append(event.message);
      if (event.type === 'agent_end') anchorAudit();
      if (event.type === 'turn_end' || event.type === 'agent_end') session().sync();
      await announce(event);
    },
  };
}
