import { type Delegation, joinDelegations } from './delegation.ts';
import type { CallOrigin } from './ports.ts';

/** What a request is made in: the calls of the host that were being served when it came. */
export interface Lease {
  /** Their numbers; one of them asked, and which only the guest knows. */
  readonly calls: readonly string[];
  /** The user's message behind all of them; `undefined` when there is one without. */
  readonly origin: CallOrigin | undefined;
  readonly delegation: Delegation;
  /** Fires when the last of them has ended: what still runs then is work in the background. */
  readonly signal: AbortSignal;
}

interface Call {
  readonly origin: CallOrigin | undefined;
  readonly delegation: Delegation;
}

/** The calls that a package is serving, and who may lean on them. */
export class CallsInFlight {
  readonly #calls = new Map<string, Call>();
  readonly #leases = new Set<{ readonly left: Set<string>; readonly controller: AbortController }>();
  #current: Lease | undefined;

  begin(id: string, call: Call): void {
    this.#calls.set(id, call);
    this.#current = undefined;
  }

  end(id: string): void {
    this.#calls.delete(id);
    this.#current = undefined;
    for (const lease of this.#leases) {
      lease.left.delete(id);
      if (lease.left.size > 0) continue;
      this.#leases.delete(lease);
      lease.controller.abort();
    }
  }

  /** For what is asked at this moment. Outside of every call it is over from the start. */
  lease(): Lease {
    return (this.#current ??= this.#newLease());
  }

  #newLease(): Lease {
    const calls = [...this.#calls.values()];
    const ids = [...this.#calls.keys()];
    const controller = new AbortController();
    if (ids.length === 0) controller.abort();
    else this.#leases.add({ left: new Set(ids), controller });
    const origins = calls.map(({ origin }) => origin);
    return {
      calls: ids,
      origin: origins.includes(undefined) ? undefined : origins.at(-1),
      delegation: joinDelegations(calls.map(({ delegation }) => delegation)),
      signal: controller.signal,
    };
  }
}
