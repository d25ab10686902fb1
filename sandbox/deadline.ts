/** A timer that can stand still: while a person thinks about a question, nobody's time runs. */
export class Deadline {
  readonly #onEnd: () => void;
  #leftMs: number;
  #startedAt = 0;
  #timer: NodeJS.Timeout | undefined;
  #pauses = 0;

  constructor(timeoutMs: number, onEnd: () => void) {
    this.#leftMs = timeoutMs;
    this.#onEnd = onEnd;
    this.#start();
  }

  /** Stops the time until the pause is disposed of; pauses may overlap. */
  pause(): Disposable {
    this.#pauses++;
    if (this.#timer !== undefined) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
      this.#leftMs = Math.max(this.#leftMs - (performance.now() - this.#startedAt), 0);
    }
    let over = false;
    return {
      [Symbol.dispose]: () => {
        if (over) return;
        over = true;
        this.#pauses--;
        if (this.#pauses === 0) this.#start();
      },
    };
  }

  /** Ends it for good, without its consequence. */
  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#pauses = Number.POSITIVE_INFINITY;
  }

  #start(): void {
    this.#startedAt = performance.now();
    this.#timer = setTimeout(() => {
      this.clear();
      this.#onEnd();
    }, this.#leftMs);
  }
}
