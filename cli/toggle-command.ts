import { type ChoiceChange, choose, type ChooseReport, toggle } from '../registry/index.ts';
import type { CommandResult, DefineCommand, Invocation } from './command.ts';
import { findInstalled } from './find-installed.ts';
import { formatDiagnostics } from './output/diagnostics.ts';
import { oneLine } from './output/terminal.ts';
import { scopeOf } from './scope.ts';

/** `dash enable` and `dash disable`: the same command in two directions. */
export function toggleCommand(on: boolean): DefineCommand {
  return (command) => {
    command
      .argument('<name>', 'an installed package')
      .argument('[resource]', 'one resource of it: its path, its name, a glob, or a kind such as `skills`; default: the whole package');
    return async (invocation) => {
      const [name = '', resource] = command.args;
      return applyChoices([{ name, choose: (pkg) => toggle(pkg, resource, on) }], invocation);
    };
  };
}

/** Writes down what was chosen, where the package is installed unless `--local` or `--user` say where. */
export async function applyChoices(changes: readonly ChoiceChange[], invocation: Invocation): Promise<CommandResult> {
  const { cwd, home, globals, signal, stdout } = invocation;
  const { scope } = await findInstalled(changes[0]?.name ?? '', invocation);
  const isNamed = globals.local === true || globals.user === true;
  const report = await choose(changes, {
    dashHome: home,
    scope: isNamed ? scopeOf(invocation) : scope === 'project' ? { kind: 'project', dir: cwd } : { kind: 'user' },
    workspace: cwd,
    dryRun: globals.dryRun === true,
    signal,
  });
  return { kind: 'document', document: report, text: textOf(report, invocation, stdout.style) };
}

function textOf({ packages, diagnostics }: ChooseReport, { globals }: Invocation, style: Invocation['stdout']['style']): string {
  const lines = packages.map(({ name, enabled, resources }) => {
    const counts = Object.entries(resources).flatMap(([kind, paths]) =>
      paths.length === 0 ? [] : [`${paths.length} ${paths.length === 1 ? kind.slice(0, -1) : kind}`],
    );
    const state = enabled ? `${style.good('on')}: ${counts.length === 0 ? 'nothing is left of it' : counts.join(', ')}` : style.warning('off');
    return `${style.strong(oneLine(name))} is ${state}\n`;
  });
  const note = globals.dryRun === true ? 'nothing was changed; so it is now:\n' : '';
  return `${note}${lines.join('')}${globals.quiet === true ? '' : formatDiagnostics(diagnostics, style)}`;
}
