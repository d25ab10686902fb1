import { type Diagnostic, type Registrations, type Unsupported } from '../../format/index.ts';
import { type Inspection, inspectSpec } from '../../registry/index.ts';
import type { DefineCommand } from '../command.ts';
import { inspectPorts } from '../compose.ts';
import { describeTogether } from '../consent-sentence.ts';
import { npmConfigFor } from '../npm-config.ts';
import { parseDuration } from '../duration.ts';
import { formatDiagnostics } from '../output/diagnostics.ts';
import { formatWhere } from '../output/error.ts';
import { formatEvidence, formatUse } from '../output/evidence.ts';
import { showProgress } from '../output/progress.ts';
import { only, readSpecs } from '../read-specs.ts';
import { oneLine, type Style } from '../output/terminal.ts';

/** One extension as `--json` shows it; the names are a contract with scripts. */
interface ExtensionDocument extends Partial<Omit<Registrations, 'events'>> {
  readonly path: string;
  readonly ok: boolean;
  readonly error?: { readonly code: string; readonly message: string; readonly where?: { readonly path: string; readonly line?: number } };
  readonly needs?: readonly string[];
  readonly events?: readonly string[];
  readonly unsupported: readonly Unsupported[];
}

export const define: DefineCommand = (command) => {
  command
    .argument('<spec>', 'what `dash install` takes')
    .option('--min-age <duration>', 'how long a release must have been public; default: any, since nothing is installed');
  return async (invocation) => {
    const { cwd, home, signal, stdout } = invocation;
    const { minAge } = command.opts<{ readonly minAge?: string }>();
    const { specs, piped } = await readSpecs(command.args, cwd);
    using progress = showProgress(invocation);
    await using inspection = await inspectSpec(only(specs), {
      dashHome: home,
      npm: await npmConfigFor(invocation),
      ports: inspectPorts(home),
      signal,
      ...(piped !== undefined && { piped }),
      minAgeMs: minAge === undefined ? 0 : parseDuration('--min-age', minAge),
      onProgress: progress.listener,
    });
    progress[Symbol.dispose]();
    const document = documentOf(inspection);
    return { kind: 'document', document, text: formatInspection(document, stdout.style) };
  };
};

function documentOf({
  id,
  contentHash,
  permissions,
  inferred,
  package: { manifest, source, resources, skills, compiled, captureOutcomes, diagnostics },
}: Inspection) {
  const { name, version, description, dash } = manifest;
  return {
    package: { id, name, version, description, source: { ...source, contentHash } },
    manifest: { kind: dash.kind, permissions: dash.permissions, optionalPermissions: dash.optionalPermissions },
    resources,
    skills: skills.map(({ path, name: skill, description: about }) => ({ path, name: skill, description: about })),
    permissions: {
      declared: permissions,
      inferred: inferred.permissions,
      // what only exists when the code runs: it is asked for when it happens
      computed: inferred.computed,
      ...(inferred.incomplete !== undefined && { incomplete: inferred.incomplete }),
    },
    extensions: [
      ...compiled.entries.map(({ entry, unsupported }) => extensionOf(entry, unsupported, captureOutcomes)),
      ...compiled.failures.map(({ entry, error }): ExtensionDocument => ({ path: entry, ok: false, error, unsupported: [] })),
    ],
    diagnostics: [...diagnostics, ...skills.flatMap((skill) => skill.diagnostics)],
  };
}

function extensionOf(path: string, unsupported: readonly Unsupported[], outcomes: Inspection['package']['captureOutcomes']): ExtensionDocument {
  const outcome = outcomes.find(({ entry }) => entry === path);
  switch (outcome?.kind) {
    case 'ok': {
      const { events, ...registered } = outcome.registrations;
      return { path, ok: true, ...registered, events: [...new Set(events.map(({ event }) => event))], unsupported };
    }
    case 'deferred':
      return { path, ok: false, error: outcome.error, needs: outcome.needs, unsupported };
    case 'failed':
      return { path, ok: false, error: outcome.error, unsupported };
    case undefined:
      return { path, ok: false, error: { code: 'CAPTURE_FAILED', message: 'it was not run' }, unsupported };
  }
}

