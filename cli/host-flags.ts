import { DashError, nearest } from '../format/index.ts';

/** Reads an option that is one of several words. @throws {DashError} USAGE */
export function oneOf<Value extends string>(option: string, given: string | undefined, values: readonly Value[]): Value | undefined {
  if (given === undefined) return undefined;
  const found = values.find((value) => value === given);
  if (found !== undefined) return found;
  const meant = nearest(given, values);
  throw new DashError('USAGE', `\`${option} ${given}\` is not possible`, { hint: meant ? `did you mean \`${meant}\`?` : `choose one of ${values.join(', ')}` });
}

/** Reads `--max-cost`. @throws {DashError} USAGE */
export function dollars(given: string | undefined): number | undefined {
  if (given === undefined) return undefined;
  const amount = Number(given);
  if (Number.isFinite(amount) && amount > 0) return amount;
  throw new DashError('USAGE', `\`--max-cost ${given}\` is no amount`, { hint: 'give it in dollars: `--max-cost 2.50`' });
}
