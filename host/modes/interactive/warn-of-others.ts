import { setTimeout as pause } from 'node:timers/promises';
import { agentIn } from '../../events/session-in-use.ts';
import type { Mode } from './mode.ts';

type Place = Pick<Mode, 'host' | 'say' | 'signal'>;

/**
 * Says, in a while, when another agent is in the session that is gone on with: both write to its file, and neither sees
 * what the other says. Nothing is said of a session that begins.
 */
export function warnOfOthers(place: Place): void {
  lookForOthers(place).catch((error: unknown) => place.say(error instanceof Error ? error.message : String(error), 'error'));
}

async function lookForOthers({ host, say, signal }: Place): Promise<void> {
  const { id, file, tree } = host.conversation.session;
  if (file === undefined || !tree.path().some(({ kind }) => kind === 'message')) return;
  if ((await agentIn(host.dashHome, id)) === undefined) return;
  // One whose terminal was just closed ends what it ran, and is gone soon.
  await pause(ENDING_MS, undefined, { ref: false });
  if (signal.aborted || host.conversation.session.id !== id) return;
  const other = await agentIn(host.dashHome, id);
  if (other === undefined) return;
  say(`another agent is in this session too (process ${other}), and neither sees what the other does; \`/clone\` goes on in a copy`, 'warning');
}

/** How long an agent may take to end. */
const ENDING_MS = 4_000;
