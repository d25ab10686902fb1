import { remove } from '../../registry/index.ts';
import type { DefineCommand } from '../command.ts';
import { oneLine } from '../output/terminal.ts';
import { removeData } from '../remove-data.ts';
import { scopeOf } from '../scope.ts';

export const define: DefineCommand = (command) => {
  command.argument('<names...>', 'names, or the specs they were installed with').option('--purge', 'also its private data and what it was granted');
  return async (invocation) => {
    const { cwd, home, signal, stdout, globals } = invocation;
    const { purge = false } = command.opts<{ readonly purge?: boolean }>();
    if (globals.dryRun === true) return { kind: 'document', document: { removed: [] }, text: `would remove ${command.args.map(oneLine).join(', ')}\n` };
    const { removed } = await remove(command.args, { dashHome: home, scope: scopeOf(invocation), workspace: cwd, signal, purge });
    if (purge) await Promise.all(removed.map(({ name }) => removeData(home, name)));
    return {
      kind: 'document',
      document: { removed },
      text: removed.map(({ name, version }) => `removed ${stdout.style.strong(oneLine(name))} ${oneLine(version)}\n`).join(''),
    };
  };
};
