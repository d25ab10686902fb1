/** The tables of `events.db`. Times are milliseconds since the epoch, costs US dollars; no text of anybody is kept. */
export const SCHEMA_VERSION = 1;

export const SCHEMA = `
CREATE TABLE IF NOT EXISTS runs (
  id TEXT PRIMARY KEY, session TEXT NOT NULL, cwd TEXT NOT NULL, started REAL NOT NULL, ended REAL, turns INTEGER NOT NULL DEFAULT 0, outcome TEXT
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS model_calls (
  run TEXT NOT NULL, session TEXT NOT NULL, time REAL NOT NULL, provider TEXT NOT NULL, model TEXT NOT NULL,
  input INTEGER NOT NULL, output INTEGER NOT NULL, cache_read INTEGER NOT NULL, cache_write INTEGER NOT NULL,
  cost REAL NOT NULL, duration_ms REAL, fragments INTEGER, stop_reason TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS tool_calls (
  run TEXT NOT NULL, session TEXT NOT NULL, time REAL NOT NULL, name TEXT NOT NULL, package TEXT, duration_ms REAL, is_error INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS decisions (
  session TEXT, time REAL NOT NULL, package TEXT NOT NULL, capability TEXT NOT NULL, decision TEXT NOT NULL, rule TEXT, permission TEXT
);
CREATE TABLE IF NOT EXISTS agents (
  id TEXT PRIMARY KEY, pid INTEGER NOT NULL, born TEXT NOT NULL, session TEXT NOT NULL, cwd TEXT NOT NULL,
  started REAL NOT NULL, state TEXT NOT NULL, doing TEXT, since REAL NOT NULL, seen REAL NOT NULL, ended REAL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS model_calls_time ON model_calls (time);
CREATE INDEX IF NOT EXISTS tool_calls_time ON tool_calls (time);
CREATE INDEX IF NOT EXISTS decisions_time ON decisions (time);
CREATE INDEX IF NOT EXISTS model_calls_session ON model_calls (session);
CREATE INDEX IF NOT EXISTS tool_calls_session ON tool_calls (session);
CREATE INDEX IF NOT EXISTS decisions_session ON decisions (session);
`;

/** What an agent is at: for a prompt, at work, or for an answer of the user's. */
export type AgentState = 'idle' | 'working' | 'waiting';

/** One row, by its table; a run is written twice, when it begins and when it ends. */
export type Row =
  | {
      readonly table: 'runs';
      readonly id: string;
      readonly session: string;
      readonly cwd: string;
      readonly started: number;
      readonly ended: number | null;
      readonly turns: number;
      readonly outcome: string | null;
    }
  | {
      readonly table: 'model_calls';
      readonly run: string;
      readonly session: string;
      readonly time: number;
      readonly provider: string;
      readonly model: string;
      readonly input: number;
      readonly output: number;
      readonly cache_read: number;
      readonly cache_write: number;
      readonly cost: number;
      readonly duration_ms: number | null;
      readonly fragments: number | null;
      readonly stop_reason: string;
    }
  | {
      readonly table: 'tool_calls';
      readonly run: string;
      readonly session: string;
      readonly time: number;
      readonly name: string;
      readonly package: string | null;
      readonly duration_ms: number | null;
      readonly is_error: number;
    }
  | {
      readonly table: 'decisions';
      readonly session: string | null;
      readonly time: number;
      readonly package: string;
      readonly capability: string;
      readonly decision: string;
      readonly rule: string | null;
      readonly permission: string | null;
    }
  /** An agent that runs, written again whenever it is at something else; `born` tells its process from a later one of the same number. */
  | {
      readonly table: 'agents';
      readonly id: string;
      readonly pid: number;
      readonly born: string;
      readonly session: string;
      readonly cwd: string;
      readonly started: number;
      readonly state: AgentState;
      /** The tool that runs. */
      readonly doing: string | null;
      /** When it came to be in this state. */
      readonly since: number;
      /** When something was heard of it. */
      readonly seen: number;
      readonly ended: number | null;
    };

const COLUMNS: Readonly<Record<Row['table'], readonly string[]>> = {
  runs: ['id', 'session', 'cwd', 'started', 'ended', 'turns', 'outcome'],
  model_calls: [
    'run',
    'session',
    'time',
    'provider',
    'model',
    'input',
    'output',
    'cache_read',
    'cache_write',
    'cost',
    'duration_ms',
    'fragments',
    'stop_reason',
  ],
  tool_calls: ['run', 'session', 'time', 'name', 'package', 'duration_ms', 'is_error'],
  agents: ['id', 'pid', 'born', 'session', 'cwd', 'started', 'state', 'doing', 'since', 'seen', 'ended'],
  decisions: ['session', 'time', 'package', 'capability', 'decision', 'rule', 'permission'],
};

/** The statement that writes a row of a table, with one named parameter for each column. */
export function insertInto(table: Row['table']): string {
  const columns = COLUMNS[table];
  return `INSERT OR REPLACE INTO ${table} (${columns.join(', ')}) VALUES (${columns.map((column) => `:${column}`).join(', ')})`;
}
