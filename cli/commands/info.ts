import {
  type CaptureOutcome,
  type ConsentLevel,
  consentLevel,
  covers,
  describePermission,
  parsePermission,
  parsePermissionSet,
  type PermissionRequest,
  permissionSet,
  RESOURCE_KINDS,
  type Resources,
} from '../../format/index.ts';
import { type InstalledPackage, inspectSpec, readGrants, readInstalled } from '../../registry/index.ts';
import type { DefineCommand, Invocation } from '../command.ts';
import { inspectPorts } from '../compose.ts';
import { npmConfigFor } from '../npm-config.ts';
import { showProgress } from '../output/progress.ts';
import { only, readSpecs } from '../read-specs.ts';
import { oneLine, type Style } from '../output/terminal.ts';

/** What is told of a package, installed or not; the names are a contract with scripts. */
interface InfoDocument {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly description: string;
  /** Absent when it is not installed. */
  readonly installed?: { readonly spec: string; readonly scope: 'user' | 'project'; readonly enabled: boolean };
  readonly wants: readonly Wanted[];
  readonly contains: {
    readonly extensions: readonly string[];
    readonly tools: readonly { readonly name: string; readonly description: string }[];
    readonly commands: readonly string[];
    readonly events: readonly string[];
    readonly skills: readonly { readonly name: string; readonly description: string }[];
    readonly prompts: readonly string[];
    readonly themes: readonly string[];
  };
  /** What it brings and was left out; absent when that is nothing. */
  readonly leftOut?: readonly string[];
  /** `name@version` of all it needs. */
  readonly dependencies: readonly string[];
}

interface Wanted {
  readonly permission: string;
  readonly says: string;
  readonly level: ConsentLevel;
  readonly optional: boolean;
  /** The author's words. */
  readonly reason?: string;
  readonly state?: 'granted' | 'denied' | 'open';
}

export const define: DefineCommand = (command) => {
  command.argument('<name|spec>', 'an installed package, or what `dash install` takes');
  return async (invocation) => {
    const [text = ''] = command.args;
    const { home, cwd, stdout } = invocation;
    const all = await readInstalled({ dashHome: home, projectDir: cwd });
    const installed = all.find((one) => [one.name, one.id, one.spec].includes(text));
    const document = installed === undefined ? await inspected(text, invocation) : await ofInstalled(installed, invocation);
    return { kind: 'document', document, text: textOf(document, stdout.style) };
  };
};

async function ofInstalled(pkg: InstalledPackage, { home, cwd }: Invocation): Promise<InfoDocument> {
  const { id, name, version, description, spec, scope, enabled, permissions, optionalPermissions } = pkg;
  const granted = await readGrants(home, pkg.grantKey, cwd);
  const held = permissionSet(granted.permissions.filter(({ deny }) => !deny));
  const refused = permissionSet(granted.permissions.filter(({ deny }) => deny).map((permission) => ({ ...permission, deny: false })));
  const stateOf = (text: string) => {
    const wanted = parsePermissionSet([text]);
    return covers(refused, wanted) ? 'denied' : covers(held, wanted) ? 'granted' : 'open';
  };
  return {
    id,
    name,
    version,
    description,
    installed: { spec, scope, enabled },
    wants: wantsOf(permissions, optionalPermissions).map((wanted) => ({ ...wanted, state: stateOf(wanted.permission) })),
    contains: containsOf(pkg),
    ...leftOutOf(pkg),
    dependencies: dependenciesOf(pkg),
  };
}

function leftOutOf({ brought, resources }: InstalledPackage): Pick<InfoDocument, 'leftOut'> {
  const leftOut = RESOURCE_KINDS.flatMap((kind) => brought[kind].filter((path) => !resources[kind].includes(path)));
  return leftOut.length === 0 ? {} : { leftOut };
}

