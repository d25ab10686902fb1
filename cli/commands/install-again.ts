import { repeatRestore } from '../../registry/index.ts';
import type { QuickAnswer } from '../command.ts';
import { npmConfigFor } from '../npm-config.ts';
import { unchangedLine } from '../output/unchanged-line.ts';
import { version } from '../package-root.ts';

/** `dash install` where the same was done before: answered from a note, without what an install needs. */
export const answer: QuickAnswer = async (invocation, words) => {
  const { cwd, home, signal, stdout } = invocation;
  const report = await repeatRestore({
    dashHome: home,
    scope: { kind: 'user' },
    workspace: cwd,
    npm: await npmConfigFor(invocation),
    signal,
    toolVersion: version(),
    deferBuilds: !words.has('--wait'),
  });
  if (report === undefined) return undefined;
  const isPlain = report.installed.length === 0 && report.ungranted.length === 0;
  const text = isPlain
    ? report.unchanged.map((one) => `${unchangedLine(one, stdout.style)}\n`).join('')
    : (await import('../output/install-report.ts')).formatInstallReport(report, invocation, stdout.style);
  return { kind: 'document', document: report, text };
};
