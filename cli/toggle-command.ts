import { type ChoiceChange, choose, type ChooseReport, toggle } from '../registry/index.ts';
import type { CommandResult, DefineCommand, Invocation } from './command.ts';
import { findInstalled } from './find-installed.ts';
import { formatDiagnostics } from './output/diagnostics.ts';
import { showProgress } from './output/progress.ts';
import { oneLine } from './output/terminal.ts';
import { scopeOf } from './scope.ts';

/** `dash enable` and `dash disable`: the same command in two directions. */
export function toggleCommand(on: boolean): DefineCommand {
  return (command) => {
    command
      .argument('<name>', 'an installed package')
      .argument('[resource]', 'one resource of it: its path, its name, a glob, or a kind such as `skills`; default: the whole package');
    return async (invocation) => {
      const [typed = '', typedResource] = command.args;
      const { name, resource = typedResource } = parseTarget(typed);
      return applyChoices([{ name, choose: (pkg) => toggle(pkg, resource, on) }], invocation);
    };
  };
}

/** `name` or `name:resource`; no name of a package has a colon, and a spec such as `npm:name` is no package with a resource. */
export function parseTarget(text: string): { readonly name: string; readonly resource?: string } {
  const at = text.startsWith('npm:') ? text.indexOf(':', 4) : text.indexOf(':');
  return at < 0 || /^(git|https?|ssh|file|stdin)(\+\w+)?:/.test(text) ? { name: text } : { name: text.slice(0, at), resource: text.slice(at + 1) };
}

/** Writes down what was chosen, where the package is installed unless `--local` or `--user` say where. */
export async function applyChoices(changes: readonly ChoiceChange[], invocation: Invocation): Promise<CommandResult> {
  const { cwd, home, globals, signal, stdout } = invocation;
  const { scope } = await findInstalled(changes[0]?.name ?? '', invocation);
  const isNamed = globals.local === true || globals.user === true;
  using progress = showProgress(invocation);
  const report = await choose(changes, {
    dashHome: home,
    scope: isNamed ? scopeOf(invocation) : scope === 'project' ? { kind: 'project', dir: cwd } : { kind: 'user' },
    workspace: cwd,
    dryRun: globals.dryRun === true,
    signal,
    onProgress: progress.listener,
  });
  progress[Symbol.dispose]();
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
