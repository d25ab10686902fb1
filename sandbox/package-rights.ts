import {
  allows,
  formatPermission,
  GRANTED_BY_INSTALLING,
  parsePermission,
  parsePermissionSet,
  type PermissionSet,
  type Places,
  type PlainArea,
  union,
} from '../format/index.ts';
import type { AuditTrail } from './audit-trail.ts';
import { type Authority, fixedAuthority } from './authority.ts';
import type { EventCallOptions, SandboxPackage } from './extension.ts';
import type { CallOrigin, HostPorts, PermissionAnswer, QuestionPort } from './ports.ts';

export interface PackageRightsOptions {
  readonly package: SandboxPackage;
  readonly ports: HostPorts;
  readonly audit: Pick<AuditTrail, 'append'>;
  /** The agent's; what is not set is asked for by nobody. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/**
 * What a package may do at this moment, and what it may ask for before anything of it runs: the right to an event, and the
 * variables that are there when its code begins. What it does while it runs is the broker's part.
 */
export class PackageRights {
  readonly authority: Authority;
  readonly #options: PackageRightsOptions;
  /** Events that it may hear once: in what which message of the user's set going. */
  readonly #heardOnce = new Map<string, string>();

  constructor(options: PackageRightsOptions) {
    this.#options = options;
    const { authority, granted } = options.package;
    this.authority = withImplicit(authority ?? fixedAuthority(granted));
  }

  holds(area: PlainArea): boolean {
    const { permissions } = this.authority.granted();
    const named = permissions.filter((permission) => permission.area === area);
    return named.length > 0 && named.every(({ deny }) => !deny);
  }

  canAskFor(area: PlainArea): boolean {
    const isDenied = this.authority.granted().permissions.some((permission) => permission.area === area && permission.deny);
    return !isDenied && this.authority.requested().some(({ permission }) => permission === area);
  }

  /** Whether it may answer as a provider at this host, or may ask to. */
  canProvide(host: string, places: Places): boolean {
    const effect = { kind: 'provider', host } as const;
    const requested = parsePermissionSet(this.authority.requested().map(({ permission }) => permission));
    return allows(this.authority.granted(), effect, places).allowed || allows(requested, effect, places).allowed;
  }

