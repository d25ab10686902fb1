import { describe, expect, it } from 'vitest';

import { because, type Point, whyNotInjected } from './injection.ts';
import { ACTIONS, LATER_ACTIONS } from './site.ts';
import { IS_FULL, report, sweep } from './sweep.ts';

const reason = await whyNotInjected();

interface DiskFault {
  readonly error: string;
  /** Which calls can end so. */
  readonly calls: (point: Point) => boolean;
  /** What the user may be told. */
  readonly codes: readonly string[];
  readonly points: number;
  /** With `FAULTS=full`; default all. */
  readonly fullPoints?: number;
}

const FAULTS: readonly DiskFault[] = [
  { error: 'ENOSPC', calls: ({ syscall }) => !/^(unlink|rmdir)/.test(syscall), codes: ['DISK_FULL'], points: 4 },
  { error: 'EIO', calls: () => true, codes: ['DISK_ERROR', 'STORE_CORRUPT'], points: 4 },
  { error: 'EMFILE', calls: ({ syscall }) => syscall === 'openat', codes: ['DISK_ERROR'], points: 1, fullPoints: 10 },
  { error: 'EXDEV', calls: ({ syscall }) => syscall.startsWith('rename'), codes: ['DISK_ERROR'], points: 1, fullPoints: 5 },
];

describe.skipIf(reason !== undefined)(`a disk that fails at one call${because(reason)}`, () => {
  it.each([...ACTIONS, ...LATER_ACTIONS].flatMap((action) => FAULTS.map((fault) => ({ ...fault, action, name: action.name }))))(
    '$name with $error says so, and leaves the old state or the new one',
    async ({ action, error, calls, codes, points, fullPoints }) => {
      const wanted = IS_FULL ? fullPoints : points;
      const found = await sweep(action, {
        effect: `error=${error}`,
        calls,
        ...(wanted !== undefined && { points: wanted }),
        check({ code, stdout, injected }) {
          // SQLite does not say why it could not open a file, and by the time one asks the disk works again
          const isLock = injected.some((text) => /^openat.*state\/(grants-|build-)?lock/.test(text));
          if (code !== 0) expect([...codes, ...(isLock ? ['DISK_ERROR'] : [])]).toContain(JSON.parse(stdout).error.code);
        },
      });
      report(`${error}, ${action.name}`, found);
    },
  );
});
