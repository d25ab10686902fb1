import { rm } from 'node:fs/promises';

import { isDashError } from '../format/index.ts';
import { realDirectory } from './fetch/local.ts';
import { takeProcessLock } from './lock/process-lock.ts';
import type { ProgressListener } from './progress.ts';
import { readIfPresent } from './store/durable-file.ts';
import { asDiskError } from './store/file-errors.ts';
import { type Generation, readCurrent } from './store/generation.ts';
import { rollForward } from './store/journal.ts';
import { removeLeftovers } from './store/leftovers.ts';
import { type Scope, type ScopePaths, scopePaths, storePaths } from './store/store-paths.ts';

/** What is installed in a scope. */
export interface State {
  readonly scope: ScopePaths;
  /** The real path of the project, for the scope of a project. */
  readonly exactScope: Scope;
  readonly base: Generation | undefined;
  /** `dash.lock` as it stood when the command began: a commit replaces this text and no other. */
  readonly lockText: string | undefined;
}

/** One writer at a time, on a state that is whole. */
export interface Transaction extends State, AsyncDisposable {}

export interface TransactionOptions {
  readonly dashHome: string;
  readonly scope: Scope;
  readonly onProgress?: ProgressListener;
  readonly signal?: AbortSignal;
  /** How long to wait for another `dash`. Default 60,000. */
  readonly lockWaitMs?: number;
  /** A damaged state counts as none: it is about to be made again from the lock. */
  readonly mend?: boolean;
}

/**
 * Takes the process lock and finishes what an interrupted command left.
 *
 * @throws {DashError} LOCKED, STORE_CORRUPT, DISK_ERROR
 */
export async function beginTransaction({ dashHome, scope, onProgress, signal, lockWaitMs, mend = false }: TransactionOptions): Promise<Transaction> {
  const exactScope = await exact(scope);
  const paths = scopePaths(dashHome, exactScope);
  const store = storePaths(dashHome);
  const lock = await takeProcessLock(store.lock, {
    onWait: (holder) => onProgress?.({ kind: 'waiting', holder }),
    ...(signal !== undefined && { signal }),
    ...(lockWaitMs !== undefined && { waitMs: lockWaitMs }),
  });
  try {
    const base = await readBase();
    return { scope: paths, exactScope, base, lockText: await readLockText(paths), [Symbol.asyncDispose]: () => lock[Symbol.asyncDispose]() };
  } catch (error) {
    await lock[Symbol.asyncDispose]();
    throw error;
  }

  async function readBase(): Promise<Generation | undefined> {
    try {
      await removeLeftovers(store, paths).catch(asDisk);
      await rollForward(dashHome, paths).catch(asDisk);
      return await readCurrent(paths);
    } catch (error) {
      if (!mend || !isDashError(error, 'STORE_CORRUPT')) throw error;
      await rm(paths.journal, { force: true });
      return undefined;
    }
  }
}

/**
 * Reads the state without the lock and without finishing anything: for a command that changes nothing.
 *
 * @throws {DashError} STORE_CORRUPT, DISK_ERROR
 */
export async function readState({ dashHome, scope, mend = false }: Pick<TransactionOptions, 'dashHome' | 'scope' | 'mend'>): Promise<State> {
  const exactScope = await exact(scope);
  const paths = scopePaths(dashHome, exactScope);
  const base = await readCurrent(paths).catch((error: unknown) => {
    if (!mend || !isDashError(error, 'STORE_CORRUPT')) throw error;
    return undefined;
  });
  return { scope: paths, exactScope, base, lockText: await readLockText(paths) };
}

/** One that cannot be read is spoken of by whoever needs what it says. */
function readLockText({ lockfile }: ScopePaths): Promise<string | undefined> {
  return readIfPresent(lockfile).catch(() => undefined);
}

async function exact(scope: Scope): Promise<Scope> {
  return scope.kind === 'user' ? scope : { kind: 'project', dir: await realDirectory(scope.dir) };
}

/** What was interrupted cannot be finished. */
function asDisk(error: unknown): never {
  throw asDiskError(error, 'finishing what an interrupted command left', 'the next command tries again');
}
