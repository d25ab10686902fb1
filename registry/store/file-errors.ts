import { DashError } from '../../format/index.ts';

/** Tells whether `error` carries one of Node's error codes. */
export function isErrno(error: unknown, ...codes: readonly string[]): error is Error & { readonly code: string } {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && codes.includes(error.code);
}

/** Turns a failure of the disk into one the user can act on; anything else comes back as it is. */
export function asDiskError(error: unknown, what: string): unknown {
  if (isErrno(error, 'ENOSPC', 'EDQUOT'))
    return new DashError('DISK_FULL', `no space left while ${what}`, { hint: 'free some space and try again; nothing was changed', cause: error });
  if (isErrno(error, 'EACCES', 'EPERM', 'EROFS', 'EIO', 'EMFILE', 'ENFILE', 'EXDEV', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG')) {
    return new DashError('DISK_ERROR', `${what} failed: ${error.message}`, {
      hint: 'check the rights and the state of the disk; `DASH_HOME` moves everything',
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
