import type { Painter } from './painter.ts';

/** Gives the terminal away for a while. */
export interface Suspender extends Disposable {
  /** To a program that is waited for. */
  aside<Result>(use: () => Promise<Result>): Promise<Result>;
  /** To the shell, until it continues us. */
  suspend(): void;
}

/** How long after the signal we still run if nobody stopped us: without job control nobody does. */
const NOT_STOPPED_MS = 200;

/** Makes a suspender. Whoever stops and continues the process, the screen is drawn again. */
export function createSuspender(painter: Painter): Suspender {
  let isAway = false;
  const away = (): void => {
    if (!isAway) painter.stop();
    isAway = true;
  };
  const back = (): void => {
    if (!isAway) return;
    isAway = false;
    painter.start();
    // What was to be drawn when it stopped may never have been: everything is.
    painter.requestRender(true);
  };
  const continued = (): void => {
    // A shell may have changed the terminal while we were stopped.
    away();
    back();
  };
  process.on('SIGCONT', continued);
  return {
    async aside(use) {
      away();
      try {
        return await use();
      } finally {
        back();
      }
    },
    suspend() {
      away();
      // The whole job, as the terminal itself would: what we started stops with us.
      process.kill(0, 'SIGTSTP');
      setTimeout(back, NOT_STOPPED_MS);
    },
    [Symbol.dispose]() {
      process.off('SIGCONT', continued);
    },
  };
}
