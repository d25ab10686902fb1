import { readdirSync } from 'node:fs';
import { chmod, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { ignoreMissing, isErrno } from './file-errors.ts';
import { type ScopePaths, type StorePaths } from './store-paths.ts';

/**
 * Clears away what commands left that were killed: half-written files beside the state and the lockfile, and what was
 * staged. What a living process is at stays. Needs the process lock.
 */
export async function removeLeftovers(store: StorePaths, scope: ScopePaths): Promise<void> {
  for (const dir of new Set([store.home, scope.state, dirname(scope.generation(0)), dirname(scope.lockfile), dirname(store.firstSeen)])) {
    await removeHalfWritten(dir);
  }
  await removeAbandoned(store.tmp);
}

/** Files of `writeDurably` that were never renamed. */
export async function removeHalfWritten(dir: string): Promise<void> {
  for (const name of namesIn(dir)) {
    const writer = /\.(\d+)-[0-9a-f-]{36}\.tmp$/.exec(name)?.[1];
    if (writer !== undefined && !isAlive(Number(writer))) await rm(join(dir, name), { force: true });
  }
}

/** What was staged, and what was on its way out of the store. */
export async function removeAbandoned(tmp: string): Promise<void> {
  for (const name of namesIn(tmp)) {
    if (!isAbandoned(name)) continue;
    await chmod(join(tmp, name), 0o700).catch(ignoreMissing);
    await rm(join(tmp, name), { recursive: true, force: true });
  }
}

/** Tells by its name whether a directory in staging belongs to a process that is gone. */
export function isAbandoned(name: string): boolean {
  const pid = Number(/^(\d+)-/.exec(name)?.[1]);
  return !(pid > 0 && isAlive(pid));
}

/** Without the promises of `fs`: mostly there is nothing, and that is known at once. */
function namesIn(dir: string): readonly string[] {
  try {
    return readdirSync(dir);
  } catch (error) {
    return ignoreMissing(error) ?? [];
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return isErrno(error, 'EPERM');
  }
}
