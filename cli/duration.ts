import { DashError } from '../format/index.ts';

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** Reads `90s`, `15m`, `12h`, `3d`, `1w` or `0`; gives milliseconds. @throws {DashError} USAGE */
export function parseDuration(option: string, text: string): number {
  if (text === '0') return 0;
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)([smhdw])$/.exec(text) ?? [];
  const size = UNITS[unit];
  if (number === undefined || size === undefined)
    throw new DashError('USAGE', `\`${option} ${text}\` is not a duration`, { hint: 'write it like `3d`, `12h`, `30m` or `0`' });
  return Number(number) * size;
}
