import { DashError, nearest } from '../../format/index.ts';
import { listSecrets, removeSecret } from '../../registry/index.ts';
import type { DefineCommand } from '../command.ts';

export const define: DefineCommand = (command) => {
  command.argument('<name>', 'as `dash secret list` shows it');
  return async ({ home, globals }) => {
    const [name = ''] = command.args;
    const names = listSecrets(home).map((secret) => secret.name);
    if (!names.includes(name)) {
      const meant = nearest(name, names);
      throw new DashError('USAGE', `no secret \`${name}\` is kept`, { hint: meant ? `did you mean \`${meant}\`?` : '`dash secret list` shows which are' });
    }
    if (globals.dryRun !== true) await removeSecret(home, name);
    return { kind: 'document', document: { removed: name }, text: `${globals.dryRun === true ? 'would forget' : 'forgot'} ${name}\n` };
  };
};
