import { agentIn } from '../../events/session-in-use.ts';
import type { Mode } from './mode.ts';

/**
 * Says when another agent is in the session that is gone on with: both write to its file, and neither sees what the other
 * says. Nothing is said of a session that begins.
 */
export async function warnOfOthers({ host, say }: Pick<Mode, 'host' | 'say'>): Promise<void> {
  const { id, file, tree } = host.conversation.session;
  if (file === undefined || !tree.path().some(({ kind }) => kind === 'message')) return;
  const other = await agentIn(host.dashHome, id);
  if (other === undefined) return;
  say(`another agent is in this session too (process ${other}), and neither sees what the other does; \`/clone\` goes on in a copy`, 'warning');
}
