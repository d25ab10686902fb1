interface Work {
  readonly controller: AbortController;
  readonly done: Promise<unknown>;
}

/** What goes on in a conversation: at most one run, and at most one summing-up, for which runs wait. */
export class Occupation {
  #run: Work | undefined;
  #summary: Work | undefined;
  #askedToSumUp = 0;

  get isRunning(): boolean {
    return this.#run !== undefined;
  }

  /** Whether the conversation is being summed up because someone asked for it, or will be once the run has ended. */
  get isSummingUp(): boolean {
    return this.#summary !== undefined || this.#askedToSumUp > 0;
  }

  /** Ends with the run; of no use when there is none. */
  get runSignal(): AbortSignal {
    return this.#run?.controller.signal ?? new AbortController().signal;
  }

  /** Runs `drive`. `over` is called in the step in which the run ends, so that nothing comes between, and waited for. */
  run(drive: (signal: AbortSignal) => Promise<void>, over: () => Promise<void>): Promise<void> {
    const controller = new AbortController();
    const done = drive(controller.signal).then(() => {
      this.#run = undefined;
      return over();
    });
    this.#run = { controller, done };
    return done;
  }

  /** While `work` is going on, prompts wait, and an abort stops it. Occupied before it begins: what it tells may ask for the same. */
  async sumUp<Result>(work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
    const controller = new AbortController();
    const { promise: done, resolve } = Promise.withResolvers<void>();
    this.#summary = { controller, done };
    try {
      return await work(controller.signal);
    } finally {
      this.#summary = undefined;
      resolve();
    }
  }

  /** The same once everything that goes on has been stopped with `abort`. */
  async sumUpAlone<Result>(abort: () => Promise<void>, work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
    this.#askedToSumUp += 1;
    try {
      // of several who waited for the same end, only the first finds nothing going on
      do await abort();
      while (this.#run !== undefined || this.#summary !== undefined);
      return await this.sumUp(work);
    } finally {
      this.#askedToSumUp -= 1;
    }
  }

  /** What a run waits for before it begins. */
  async summedUp(): Promise<void> {
    await this.#summary?.done;
  }

  /** Stops everything and waits until it has ended. */
  async abort(): Promise<void> {
    this.#summary?.controller.abort();
    this.#run?.controller.abort();
    await this.idle();
  }

  async idle(): Promise<void> {
    while (this.#run !== undefined || this.#summary !== undefined) await (this.#run?.done ?? this.#summary?.done);
  }
}
