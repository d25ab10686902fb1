import type { ConsentPort, Progress, ProgressListener } from '../../registry/index.ts';
import type { Invocation } from '../command.ts';
import { addProgress, describeProgress, describeTotal, emptyTally, type Tally } from './progress-tally.ts';
import { oneLine } from './terminal.ts';

export interface ShownProgress extends Disposable {
  readonly listener: ProgressListener;
  /** The line goes away while a question stands there. */
  pausedFor(port: ConsentPort): ConsentPort;
}

/** So that a line can be read, and writing it costs nothing beside the downloads. */
const REDRAW_MS = 60;

/**
 * One line on a terminal that says what is going on, with packages and bytes. Elsewhere, and under `--no-progress`, one
 * line when it is over; under `--quiet` and `--json` nothing but that it waits.
 */
export function showProgress({ stderr, globals }: Pick<Invocation, 'stderr' | 'globals'>): ShownProgress {
  const isSilent = globals.quiet === true || globals.json === true;
  const isLive = stderr.isInteractive && globals.progress !== false && !isSilent;
  const tally: Tally = emptyTally();
  let isShown = false;
  let drawnAt = 0;
  const clear = (): void => {
    if (isShown) stderr.write('\r\u001B[K');
    isShown = false;
  };
  const draw = (progress: Progress): void => {
    const now = performance.now();
    // the next chunk comes soon; every other step is worth a line
    if (progress.kind === 'received' && now - drawnAt < REDRAW_MS) return;
    drawnAt = now;
    // one column stays free: a full line would wrap, and stay
    stderr.write(`\r${describeProgress(progress, tally, stderr.columns - 1)}\u001B[K`);
    isShown = true;
  };
  return {
    listener: (progress) => {
      if (progress.kind === 'waiting') {
        clear();
        stderr.write(`waiting for another dash${progress.holder === undefined ? '' : ` (${oneLine(progress.holder)})`}\n`);
      }
      if (isSilent) return;
      addProgress(tally, progress);
      if (isLive && progress.kind !== 'waiting') draw(progress);
    },
    pausedFor: (port) => ({
      ask: (plan) => {
        clear();
        return port.ask(plan);
      },
    }),
    [Symbol.dispose]() {
      clear();
      if (!isLive && tally.packages > 0) stderr.write(`${describeTotal(tally)}\n`);
      tally.packages = 0;
    },
  };
}
