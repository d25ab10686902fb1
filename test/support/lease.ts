import type { Lease } from '../../sandbox/calls-in-flight.ts';
import { NO_DELEGATION } from '../../sandbox/delegation.ts';

/** What a request is made in: one call of the host that does not end, unless `lease` says otherwise. */
export function leaseOf(lease: Partial<Lease> = {}): Lease {
  return { calls: ['7'], origin: undefined, delegation: NO_DELEGATION, signal: new AbortController().signal, ...lease };
}

/** No call of the host is being served. */
export const OUTSIDE: Lease = leaseOf({ calls: [], signal: AbortSignal.abort() });