async function inspected(text: string, invocation: Invocation): Promise<InfoDocument> {
  const { cwd, home, globals, signal } = invocation;
  const { specs, piped } = await readSpecs([text], cwd);
  using progress = showProgress(invocation);
  await using inspection = await inspectSpec(only(specs), {
    dashHome: home,
    npm: await npmConfigFor(invocation),
    ports: inspectPorts(home),
    signal,
    ...(piped !== undefined && { piped }),
    minAgeMs: 0,
    onProgress: progress.listener,
    ...(globals.offline === true && { offline: true }),
  });
  const { manifest } = inspection.package;
  const { name, version, description, dash } = manifest;
  return {
    id: inspection.id,
    name,
    version,
    description,
    wants: wantsOf(dash.permissions, dash.optionalPermissions),
    contains: containsOf(inspection.package),
    dependencies: dependenciesOf(inspection.package),
  };
}

function wantsOf(required: readonly PermissionRequest[], optional: readonly PermissionRequest[]): Wanted[] {
  const set = parsePermissionSet([...required, ...optional].map(({ permission }) => permission));
  const wanted =
    (isOptional: boolean) =>
    ({ permission, reason }: PermissionRequest): Wanted => {
      const parsed = parsePermission(permission);
      const level = consentLevel(parsed, set);
      return { permission, says: describePermission(parsed), level, optional: isOptional, ...(reason !== undefined && { reason }) };
    };
  return [...required.map(wanted(false)), ...optional.map(wanted(true))];
}

interface Contents extends Pick<InstalledPackage, 'skills' | 'graph'> {
  readonly resources: Resources;
  readonly captureOutcomes: readonly CaptureOutcome[];
}

function containsOf({ resources, captureOutcomes, skills }: Contents): InfoDocument['contains'] {
  const registered = captureOutcomes.flatMap((outcome) => (outcome.kind === 'ok' ? [outcome.registrations] : []));
  return {
    extensions: resources.extensions,
    tools: registered.flatMap(({ tools }) => tools.map(({ name, description }) => ({ name, description }))),
    commands: registered.flatMap(({ commands }) => commands.map(({ name }) => name)),
    events: [...new Set(registered.flatMap(({ events }) => events.map(({ event }) => event)))],
    skills: skills.map(({ name, description }) => ({ name, description })),
    prompts: resources.prompts,
    themes: resources.themes,
  };
}

function dependenciesOf({ graph }: Pick<Contents, 'graph'>): string[] {
  const others = Object.entries(graph.nodes).filter(([key]) => key !== graph.root);
  return [...new Set(others.map(([, { name, version }]) => `${name}@${version}`))].sort();
}

function textOf({ name, version, description, installed, wants, contains, leftOut = [], dependencies }: InfoDocument, style: Style): string {
  const place =
    installed === undefined ? 'not installed' : `installed for ${installed.scope === 'user' ? 'you' : 'this project'}${installed.enabled ? '' : ', disabled'}`;
  const lines = [`${style.strong(oneLine(name))} ${oneLine(version)}  ${style.dim(place)}`];
  if (description !== '') lines.push(`  ${oneLine(description)}`);
  for (const { permission, says, state, reason, optional } of wants) {
    const word =
      state === undefined || state === 'open' ? (optional ? 'may want to' : 'wants to') : state === 'granted' ? style.good('may') : style.bad('may not');
    lines.push(`  ${word} ${says}  ${style.dim(`[${oneLine(permission)}]`)}${reason === undefined ? '' : style.dim(`  "${oneLine(reason).slice(0, 120)}"`)}`);
  }
  lines.push('  can talk to your model');
  const section = (title: string, items: readonly string[]): void => {
    if (items.length > 0) lines.push(`${title}: ${items.map(oneLine).join(', ')}`);
  };
  for (const tool of contains.tools) lines.push(`tool ${style.strong(oneLine(tool.name))}  ${oneLine(tool.description).slice(0, 100)}`);
  for (const skill of contains.skills) lines.push(`skill ${style.strong(oneLine(skill.name))}  ${oneLine(skill.description).slice(0, 100)}`);
  section(
    'commands',
    contains.commands.map((command) => `/${command}`),
  );
  section('listens to', contains.events);
  section('prompts', contains.prompts);
  section('themes', contains.themes);
  section('left out', leftOut);
  if (dependencies.length > 0)
    lines.push(
      `needs ${dependencies.length} ${dependencies.length === 1 ? 'package' : 'packages'}: ${dependencies.slice(0, 8).map(oneLine).join(', ')}${dependencies.length > 8 ? ', …' : ''}`,
    );
  return `${lines.join('\n')}\n`;
}
