import { outdated, type OutdatedPackage, type Scope } from '../../registry/index.ts';
import type { DefineCommand, Invocation } from '../command.ts';
import { npmConfigFor } from '../npm-config.ts';
import { parseDuration } from '../duration.ts';
import { showProgress } from '../output/progress.ts';
import { formatTable } from '../output/table.ts';
import { oneLine, type Style } from '../output/terminal.ts';

export const define: DefineCommand = (command) => {
  command.option('--min-age <duration>', 'how long a release must have been public, e.g. `3d` (the default), `12h`, `0`');
  return async (invocation) => {
    const { home, globals, signal, stdout } = invocation;
    const { minAge } = command.opts<{ readonly minAge?: string }>();
    using progress = showProgress(invocation);
    const common = {
      dashHome: home,
      npm: await npmConfigFor(invocation),
      signal,
      onProgress: progress.listener,
      ...(minAge !== undefined && { minAgeMs: parseDuration('--min-age', minAge) }),
      ...(globals.offline === true && { offline: true }),
    };
    const packages: OutdatedPackage[] = [];
    // one after the other: each notes when it first saw a version
    for (const scope of scopesOf(invocation)) packages.push(...(await outdated({ ...common, scope })));
    progress[Symbol.dispose]();
    return { kind: 'document', document: { packages }, text: textOf(packages, stdout.style), exitCode: packages.length === 0 ? 0 : 6 };
  };
};

/** As `dash list` has it: what there is here, of the project and of the user. */
function scopesOf({ cwd, globals }: Invocation): Scope[] {
  const [project, user] = [{ kind: 'project', dir: cwd } as const, { kind: 'user' } as const];
  return globals.local === true ? [project] : globals.user === true ? [user] : [project, user];
}

function textOf(packages: readonly OutdatedPackage[], style: Style): string {
  if (packages.length === 0) return 'everything is up to date\n';
  const head = ['package', 'current', 'wanted', 'latest', 'public for', ''].map((title) => style.dim(title));
  return formatTable([
    head,
    ...packages.map(({ name, scope, current, wanted, latest, ageHours, flags }) => [
      style.strong(oneLine(name)),
      short(current),
      short(wanted),
      short(latest),
      ageHours === null ? 'unknown' : ageHours < 48 ? `${ageHours} h` : `${Math.floor(ageHours / 24)} days`,
      [...(scope === 'project' ? ['project'] : []), ...flags.map((flag) => style.warning(flag))].join(', '),
    ]),
  ]);
}

function short(version: string): string {
  return /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(version) ? version.slice(0, 12) : oneLine(version);
}
