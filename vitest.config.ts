import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** A test mostly waits for processes: one more at a time than there are processors, and no more than memory has room for. */
const maxWorkers = Math.min(availableParallelism() + 1, 8);

const shared = { pool: 'forks', maxWorkers, testTimeout: 60_000, hookTimeout: 60_000 } as const;

/** Tiers: `npm test` is `unit`; the others have a script of their own and run in CI. `test/tiers.test.ts` keeps them whole. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...shared,
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/terminal/**', 'test/attacks/**', 'test/faults/**', 'test/package.test.ts'],
        },
      },
      { test: { ...shared, name: 'terminal', include: ['test/terminal/**/*.test.ts'] } },
      { test: { ...shared, name: 'attacks', include: ['test/attacks/**/*.test.ts'], testTimeout: 120_000 } },
      { test: { ...shared, name: 'faults', include: ['test/faults/**/*.test.ts'], testTimeout: 1_800_000 } },
      { test: { ...shared, name: 'package', include: ['test/package.test.ts'], testTimeout: 300_000, hookTimeout: 300_000 } },
    ],
  },
});
