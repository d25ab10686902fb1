/**
 * How speed is measured here: every arm once per round, in turn, so that a machine that slows down slows all
 * arms; medians over the rounds, and ratios of medians of one run. Absolute times mean nothing elsewhere.
 */
export interface Arm {
  readonly name: string;
  run(): Promise<void> | void;
}

/** Median milliseconds per arm, in the order of `arms`. */
export async function interleaved(arms: readonly Arm[], { rounds, warmup = 1 }: { rounds: number; warmup?: number }): Promise<number[]> {
  const times = arms.map((): number[] => []);
  for (let round = -warmup; round < rounds; round++) {
    for (const [index, arm] of arms.entries()) {
      const start = performance.now();
      await arm.run();
      if (round >= 0) times[index]?.push(performance.now() - start);
    }
  }
  return times.map(median);
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** One line of the table; `target` compares `ratio`, or `dash` where there is no peer. */
export interface Row {
  readonly name: string;
  readonly unit: string;
  readonly dash: number;
  readonly peers: Readonly<Record<string, number>>;
  /** Peers that could not be had where it was measured, and why. */
  readonly missing?: Readonly<Record<string, string>>;
  readonly ratio?: number;
  readonly target: string;
  readonly met: boolean;
}

export function rounded(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
