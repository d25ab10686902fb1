import {
  allows,
  escapedText,
  type CommandRegistration,
  type Diagnostic,
  findMember,
  type FlagRegistration,
  parsePermission,
  type PermissionSet,
  type Places,
  PLAIN_AREAS,
  type PlainArea,
  type ShortcutRegistration,
  type ToolRegistration,
} from '../../format/index.ts';
import type { SandboxedPackage } from '../../sandbox/index.ts';
import type { Extension } from './activate.ts';
import type { BoundHandler } from '../bus/delivery.ts';
import { type ExtensionEventName, isExtensionEvent } from '../bus/extension-events.ts';
import type { ResourceCatalog } from './resource-catalog.ts';

interface Owned {
  readonly package: string;
  readonly sandboxed: SandboxedPackage;
}

/** A tool of a package under the name the model knows; `registration.name` is what the package calls it. */
export interface ToolContribution extends Owned {
  readonly name: string;
  readonly registration: ToolRegistration;
  /** It was not there at install: its package registered it while it ran. */
  readonly late?: true;
}

/** A command under the name the user types. */
export interface CommandContribution extends Owned {
  readonly name: string;
  readonly registration: CommandRegistration;
}

export interface FlagContribution {
  readonly package: string;
  readonly registration: FlagRegistration;
}

export interface ShortcutContribution {
  readonly package: string;
  readonly registration: ShortcutRegistration;
}

/** Everything the packages and the user's files of one generation bring. Never changed, only replaced. */
export interface Contributions {
  readonly tools: ReadonlyMap<string, ToolContribution>;
  readonly commands: ReadonlyMap<string, CommandContribution>;
  readonly handlers: ReadonlyMap<ExtensionEventName, readonly BoundHandler[]>;
  readonly flags: readonly FlagContribution[];
  readonly shortcuts: readonly ShortcutContribution[];
  readonly resources: ResourceCatalog;
  readonly diagnostics: readonly Diagnostic[];
}

export interface Surroundings {
  /** Names of the host's own tools and commands: packages cannot take them without being allowed to. */
  readonly builtinTools: readonly string[];
  readonly builtinCommands: readonly string[];
  readonly places: Places;
}

/** Puts together what all packages registered, in load order, and settles who keeps which name. */
export function buildContributions(extensions: readonly Extension[], resources: ResourceCatalog, surroundings: Surroundings): Contributions {
  const diagnostics: Diagnostic[] = [...extensions.flatMap((extension) => extension.diagnostics), ...resources.diagnostics];
  const running = extensions.flatMap(({ pkg, sandboxed }) => (sandboxed === undefined ? [] : [{ pkg, sandboxed, owner: { package: pkg.name, sandboxed } }]));
  const warn = (code: string, message: string): void => {
    diagnostics.push({ severity: 'warning', code, message });
  };

  const tools = new Map<string, ToolContribution>();
  const handlers = new Map<ExtensionEventName, BoundHandler[]>();
  for (const { pkg, sandboxed, owner } of running) {
    for (const registration of sandboxed.registrations.tools) {
      const name = toolName(registration.name, pkg.name, pkg.granted, tools, surroundings, warn);
      if (name !== undefined) tools.set(name, { ...owner, name, registration });
    }
    for (const { event, handler } of sandboxed.registrations.events) {
      const bound = bindHandler(event, pkg.name, pkg.granted, sandboxed, surroundings.places, warn);
      if (bound === undefined) continue;
      const known = handlers.get(bound.event) ?? [];
      const { event: name, ...rights } = bound;
      handlers.set(name, [...known, { ...owner, handler, ...rights }]);
    }
  }
  return {
    tools,
    commands: nameCommands(
      running.flatMap(({ sandboxed, owner }) => sandboxed.registrations.commands.map((registration) => ({ ...owner, name: registration.name, registration }))),
      surroundings.builtinCommands,
    ),
    handlers,
    flags: running.flatMap(({ pkg, sandboxed }) => sandboxed.registrations.flags.map((registration) => ({ package: pkg.name, registration }))),
    shortcuts: running.flatMap(({ pkg, sandboxed }) => sandboxed.registrations.shortcuts.map((registration) => ({ package: pkg.name, registration }))),
    resources,
    diagnostics,
  };
}

/**
 * The same, with the tools that packages registered since: each under a name of its package's, never in the place of
 * another tool, whatever came first.
 */
export function withLateTools(
  contributions: Contributions,
  extensions: readonly Extension[],
  { builtinTools }: Pick<Surroundings, 'builtinTools'>,
): Contributions {
  const tools = new Map(contributions.tools);
  const diagnostics = [...contributions.diagnostics];
  for (const { pkg, sandboxed } of extensions) {
    if (sandboxed === undefined) continue;
    for (const registration of sandboxed.lateTools) {
      const name = lateName(pkg.name, registration.name);
      if (tools.has(name) || builtinTools.includes(name)) {
        diagnostics.push({
          severity: 'warning',
          code: 'TOOL_COLLISION',
          message: `the late tool \`${registration.name}\` of \`${pkg.name}\` would be \`${name}\`, which is taken`,
        });
      } else {
        tools.set(name, { package: pkg.name, sandboxed, name, registration, late: true });
      }
    }
  }
  return tools.size === contributions.tools.size && diagnostics.length === contributions.diagnostics.length
    ? contributions
    : { ...contributions, tools, diagnostics };
}

