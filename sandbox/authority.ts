import type { ComputedSubject, PermissionSet } from '../format/index.ts';

/** A permission the package asked for, with what its author says about it. */
export interface RequestedPermission {
  /** Canonical. */
  readonly permission: string;
  /** The author's words; never trusted. */
  readonly reason?: string;
  /** Where its code was seen to need it, for a package that says nothing itself; a path of the package, never trusted. */
  readonly seenAt?: string;
}

/** How long a yes holds, beyond the one call. */
export type Lasting = 'session' | 'project';

/** What a package may do while it runs: grants come and go under it. */
export interface Authority {
  /** What is granted at this very moment: what was taken back counts from the next operation on, also of calls in flight. */
  granted(): PermissionSet;
  /** What the user may be asked for at first use. What is not in it is denied without a question. */
  requested(): readonly RequestedPermission[];
  /** Whether its code decides such targets while it runs, and may be asked about each: nobody could ask before. */
  computes(subject: ComputedSubject): boolean;
  /** How much of a permission the package said it needs at most, e.g. `100/day`. */
  maxOf(permission: string): string | undefined;
  /** Told of every rule that let something pass: what nobody uses expires. */
  used(rule: string): void;
  /** Grants what the user said yes to. @throws {DashError} when it cannot be written down */
  allow(permissions: readonly string[], lasting: Lasting): Promise<void>;
}

/** An authority that never changes, and for which nobody is asked. */
export function fixedAuthority(granted: PermissionSet): Authority {
  return {
    granted: () => granted,
    requested: () => [],
    computes: () => false,
    maxOf: () => undefined,
    used: () => undefined,
    allow: () => Promise.reject(new Error('nothing was requested, so nothing can be allowed')),
  };
}
