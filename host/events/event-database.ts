import { chmodSync, closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { makeDirectory } from '../../format/index.ts';
import { insertInto, type Row, SCHEMA, SCHEMA_VERSION } from './schema.ts';

/** The database of what happened. It can be thrown away: `dash stats --rebuild` makes it anew from sessions and audit trails. */
export interface EventDatabase extends Disposable {
  /** Writes rows in one transaction. */
  write(rows: readonly Row[]): void;
  /** Gives the rows of a question. */
  all(question: string, parameters?: Readonly<Record<string, number | string>>): readonly Readonly<Record<string, unknown>>[];
  clear(): void;
}

/** How long another process that writes is waited for. */
const BUSY_TIMEOUT_MS = 5_000;

/** Who ran is of no interest for long; what was done stays in the other tables. */
const KEEP_AGENTS_MS = 7 * 24 * 3_600_000;

/** Where it lies. */
export function eventDatabasePath(dashHome: string): string {
  return join(dashHome, 'events.db');
}

/** Opens it, and makes it where there is none. `node:sqlite` is loaded only now: a start does not pay for it. */
export async function openEventDatabase(dashHome: string): Promise<EventDatabase> {
  const { DatabaseSync: Database } = await import('node:sqlite');
  makeDirectory(dashHome, 0o700);
  const path = eventDatabasePath(dashHome);
  // Made by us first: SQLite would make it readable for everybody whose umask allows it.
  closeSync(openSync(path, 'a', 0o600));
  chmodSync(path, 0o600);
  const database = new Database(path, { timeout: BUSY_TIMEOUT_MS });
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;');
  migrate(database);
  database.prepare('DELETE FROM agents WHERE coalesce(ended, seen) < ?').run(Date.now() - KEEP_AGENTS_MS);
  const statements = new Map<Row['table'], ReturnType<DatabaseSync['prepare']>>();
  const statementFor = (table: Row['table']): ReturnType<DatabaseSync['prepare']> => {
    const statement = statements.get(table) ?? database.prepare(insertInto(table));
    statements.set(table, statement);
    return statement;
  };
  return {
    write(rows) {
      database.exec('BEGIN IMMEDIATE');
      try {
        for (const { table, ...values } of rows) statementFor(table).run(values);
        database.exec('COMMIT');
      } catch (error) {
        database.exec('ROLLBACK');
        throw error;
      }
    },
    all: (question, parameters = {}) => database.prepare(question).all(parameters),
    clear() {
      database.exec('DELETE FROM runs; DELETE FROM model_calls; DELETE FROM tool_calls; DELETE FROM decisions;');
    },
    [Symbol.dispose]: () => database.close(),
  };
}

/** A database of another version is derived data: it begins anew. */
function migrate(database: DatabaseSync): void {
  const version = database.prepare('PRAGMA user_version').get()?.['user_version'];
  if (version !== SCHEMA_VERSION && version !== 0)
    database.exec(
      'DROP TABLE IF EXISTS runs; DROP TABLE IF EXISTS model_calls; DROP TABLE IF EXISTS tool_calls; DROP TABLE IF EXISTS decisions; DROP TABLE IF EXISTS agents;',
    );
  database.exec(`${SCHEMA} PRAGMA user_version = ${SCHEMA_VERSION};`);
}
