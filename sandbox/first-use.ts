import { dirname, sep } from 'node:path';
import { allows, type ComputedSubject, consentLevel, formatPermission, parsePermission, parsePermissionSet, permissionSet } from '../format/index.ts';
import type { Authority, RequestedPermission } from './authority.ts';
import type { Lease } from './calls-in-flight.ts';
import type { CapabilityContext, Need } from './define-capability.ts';
import type { PermissionAnswer } from './ports.ts';
import { isInPlace, limitedBy, type Refusal, ruleOn, type Ruling } from './ruling.ts';

/** How something is asked for. */
export interface Asking {
  /** Whether the guest can wait for a person: one whose thread stands still cannot. */
  readonly patience: 'waits' | 'at once';
  readonly signal: AbortSignal;
  /** What was being served when it was asked for. */
  readonly lease: Lease;
}

export const DECLINED = 'declined by the user';
const ONCE = 'asked: once';

export interface FirstUseOptions {
  readonly context: Pick<CapabilityContext, 'packageName' | 'places' | 'ports'>;
  readonly version: string;
  readonly authority: Authority;
  /** Stops the clocks of what is being served while a person thinks. */
  readonly pauseClocks: () => Disposable;
  /** Writes an answer into the trail. */
  readonly recordAnswer: (capability: string, need: Need, permission: string, answer: PermissionAnswer, asking: Asking) => void;
  /** Fires when the package ends: nobody needs an answer any more. */
  readonly end: AbortSignal;
}

/** The questions of one package about permissions that it asked for at install and was not given yet. */
export class FirstUse {
  readonly #options: FirstUseOptions;
  /** Answers that came after a request that could not wait for them: each lets one call of its kind pass. */
  readonly #permits = new Set<string>();

  constructor(options: FirstUseOptions) {
    this.#options = options;
  }

