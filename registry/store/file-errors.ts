import { DashError, isDashError } from '../../format/index.ts';

/** Tells whether `error` carries one of Node's error codes. */
export function isErrno(error: unknown, ...codes: readonly string[]): error is Error & { readonly code: string } {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && codes.includes(error.code);
}

/** Turns a failure of the disk into one the user can act on; anything else comes back as it is. `state` is how things stand now. */
export function asDiskError(error: unknown, what: string, state = 'nothing was changed'): unknown {
  if (isErrno(error, 'ENOSPC', 'EDQUOT'))
    return new DashError('DISK_FULL', `no space left while ${what}`, { hint: `free some space and try again; ${state}`, cause: error });
  if (isErrno(error, 'EMFILE', 'ENFILE'))
    return new DashError('DISK_ERROR', `too many files are open while ${what}`, { hint: `raise \`ulimit -n\` and try again; ${state}`, cause: error });
  if (isErrno(error, 'EACCES', 'EPERM', 'EROFS', 'EIO', 'EXDEV', 'EISDIR', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG')) {
    return new DashError('DISK_ERROR', `${what} failed: ${error.message}`, {
      hint: `check the rights and the state of the disk (\`DASH_HOME\` moves everything); ${state}`,
      cause: error,
    });
  }
  return error;
}

/** Gives `undefined` for a file that is not there; for `catch`. */
export function ignoreMissing(error: unknown): undefined {
  if (isErrno(error, 'ENOENT')) return undefined;
  throw error;
}

/** Lets a failure of the disk pass where nothing depends on it; for `catch`. */
export function ignoreDisk(error: unknown): undefined {
  if (isDashError(asDiskError(error, ''), 'DISK_FULL', 'DISK_ERROR')) return undefined;
  throw error;
}

/** How things stand when the commit point is behind. */
export const COMMITTED = 'the change is made, and the next `dash install` finishes what is left';
