import { join } from 'node:path';
import { isDashError } from '../../format/index.ts';
import { readAuditTrails } from '../../sandbox/index.ts';
import { listSessions } from '../session/session-library.ts';
import { readSession } from '../session/session-file.ts';
import { openEventDatabase } from './event-database.ts';
import { modelCall } from './event-store.ts';
import type { Row } from './schema.ts';

/** Fills `events.db` anew from the sessions and the audit trails: what took how long is not in them and stays unknown. */
export async function rebuildEvents(dashHome: string): Promise<{ readonly sessions: number; readonly unreadable: readonly string[] }> {
  using database = await openEventDatabase(dashHome);
  database.clear();
  const unreadable: string[] = [];
  const sessions = await listSessions(dashHome);
  for (const { path, id, cwd } of sessions) {
    try {
      database.write(await rowsOf(path, id, cwd));
    } catch (error) {
      if (!isDashError(error)) throw error;
      unreadable.push(path);
    }
  }
  for (const { records } of readAuditTrails(join(dashHome, 'audit'))) {
    database.write(
      records.flatMap((record): readonly Row[] => {
        if (record['event.name'] !== 'decision' || record.decision === undefined) return [];
        const { capability = '', decision, rule = null, permission = null, repeated = 0 } = record;
        const row: Row = {
          table: 'decisions',
          session: null,
          time: Date.parse(record.time),
          package: record['dash.package'] ?? '',
          capability,
          decision,
          rule,
          permission,
        };
        return repeated > 0 ? Array.from({ length: Math.min(repeated, 1_000) }, () => row) : [row];
      }),
    );
  }
  return { sessions: sessions.length, unreadable };
}

/** A run goes from a message of the user's to the next. */
async function rowsOf(path: string, session: string, cwd: string): Promise<readonly Row[]> {
  const rows: Row[] = [];
  let run: Extract<Row, { table: 'runs' }> | undefined;
  const { entries } = await readSession(path);
  for (const entry of entries) {
    if (entry.type !== 'message') continue;
    const { message } = entry;
    const time = Date.parse(entry.timestamp);
    if (message.role === 'user') {
      if (run !== undefined) rows.push(run);
      run = { table: 'runs', id: `${session}/${entry.id}`, session, cwd, started: time, ended: time, turns: 0, outcome: 'completed' };
    }
    const id = run?.id ?? session;
    if (message.role === 'assistant') {
      const outcome = message.stopReason === 'error' || message.stopReason === 'aborted' ? message.stopReason : 'completed';
      if (run !== undefined) run = { ...run, ended: time, turns: run.turns + 1, outcome };
      rows.push(modelCall(message, { run: id, session, time, duration_ms: null, fragments: null }));
    }
    if (message.role === 'toolResult')
      rows.push({ table: 'tool_calls', run: id, session, time, name: message.toolName, package: null, duration_ms: null, is_error: Number(message.isError) });
  }
  return run === undefined ? rows : [...rows, run];
}
