import { join } from 'node:path';

import { why, type WhyReport } from '../../registry/index.ts';
import type { CommandResult, DefineCommand, Invocation } from '../command.ts';
import { oneLine, type Style } from '../output/terminal.ts';

export const define: DefineCommand = (command) => {
  command.argument('<name>', 'an installed package, or a dependency of one');
  return (invocation) => explain(command.args[0] ?? '', invocation);
};

/** Why a package is here. @throws {DashError} NOT_INSTALLED */
export async function explain(
  name: string,
  { home, cwd, stdout }: Pick<Invocation, 'home' | 'cwd' | 'stdout'>,
): Promise<CommandResult & { readonly kind: 'document' }> {
  const report = await why(name, { dashHome: home, projectDir: cwd });
  const denials = await recentDenials(report.name, home);
  return { kind: 'document', document: { ...report, denials }, text: textOf(report, denials, stdout.style) };
}

interface RecentDenial {
  readonly permission: string;
  readonly target: string;
  readonly rule: string;
  readonly last: string;
}

const DENIALS_SHOWN = 5;

/** What it was denied last, each permission once. */
async function recentDenials(name: string, home: string): Promise<RecentDenial[]> {
  const { readAuditTrails } = await import('../../sandbox/index.ts');
  const newestFirst = readAuditTrails(join(home, 'audit'))
    .flatMap(({ records }) => records)
    .toReversed();
  const denials = new Map<string, RecentDenial>();
  for (const { 'dash.package': by, decision, permission, target = '', rule = '', time } of newestFirst)
    if (by === name && decision === 'deny' && permission !== undefined && !denials.has(permission))
      denials.set(permission, { permission, target, rule, last: time });
  return [...denials.values()].slice(0, DENIALS_SHOWN);
}

function textOf({ name, broughtBy, since, letIn, grants }: WhyReport, denials: readonly RecentDenial[], style: Style): string {
  const lines = [style.strong(oneLine(name))];
  for (const { scope, spec, path } of broughtBy) {
    const way = path.length === 1 ? 'installed' : `needed: ${path.map(oneLine).join(' → ')}`;
    lines.push(`  ${way}, for ${scope === 'user' ? 'you' : 'this project'}, by ${style.dim(oneLine(spec))}`);
  }
  if (since !== null) lines.push(`  runs since ${minute(since)}`);
  for (const { message } of letIn) lines.push(`  ${oneLine(message)}`);
  for (const { permission, by, at, version, project, expires } of grants) {
    const what = permission.startsWith('!') ? `${style.bad('denied')} ${oneLine(permission.slice(1))}` : `${style.good('granted')} ${oneLine(permission)}`;
    const where = project === undefined ? '' : `, in ${oneLine(project.path)}`;
    const until = expires === undefined ? '' : `, until ${minute(expires)}`;
    lines.push(`  ${what}: by \`${oneLine(by)}\`, ${minute(at)}${version === undefined ? '' : `, at version ${oneLine(version)}`}${where}${until}`);
  }
  if (letIn.length > 0 && grants.length === 0) lines.push('  nothing was granted to it');
  for (const { permission, target, rule, last } of denials)
    lines.push(`  ${style.warning('was denied')} ${oneLine(permission)}: ${oneLine(target)} (${oneLine(rule)}), ${minute(last)}`);
  return `${lines.join('\n')}\n`;
}

function minute(time: string): string {
  return oneLine(time.slice(0, 16).replace('T', ' '));
}
