import type { EventDatabase } from '../event-database.ts';
import { bornOf } from '../presence.ts';

/** An agent as the page shows it. Times are milliseconds since the epoch. */
export interface LiveAgent {
  readonly id: string;
  readonly pid: number;
  readonly session: string;
  readonly cwd: string;
  readonly started: number;
  readonly state: 'idle' | 'working' | 'waiting' | 'stalled';
  readonly doing: string | null;
  readonly since: number;
  /** Dollars of its session. */
  readonly cost: number;
  readonly toolCalls: number;
  readonly denials: number;
}

/** One thing that happened. */
export interface Happening {
  readonly kind: 'model' | 'tool' | 'denial';
  readonly time: number;
  readonly session: string | null;
  /** The model, the tool, or what was denied. */
  readonly what: string;
  readonly package: string | null;
  readonly durationMs: number | null;
  readonly cost: number | null;
  readonly failed: boolean;
  /** Of a denial: what denied it. */
  readonly rule: string | null;
}

/** Where a reader of what happens has come to, by the rows of the three tables. */
export interface Cursor {
  readonly model: number;
  readonly tool: number;
  readonly decision: number;
}

/** A model that says nothing, and a tool that runs, for so long have probably stopped. */
const STALLED_MS = { model: 60_000, tool: 300_000 } as const;

/** Whether an agent at work still gives a sign of life. */
export function isStalled({ doing, seen }: { readonly doing: string | null; readonly seen: number }, now: number): boolean {
  return now - seen > STALLED_MS[doing === null ? 'model' : 'tool'];
}

/** The agents whose processes are there, those that wait for somebody first. */
export function readAgents(database: EventDatabase, now = Date.now()): readonly LiveAgent[] {
  const rows = database.all(
    `SELECT id, pid, born, session, cwd, started, state, doing, since, seen,
       (SELECT coalesce(sum(cost), 0) FROM model_calls WHERE model_calls.session = agents.session) AS cost,
       (SELECT count(*) FROM tool_calls WHERE tool_calls.session = agents.session) AS toolCalls,
       (SELECT count(*) FROM decisions WHERE decisions.session = agents.session AND decision = 'deny') AS denials
     FROM agents WHERE ended IS NULL`,
  ) as unknown as readonly AgentRow[];
  // its number may be another process's by now
  const running = rows.filter(({ pid, born }) => bornOf(pid) === born);
  return running.map((row) => toAgent(row, now)).toSorted((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state) || a.started - b.started);
}

type AgentRow = LiveAgent & { readonly born: string; readonly seen: number };

/** Without its sign of life: a page that is told at each would have nothing to show for it. */
function toAgent({ id, pid, session, cwd, started, state, doing, since, seen, cost, toolCalls, denials }: AgentRow, now: number): LiveAgent {
  const shown = state === 'working' && isStalled({ doing, seen }, now) ? 'stalled' : state;
  return { id, pid, session, cwd, started, state: shown, doing, since, cost, toolCalls, denials };
}

const ORDER: readonly LiveAgent['state'][] = ['waiting', 'stalled', 'working', 'idle'];

/** How much of what happened before is told to who begins to read. */
const EARLIER = 60;

/** The place before the newest happenings, to begin to read at. */
export function beginning(database: EventDatabase): Cursor {
  const last = end(database);
  return { model: Math.max(0, last.model - EARLIER), tool: Math.max(0, last.tool - EARLIER), decision: Math.max(0, last.decision - EARLIER) };
}

/** The place behind the newest. */
export function end(database: EventDatabase): Cursor {
  const newest = (table: string): number => Number(database.all(`SELECT coalesce(max(rowid), 0) AS last FROM ${table}`)[0]?.['last']);
  return { model: newest('model_calls'), tool: newest('tool_calls'), decision: newest('decisions') };
}

/** What happened after `cursor`, in its order, where that ends, and whether there is more at once. */
export function readHappenings(
  database: EventDatabase,
  cursor: Cursor,
  most = 500,
): { readonly happenings: readonly Happening[]; readonly cursor: Cursor; readonly isMore: boolean } {
  const read = (question: string, after: number): readonly HappeningRow[] =>
    database.all(`${question} ORDER BY row LIMIT :most`, { after, most }) as unknown as readonly HappeningRow[];
  const model = read(
    `SELECT rowid AS row, 'model' AS kind, time, session, provider || '/' || model AS what, NULL AS package, duration_ms AS durationMs, cost,
       stop_reason IN ('error', 'aborted') AS failed, NULL AS rule FROM model_calls WHERE rowid > :after`,
    cursor.model,
  );
  const tool = read(
    `SELECT rowid AS row, 'tool' AS kind, time, session, name AS what, package, duration_ms AS durationMs, NULL AS cost, is_error AS failed, NULL AS rule
     FROM tool_calls WHERE rowid > :after`,
    cursor.tool,
  );
  const decision = read(
    `SELECT rowid AS row, 'denial' AS kind, time, session, capability AS what, package, NULL AS durationMs, NULL AS cost, 1 AS failed, rule
     FROM decisions WHERE decision = 'deny' AND rowid > :after`,
    cursor.decision,
  );
  const last = (rows: readonly { readonly row: number }[], before: number): number => rows.at(-1)?.row ?? before;
  return {
    happenings: [...model, ...tool, ...decision].map(toHappening).toSorted((a, b) => a.time - b.time),
    cursor: { model: last(model, cursor.model), tool: last(tool, cursor.tool), decision: last(decision, cursor.decision) },
    isMore: [model, tool, decision].some((rows) => rows.length === most),
  };
}

/** SQLite has no yes and no. */
type HappeningRow = Omit<Happening, 'failed'> & { readonly row: number; readonly failed: number };

function toHappening({ kind, time, session, what, package: owner, durationMs, cost, failed, rule }: HappeningRow): Happening {
  return { kind, time, session, what, package: owner, durationMs, cost, failed: failed !== 0, rule };
}

/** A place as it travels in `Last-Event-ID`. */
export function formatCursor({ model, tool, decision }: Cursor): string {
  return `${model}-${tool}-${decision}`;
}

/** Reads it back; a database that was made anew has no such place, and who says nonsense begins anew. */
export function parseCursor(text: string | undefined, database: EventDatabase): Cursor {
  const [, model, tool, decision] = /^(\d{1,15})-(\d{1,15})-(\d{1,15})$/.exec(text ?? '')?.map(Number) ?? [];
  if (model === undefined || tool === undefined || decision === undefined) return beginning(database);
  const last = end(database);
  return model > last.model || tool > last.tool || decision > last.decision ? beginning(database) : { model, tool, decision };
}
