import { randomUUID } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { DashError, isDashError, makeDirectory } from '../../format/index.ts';
import { asDiskError, ignoreDisk, ignoreMissing } from '../store/file-errors.ts';

export interface ProcessLockOptions {
  /** Default 60,000. */
  readonly waitMs?: number;
  /** Told once, when another process holds the lock. */
  readonly onWait?: (holder: string | undefined) => void;
  readonly signal?: AbortSignal;
}

/** A lock on one DASH_HOME that the kernel lets go of when its process dies, however it dies. */
export interface ProcessLock extends AsyncDisposable {}

/**
 * Takes the lock. SQLite holds it, for it knows how to lock a file on every system; a file that merely exists would
 * outlive a killed process, and taking over a stale one is a race.
 *
 * @throws {DashError} LOCKED when another process keeps it longer than `waitMs`; INTERRUPTED
 */
export async function takeProcessLock(path: string, { waitMs = 60_000, onWait, signal }: ProcessLockOptions = {}): Promise<ProcessLock> {
  const { DatabaseSync } = await import('node:sqlite');
  const holderFile = `${path}.holder`;
  try {
    makeDirectory(dirname(path));
  } catch (error) {
    throw asDiskError(error, 'making the state directory');
  }
  const giveUpAt = performance.now() + waitMs;
  let told = false;

  for (;;) {
    const database = open();
    if (database !== undefined) {
      await writeFile(holderFile, `process ${process.pid}`).catch(() => undefined);
      return {
        async [Symbol.asyncDispose]() {
          await rm(holderFile, { force: true }).catch(ignoreDisk);
          database.close();
        },
      };
    }
    const holder = (await readFile(holderFile, 'utf8').catch(ignoreMissing))?.slice(0, 80);
    if (!told) onWait?.(holder);
    told = true;
    if (performance.now() >= giveUpAt) {
      throw new DashError('LOCKED', `another \`dash\` (${holder ?? 'unknown'}) is changing the same home`, { hint: 'wait until it has ended, then try again' });
    }
    await sleep(100, undefined, { signal }).catch(() => {
      throw new DashError('INTERRUPTED', 'interrupted while waiting for another `dash`');
    });
  }

  function open(): InstanceType<typeof DatabaseSync> | undefined {
    let database: InstanceType<typeof DatabaseSync> | undefined;
    try {
      database = new DatabaseSync(path);
      database.exec('PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE');
      return database;
    } catch (error) {
      database?.close();
      if (isBusy(error)) return undefined;
      throw asLockError(error, path);
    }
  }
}

function asLockError(error: unknown, path: string): DashError {
  const why = asDiskError(whyNotWritten(path), `locking \`${path}\``, 'nothing was begun');
  if (isDashError(why)) return why;
  if (sqliteCode(error) === SQLITE_FULL)
    return new DashError('DISK_FULL', `no space left while locking \`${path}\``, { hint: 'free some space and try again', cause: error });
  const message = error instanceof Error ? `: ${error.message}` : '';
  return new DashError('DISK_ERROR', `cannot lock \`${path}\`${message}`, { hint: 'check the rights of the directory', cause: error });
}

/** SQLite says that it cannot, and mostly not why: a file beside it may tell. */
function whyNotWritten(path: string): unknown {
  const probe = `${path}.${process.pid}-${randomUUID()}.tmp`;
  try {
    writeFileSync(probe, 'x', { flag: 'wx' });
    rmSync(probe, { force: true });
    return undefined;
  } catch (error) {
    rmSync(probe, { force: true });
    return error;
  }
}

const [SQLITE_BUSY, SQLITE_LOCKED, SQLITE_FULL] = [5, 6, 13];

function isBusy(error: unknown): boolean {
  const code = sqliteCode(error);
  return code === SQLITE_BUSY || code === SQLITE_LOCKED;
}

/** https://sqlite.org/rescode.html, without what the extended codes add. */
function sqliteCode(error: unknown): number | undefined {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 0xff : undefined;
}
