import { createHash } from 'node:crypto';
import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Max } from '../format/index.ts';

export { type Max, parseMax } from '../format/index.ts';

/** What one use took; a call is a call whatever it took. */
export interface Spent {
  readonly tokens: number;
  readonly usd: number;
}

const PERIODS = { minute: 16, hour: 13, day: 10, month: 7 } as const;

/**
 * What a package used of permissions that have an end. One file for each permission and period, to which each use appends
 * a line: several agents count together without a lock.
 */
export class Budgets {
  readonly #directory: string;
  readonly #now: () => Date;

  constructor(directory: string, now: () => Date = () => new Date()) {
    this.#directory = directory;
    this.#now = now;
  }

  /** Counts a call, or says that there is none left. Tokens and money are known afterwards: see {@link spent}. */
  take(permission: string, max: Max): boolean {
    const { place, file } = this.#place(permission, max);
    if (max.unit !== 'calls') return sumOf(file) < max.amount;
    // Written before it is read: of two who count at once none sees less than its own.
    this.#add(place, file, 1);
    return sumOf(file) <= max.amount;
  }

  spent(permission: string, max: Max, { tokens, usd }: Spent): void {
    if (max.unit === 'calls') return;
    const { place, file } = this.#place(permission, max);
    this.#add(place, file, max.unit === 'tokens' ? tokens : usd);
  }

  #place(permission: string, { unit, period }: Max): { readonly place: string; readonly file: string } {
    const place = join(this.#directory, createHash('sha256').update(permission).digest('hex').slice(0, 32));
    const window = this.#now().toISOString().slice(0, PERIODS[period]).replaceAll(':', '-');
    return { place, file: join(place, `${unit}-${period}-${window}`) };
  }

  /** @throws when it cannot be written: what cannot be counted does not happen */
  #add(place: string, file: string, amount: number): void {
    const isNew = sumOf(file) === 0;
    if (isNew) {
      mkdirSync(place, { recursive: true, mode: 0o700 });
      for (const name of readdirSync(place)) if (join(place, name) !== file) rmSync(join(place, name), { force: true });
    }
    appendFileSync(file, `${amount}\n`, { mode: 0o600 });
  }
}

function sumOf(file: string): number {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .reduce((sum, line) => sum + (Number(line) || 0), 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
}
