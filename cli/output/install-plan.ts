import { describePermission, parsePermission } from '../../format/index.ts';
import type { InstallPlan, PlannedInstall } from '../../registry/index.ts';
import { formatPlan } from '../consent-prompt.ts';
import { formatDiagnostics } from './diagnostics.ts';
import { oneLine, type Style } from './terminal.ts';

/** What an install would do, for people: with the words of the question it would put. */
export function formatInstallPlan({ packages, isToBeAsked, diagnostics }: InstallPlan, style: Style): string {
  const blocks = packages.map((one) => formatPlanned(one, style));
  const changing = packages.filter(({ action }) => action !== 'keep');
  const asks = packages.flatMap(({ details }) => details?.consent.summary ?? []);
  const question = `it would ask first; without a terminal: ${asks.map(({ permission }) => `\`--grant '${oneLine(permission)}'\``).join(' ')}, or \`--grant summary\`\n`;
  const end = changing.length === 0 ? 'everything is as it should be\n' : `${isToBeAsked ? question : ''}nothing was changed\n`;
  return `${blocks.join('')}${formatDiagnostics(diagnostics, style)}${end}`;
}

const WORDS: Readonly<Record<PlannedInstall['action'], string>> = {
  install: 'would install',
  replace: 'would replace',
  restore: 'would restore',
  remove: 'would remove',
  keep: 'unchanged',
};

function formatPlanned({ name, version, action, from, details }: PlannedInstall, style: Style): string {
  const versions = from === undefined || from === version ? oneLine(version) : `${oneLine(from)} → ${oneLine(version)}`;
  const head = `${WORDS[action]} ${style.strong(oneLine(name))} ${versions}\n`;
  if (details === undefined || action === 'keep') return head;
  const { consent, permissionDiff, resources, files, dependencies } = details;
  const counts = Object.entries(resources).flatMap(([kind, paths]) =>
    paths.length === 0 ? [] : [`${paths.length} ${paths.length === 1 ? kind.slice(0, -1) : kind}`],
  );
  const needs = dependencies.length === 0 ? '' : `, needs ${dependencies.length} ${dependencies.length === 1 ? 'package' : 'packages'}`;
  const lines = [`  ${[...counts, `${files} files`].join(', ')}${needs}`];
  if (action === 'replace') {
    const line = (sign: string, permission: string): string =>
      `  ${sign} ${describePermission(parsePermission(permission))}  ${style.dim(`[${oneLine(permission)}]`)}`;
    lines.push(...permissionDiff.added.map((permission) => line('+', permission)), ...permissionDiff.removed.map((permission) => line('-', permission)));
  }
  return `${head}${lines.join('\n')}\n${formatPlan({ packages: [consent] }, style).replace(/^(?=.)/gm, '  ')}`;
}
