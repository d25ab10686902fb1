import {
  type ConsentLevel,
  consentLevel,
  DashError,
  describePermission,
  formatPermission,
  parsePermissionSet,
  type Permission,
  type PermissionSet,
  widening,
} from '../../format/index.ts';
import { allRequestsOf, inspectSpec, parseSpec, readInstalled } from '../../registry/index.ts';
import type { CommandResult, DefineCommand, Invocation } from '../command.ts';
import { inspectPorts } from '../compose.ts';
import { npmConfigFor } from '../npm-config.ts';
import { formatTable } from '../output/table.ts';
import { showProgress } from '../output/progress.ts';
import { oneLine, type Style } from '../output/terminal.ts';

const FORMATS = ['text', 'md'] as const;
type Format = (typeof FORMATS)[number];

/** What one of two wants, and where that is known from. */
interface Side {
  readonly name: string;
  readonly version: string;
  readonly requested: readonly string[];
  /** True when it declares nothing, and this was read from its code. */
  readonly inferred: boolean;
}

interface Difference {
  readonly permission: string;
  readonly says: string;
  readonly level: ConsentLevel;
}

interface DiffDocument {
  readonly from: Side;
  readonly to: Side;
  /** What the second one may do and the first may not; an old denial that is gone begins with `!`. */
  readonly added: readonly Difference[];
  readonly removed: readonly Difference[];
}

export const define: DefineCommand = (command) => {
  command
    .argument('<from>', 'an installed package, or what `dash install` takes')
    .argument('<to>', 'what to compare it with; `@version` alone is that version of the first')
    .option('--format <format>', `${FORMATS.join(' or ')}, for a review`, 'text');
  return (invocation) => showDifference(command.args, command.opts<{ readonly format: string }>().format, invocation);
};

/** Compares what two packages, or two versions of one, ask for: by what is allowed, not by what is written. */
export async function showDifference(texts: readonly string[], format: string, invocation: Invocation): Promise<CommandResult> {
  const [from, to] = texts;
  if (from === undefined || to === undefined || texts.length > 2)
    throw new DashError('USAGE', 'a difference is of two', { hint: 'name two: `dash permissions diff <name> <spec>`' });
  const wanted = FORMATS.find((one) => one === format);
  if (wanted === undefined) throw new DashError('USAGE', `there is no format \`${format}\``, { hint: `one of ${FORMATS.join(', ')}` });
  const document = differenceOf(
    await sideOf(from, invocation),
    await sideOf(to.startsWith('@') && !to.includes('/') ? `${withoutVersion(from)}${to}` : to, invocation),
  );
  return { kind: 'document', document, text: FORMATTERS[wanted](document, invocation.stdout.style) };
}

async function sideOf(text: string, invocation: Invocation): Promise<Side> {
  const { home, cwd, globals, signal } = invocation;
  const installed = (await readInstalled({ dashHome: home, projectDir: cwd })).find((one) => [one.name, one.id, one.spec].includes(text));
  if (installed !== undefined) return toSide(installed.name, installed.version, installed);
  using progress = showProgress(invocation);
  await using inspection = await inspectSpec(parseSpec(text, { cwd }), {
    dashHome: home,
    npm: await npmConfigFor(invocation),
    ports: inspectPorts(home),
    signal,
    minAgeMs: 0,
    onProgress: progress.listener,
    ...(globals.offline === true && { offline: true }),
  });
  const { manifest, compiled } = inspection.package;
  return toSide(manifest.name, manifest.version, { ...manifest.dash, compiled });
}

function toSide(name: string, version: string, of: Parameters<typeof allRequestsOf>[0]): Side {
  const requested = allRequestsOf(of);
  return { name, version, requested: requested.map(({ permission }) => permission), inferred: requested.some((one) => 'inferred' in one) };
}

function differenceOf(from: Side, to: Side): DiffDocument {
  const [old, next] = [parsePermissionSet(from.requested), parsePermissionSet(to.requested)];
  const described = (permissions: readonly Permission[], set: PermissionSet): Difference[] =>
    permissions.map((permission) => ({
      permission: formatPermission(permission),
      says: permission.deny ? `no longer denies itself to ${describePermission({ ...permission, deny: false })}` : describePermission(permission),
      level: consentLevel(permission, set),
    }));
  return { from, to, added: described(widening(old, next), next), removed: described(widening(next, old), old) };
}

const FORMATTERS: Readonly<Record<Format, (document: DiffDocument, style: Style) => string>> = {
  text({ from, to, added, removed }, style) {
    const row = (sign: string, { permission, says, level }: Difference): string[] => [
      `  ${sign} ${oneLine(says)}`,
      style.dim(`[${oneLine(permission)}, ${level}]`),
    ];
    const rows = [...added.map((one) => row('+', one)), ...removed.map((one) => row('-', one))];
    const body = rows.length === 0 ? '  nothing changes in what is allowed\n' : formatTable(rows);
    return `${style.strong(titleOf(from))} → ${style.strong(titleOf(to))}\n${body}`;
  },
  md({ from, to, added, removed }) {
    const cell = (text: string): string => oneLine(text).replaceAll('|', '\\|').replaceAll('<', '&lt;');
    const row = (sign: string, { permission, says, level }: Difference): string => `| ${sign} | \`${cell(permission)}\` | ${cell(says)} | ${level} |`;
    const rows = [...added.map((one) => row('added', one)), ...removed.map((one) => row('removed', one))];
    const table = ['| | permission | what it allows | asked |', '| --- | --- | --- | --- |', ...rows].join('\n');
    return `### Permissions: ${cell(titleOf(from))} → ${cell(titleOf(to))}\n\n${rows.length === 0 ? 'Nothing changes in what is allowed.' : table}\n`;
  },
};

function titleOf({ name, version, inferred }: Side): string {
  return oneLine(`${name}@${version}${inferred ? ' (read from its code)' : ''}`);
}

/** `npm:@scope/name@1.2.3` without its version. */
function withoutVersion(text: string): string {
  const at = text.lastIndexOf('@');
  return at > text.lastIndexOf('/') && at > 0 && !text.slice(0, at).endsWith(':') ? text.slice(0, at) : text;
}
