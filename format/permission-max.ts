/** How much of something in how long, as an author wrote it: `100/day`, `50000 tokens/day`, `$0.5/day`. */
export interface Max {
  readonly amount: number;
  readonly unit: 'calls' | 'tokens' | 'usd';
  readonly period: 'minute' | 'hour' | 'day' | 'month';
}

/** Reads what the manifest's schema let in; `undefined` for what this version does not know, which then is never used up. */
export function parseMax(text: string): Max | undefined {
  const [, dollars, amount, unit, period] = /^(\$?)(\d+(?:\.\d+)?)(?: (calls|tokens))?\/(minute|hour|day|month)$/.exec(text) ?? [];
  if (amount === undefined || period === undefined) return undefined;
  return { amount: Number(amount), unit: dollars === '$' ? 'usd' : unit === 'tokens' ? 'tokens' : 'calls', period: period as Max['period'] };
}

/** Says it in plain words, e.g. `at most 100 times a day`. */
export function describeMax(text: string): string {
  const max = parseMax(text);
  if (max === undefined) return 'at most what only a newer version of Dash understands, so without an end here';
  const { amount, unit, period } = max;
  const much = unit === 'usd' ? `$${amount}` : `${amount} ${unit === 'tokens' ? 'tokens' : amount === 1 ? 'time' : 'times'}`;
  return `at most ${much} ${period === 'hour' ? 'an' : 'a'} ${period}`;
}