function formatInspection(
  { package: { name, version, description }, resources, permissions, extensions, skills, diagnostics }: ReturnType<typeof documentOf>,
  style: Style,
): string {
  const lines = [`${style.strong(oneLine(name))} ${oneLine(version)}${description === '' ? '' : `  ${oneLine(description)}`}`];
  for (const { words, of } of describeTogether(permissions.declared)) lines.push(`  wants to ${words}  ${style.dim(`[${whichOf(of)}]`)}`);
  lines.push(...formatInferred(permissions, style));
  for (const extension of extensions) lines.push(...formatExtension(extension, style));
  for (const skill of skills) lines.push(`skill ${style.strong(oneLine(skill.name))}  ${oneLine(skill.description).slice(0, 100)}`);
  for (const kind of ['prompts', 'themes'] as const) for (const path of resources[kind]) lines.push(`${kind.slice(0, -1)} ${oneLine(path)}`);
  return `${lines.join('\n')}\n${formatDiagnostics(diagnostics.filter(isWorthShowing), style)}`;
}

/** Own code first, then what its dependencies do; each with the first place. */
function formatInferred({ inferred, computed, incomplete }: ReturnType<typeof documentOf>['permissions'], style: Style): string[] {
  const lines: string[] = [];
  if (incomplete !== undefined) lines.push(`  ${style.warning('warning')}: its code was not read to the end: ${oneLine(incomplete)}`);
  for (const isOwn of [true, false]) {
    const permissions = inferred.filter(({ evidence }) => (evidence[0]?.dependency === undefined) === isOwn);
    const uses = computed.filter(({ dependency }) => (dependency === undefined) === isOwn);
    if (permissions.length + uses.length === 0) continue;
    lines.push(isOwn ? '  in its code' : '  in the code of its dependencies');
    for (const { words, of } of describeTogether(permissions)) {
      const [first] = of;
      if (first === undefined) continue;
      lines.push(`    ${words}  ${style.dim(`[${whichOf(of)}]  ${formatEvidence(first)}${of.length > 1 ? ', and elsewhere' : ''}`)}`);
    }
    for (const use of uses.slice(0, COMPUTED_SHOWN))
      lines.push(`    a computed ${use.subject}${use.known === '' ? '' : ` (${oneLine(use.known)})`}, asked for when it is used  ${style.dim(formatUse(use))}`);
    if (uses.length > COMPUTED_SHOWN) lines.push(`    and ${uses.length - COMPUTED_SHOWN} more that are computed; \`--json\` has all`);
  }
  return lines;
}

function whichOf(of: readonly { readonly permission: string; readonly level: string }[]): string {
  const [first] = of;
  if (first === undefined) return '';
  return oneLine(of.length > 1 ? `${of.length} permissions, ${first.level}; \`--json\` lists them` : `${first.permission}, ${first.level}`);
}

const COMPUTED_SHOWN = 12;

function formatExtension(
  { path, ok, error, needs = [], tools = [], commands = [], events = [], flags = [], shortcuts = [], unsupported }: ExtensionDocument,
  style: Style,
): string[] {
  const lines = [`extension ${style.strong(oneLine(path))}${ok ? '' : `  ${style.bad('does not load')}: ${oneLine(error?.message ?? '')}`}`];
  if (error?.where !== undefined) lines.push(`  at ${oneLine(formatWhere(error.where))}`);
  if (needs.length > 0) lines.push(`  needs ${needs.map(oneLine).join(', ')} before it can say what it offers`);
  for (const tool of tools) lines.push(`  tool ${style.strong(oneLine(tool.name))}  ${oneLine(tool.description).slice(0, 100)}`);
  for (const { name, description = '' } of commands) lines.push(`  command /${oneLine(name)}  ${oneLine(description).slice(0, 100)}`);
  if (events.length > 0) lines.push(`  listens to ${events.map(oneLine).join(', ')}`);
  if (flags.length > 0) lines.push(`  flags ${flags.map(({ name }) => `--${oneLine(name)}`).join(', ')}`);
  if (shortcuts.length > 0) lines.push(`  shortcuts ${shortcuts.map(({ shortcut }) => oneLine(shortcut)).join(', ')}`);
  for (const { what, why, alternative, where } of unsupported) {
    lines.push(
      `  ${style.warning('unsupported')} ${oneLine(what)}: ${oneLine(why)}; ${oneLine(alternative)}${where === undefined ? '' : `  (${oneLine(formatWhere(where))})`}`,
    );
  }
  return lines;
}

/** What an extension cannot do, and what it waits for, stands beside the extension. */
function isWorthShowing({ severity, code }: Diagnostic): boolean {
  return severity !== 'info' && code !== 'CAPTURE_DEFERRED' && !code.startsWith('UNSUPPORTED_');
}