  /** Whether it may be told of an event now; asks the user for what is missing, where that was asked for at install. */
  async mayHear(event: string, needs: readonly PlainArea[], { origin, signal = new AbortController().signal }: Pick<EventCallOptions, 'origin' | 'signal'>) {
    const missing = (): readonly PlainArea[] => needs.filter((area) => !this.holds(area));
    const [first, ...rest] = missing();
    if (first === undefined) return true;
    const { questions } = this.#options.ports;
    if (origin === undefined || questions === undefined || ![first, ...rest].every((area) => this.canAskFor(area))) return false;
    if (this.#heardOnce.get(event) === origin.chain) return true;
    const permissions = [first, ...rest] as const;
    const { reason } = this.authority.requested().find(({ permission }) => permission === first) ?? {};
    const question = { ...origin, ...this.#who(), capability: 'event', target: event, permissions, mayPause: false };
    const answer = await questions.ask({ ...question, ...(reason !== undefined && { reason }) }, signal, () => missing().length > 0);
    if (answer === undefined) return missing().length === 0;
    this.#recordAnswer('event', event, permissions, answer);
    if (answer === 'no' || answer === 'pause') return false;
    // One message of the user's brings the same event many times: a yes to one of them is a yes to the others.
    if (answer === 'once') this.#heardOnce.set(event, origin.chain);
    else await this.authority.allow(permissions, answer);
    return true;
  }

  /**
   * Variables are there before the bundle runs, so they are asked for before it does: in one question, and only those
   * that have a value, for what is not set is given away by nobody.
   */
  async askForVariables(origin: CallOrigin, signal: AbortSignal = new AbortController().signal): Promise<void> {
    const { ports, environment } = this.#options;
    const names = this.authority.granted().permissions.flatMap((permission) => (permission.area === 'env' ? [permission.name] : []));
    const wanted = this.authority.requested().filter(({ permission: text }) => {
      const permission = parsePermission(text);
      return permission.area === 'env' && !permission.deny && environment[permission.name] !== undefined && !names.includes(permission.name);
    });
    const [first, ...rest] = wanted.map(({ permission }) => permission);
    if (first === undefined || ports.questions === undefined) return;
    const permissions = [first, ...rest] as const;
    const target = permissions.map((permission) => permission.slice('env:'.length)).join(', ');
    const reason = wanted.length === 1 ? wanted[0]?.reason : undefined;
    const asked = { ...origin, ...this.#who(), capability: 'env', target, permissions, mayPause: false };
    const answer = await ports.questions.ask({ ...asked, ...(reason !== undefined && { reason }) }, signal, () => true);
    if (answer === undefined) return;
    this.#recordAnswer('env', target, permissions, answer);
    // The values are in its memory from then on, as long as it runs: `once` is no shorter.
    if (answer === 'once' || answer === 'session') await this.authority.allow(permissions, 'session');
    if (answer === 'project') await this.authority.allow(permissions, 'project');
  }

  /** The values of variables that it may see. Each is written down: extensions read them at module level, at no request. */
  variables(granted: PermissionSet): Readonly<Record<string, string>> {
    const values: Record<string, string> = {};
    for (const permission of granted.permissions) {
      if (permission.area !== 'env' || permission.deny) continue;
      const value = this.#options.environment[permission.name];
      if (value === undefined || granted.permissions.some((other) => other.area === 'env' && other.deny && other.name === permission.name)) continue;
      values[permission.name] = value;
      this.#record({ 'event.name': 'decision', capability: 'env', target: permission.name, decision: 'allow', rule: formatPermission(permission) });
    }
    return values;
  }

  /** Also of what is asked for at first use: a handle tells nothing, not even whether there is a value. */
  secrets(granted: PermissionSet): readonly string[] {
    const asked = this.authority.requested().map(({ permission }) => parsePermission(permission));
    return [...granted.permissions, ...asked].flatMap((permission) => (permission.area === 'secret' && !permission.deny ? [permission.name] : []));
  }

  /** What takes effect by being there, at no single request: waking the package is using it. */
  noteUses(granted: PermissionSet): void {
    for (const permission of granted.permissions)
      if (!permission.deny && USED_BY_RUNNING.has(permission.area)) this.authority.used(formatPermission(permission));
  }

  /** The ports for its broker, whose questions say how much of something there will be at most. */
  asking(): HostPorts {
    const { ports } = this.#options;
    const { questions } = ports;
    if (questions === undefined) return ports;
    const ask: QuestionPort['ask'] = (question, signal, isStillOpen) => {
      const max = this.authority.maxOf(question.permissions[0]);
      return questions.ask(max === undefined ? question : { ...question, max }, signal, isStillOpen);
    };
    return { ...ports, questions: { ask } };
  }

  #who(): { readonly package: string; readonly version: string } {
    const { name, version } = this.#options.package;
    return { package: name, version };
  }

  #recordAnswer(capability: string, target: string, permissions: readonly string[], answer: PermissionAnswer): void {
    const decision = answer === 'no' || answer === 'pause' ? ('deny' as const) : ('allow' as const);
    this.#record({ 'event.name': 'consent', capability, target, decision, rule: `asked: ${answer}`, permission: permissions.join(' ') });
  }

  #record(record: Omit<Parameters<AuditTrail['append']>[0], 'dash.package' | 'dash.version' | 'content.hash'>): void {
    const { name, version, contentHash } = this.#options.package;
    this.#options.audit.append({ ...record, 'dash.package': name, 'dash.version': version, 'content.hash': contentHash });
  }
}

const IMPLICIT = parsePermissionSet(GRANTED_BY_INSTALLING);

const USED_BY_RUNNING: ReadonlySet<string> = new Set([
  'env',
  'model:credentials',
  'provider',
  'tools:intercept',
  'tools:override',
  'tools:dynamic',
  'wasm',
  'node',
]);

/** Computed once for each set: an authority answers with the same one until something changes. */
function withImplicit(authority: Authority): Authority {
  const sets = new WeakMap<PermissionSet, PermissionSet>();
  return {
    ...authority,
    granted() {
      const granted = authority.granted();
      const known = sets.get(granted) ?? union(granted, IMPLICIT);
      sets.set(granted, known);
      return known;
    },
  };
}
