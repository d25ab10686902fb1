import { sessionOf } from '../../session/session-library.ts';

/** Names change seldom, and a session may be long. */
const KEEP_MS = 30_000;
/** In a session where nothing was said yet, something may be said at any moment. */
const ASK_AGAIN_MS = 2_000;

interface Known {
  readonly task: Promise<string | undefined>;
  readonly until: number;
}

/** Makes what says what an agent is at, in a person's own words: the name of its session, or what was said first in it. */
export function createTasks(dashHome: string, now: () => number = Date.now): (session: string) => Promise<string | undefined> {
  const known = new Map<string, Known>();
  return async (session) => {
    const before = known.get(session);
    if (before !== undefined && now() < before.until) return before.task;
    const task = read(dashHome, session);
    known.set(session, { task, until: Number.POSITIVE_INFINITY });
    const found = await task;
    known.set(session, { task, until: now() + (found === undefined ? ASK_AGAIN_MS : KEEP_MS) });
    return found;
  };
}

async function read(dashHome: string, session: string): Promise<string | undefined> {
  // a file that is just being written, or deleted: the next time says more
  const summary = await sessionOf(dashHome, session).catch(() => undefined);
  const words = summary?.name ?? summary?.firstMessage.trim().split('\n', 1)[0] ?? '';
  return words === '' ? undefined : words;
}
