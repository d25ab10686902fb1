import { DashError } from '../format/index.ts';
import type { SessionSummary } from '../host/index.ts';
import { oneLine, type Style } from './output/terminal.ts';

/** Lets the user choose one of `sessions`, and gives its path. @throws {DashError} SESSION_NOT_FOUND, INPUT_REQUIRED, INTERRUPTED */
export async function chooseSession(
  sessions: readonly SessionSummary[],
  { canAsk, style }: { readonly canAsk: boolean; readonly style: Style },
): Promise<string> {
  if (sessions.length === 0)
    throw new DashError('SESSION_NOT_FOUND', 'there is no session of this directory yet', { hint: '`dash session list --all` shows those of others' });
  if (!canAsk)
    throw new DashError('INPUT_REQUIRED', 'which session is asked on a terminal only', {
      hint: 'name it: `dash --resume <session>`; `dash session list` shows them',
    });
  const { isCancel, select } = await import('@clack/prompts');
  const chosen = await select({
    message: 'go on with',
    options: sessions.map(({ path, name, firstMessage, updatedAt, messages }) => ({
      value: path,
      label: oneLine(name ?? firstMessage).slice(0, 60) || '(nothing said)',
      hint: style.dim(`${updatedAt.slice(0, 16).replace('T', ' ')}, ${messages} messages`),
    })),
  });
  if (isCancel(chosen)) throw new DashError('INTERRUPTED', 'no session was chosen');
  return chosen;
}
