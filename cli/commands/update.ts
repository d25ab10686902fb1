import { existsSync } from 'node:fs';

import { describePermission, parsePermission } from '../../format/index.ts';
import { type Difference, type Held, type PackageView, update, type UpdateReport } from '../../registry/index.ts';
import { collect } from '../collect-option.ts';
import type { DefineCommand, Invocation } from '../command.ts';
import { inspectPorts } from '../compose.ts';
import { npmConfigFor } from '../npm-config.ts';
import { consentPrompt } from '../consent-prompt.ts';
import { parseDuration } from '../duration.ts';
import { inOtherScope } from '../find-installed.ts';
import { formatDiagnostics } from '../output/diagnostics.ts';
import { showProgress } from '../output/progress.ts';
import { oneLine, type Style } from '../output/terminal.ts';
import { scopeOf } from '../scope.ts';

interface UpdateFlags {
  readonly accept?: boolean;
  readonly to?: string;
  readonly grant: readonly string[];
  readonly deny: readonly string[];
  readonly minAge?: string;
  readonly changelog: boolean;
}

export const define: DefineCommand = (command) => {
  command
    .argument('[names...]', 'installed packages; default: all')
    .option('--accept', 'take what waits; without names all of it')
    .option('--to <version>', 'go to this version, branch, tag or commit')
    .option('--grant <permission>', 'with `--accept`: grant this; may stand several times', collect, [])
    .option('--deny <permission>', 'with `--accept`: update without this; may stand several times', collect, [])
    .option('--no-changelog', 'leave out what authors say changed')
    .option('--min-age <duration>', 'how long a release must have been public, e.g. `3d` (the default), `12h`, `0`');
  return async (invocation) => {
    const { cwd, home, globals, canAsk, signal, stderr, stdout } = invocation;
    const flags = command.opts<UpdateFlags>();
    const minAgeMs = flags.minAge === undefined ? undefined : parseDuration('--min-age', flags.minAge);
    using progress = showProgress(invocation);
    const work = update(command.args, {
      dashHome: home,
      scope: scopeOf(invocation),
      workspace: cwd,
      npm: await npmConfigFor(invocation),
      ports: inspectPorts(home),
      accept: flags.accept === true,
      to: flags.to,
      dryRun: globals.dryRun === true,
      grant: flags.grant,
      deny: flags.deny,
      signal,
      onProgress: progress.listener,
      ...(minAgeMs !== undefined && { minAgeMs }),
      ...(globals.offline === true && { offline: true }),
      ...(canAsk && { consentPort: progress.pausedFor(consentPrompt(stderr)) }),
    });
    const found = await inOtherScope(work, command.args, invocation);
    const report = flags.changelog ? found : { ...found, held: found.held.map(withoutChangelog) };
    progress[Symbol.dispose]();
    return { kind: 'document', document: report, text: textOf(report, command.args, invocation, stdout.style) };
  };
};

function textOf({ steps, held, unchanged, diagnostics }: UpdateReport, names: readonly string[], invocation: Invocation, style: Style): string {
  const { globals } = invocation;
  const done = globals.dryRun === true ? 'would update' : style.good('updated');
  const lines = [
    ...steps.map(({ name, from, to }) => `${done} ${style.strong(oneLine(name))} ${oneLine(from)} → ${oneLine(to)}`),
    ...held.flatMap((one) => heldLines(one, style)),
    ...(steps.length + held.length === 0 ? [unchanged.length === 0 ? nothingIn(invocation) : 'everything is up to date'] : []),
    ...unchanged.flatMap((one) => pinnedLine(one, names)),
  ];
  return `${lines.join('\n')}\n${globals.quiet === true ? '' : formatDiagnostics(diagnostics, style)}`;
}

function withoutChangelog(held: Held): Held {
  const { changelog: _, ...review } = held.review;
  return { ...held, review };
}

/** A scope has nothing, and the other one may have all of it. */
function nothingIn(invocation: Invocation): string {
  return scopeOf(invocation).kind === 'project' ? 'nothing is installed in this project' : 'nothing is installed for you; `--local` updates this project';
}

/** Who asks for a newer version of what was installed by its exact version should hear why there is none. */
function pinnedLine({ name, version, spec }: PackageView, names: readonly string[]): string[] {
  if (spec !== `npm:${name}@${version}` || ![name, spec, `npm:${name}`].some((text) => names.includes(text))) return [];
  return [`  ${oneLine(name)} was asked for as \`${oneLine(spec)}\`; \`dash update ${oneLine(name)} --to <version>\` goes elsewhere`];
}

function heldLines(held: Held, style: Style): string[] {
  const { name, from, to, review } = held;
  const { accept, without, trees } = review;
  return [
    `${style.warning('waits for you')}: ${style.strong(oneLine(name))} ${oneLine(from)} → ${oneLine(to)}; ${oneLine(from)} keeps running`,
    ...changeLines(held, style).map((line) => `  ${line}`),
    // a dry run keeps nothing to look at
    ...(existsSync(trees.to) ? [`  look: ${style.dim(`diff -r ${oneLine(trees.from)} ${oneLine(trees.to)}`)}`] : []),
    `  take: \`${oneLine(accept)}\``,
    ...(without === undefined ? [] : [`  take it without what is new: \`${oneLine(without)}\``]),
  ];
}

/** Why a new version waits, and what it changes. */
export function changeLines({ reasons, permissionDiff: { added, removed }, review: { files, dependencies, changelog } }: Held, style: Style): string[] {
  const permissionLine = (sign: string, permission: string): string =>
    `${sign} ${describePermission(parsePermission(permission))}  ${style.dim(`[${oneLine(permission)}]`)}`;
  return [
    ...reasons.map(({ message }) => oneLine(message)),
    ...added.map((permission) => permissionLine('+', permission)),
    ...removed.map((permission) => permissionLine('-', permission)),
    ...differenceLine('files', files),
    ...differenceLine('dependencies', dependencies),
    ...changelogLines(changelog, style),
  ];
}

/** The author's words, each line with a mark before it: none may look like one of ours. */
function changelogLines(changelog: Held['review']['changelog'], style: Style): string[] {
  if (changelog === undefined) return [];
  const { path, lines, left } = changelog;
  const rest = left + Math.max(0, lines.length - SHOWN_LINES);
  return [
    `its author says (${oneLine(path)}):`,
    ...lines.slice(0, SHOWN_LINES).map((line) => style.dim(`│ ${oneLine(line)}`)),
    ...(rest > 0 ? [style.dim(`│ … and ${rest} more ${rest === 1 ? 'line' : 'lines'}`)] : []),
  ];
}

const SHOWN_LINES = 30;

function differenceLine(title: string, { added, removed, changed }: Difference): string[] {
  const marked = [...changed, ...added.map((name) => `+${name}`), ...removed.map((name) => `-${name}`)];
  if (marked.length === 0) return [];
  return [`${title}: ${marked.slice(0, 8).map(oneLine).join(', ')}${marked.length > 8 ? ` and ${marked.length - 8} more` : ''}`];
}
