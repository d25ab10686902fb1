import { setFlagsFromString } from 'node:v8';

let working = 0;

/**
 * Does what comes in bursts with V8's space for new objects as large as it is by then. V8 doubles that space whenever much
 * of a burst was alive at a time, up to 64 MB, and hardly ever gives it back: by its author's hundredth save an agent was
 * 35 MB larger, with not one object more in it.
 */
export async function withoutGrowing<Result>(work: () => Promise<Result>): Promise<Result> {
  working += 1;
  setFlagsFromString('--semi-space-growth-factor=1');
  try {
    return await work();
  } finally {
    working -= 1;
    if (working === 0) setFlagsFromString('--semi-space-growth-factor=2'); // what it is by default
  }
}
