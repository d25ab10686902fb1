import { DashError, describePermission, parsePermission } from '../../format/index.ts';
import { install, type InstallReport, parseSpec } from '../../registry/index.ts';
import { collect } from '../collect-option.ts';
import type { DefineCommand, Invocation } from '../command.ts';
import { inspectPorts, npmConfigFor } from '../compose.ts';
import { consentPrompt } from '../consent-prompt.ts';
import { parseDuration } from '../duration.ts';
import { formatDiagnostics } from '../output/diagnostics.ts';
import { showProgress } from '../output/progress.ts';
import { oneLine, type Style } from '../output/terminal.ts';
import { scopeOf } from '../scope.ts';

interface InstallFlags {
  readonly grant: readonly string[];
  readonly deny: readonly string[];
  readonly minAge?: string;
}

export const define: DefineCommand = (command) => {
  command
    .argument('[specs...]', '`npm:name@range`, `git:host/owner/repo`, a URL, a directory, a tarball')
    .option('--grant <permission>', 'grant this; `summary` for all that one yes would grant; may stand several times', collect, [])
    .option('--deny <permission>', 'install without this; may stand several times', collect, [])
    .option('--min-age <duration>', 'how long a release must have been public, e.g. `3d` (the default), `12h`, `0`');
  return async (invocation) => {
    const { cwd, home, globals, canAsk, signal, stderr, stdout } = invocation;
    const flags = command.opts<InstallFlags>();
    if (globals.dryRun === true)
      throw new DashError('USAGE', '`install --dry-run` is not there yet', {
        hint: '`dash inspect <spec>` shows what a package brings and wants, without installing it',
      });
    const specs = command.args.map((text) => parseSpec(text, { cwd }));
    const minAgeMs = flags.minAge === undefined ? undefined : parseDuration('--min-age', flags.minAge);
    if (minAgeMs === 0 && globals.quiet !== true) stderr.write('note: `--min-age 0`: releases are taken however young they are\n');

    using progress = showProgress(invocation);
    const report = await install(specs, {
      dashHome: home,
      scope: scopeOf(invocation),
      workspace: cwd,
      npm: await npmConfigFor(invocation),
      ports: inspectPorts(home),
      grant: flags.grant,
      deny: flags.deny,
      signal,
      onProgress: progress.listener,
      ...(minAgeMs !== undefined && { minAgeMs }),
      ...(globals.offline === true && { offline: true }),
      ...(canAsk && { consentPort: progress.pausedFor(consentPrompt(stderr)) }),
    });
    progress[Symbol.dispose]();
    const { installed, unchanged, held, diagnostics, ungranted } = report;
    return { kind: 'document', document: { installed, unchanged, held, diagnostics, ungranted }, text: formatReport(report, invocation, stdout.style) };
  };
};

function formatReport({ installed, unchanged, diagnostics, ungranted }: InstallReport, { globals }: Invocation, style: Style): string {
  const lines: string[] = [];
  for (const { name, version, resources, permissions } of installed) {
    const counts = Object.entries(resources).flatMap(([kind, paths]) =>
      paths.length === 0 ? [] : [`${paths.length} ${paths.length === 1 ? kind.slice(0, -1) : kind}`],
    );
    lines.push(`${style.good('installed')} ${style.strong(oneLine(name))} ${oneLine(version)}: ${counts.join(', ')}`);
    for (const permission of permissions.granted) lines.push(`  may ${describePermission(parsePermission(permission))}  ${style.dim(`[${permission}]`)}`);
    for (const permission of permissions.denied) lines.push(`  may not ${describePermission(parsePermission(permission))}  ${style.dim(`[${permission}]`)}`);
    lines.push('  can talk to your model');
  }
  for (const { name, version } of unchanged) lines.push(`unchanged ${style.strong(oneLine(name))} ${oneLine(version)}`);
  for (const { name, permissions } of ungranted) {
    // what was refused on purpose is said above
    const refused = installed.find((one) => one.name === name)?.permissions.denied ?? [];
    for (const { permission } of permissions.filter((one) => !refused.includes(one.permission)))
      lines.push(
        `${style.warning('not granted')} to ${oneLine(name)}: ${describePermission(parsePermission(permission))}; \`dash permissions grant ${oneLine(name)} '${permission}'\` allows it`,
      );
  }
  const shown = globals.quiet === true ? '' : formatDiagnostics(diagnostics, style);
  return `${lines.join('\n')}\n${shown}`;
}
