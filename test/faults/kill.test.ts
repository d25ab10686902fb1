import { describe, it } from 'vitest';

import { because, whyNotInjected } from './injection.ts';
import { ACTIONS, LATER_ACTIONS } from './site.ts';
import { IS_FULL, report, sweep } from './sweep.ts';

const reason = await whyNotInjected();

describe.skipIf(reason !== undefined)(`killed at a call that changes the disk${because(reason)}`, () => {
  it.each([...ACTIONS, ...LATER_ACTIONS])('$name leaves the old state or the new one, and nothing to clean up', async (action) => {
    report(`kill -9, ${action.name}`, await sweep(action, { effect: 'signal=KILL', ...(!IS_FULL && { points: 10 }) }));
  });
});
