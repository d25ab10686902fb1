import type { Progress } from '../../registry/index.ts';
import { oneLine } from './terminal.ts';

/** What has been fetched so far. */
export interface Tally {
  /** Whole ones. */
  packages: number;
  bytes: number;
  /** Those that are on their way. */
  readonly current: Map<string, { readonly bytes: number; readonly total: number | undefined }>;
  /** What is done with packages that are here, the latest last. */
  readonly working: Map<string, string>;
}

export function emptyTally(): Tally {
  return { packages: 0, bytes: 0, current: new Map(), working: new Map() };
}

/** Counts one event. A download that begins anew replaces what it had. */
export function addProgress(tally: Tally, progress: Progress): void {
  if (!('version' in progress)) return;
  const key = `${progress.name}@${progress.version}`;
  switch (progress.kind) {
    case 'downloading':
      tally.current.set(key, { bytes: 0, total: undefined });
      return;
    case 'received':
      tally.current.set(key, { bytes: progress.bytes, total: progress.total });
      return;
    case 'downloaded':
      tally.current.delete(key);
      tally.packages++;
      tally.bytes += progress.bytes;
      return;
    case 'compiling':
    case 'capturing':
      tally.working.set(key, stepOf(progress));
      return;
    case 'inspected':
      tally.working.delete(key);
      return;
    case 'resolved':
    case 'staged':
  }
}

const BAR = 20;

/** One line of at most `columns`: a bar while something is on its way, and what is going on. */
export function describeProgress(progress: Progress, tally: Tally, columns: number): string {
  const { current, packages } = tally;
  // one is done while others go on: those are what is waited for
  const step = (progress.kind === 'inspected' ? [...tally.working.values()].at(-1) : undefined) ?? stepOf(progress);
  if (packages + current.size === 0) return cut(step, columns);
  if (current.size === 0) return cut(`${step}  ${describeTotal(tally)}`, columns);
  const known = packages + current.size;
  const begun = [...current.values()];
  const received = tally.bytes + begun.reduce((sum, { bytes }) => sum + bytes, 0);
  // how much is still to come is known only when every answer has begun
  const total = begun.every((one) => one.total !== undefined) ? tally.bytes + begun.reduce((sum, one) => sum + (one.total ?? 0), 0) : undefined;
  const done = begun.reduce((sum, { bytes, total: all }) => sum + (all === undefined || all === 0 ? 0 : bytes / all), packages);
  const filled = Math.min(BAR, Math.floor((done / known) * BAR));
  const amount = total === undefined ? size(received) : `${size(received)} of ${size(total)}`;
  return cut(`${'█'.repeat(filled)}${'░'.repeat(BAR - filled)} ${packages} of ${known} packages, ${amount}  ${step}`, columns);
}

/** @example describeTotal(tally) // fetched 12 packages, 3.4 MB */
export function describeTotal({ packages, bytes }: Tally): string {
  return `fetched ${packages} ${packages === 1 ? 'package' : 'packages'}, ${size(bytes)}`;
}

function stepOf(progress: Progress): string {
  switch (progress.kind) {
    case 'waiting':
      return 'waiting';
    case 'resolving':
      return `resolving ${oneLine(progress.spec)}`;
    case 'consented':
      return 'consented';
    case 'commit':
      return `committing: ${progress.step}`;
    case 'downloading':
    case 'received':
    case 'downloaded':
      return `${oneLine(progress.name)} ${oneLine(progress.version)}`;
    default:
      return `${progress.kind} ${oneLine(progress.name)} ${oneLine(progress.version)}`;
  }
}

function size(bytes: number): string {
  // less than a kilobyte is not nothing
  return bytes < 1_000_000 ? `${Math.ceil(bytes / 1000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** By characters, so that none is cut in two. */
function cut(text: string, columns: number): string {
  const characters = [...text];
  return characters.length <= columns ? text : characters.slice(0, Math.max(0, columns)).join('');
}
