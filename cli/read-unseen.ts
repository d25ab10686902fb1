import { text as readAll } from 'node:stream/consumers';

import { DashError } from '../format/index.ts';
import type { Invocation } from './command.ts';

/**
 * A value that nobody should see: typed unseen, or piped into `command`. Never from the command line: that is in the
 * shell's history, and every process can read it. @throws {DashError} INPUT_REQUIRED, INTERRUPTED
 */
export async function readUnseen(name: string, command: string, { canAsk }: Pick<Invocation, 'canAsk'>): Promise<string> {
  if (process.stdin.isTTY !== true) return readAll(process.stdin);
  if (!canAsk) throw new DashError('INPUT_REQUIRED', 'the value is missing', { hint: `pipe it in: \`printf %s "$VALUE" | ${command}\`` });
  const { isCancel, password } = await import('@clack/prompts');
  const answer = await password({ message: name, output: process.stderr });
  if (isCancel(answer)) throw new DashError('INTERRUPTED', 'nothing was changed');
  return answer;
}
