import { collectGarbage } from '../../registry/index.ts';
import type { DefineCommand } from '../command.ts';
import { showProgress } from '../output/progress.ts';

export const define: DefineCommand = () => async (invocation) => {
  const { home, globals, signal } = invocation;
  using progress = showProgress(invocation);
  const report = await collectGarbage({ dashHome: home, signal, dryRun: globals.dryRun === true, onProgress: progress.listener });
  progress[Symbol.dispose]();
  const { removed } = report;
  const verb = globals.dryRun === true ? 'would remove' : 'removed';
  const text = `${verb} ${removed.generations} old states, ${removed.archives} archives and ${removed.bundles} compiled files: ${Math.round(removed.bytes / 1024)} kB\n`;
  return { kind: 'document', document: report, text };
};