  /**
   * Asks the user for what was denied, where a yes would change it. A yes lets this same call go on; who cannot wait is
   * denied now, and finds the answer when it asks again.
   */
  async ask(capability: string, need: Need, denied: Refusal, asking: Asking): Promise<Ruling> {
    const { lease } = asking;
    const wanted = this.#askable(need, denied, lease);
    const { origin } = lease;
    const { questions } = this.#options.context.ports;
    if (wanted === undefined || origin === undefined || questions === undefined) return denied;
    const permit = `${capability}\n${need.target}`;
    if (this.#permits.delete(permit)) return { allowed: true, rule: ONCE };

    const { context, version, authority, end, recordAnswer } = this.#options;
    const permissions = this.#withTwin(wanted.permission);
    const put = async (signal: AbortSignal): Promise<PermissionAnswer | undefined> => {
      const answer = await questions.ask(
        {
          ...origin,
          package: context.packageName,
          version,
          capability,
          target: need.target,
          permissions,
          ...(wanted.reason !== undefined && { reason: wanted.reason }),
          ...(wanted.seenAt !== undefined && { seenAt: wanted.seenAt }),
          ...(need.confinement !== undefined && { confinement: need.confinement }),
          mayPause: false,
        },
        signal,
        () => !ruleOn(need, lease, this.#options).allowed,
      );
      if (answer === undefined) return undefined;
      recordAnswer(capability, need, wanted.permission, answer, asking);
      if (answer === 'session' || answer === 'project') await authority.allow(permissions, answer);
      return answer;
    };
    if (asking.patience === 'at once') {
      void put(end).then(
        (answer) => answer === 'once' && this.#permits.add(permit),
        () => undefined, // what could not be written down was not granted
      );
      return denied;
    }
    using _ = this.#options.pauseClocks();
    const answer = await put(asking.signal);
    switch (answer) {
      case undefined:
        return ruleOn(need, lease, this.#options); // nobody could be asked, or an answer to another question settled it
      case 'no':
      case 'pause':
        return { ...denied, rule: DECLINED };
      case 'once':
        // The call for which it was asked may have ended meanwhile.
        return lease.signal.aborted ? denied : { allowed: true, rule: ONCE };
      case 'session':
      case 'project':
        return ruleOn(need, lease, this.#options);
    }
  }

  /** The permission that {@link ask} would put to somebody. */
  wouldAsk(need: Need, lease: Lease): string | undefined {
    if (lease.origin === undefined || this.#options.context.ports.questions === undefined) return undefined;
    const ruled = ruleOn(need, lease, this.#options);
    return ruled.allowed ? undefined : this.#askable(need, ruled, lease)?.permission;
  }

  /** The requested permission that would allow it. A denial, a closed path and work outside a call are no matter for a question. */
  #askable(need: Need, denied: Refusal, lease: Lease): RequestedPermission | undefined {
    const { effect, confinement } = need;
    const { rule } = denied;
    if (rule !== 'no grant' && rule !== 'protected path') return undefined;
    if (effect.kind === 'exec' && confinement === undefined) return undefined;
    if (!isInPlace(effect, lease)) return undefined;
    // A yes would change nothing.
    if (limitedBy(need, lease.delegation, this.#options.context) !== undefined) return undefined;
    const requested = this.#options.authority.requested();
    const found = allows(parsePermissionSet(requested.map(({ permission }) => permission)), effect, this.#options.context.places);
    return found.allowed ? requested.find(({ permission }) => permission === found.rule) : this.#computed(effect, denied);
  }

  /** Who reads and changes one and the same place is asked about once. */
  #withTwin(permission: string): readonly [string, ...string[]] {
    const twin = /^fs:(read|write)(:.*)?$/.exec(permission);
    if (twin === null) return [permission];
    const other = `fs:${twin[1] === 'read' ? 'write' : 'read'}${twin[2] ?? ''}`;
    const isWanted = this.#options.authority.requested().some((requested) => requested.permission === other);
    const isOpen = !this.#options.authority.granted().permissions.some((held) => formatPermission({ ...held, deny: false }) === other);
    return isWanted && isOpen ? [permission, other] : [permission];
  }

  /** Of what the code computes nothing could be requested beforehand: the narrowest permission for it is asked for now. */
  #computed(effect: Need['effect'], { rule, permission }: Refusal): RequestedPermission | undefined {
    const subject = subjectOf(effect);
    // A protected file is opened by who names it, never by a path that code puts together.
    if (rule !== 'no grant') return undefined;
    if (subject === undefined || !this.#options.authority.computes(subject)) return undefined;
    if (effect.kind === 'fs') {
      // The name of a file would be granted as a pattern.
      if (effect.path.includes('*')) return undefined;
      // What the kernel tells, and what the system is made of, is for who asked for it by name.
      if (/^\/(proc|sys|dev|usr|bin|sbin|lib|lib64)(\/|$)/.test(effect.path)) return undefined;
      // Who looks for the root of a project climbs from the workspace to the root of the disk, and finds nothing there.
      if (isOnTheWayUp(effect.path, this.#options.context.places.workspace)) return undefined;
    }
    const parsed = parsePermission(permission);
    if (consentLevel(parsed, permissionSet([parsed])) === 'policy') return undefined;
    return { permission, seenAt: 'its code computes it' };
  }
}

/** A directory above the workspace, or an entry of one. */
function isOnTheWayUp(path: string, workspace: string): boolean {
  return (
    path !== workspace &&
    !path.startsWith(`${workspace}${sep}`) &&
    [path, dirname(path)].some((dir) => workspace.startsWith(dir === sep ? sep : `${dir}${sep}`))
  );
}

/** Of which kind a target is that code can compute. */
function subjectOf(effect: Need['effect']): ComputedSubject | undefined {
  switch (effect.kind) {
    case 'fs':
      return effect.access === 'read' ? 'path to read' : 'path to write';
    case 'net':
      return 'host';
    case 'exec':
      return 'command';
    case 'tool':
      return 'tool';
    default:
      return undefined;
  }
}
