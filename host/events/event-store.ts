import { randomUUID } from 'node:crypto';
import type { AuditRecord } from '../../sandbox/index.ts';
import type { HostEvent } from '../host-event.ts';
import type { AssistantMessage } from '../model/messages.ts';
import { type EventDatabase, openEventDatabase } from './event-database.ts';
import { createPresence, type Presence } from './presence.ts';
import type { Row } from './schema.ts';

/** Which session something happens in, and whose a tool is. */
export interface EventPlace {
  readonly cwd: string;
  readonly session: () => string;
  readonly packageOf: (tool: string) => string | undefined;
}

/** Writes down what happens, in batches, beside the work: it never holds a run up and never fails one. */
export interface EventStore extends AsyncDisposable {
  /** A listener for one host. */
  follow(place: EventPlace): (event: HostEvent) => void;
  /** A line of the audit trail, as it is written there. */
  decided(record: Omit<AuditRecord, 'time'>): void;
  /** Writes what waits. */
  flush(): Promise<void>;
}

const BATCH_MS = 50;
const BATCH_ROWS = 500;
/** Where the disk does not take them, this many rows wait; the sessions and the trail still have everything. */
const MOST_WAITING = 20_000;

/** A line of the trail may stand for very many. */
const MOST_REPEATED = 1_000;

/** Makes the store; opens nothing until there is something to write. `failed` is told once. */
export function createEventStore(dashHome: string, failed: (error: unknown) => void = () => undefined): EventStore {
  let waiting: Row[] = [];
  let timer: NodeJS.Timeout | undefined;
  let opening: Promise<EventDatabase> | undefined;
  let writing: Promise<void> = Promise.resolve();
  let hasFailed = false;
  let session: string | null = null;
  const present: Presence[] = [];

  const write = async (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    const rows = waiting;
    if (rows.length === 0) return;
    waiting = [];
    try {
      opening ??= openEventDatabase(dashHome);
      (await opening).write(rows);
    } catch (error) {
      opening = undefined;
      waiting = [...rows, ...waiting].slice(-MOST_WAITING);
      if (!hasFailed) failed(error);
      hasFailed = true;
    }
  };
  const flush = (): Promise<void> => (writing = writing.then(write));
  const add = (row: Row): void => {
    waiting.push(row);
    if (waiting.length >= BATCH_ROWS) void flush();
    else timer ??= setTimeout(() => void flush(), BATCH_MS).unref();
  };

  return {
    follow(place) {
      const record = recorder(place, add);
      const presence = createPresence(place, add);
      present.push(presence);
      return (event) => {
        session = place.session();
        record(event);
        presence.heard(event);
      };
    },
    decided(record) {
      if (record['event.name'] !== 'decision' || record.decision === undefined) return;
      const { capability = '', decision, rule = null, permission = null, repeated = 1 } = record;
      const row: Row = { table: 'decisions', session, time: Date.now(), package: record['dash.package'] ?? '', capability, decision, rule, permission };
      for (let times = 0; times < Math.min(repeated, MOST_REPEATED); times += 1) add(row);
    },
    flush,
    async [Symbol.asyncDispose]() {
      for (const presence of present) presence.end();
      await flush();
      if (opening !== undefined) (await opening.catch(() => undefined))?.[Symbol.dispose]();
    },
  };
}

/** Turns the events of one host into rows. Fragments are counted, not kept. */
function recorder({ cwd, session, packageOf }: EventPlace, add: (row: Row) => void): (event: HostEvent) => void {
  let run = { id: '', started: 0, turns: 0, outcome: 'completed' };
  let answer = { began: 0, fragments: 0 };
  const putRun = (ended: number | null): void => {
    const { id, started, turns, outcome } = run;
    add({ table: 'runs', id, session: session(), cwd, started, ended, turns, outcome: ended === null ? null : outcome });
  };
  return (event) => {
    const now = Date.now();
    switch (event.type) {
      case 'agent_start':
        run = { id: randomUUID(), started: now, turns: 0, outcome: 'completed' };
        return putRun(null);
      case 'turn_start':
        run.turns += 1;
        return;
      case 'message_start':
        if (event.message.role === 'assistant') answer = { began: now, fragments: 0 };
        return;
      case 'message_update':
        answer.fragments += 1;
        return;
      case 'message_end':
        if (event.message.role !== 'assistant') return;
        if (event.message.stopReason === 'error' || event.message.stopReason === 'aborted') run.outcome = event.message.stopReason;
        else run.outcome = 'completed';
        return add(modelCall(event.message, { run: run.id, session: session(), time: now, duration_ms: now - answer.began, fragments: answer.fragments }));
      case 'tool_execution_end':
        return add({
          table: 'tool_calls',
          run: run.id,
          session: session(),
          time: now,
          name: event.toolName,
          package: packageOf(event.toolName) ?? null,
          // what was refused never ran; a user who is asked takes their own time
          duration_ms: event.workedMs ?? null,
          is_error: Number(event.isError),
        });
      case 'agent_end':
        return putRun(now);
      default:
        return;
    }
  };
}

/** The row of one answer. */
export function modelCall(
  { provider, model, usage, stopReason }: AssistantMessage,
  when: { readonly run: string; readonly session: string; readonly time: number; readonly duration_ms: number | null; readonly fragments: number | null },
): Row {
  const { input, output, cacheRead, cacheWrite, cost } = usage;
  return {
    table: 'model_calls',
    ...when,
    provider,
    model,
    input,
    output,
    cache_read: cacheRead,
    cache_write: cacheWrite,
    cost: cost.total,
    stop_reason: stopReason,
  };
}
