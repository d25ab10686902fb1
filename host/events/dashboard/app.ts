import { readFile } from 'node:fs/promises';
import { Value } from '@sinclair/typebox/value';
import { Type } from '@sinclair/typebox';
import { type Context, Hono } from 'hono';
import { streamSSE } from 'hono/streaming';
import { isDashError } from '../../../format/index.ts';
import { listSessions, sessionOf, type SessionSummary } from '../../session/session-library.ts';
import { openSession } from '../../session/session.ts';
import type { EventDatabase } from '../event-database.ts';
import { readStats } from '../read-stats.ts';
import { compareBranches, turnsOf } from './branches.ts';
import { COOKIE, type Gate } from './gate.ts';
import { formatCursor, type LiveAgent, parseCursor, readAgents, readHappenings } from './live.ts';
import { createTasks } from './tasks.ts';

export interface DashboardOptions {
  readonly dashHome: string;
  readonly gate: Gate;
  readonly database: EventDatabase;
  /** Resolves when something may have changed, or the signal aborts. */
  readonly changed: (signal: AbortSignal) => Promise<void>;
  readonly ended: AbortSignal;
}

/** The page: what may be fetched without the key, because it holds nothing of anybody's. */
const PAGE: Readonly<Record<string, { readonly file: string; readonly type: string }>> = {
  '/': { file: 'index.html', type: 'text/html; charset=utf-8' },
  '/dashboard.css': { file: 'dashboard.css', type: 'text/css; charset=utf-8' },
  '/dashboard.js': { file: 'dashboard.js', type: 'text/javascript; charset=utf-8' },
  '/element.js': { file: 'element.js', type: 'text/javascript; charset=utf-8' },
  '/now.js': { file: 'now.js', type: 'text/javascript; charset=utf-8' },
  '/server.js': { file: 'server.js', type: 'text/javascript; charset=utf-8' },
  '/sessions.js': { file: 'sessions.js', type: 'text/javascript; charset=utf-8' },
  '/use.js': { file: 'use.js', type: 'text/javascript; charset=utf-8' },
};

const HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy':
    "default-src 'none'; img-src data:; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), microphone=(), geolocation=()',
  'Cache-Control': 'no-store',
};

/** A code is short; whoever sends more wants something else. */
const MAX_BODY = 1_024;
/** Readers at once: a browser has one for each tab. */
const MAX_READERS = 16;
const MAX_SESSIONS = 500;
/** How many entries of one branch are shown at first, and how many at most. */
const SHOWN = 200;
const MOST_SHOWN = 20_000;

