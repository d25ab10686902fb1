import { DashError } from '../../format/index.ts';
import { rollback } from '../../registry/index.ts';
import type { DefineCommand } from '../command.ts';
import { showProgress } from '../output/progress.ts';
import { oneLine } from '../output/terminal.ts';
import { scopeOf } from '../scope.ts';

export const define: DefineCommand = (command) => {
  command.argument('[generation]', 'its number; without it, the one before the one in force');
  return async (invocation) => {
    const { cwd, home, signal, stdout, globals } = invocation;
    const [typed] = command.args;
    if (typed !== undefined && !/^[1-9]\d{0,8}$/.test(typed)) {
      throw new DashError('USAGE', `\`${oneLine(typed)}\` is not the number of a generation`, { hint: 'give a number, or none' });
    }
    const dryRun = globals.dryRun === true;
    using progress = showProgress(invocation);
    const report = await rollback({
      dashHome: home,
      scope: scopeOf(invocation),
      workspace: cwd,
      signal,
      dryRun,
      onProgress: progress.listener,
      ...(typed !== undefined && { number: Number(typed) }),
    });
    progress[Symbol.dispose]();
    const { from, to, packages } = report;
    const head = `${dryRun ? 'would go' : 'went'} ${from === undefined ? '' : `from generation ${from} `}to ${stdout.style.strong(`generation ${to}`)}\n`;
    const lines = packages.map(({ name, version }) => `  ${oneLine(name)} ${oneLine(version)}\n`);
    return { kind: 'document', document: { from: from ?? null, to, packages }, text: `${head}${lines.join('')}` };
  };
};
