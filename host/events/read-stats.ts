import { existsSync } from 'node:fs';
import { eventDatabasePath, openEventDatabase } from './event-database.ts';

/** What was used since some moment. Costs are US dollars, times milliseconds. */
export interface Stats {
  readonly runs: number;
  readonly failedRuns: number;
  readonly sessions: number;
  readonly cost: number;
  readonly tokens: { readonly input: number; readonly output: number; readonly cacheRead: number; readonly cacheWrite: number };
  readonly models: readonly ModelStats[];
  readonly tools: readonly ToolStats[];
  readonly denials: readonly DenialStats[];
}

export interface ModelStats {
  readonly provider: string;
  readonly model: string;
  readonly calls: number;
  readonly failed: number;
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  readonly cost: number;
  /** `null` where nobody measured it. */
  readonly meanMs: number | null;
}

export interface ToolStats {
  readonly name: string;
  readonly package: string | null;
  readonly calls: number;
  readonly errors: number;
  readonly meanMs: number | null;
}

export interface DenialStats {
  readonly package: string;
  readonly capability: string;
  readonly rule: string | null;
  readonly count: number;
}

const NOTHING: Stats = {
  runs: 0,
  failedRuns: 0,
  sessions: 0,
  cost: 0,
  tokens: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
  models: [],
  tools: [],
  denials: [],
};

/** Reads what was used since `since`, in milliseconds since the epoch. Where nothing ever ran there is no database, and none is made. */
export async function readStats(dashHome: string, since = 0): Promise<Stats> {
  if (!existsSync(eventDatabasePath(dashHome))) return NOTHING;
  using database = await openEventDatabase(dashHome);
  const ask = (question: string) => database.all(question, { since });
  const models = ask(
    `SELECT provider, model, count(*) AS calls, sum(stop_reason IN ('error', 'aborted')) AS failed, sum(input) AS input, sum(output) AS output,
       sum(cache_read) AS cacheRead, sum(cache_write) AS cacheWrite, sum(cost) AS cost, avg(duration_ms) AS meanMs
     FROM model_calls WHERE time >= :since GROUP BY provider, model ORDER BY cost DESC, calls DESC, provider, model`,
  ) as unknown as readonly ModelStats[];
  const [runs] = ask(
    `SELECT count(*) AS runs, coalesce(sum(outcome IN ('error', 'aborted')), 0) AS failedRuns, count(DISTINCT session) AS sessions FROM runs WHERE started >= :since`,
  ) as unknown as readonly Pick<Stats, 'runs' | 'failedRuns' | 'sessions'>[];
  const sum = (of: (model: ModelStats) => number): number => models.reduce((total, model) => total + of(model), 0);
  return {
    ...(runs ?? NOTHING),
    cost: sum(({ cost }) => cost),
    tokens: {
      input: sum(({ input }) => input),
      output: sum(({ output }) => output),
      cacheRead: sum(({ cacheRead }) => cacheRead),
      cacheWrite: sum(({ cacheWrite }) => cacheWrite),
    },
    models,
    tools: ask(
      `SELECT name, package, count(*) AS calls, sum(is_error) AS errors, avg(duration_ms) AS meanMs
       FROM tool_calls WHERE time >= :since GROUP BY name, package ORDER BY calls DESC, name`,
    ) as unknown as readonly ToolStats[],
    denials: ask(
      `SELECT package, capability, rule, count(*) AS count FROM decisions WHERE decision = 'deny' AND time >= :since
       GROUP BY package, capability, rule ORDER BY count DESC, package, capability`,
    ) as unknown as readonly DenialStats[],
  };
}
