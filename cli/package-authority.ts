import {
  type ComputedSubject,
  consentLevel,
  levelUnder,
  parsePermission,
  parsePermissionSet,
  type PermissionSet,
  type Profile,
  union,
} from '../format/index.ts';
import { allRequestsOf, computedSubjectsOf, type GrantPage, type Request, type Requesting } from '../registry/index.ts';
import type { Authority, RequestedPermission } from '../sandbox/index.ts';
import { formatEvidence } from './output/evidence.ts';

/** What a package asked for, as far as the sandbox needs to know. */
export type Requests = Requesting & { readonly version: string };

/** Ties what a running package may do to the page of its grants: grants and revocations of any process count at once. */
export function authorityOf(page: GrantPage, requests: Requests, profile: Profile): Authority {
  const requested = askable(allRequestsOf(requests), profile);
  const maxima = new Map(allRequestsOf(requests).flatMap(({ permission, max }) => (max === undefined ? [] : [[permission, max] as const])));
  const computed = profile === 'locked' ? new Set<ComputedSubject>() : computedSubjectsOf(requests);
  return {
    granted: () => page.granted(),
    requested: () => requested,
    computes: (subject) => computed.has(subject),
    maxOf: (permission) => maxima.get(permission),
    used: (rule) => page.used(rule),
    async allow(permissions, lasting) {
      const parsed = permissions.map(parsePermission);
      if (lasting === 'session') page.allowForSession(parsed);
      else await page.allowInProject(parsed, requests.version);
    },
  };
}

/** The same, with more for the time being: what `--grant` adds to one call. */
export function withGrants(authority: Authority, grants: PermissionSet): Authority {
  let [from, both] = [authority.granted(), union(authority.granted(), grants)];
  return {
    ...authority,
    granted() {
      const now = authority.granted();
      if (now !== from) [from, both] = [now, union(now, grants)];
      return both;
    },
  };
}

/** What only a policy grants is never asked; under `locked` nothing is. */
function askable(requests: readonly Request[], profile: Profile): readonly RequestedPermission[] {
  if (profile === 'locked') return [];
  const set = parsePermissionSet(requests.map(({ permission }) => permission));
  return requests.flatMap(({ permission: text, reason, inferred }) => {
    const permission = parsePermission(text);
    if (levelUnder(profile, permission, consentLevel(permission, set)) === 'policy') return [];
    return [{ permission: text, ...(reason !== undefined && { reason }), ...(inferred !== undefined && { seenAt: formatEvidence(inferred) }) }];
  });
}
