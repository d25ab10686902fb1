import { forget } from '../../host/index.ts';
import { assertNotDelegated } from '../../registry/index.ts';
import type { DefineCommand } from '../command.ts';
import { oneLine } from '../output/terminal.ts';

export const define: DefineCommand = (command) => {
  command.argument('<provider>', 'whose key or login is forgotten');
  return async ({ home, globals }) => {
    const [provider = ''] = command.args;
    assertNotDelegated();
    const had = globals.dryRun === true || (await forget(home, provider));
    const text = globals.dryRun === true ? 'would forget the key of' : had ? 'forgot the key of' : 'there was no key of';
    return { kind: 'document', document: { provider, loggedIn: false }, text: `${text} ${oneLine(provider)}\n` };
  };
};
