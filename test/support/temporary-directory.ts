import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { onTestFinished } from 'vitest';

/** A directory, by its real path, that is gone after the test. */
export async function temporaryDirectory(): Promise<string> {
  const dir = await realpath(await mkdtemp(join(tmpdir(), 'dash-test-')));
  onTestFinished(() => rm(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 }));
  return dir;
}
