import { assertNotDelegated, setSecret } from '../../registry/index.ts';
import type { DefineCommand } from '../command.ts';
import { readUnseen } from '../read-unseen.ts';

export const define: DefineCommand = (command) => {
  command.argument('<name>', 'what packages call it, e.g. GITHUB_TOKEN; the value is typed unseen, or piped in');
  return async (invocation) => {
    const [name = ''] = command.args;
    assertNotDelegated(); // before anything is typed
    const value = await readUnseen(name, `dash secret set ${name}`, invocation);
    if (invocation.globals.dryRun !== true) await setSecret(invocation.home, name, value);
    return {
      kind: 'document',
      document: { set: name },
      text: `${invocation.globals.dryRun === true ? 'would keep' : 'kept'} ${name}; packages that you grant \`secret:${name}@HOST\` can use it there without seeing it\n`,
    };
  };
};
