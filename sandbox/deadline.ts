/** Why a deadline ended: its time was over, or while it stood still so much was worked. */
export type DeadlineEnd = 'time' | 'work';

/**
 * A timer that can stand still: while a person thinks about a question, nobody's time runs. What is worked meanwhile
 * counts all the same: an open dialog is no licence to burn a core.
 */
export class Deadline {
  readonly #onEnd: (why: DeadlineEnd) => void;
  readonly #pauseCaller: (() => Disposable) | undefined;
  #callers: Disposable | undefined;
  #leftMs: number;
  #startedAt = 0;
  #timer: NodeJS.Timeout | undefined;
  #pauses = 0;
  #pausedAt = 0;
  #waitedMs = 0;
  #workedMs = 0;
  #isOver = false;

  /** `pauseCaller` stops the time of whoever waits for this: they wait for the same person. */
  constructor(timeoutMs: number, onEnd: (why: DeadlineEnd) => void, pauseCaller?: () => Disposable) {
    this.#pauseCaller = pauseCaller;
    this.#leftMs = timeoutMs;
    this.#onEnd = onEnd;
    this.#start();
  }

  /** How long it has stood still. */
  get waitedMs(): number {
    return this.#waitedMs + (this.#pauses > 0 ? performance.now() - this.#pausedAt : 0);
  }

  /** Stops the time until the pause is disposed of; pauses may overlap. */
  pause(): Disposable {
    if (this.#pauses++ === 0) {
      this.#pausedAt = performance.now();
      clearTimeout(this.#timer);
      if (!this.#isOver) this.#callers = this.#pauseCaller?.();
      this.#leftMs = Math.max(this.#leftMs - (this.#pausedAt - this.#startedAt), 0);
    }
    let over = false;
    return {
      [Symbol.dispose]: () => {
        if (over) return;
        over = true;
        this.#pauses--;
        if (this.#pauses > 0) return;
        this.#waitedMs += performance.now() - this.#pausedAt;
        this.#leftMs = Math.max(this.#leftMs - this.#workedMs, 0);
        this.#workedMs = 0;
        this.#callers?.[Symbol.dispose]();
        this.#start();
      },
    };
  }

  /** Counts work of a processor done while the time stands still; while it runs, it has been counted. */
  worked(ms: number): void {
    if (this.#isOver || this.#pauses === 0) return;
    this.#workedMs += ms;
    if (this.#workedMs > this.#leftMs) this.#end('work');
  }

  /** The person did something in front of it: what was worked for them is no longer held against it. */
  attended(): void {
    this.#workedMs = 0;
  }

  /** Ends it for good, without its consequence. */
  clear(): void {
    clearTimeout(this.#timer);
    this.#callers?.[Symbol.dispose]();
    this.#isOver = true;
  }

  #start(): void {
    if (this.#isOver) return;
    this.#startedAt = performance.now();
    this.#timer = setTimeout(() => this.#end('time'), this.#leftMs);
  }

  #end(why: DeadlineEnd): void {
    this.clear();
    this.#onEnd(why);
  }
}
