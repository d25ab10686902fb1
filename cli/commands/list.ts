import { RESOURCE_KINDS } from '../../format/index.ts';
import { readInstalled, viewPackage, type PackageView } from '../../registry/index.ts';
import type { DefineCommand, RunCommand } from '../command.ts';
import { formatTable } from '../output/table.ts';
import { oneLine, type Style } from '../output/terminal.ts';

const run: RunCommand = async (invocation) => {
  const { home, cwd, stdout, globals } = invocation;
  // the user's own are all there are then, those too that the project hides
  const installed = await readInstalled(globals.user === true ? { dashHome: home } : { dashHome: home, projectDir: cwd });
  const inScope = globals.local === true ? installed.filter(({ scope }) => scope === 'project') : installed;
  const packages = await Promise.all(inScope.map((one) => viewPackage(one, invocation.home, invocation.cwd)));
  return {
    kind: 'document',
    document: { packages },
    text: packages.length === 0 ? 'nothing is installed; `dash search` finds packages\n' : formatTable(packages.map((one) => rowOf(one, stdout.style))),
  };
};

export const answer = run;

export const define: DefineCommand = () => run;

function rowOf({ name, version, scope, spec, permissions, resources, leftOut, enabled }: PackageView, style: Style): string[] {
  const counts = RESOURCE_KINDS.flatMap((kind) => {
    const [on, off] = [resources[kind].length, leftOut?.[kind].length ?? 0];
    return on === 0 ? [] : [`${on}${off === 0 ? '' : ` of ${on + off}`} ${on + off === 1 ? kind.slice(0, -1) : kind}`];
  });
  return [
    style.strong(oneLine(name)),
    oneLine(version),
    [counts.join(', '), ...(scope === 'project' ? ['project'] : []), ...(enabled ? [] : [style.warning('disabled')])].filter(Boolean).join(', '),
    permissions.granted.length === 0 ? style.dim('no grants') : permissions.granted.map(oneLine).join(' '),
    style.dim(oneLine(spec)),
  ];
}