/** Answers the page and its questions. What is not named here does not exist. */
export function createDashboard({ dashHome, gate, database, changed, ended }: DashboardOptions): Hono {
  const app = new Hono();
  let readers = 0;
  const taskOf = createTasks(dashHome);
  const withTasks = (agents: readonly LiveAgent[]): Promise<readonly object[]> =>
    Promise.all(agents.map(async (agent) => ({ ...agent, task: (await taskOf(agent.session)) ?? null })));

  app.use('*', async (context, next) => {
    for (const [name, value] of Object.entries(HEADERS)) context.header(name, value);
    const { req } = context;
    const why = gate.refuse({ host: req.header('host'), origin: req.header('origin'), site: req.header('sec-fetch-site') });
    if (why !== undefined) return context.text(`${why}\n`, 403);
    return next();
  });

  for (const [path, { file, type }] of Object.entries(PAGE)) {
    app.get(path, async (context) => context.body(await readFile(new URL(`./page/${file}`, import.meta.url), 'utf8'), 200, { 'Content-Type': type }));
  }

  app.post('/key', async (context) => {
    // a browser sends it with every post; a page that has none is no page of ours
    if (context.req.header('origin') === undefined) return context.text('another page may not ask this server\n', 403);
    const given = await readBody(context);
    const key = Value.Check(Code, given) ? gate.exchange(given.code) : undefined;
    if (key === undefined) return context.json({ error: 'this address was used already, or is too old: start `dash dashboard` again' }, 401);
    context.header('Set-Cookie', `${COOKIE}=${key}; HttpOnly; SameSite=Strict; Path=/${gate.area}/`);
    return context.json({ area: gate.area });
  });

  const area = new Hono();
  area.use('*', async (context, next) => {
    if (!gate.holds(context.req.header('cookie'))) return context.json({ error: 'the key is missing: start `dash dashboard` again' }, 401);
    return next();
  });
  area.get('/events', (context) => {
    if (readers >= MAX_READERS) return context.json({ error: 'too many pages read already' }, 503);
    readers += 1;
    const from = parseCursor(context.req.header('last-event-id'), database);
    return streamSSE(context, async (stream) => {
      const gone = new AbortController();
      stream.onAbort(() => gone.abort());
      const signal = AbortSignal.any([gone.signal, ended]);
      let cursor = from;
      let told = '';
      try {
        while (!signal.aborted) {
          const read = readHappenings(database, cursor);
          cursor = read.cursor;
          if (read.happenings.length > 0) await stream.writeSSE({ event: 'happenings', id: formatCursor(cursor), data: JSON.stringify(read.happenings) });
          if (read.isMore) continue;
          const agents = JSON.stringify(await withTasks(readAgents(database)));
          if (agents !== told) await stream.writeSSE({ event: 'agents', id: formatCursor(cursor), data: (told = agents) });
          await changed(signal);
        }
      } finally {
        readers -= 1;
      }
    });
  });
  area.get('/use', async (context) => context.json(await readStats(dashHome, Number(context.req.query('since')) || 0)));
  area.get('/sessions', async (context) => {
    const words = (context.req.query('words') ?? '').toLowerCase();
    const all = (await listSessions(dashHome)).filter(({ name, firstMessage, cwd, id }) =>
      `${name ?? ''} ${firstMessage} ${cwd} ${id}`.toLowerCase().includes(words),
    );
    return context.json({ sessions: all.slice(0, MAX_SESSIONS).map(toRow), more: Math.max(0, all.length - MAX_SESSIONS) });
  });
  area.get('/sessions/:id', async (context) => {
    // by its id, so that no path comes from a page
    const summary = await sessionOf(dashHome, context.req.param('id'));
    if (summary === undefined) return context.json({ error: 'there is no such session' }, 404);
    const { tree } = await openSession(summary.path);
    const turns = turnsOf(tree);
    const { left, right, shown } = context.req.query();
    const most = Math.min(Math.max(Number(shown) || SHOWN, SHOWN), MOST_SHOWN);
    const ends = turns.flatMap(({ leaf }) => (leaf === undefined ? [] : [leaf]));
    const current = turns.findLast(({ leaf, isCurrent }) => leaf !== undefined && isCurrent)?.leaf ?? ends.at(-1);
    const one = ends.find((end) => end === left) ?? current;
    const other = ends.find((end) => end === right) ?? ends.findLast((end) => end !== one) ?? one;
    const comparison = one === undefined || other === undefined ? undefined : compareBranches(tree, one, other, most);
    return context.json({ session: toRow(summary), turns, left: one ?? null, right: other ?? null, comparison: comparison ?? null });
  });
  app.route(`/${gate.area}`, area);

  app.notFound((context) => context.text('there is nothing here\n', 404));
  app.onError((error, context) => (isDashError(error) ? context.json({ error: error.message }, 500) : context.json({ error: 'this failed' }, 500)));
  return app;
}

const Code = Type.Object({ code: Type.String({ maxLength: 200 }) });

async function readBody(context: Context): Promise<unknown> {
  if (context.req.header('content-type') !== 'application/json') return undefined;
  const length = Number(context.req.header('content-length'));
  if (!Number.isInteger(length) || length > MAX_BODY) return undefined;
  try {
    return JSON.parse(await context.req.text());
  } catch {
    return undefined;
  }
}

/** Without the path: where a file lies is nothing to a page. */
function toRow({ id, cwd, name, createdAt, updatedAt, messages, firstMessage, parentSession }: SessionSummary): SessionRow {
  return { id, cwd, ...(name === undefined ? {} : { name }), createdAt, updatedAt, messages, firstMessage, isFork: parentSession !== undefined };
}

type SessionRow = Omit<SessionSummary, 'path' | 'parentSession' | 'lastMessage'> & { readonly isFork: boolean };
