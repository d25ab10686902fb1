import { remove } from '../../registry/index.ts';
import type { DefineCommand } from '../command.ts';
import { findInstalled } from '../find-installed.ts';
import { formatDiagnostics } from '../output/diagnostics.ts';
import { oneLine } from '../output/terminal.ts';
import { removeData } from '../remove-data.ts';
import { scopeOf } from '../scope.ts';

export const define: DefineCommand = (command) => {
  command.argument('<names...>', 'names, or the specs they were installed with').option('--purge', 'also its private data and what it was granted');
  return async (invocation) => {
    const { cwd, home, signal, stdout, globals } = invocation;
    const { purge = false } = command.opts<{ readonly purge?: boolean }>();
    const found = await Promise.all(command.args.map((name) => findInstalled(name, invocation)));
    const isDryRun = globals.dryRun === true;
    const { removed, diagnostics } = await remove(command.args, {
      dashHome: home,
      scope: scopeOf(invocation),
      workspace: cwd,
      signal,
      purge,
      dryRun: isDryRun,
    });
    if (purge && !isDryRun) await removeData(found, invocation);
    return {
      kind: 'document',
      document: { removed, diagnostics },
      text:
        removed.map(({ name, version }) => `${isDryRun ? 'would remove' : 'removed'} ${stdout.style.strong(oneLine(name))} ${oneLine(version)}\n`).join('') +
        formatDiagnostics(diagnostics, stdout.style),
    };
  };
};
