import { realpath } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

import type { Places } from '../../format/index.ts';
import { type InstalledPackage, readGrants, readInstalled } from '../../registry/index.ts';
import { type AuditRecord, dataDirectory, type PermissionUse, readAuditTrails, usesOf } from '../../sandbox/index.ts';
import type { CommandResult, DefineCommand, Invocation } from '../command.ts';
import { findInstalled } from '../find-installed.ts';
import { formatTable } from '../output/table.ts';
import { oneLine, type Style } from '../output/terminal.ts';

/** What was granted to one package, what of it was used, and the commands that would leave it just that. */
interface UsedDocument {
  readonly name: string;
  readonly version: string;
  readonly permissions: readonly PermissionUse[];
  /** What it was denied, the most frequent first. */
  readonly denied: readonly { readonly permission: string; readonly times: number }[];
  readonly commands: readonly string[];
}

export const define: DefineCommand = (command) => {
  command.argument('[name]', 'only this package');
  return (invocation) => showUsed(command.args[0], invocation);
};

/** Compares what is granted with what the audit trail says was used. */
export async function showUsed(name: string | undefined, invocation: Invocation): Promise<CommandResult> {
  const { home, cwd, stdout } = invocation;
  const installed = name === undefined ? await readInstalled({ dashHome: home, projectDir: cwd }) : [await findInstalled(name, invocation)];
  const trails = readAuditTrails(join(home, 'audit'));
  const records = trails.flatMap((trail) => trail.records);
  const packages = await Promise.all(installed.map((one) => usedBy(one, records, invocation)));
  const since = records[0]?.time ?? null;
  return {
    kind: 'document',
    document: { since, packages },
    text: packages.length === 0 ? 'nothing is installed\n' : `${packages.map((one) => textOf(one, stdout.style)).join('\n')}${sinceText(since)}`,
  };
}

async function usedBy(installed: InstalledPackage, records: readonly AuditRecord[], { home, cwd, env }: Invocation): Promise<UsedDocument> {
  const { name, version, grantKey } = installed;
  const own = records.filter((record) => record['dash.package'] === name);
  const { permissions } = await readGrants(home, grantKey, cwd);
  const places: Places = {
    workspace: await realpath(cwd),
    home: await realpath(env['HOME'] ?? homedir()),
    data: dataDirectory(home, { name, source: grantKey }),
    tmp: join(home, 'tmp'),
    dashHome: home,
  };
  const uses = usesOf(permissions, own, places);
  const denials = Map.groupBy(
    own.filter(({ decision, permission }) => decision === 'deny' && permission !== undefined),
    ({ permission = '' }) => permission,
  );
  return {
    name,
    version,
    permissions: uses,
    denied: [...denials]
      .map(([permission, all]) => ({ permission, times: all.reduce((sum, { repeated = 1 }) => sum + repeated, 0) }))
      .toSorted((a, b) => b.times - a.times)
      .slice(0, 10),
    commands: commandsFor(name, uses),
  };
}

/** Grants first: in between nothing that works is denied. */
function commandsFor(name: string, uses: readonly PermissionUse[]): string[] {
  const changed = uses.filter(({ narrower }) => narrower !== undefined);
  const granted = [...new Set(changed.flatMap(({ narrower = [] }) => narrower))];
  return [
    ...(granted.length === 0 ? [] : [`dash permissions grant ${name} ${granted.map(quoted).join(' ')}`]),
    ...(changed.length === 0 ? [] : [`dash permissions revoke ${name} ${changed.map(({ permission }) => quoted(permission)).join(' ')}`]),
  ];
}

function quoted(permission: string): string {
  return /^[\w:./,@-]+$/.test(permission) ? permission : `'${permission.replaceAll("'", `'\\''`)}'`;
}

function textOf({ name, version, permissions, denied, commands }: UsedDocument, style: Style): string {
  const rows = permissions.map(({ permission, uses, last, narrower }) => [
    `  ${uses === 0 ? style.warning('unused') : `used ${uses}×`}`,
    oneLine(permission),
    style.dim(last === null ? '' : `last ${oneLine(last.slice(0, 16).replace('T', ' '))}`),
    narrower === undefined || narrower.length === 0 ? '' : `${narrower.map(oneLine).join(', ')} would do`,
  ]);
  const lines = denied.map(({ permission, times }) => `  ${style.bad('denied')} ${times}×  ${oneLine(permission)}\n`);
  const advice = commands.length === 0 ? '' : `  to leave it what it used:\n${commands.map((one) => `    ${oneLine(one)}\n`).join('')}`;
  return `${style.strong(oneLine(name))} ${oneLine(version)}\n${rows.length === 0 ? '  nothing is granted to it\n' : formatTable(rows)}${lines.join('')}${advice}`;
}

function sinceText(since: string | null): string {
  return since === null
    ? 'no package ran yet: nothing can be said of what is used\n'
    : `\nas far as the audit trail goes back: ${oneLine(since.slice(0, 16).replace('T', ' '))}\n`;
}
