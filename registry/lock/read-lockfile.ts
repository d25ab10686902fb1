import { DashError, parseJson, type Where } from '../../format/index.ts';
import { readIfPresent } from '../store/durable-file.ts';
import { asDiskError } from '../store/file-errors.ts';
import { type Lockfile, parseLockfile } from './lockfile.ts';

/** A `dash.lock` as somebody wrote it, and where each part of it stands. */
export interface ClaimedLock {
  readonly lock: Lockfile;
  readonly path: string;
  /** The place of a value, by its keys. */
  where(...keys: readonly string[]): Where;
}

/**
 * Reads the `dash.lock` at `path`, `undefined` when there is none.
 *
 * @throws {DashError} LOCK_INVALID, LOCK_VERSION, DISK_ERROR
 */
export async function readLockfile(path: string): Promise<ClaimedLock | undefined> {
  let text: string | undefined;
  try {
    text = await readIfPresent(path);
  } catch (error) {
    throw asDiskError(error, `reading \`${path}\``);
  }
  if (text === undefined) return undefined;
  const lock = parseLockfile(text, path);
  const where = (...keys: readonly string[]) => parseJson(text, path, 'LOCK_INVALID').where(pointerOf(keys));
  return { lock, path, where };
}

/** Refuses what a lock claims and the bytes do not say. */
export function lockTampered({ where }: ClaimedLock, keys: readonly string[], message: string, cause?: unknown): DashError {
  return new DashError('LOCK_TAMPERED', message, {
    hint: 'look at who changed `dash.lock`; `dash install <spec>` pins the package anew',
    where: where(...keys),
    ...(cause !== undefined && { cause }),
  });
}

/** RFC 6901. */
function pointerOf(keys: readonly string[]): string {
  return keys.map((key) => `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