/** The beginning of the package's name and the whole of the tool's: as much as fits into the name of a tool. */
export function lateName(owner: string, tool: string): string {
  return `${plain(owner).slice(0, MAX_TOOL_NAME - 2 - tool.length)}__${tool}`;
}

type Warn = (code: string, message: string) => void;

const MAX_TOOL_NAME = 64;
const TOOL_NAME = /^[A-Za-z0-9_-]{1,64}$/;

function toolName(
  name: string,
  owner: string,
  granted: PermissionSet,
  taken: ReadonlyMap<string, ToolContribution>,
  { builtinTools, places }: Surroundings,
  warn: Warn,
): string | undefined {
  if (!TOOL_NAME.test(name)) {
    warn('INVALID_TOOL_NAME', `\`${owner}\` registers a tool \`${escapedText(name, MAX_TOOL_NAME)}\`, but a name has 1 to 64 letters, digits, \`_\` or \`-\``);
    return undefined;
  }
  const isBuiltin = builtinTools.includes(name);
  if (isBuiltin && !allows(granted, { kind: 'override', tool: name }, places).allowed) {
    const own = ownName(owner, name);
    warn('TOOL_NAME_TAKEN', `\`${owner}\` may not replace the tool \`${name}\` without \`tools:override:${name}\`; its own is \`${own}\``);
    return taken.has(own) ? undefined : own;
  }
  const first = taken.get(name);
  if (first === undefined) return name;
  const own = ownName(owner, name);
  warn('TOOL_COLLISION', `\`${first.package}\` and \`${owner}\` both have a tool \`${name}\`; the one of \`${owner}\` is \`${own}\``);
  return taken.has(own) ? undefined : own;
}

function ownName(owner: string, name: string): string {
  return `${plain(owner)}__${name}`.slice(-MAX_TOOL_NAME);
}

function plain(owner: string): string {
  return owner.replace(/^@/, '').replaceAll(/[^A-Za-z0-9_-]/g, '_');
}

function bindHandler(
  event: string,
  owner: string,
  granted: PermissionSet,
  sandboxed: SandboxedPackage,
  places: Places,
  warn: Warn,
): ({ readonly event: ExtensionEventName } & Pick<BoundHandler, 'needs' | 'toChange' | 'cannotChange'>) | undefined {
  const row = findMember('event', event);
  if (row === undefined || !isExtensionEvent(event)) {
    warn('UNKNOWN_EVENT', `\`${owner}\` listens to \`${event}\`, which is no event of ours and is never delivered`);
    return undefined;
  }
  if (!row.delivered) {
    warn('EVENT_NOT_DELIVERED', `\`${owner}\` listens to \`${event}\`, which is never delivered to packages`);
    return undefined;
  }
  const areas = (needs: readonly string[]): readonly PlainArea[] => needs.map((need) => parsePermission(need).area).filter(isPlain);
  const missing = row.needs.filter((need) => !holds(granted, need, places));
  if (missing[0] !== undefined) {
    const isAsked = areas(missing).every((area) => sandboxed.canAskFor(area));
    const when = isAsked ? 'is asked for' : 'is not told of it without';
    warn(
      'PERMISSION_DENIED',
      `\`${owner}\` listens to \`${event}\` and ${when} \`${missing[0]}\`${isAsked ? ' when it happens' : ''}; \`dash permissions grant ${owner} ${missing[0]}\` allows it`,
    );
    if (!isAsked) return undefined;
  }
  const cannotChange = row.toChange.find((need) => !holds(granted, need, places));
  return { event, needs: areas(row.needs), toChange: areas(row.toChange), ...(cannotChange === undefined ? {} : { cannotChange }) };
}

/** Leaves out who lost the right to be told since the generation was built and cannot be asked for, and marks who lost the right to change. */
export function stillAllowed(handlers: readonly BoundHandler[]): readonly BoundHandler[] {
  return handlers
    .filter(({ needs, sandboxed }) => needs.every((area) => sandboxed.holds(area) || sandboxed.canAskFor(area)))
    .map((handler) => {
      const lost = handler.cannotChange ?? handler.toChange.find((area) => !handler.sandboxed.holds(area));
      return lost === handler.cannotChange ? handler : { ...handler, cannotChange: lost };
    });
}

function holds(granted: PermissionSet, need: string, places: Places): boolean {
  const { area } = parsePermission(need);
  return isPlain(area) && allows(granted, { kind: 'area', area }, places).allowed;
}

function isPlain(area: string): area is PlainArea {
  return PLAIN_AREAS.some((plain) => plain === area);
}

/** Two packages with one command: both get a number, as in pi, so that neither takes the other's place. */
function nameCommands(commands: readonly CommandContribution[], builtin: readonly string[]): ReadonlyMap<string, CommandContribution> {
  const named = new Map<string, CommandContribution>();
  for (const [name, same] of Map.groupBy(commands, (command) => command.name)) {
    const alone = same.length === 1 && !builtin.includes(name);
    same.forEach((command, index) => {
      const unique = alone ? name : `${name}:${index + 1}`;
      named.set(unique, { ...command, name: unique });
    });
  }
  return named;
}
