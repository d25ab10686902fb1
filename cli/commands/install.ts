import { DashError } from '../../format/index.ts';
import { finishBuilds, install, planInstall, restore } from '../../registry/index.ts';
import { collect } from '../collect-option.ts';
import type { DefineCommand } from '../command.ts';
import { inspectPorts } from '../compose.ts';
import { npmConfigFor } from '../npm-config.ts';
import { consentPrompt } from '../consent-prompt.ts';
import { parseDuration } from '../duration.ts';
import { formatInstallPlan } from '../output/install-plan.ts';
import { formatInstallReport } from '../output/install-report.ts';
import { showProgress } from '../output/progress.ts';
import { oneLine } from '../output/terminal.ts';
import { version } from '../package-root.ts';
import { readSpecs } from '../read-specs.ts';
import { scopeOf } from '../scope.ts';

interface InstallFlags {
  readonly grant: readonly string[];
  readonly deny: readonly string[];
  readonly skill: readonly string[];
  readonly minAge?: string;
  readonly frozen?: boolean;
  readonly wait?: boolean;
}

export const define: DefineCommand = (command) => {
  command
    .argument(
      '[specs...]',
      '`npm:name@range`, `git:host/owner/repo`, a URL, a directory, a tarball, `-` for a tarball on standard input; without any, what `dash.lock` says',
    )
    .option('--grant <permission>', 'grant this; `summary` for all that one yes would grant; may stand several times', collect, [])
    .option('--deny <permission>', 'install without this; may stand several times', collect, [])
    .option('--skill <skill-name>', 'take only this skill, and nothing else of the package; may stand several times', collect, [])
    .option('--frozen', 'with no specs: fail rather than resolve anything or change `dash.lock`')
    .option('--wait', 'with no specs: build all extensions now; without it, what was not built before is built at the next start')
    .option('--min-age <duration>', 'how long a release must have been public, e.g. `3d` (the default), `12h`, `0`');
  return async (invocation) => {
    const { cwd, home, globals, canAsk, signal, stderr, stdout } = invocation;
    const flags = command.opts<InstallFlags>();
    const { specs, piped } = await readSpecs(command.args, cwd);
    const minAgeMs = flags.minAge === undefined ? undefined : parseDuration('--min-age', flags.minAge);
    if (minAgeMs === 0 && globals.quiet !== true) stderr.write('note: `--min-age 0`: releases are taken however young they are\n');

    if (flags.frozen === true && specs.length > 0)
      throw new DashError('USAGE', '`--frozen` takes what `dash.lock` says, so no package can be named with it', { hint: 'leave out one of the two' });

    if (flags.skill.length > 0 && specs.length !== 1)
      throw new DashError('USAGE', '`--skill` names skills of one package', {
        hint: 'name the package, e.g. `dash install git:github.com/owner/repo --skill pdf`',
      });

    using progress = showProgress(invocation);
    const context = {
      dashHome: home,
      scope: scopeOf(invocation),
      workspace: cwd,
      npm: await npmConfigFor(invocation),
      ports: inspectPorts(home),
      grant: flags.grant,
      deny: flags.deny,
      skills: flags.skill,
      signal,
      ...(piped !== undefined && { piped }),
      onProgress: progress.listener,
      ...(minAgeMs !== undefined && { minAgeMs }),
      ...(globals.offline === true && { offline: true }),
      ...(canAsk && { consentPort: progress.pausedFor(consentPrompt(stderr)) }),
    };
    if (globals.dryRun === true) {
      const plan = await planInstall(specs, { ...context, frozen: flags.frozen === true });
      progress[Symbol.dispose]();
      return { kind: 'document', document: plan, text: formatInstallPlan(plan, stdout.style) };
    }
    const report =
      specs.length > 0
        ? await install(specs, context)
        : await restore({ ...context, frozen: flags.frozen === true, deferBuilds: flags.wait !== true, toolVersion: version() });
    const built = flags.wait === true && report.pending.length > 0 ? await finishBuilds(context) : [];
    progress[Symbol.dispose]();
    const document = { ...report, pending: report.pending.filter((name) => !built.includes(name)) };
    const text = `${formatInstallReport(document, invocation, stdout.style)}${built.map((name) => `${stdout.style.good('built')} ${oneLine(name)}\n`).join('')}`;
    return { kind: 'document', document, text };
  };
};
