import { remove } from '../../registry/index.ts';
import type { DefineCommand } from '../command.ts';
import { findInstalled, inOtherScope } from '../find-installed.ts';
import { formatDiagnostics } from '../output/diagnostics.ts';
import { showProgress } from '../output/progress.ts';
import { oneLine } from '../output/terminal.ts';
import { removeData } from '../remove-data.ts';
import { scopeOf } from '../scope.ts';

export const define: DefineCommand = (command) => {
  command
    .argument('<names...>', 'names, or the specs they were installed with')
    .option('--purge', 'also its private data, its settings and what it was granted');
  return async (invocation) => {
    const { cwd, home, signal, stdout, globals } = invocation;
    const { purge = false } = command.opts<{ readonly purge?: boolean }>();
    const found = await Promise.all(command.args.map((name) => findInstalled(name, invocation)));
    const isDryRun = globals.dryRun === true;
    using progress = showProgress(invocation);
    const removal = remove(command.args, {
      dashHome: home,
      scope: scopeOf(invocation),
      workspace: cwd,
      signal,
      purge,
      dryRun: isDryRun,
      onProgress: progress.listener,
    });
    const { removed, diagnostics } = await inOtherScope(removal, command.args, invocation);
    progress[Symbol.dispose]();
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
