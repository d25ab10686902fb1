import type { PermissionSet } from '../format/index.ts';

/** On whose behalf a package is called: other packages that called each other to come here. */
export interface Delegation {
  /** Names of packages, the first caller first. */
  readonly callers: readonly string[];
  /** What may happen at most: besides the package's own grants, every one of them must allow it. */
  readonly limits: readonly Limit[];
}

/** What a caller may do, or lets the package it calls do for it. */
export interface Limit {
  readonly by: string;
  /** At this very moment: what was taken back from the caller counts for those who work for it. */
  granted(): PermissionSet;
}

/** A call of the host itself. */
export const NO_DELEGATION: Delegation = { callers: [], limits: [] };

/** Of several calls at once: only the guest knows for which of them it asks, so all of them count. */
export function joinDelegations(delegations: readonly Delegation[]): Delegation {
  if (delegations.length === 1 && delegations[0] !== undefined) return delegations[0];
  return {
    callers: [...new Set(delegations.flatMap(({ callers }) => callers))],
    limits: [...new Set(delegations.flatMap(({ limits }) => limits))],
  };
}
