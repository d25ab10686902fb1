import { DashError } from '../../format/index.ts';
import { deleteSession } from '../session/session-library.ts';
import { readAgents } from './dashboard/live.ts';
import { openEventDatabase } from './event-database.ts';

/**
 * Deletes the session that has exactly this id, unless an agent of another process is in it: that one would go on writing
 * to a file that nobody finds again. Where there is no such session nothing is to be done.
 * @throws {DashError} SESSION_IN_USE
 */
export async function deleteUnusedSession(dashHome: string, id: string): Promise<void> {
  const other = await agentIn(dashHome, id);
  if (other !== undefined) throw new DashError('SESSION_IN_USE', `another agent is in this session (process ${other})`, { hint: 'end it first' });
  await deleteSession(dashHome, id);
}

/** Gives the process of another agent that is in the session of this id, if there is one. */
export async function agentIn(dashHome: string, id: string): Promise<number | undefined> {
  using database = await openEventDatabase(dashHome);
  return readAgents(database).find(({ session, pid }) => session === id && pid !== process.pid)?.pid;
}
