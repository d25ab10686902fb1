import { describePermission, type Diagnostic, parsePermission } from '../../format/index.ts';
import type { InstallReport } from '../../registry/index.ts';
import type { Invocation } from '../command.ts';
import { formatDiagnostics } from './diagnostics.ts';
import { oneLine, type Style } from './terminal.ts';
import { unchangedLine } from './unchanged-line.ts';

/** What an install did, for people. */
export function formatInstallReport({ installed, unchanged, diagnostics, pending, ungranted }: InstallReport, { globals }: Invocation, style: Style): string {
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
  lines.push(...unchanged.map((one) => unchangedLine(one, style)));
  for (const { name, permissions } of ungranted) {
    // what was refused on purpose is said above
    const refused = installed.find((one) => one.name === name)?.permissions.denied ?? [];
    for (const { permission } of permissions.filter((one) => !refused.includes(one.permission)))
      lines.push(
        `${style.warning('not granted')} to ${oneLine(name)}: ${describePermission(parsePermission(permission))}; \`dash permissions grant ${oneLine(name)} '${permission}'\` allows it`,
      );
  }
  if (pending.length > 0 && installed.length > 0 && globals.quiet !== true)
    lines.push(
      style.dim(
        `${pending.length === 1 ? `${oneLine(pending[0] ?? '')} is` : `${pending.length} packages are`} built at the next start; \`dash install --wait\` builds now`,
      ),
    );
  const shown = globals.quiet === true ? '' : formatDiagnostics(globals.verbose === true ? diagnostics : gathered(diagnostics), style);
  return `${lines.map((line) => `${line}\n`).join('')}${shown}`;
}

/** What many packages say alike, and nobody can act on, is one line. */
function gathered(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const alike = diagnostics.filter(({ code }) => code === 'HOST_VERSION');
  if (alike.length < 2) return diagnostics;
  const message = `${alike.length} times a package wants another version of what the host provides; \`--verbose\` tells which`;
  return [...diagnostics.filter((one) => !alike.includes(one)), { severity: 'info', code: 'HOST_VERSION', message }];
}
