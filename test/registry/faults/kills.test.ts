import { describe, it } from 'vitest';

import { because, whyNotInjected } from '../../faults/injection.ts';
import { ACTIONS } from '../../faults/site.ts';
import { report, sweep } from '../../faults/sweep.ts';

const reason = await whyNotInjected();

/** Thirty moments; `npm run test:faults` has more of them, and other faults. */
describe.skipIf(reason !== undefined)(`killed at a call that changes the disk${because(reason)}`, () => {
  it.each(ACTIONS)('$name leaves the old state or the new one, and nothing to clean up', { timeout: 240_000 }, async (action) => {
    report(`kill -9, ${action.name}`, await sweep(action, { effect: 'signal=KILL', points: 6 }));
  });
});
