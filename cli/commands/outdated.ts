import { outdated, type OutdatedPackage } from '../../registry/index.ts';
import type { DefineCommand } from '../command.ts';
import { npmConfigFor } from '../npm-config.ts';
import { parseDuration } from '../duration.ts';
import { showProgress } from '../output/progress.ts';
import { formatTable } from '../output/table.ts';
import { oneLine, type Style } from '../output/terminal.ts';
import { scopeOf } from '../scope.ts';

export const define: DefineCommand = (command) => {
  command.option('--min-age <duration>', 'how long a release must have been public, e.g. `3d` (the default), `12h`, `0`');
  return async (invocation) => {
    const { home, globals, signal, stdout } = invocation;
    const { minAge } = command.opts<{ readonly minAge?: string }>();
    using progress = showProgress(invocation);
    const packages = await outdated({
      dashHome: home,
      scope: scopeOf(invocation),
      npm: await npmConfigFor(invocation),
      signal,
      onProgress: progress.listener,
      ...(minAge !== undefined && { minAgeMs: parseDuration('--min-age', minAge) }),
      ...(globals.offline === true && { offline: true }),
    });
    progress[Symbol.dispose]();
    return { kind: 'document', document: { packages }, text: textOf(packages, stdout.style), exitCode: packages.length === 0 ? 0 : 6 };
  };
};

function textOf(packages: readonly OutdatedPackage[], style: Style): string {
  if (packages.length === 0) return 'everything is up to date\n';
  const head = ['package', 'current', 'wanted', 'latest', 'public for', ''].map((title) => style.dim(title));
  return formatTable([
    head,
    ...packages.map(({ name, current, wanted, latest, ageHours, flags }) => [
      style.strong(oneLine(name)),
      short(current),
      short(wanted),
      short(latest),
      ageHours === null ? 'unknown' : ageHours < 48 ? `${ageHours} h` : `${Math.floor(ageHours / 24)} days`,
      flags.map((flag) => style.warning(flag)).join(', '),
    ]),
  ]);
}

function short(version: string): string {
  return /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(version) ? version.slice(0, 12) : oneLine(version);
}
