import {
  allows,
  covers,
  type Decision,
  type Effect,
  formatPermission,
  intersection,
  permissionFor,
  type PermissionSet,
  permissionSet,
  type Places,
} from '../format/index.ts';
import type { Authority } from './authority.ts';
import type { Lease } from './calls-in-flight.ts';
import type { CapabilityContext, Need } from './define-capability.ts';
import type { Delegation } from './delegation.ts';

/** `by`: it was not the package's own lack, but that of a package it works for. */
export type Refusal = Extract<Decision, { allowed: false }> & { readonly by?: string };
export type Ruling = Extract<Decision, { allowed: true }> | Refusal;

/** Effects that a package may not have on its own account, with nobody having asked for anything. */
const NEEDS_A_CALL = new Set(['fs', 'net', 'exec', 'tool']);
/** Of these, the ones that take long: they end with the call they were started in. */
const ENDS_WITH_ITS_CALL = new Set(['net', 'exec', 'tool']);

/** Whether it ends with the call it was started in, unless its package may work in the background. */
export function endsWithItsCall({ kind }: Effect): boolean {
  return ENDS_WITH_ITS_CALL.has(kind);
}

/**
 * Whether it may happen where it is asked for: what was asked for in a call, belongs to it; but what takes long belongs
 * to it no longer than it lasts.
 */
export function isInPlace(effect: Effect, { calls, signal }: Lease): boolean {
  if (!NEEDS_A_CALL.has(effect.kind)) return true;
  return endsWithItsCall(effect) ? !signal.aborted : calls.length > 0;
}

/** Who decides, and about which places. */
export interface Rules {
  readonly context: Pick<CapabilityContext, 'places'>;
  readonly authority: Pick<Authority, 'granted'>;
}

/** What the grants of this moment say, those of the package and those of whom it works for. Deny is the default. */
export function ruleOn(need: Need, lease: Lease, { context, authority }: Rules): Ruling {
  const { effect, own } = need;
  const { places } = context;
  if (own === true) return { allowed: true, rule: 'own files' };
  const granted = authority.granted();
  const decision = allows(granted, effect, places);
  const inPart = need.whole === true ? grantedInPart(effect, grantedFor(lease, { authority }), places) : undefined;
  if (!decision.allowed) return inPart ?? decision;
  const limited = limitedBy(need, lease.delegation, context);
  if (limited !== undefined) return limited;
  if (inPart !== undefined) return inPart;
  if (isInPlace(effect, lease)) return decision;
  const background = allows(granted, { kind: 'area', area: 'background' }, places);
  return background.allowed ? decision : { ...background, rule: 'outside a call' };
}

/** A permission for some paths or methods of a host, or a denial of some, cannot be looked after where nobody sees them. */
function grantedInPart(effect: Effect, granted: PermissionSet, places: Places): Refusal | undefined {
  const whole = permissionFor(effect, places);
  const wholly = permissionSet([whole]);
  if (covers(granted, wholly)) return undefined;
  const part = granted.permissions.find((permission) => permission.area === 'net' && covers(wholly, permissionSet([{ ...permission, deny: false }])));
  if (part === undefined) return undefined;
  return {
    allowed: false,
    rule: `${part.deny ? 'denied' : 'granted'} in part: ${formatPermission({ ...part, deny: false })}; https hides method and path`,
    permission: formatPermission(whole),
  };
}

/** Everything a package may do, for whom it does it. */
export function grantedFor({ delegation }: Pick<Lease, 'delegation'>, { authority }: Pick<Rules, 'authority'>): PermissionSet {
  return delegation.limits.reduce((set, limit) => intersection(set, limit.granted()), authority.granted());
}

/** What a package does for another one, that one must be allowed to do itself. */
export function limitedBy({ effect }: Need, { limits }: Delegation, { places }: Rules['context']): Refusal | undefined {
  for (const { by, granted } of limits) {
    const decision = allows(granted(), effect, places);
    if (!decision.allowed) return { ...decision, rule: `called by ${by}`, by };
  }
  return undefined;
}
