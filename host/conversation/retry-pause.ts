import { setTimeout as sleep } from 'node:timers/promises';

/** The time between a request that failed and its next attempt. */
export class RetryPause {
  #waiting: AbortController | undefined;

  /** @returns whether the next attempt is to be made */
  async wait(delayMs: number, signal: AbortSignal): Promise<boolean> {
    const waiting = new AbortController();
    this.#waiting = waiting;
    await sleep(delayMs, undefined, { signal: AbortSignal.any([signal, waiting.signal]) }).catch(() => undefined);
    this.#waiting = undefined;
    return !waiting.signal.aborted;
  }

  /** Does without the attempt that is waited for. */
  giveUp(): void {
    this.#waiting?.abort();
  }
}
