import { text as readAll } from 'node:stream/consumers';

import { DashError } from '../../format/index.ts';
import { assertNotDelegated, setSecret } from '../../registry/index.ts';
import type { DefineCommand, Invocation } from '../command.ts';

export const define: DefineCommand = (command) => {
  command.argument('<name>', 'what packages call it, e.g. GITHUB_TOKEN; the value is typed unseen, or piped in');
  return async (invocation) => {
    const [name = ''] = command.args;
    assertNotDelegated(); // before anything is typed
    const value = await readValue(name, invocation);
    if (invocation.globals.dryRun !== true) await setSecret(invocation.home, name, value);
    return {
      kind: 'document',
      document: { set: name },
      text: `${invocation.globals.dryRun === true ? 'would keep' : 'kept'} ${name}; packages that you grant \`secret:${name}@HOST\` can use it there without seeing it\n`,
    };
  };
};

/** Never from the command line: that is in the shell's history, and every process can read it. */
async function readValue(name: string, { canAsk }: Invocation): Promise<string> {
  if (process.stdin.isTTY !== true) return readAll(process.stdin);
  if (!canAsk) throw new DashError('INPUT_REQUIRED', 'the value is missing', { hint: `pipe it in: \`printf %s "$VALUE" | dash secret set ${name}\`` });
  const { isCancel, password } = await import('@clack/prompts');
  const answer = await password({ message: name, output: process.stderr });
  if (isCancel(answer)) throw new DashError('INTERRUPTED', 'nothing was changed');
  return answer;
}
