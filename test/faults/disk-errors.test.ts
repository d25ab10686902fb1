import { describe, expect, it } from 'vitest';

import { because, type Point, whyNotInjected } from './injection.ts';
import { ACTIONS } from './site.ts';
import { IS_FULL, report, sweep } from './sweep.ts';

const reason = whyNotInjected();

/** Each with the calls that can end so, and with what the user may be told. */
const FAULTS: readonly { readonly error: string; readonly calls: (point: Point) => boolean; readonly codes: readonly string[]; readonly points: number }[] = [
  { error: 'ENOSPC', calls: ({ syscall }) => !/^(unlink|rmdir)/.test(syscall), codes: ['DISK_FULL'], points: 8 },
  { error: 'EIO', calls: () => true, codes: ['DISK_ERROR', 'STORE_CORRUPT'], points: 8 },
];

describe.skipIf(reason !== undefined)(`a disk that fails at one call${because(reason)}`, () => {
  it.each(ACTIONS.flatMap((action) => FAULTS.map((fault) => ({ ...fault, action, name: action.name }))))(
    '$name with $error says so, and leaves the old state or the new one',
    async ({ action, error, calls, codes, points }) => {
      const found = await sweep(action, {
        effect: `error=${error}`,
        calls,
        ...(!IS_FULL && { points }),
        check({ code, stdout, injected }) {
          // SQLite does not say why it could not open a file, and by the time one asks the disk works again
          const isLock = injected.some((text) => /^openat.*state\/(grants-)?lock/.test(text));
          if (code !== 0) expect([...codes, ...(isLock ? ['DISK_ERROR'] : [])]).toContain(JSON.parse(stdout).error.code);
        },
      });
      report(`${error}, ${action.name}`, found);
    },
  );
});
