import { CapabilityFailure } from './define-capability.ts';
import type { CapabilityErrorData } from './protocol.ts';

/** What the guest gets: a value or the fields of an error. The broker itself never throws and never rejects. */
export type Answer = { readonly value: unknown } | { readonly error: CapabilityErrorData };

export function failed(code: string, message: string): Answer {
  return { error: { code, message } };
}

/** Node's own errors keep their code; the guest reads its own path in them, never one of the host's. */
export function toAnswer(error: unknown, params: unknown): Answer {
  if (error instanceof CapabilityFailure) return { error: withPath(error.data, params) };
  const { code, errno, syscall, name } = error as NodeJS.ErrnoException;
  if (name === 'AbortError') return failed('ABORT_ERR', 'This operation was aborted');
  if (typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,60}$/.test(code)) {
    const what = WORDS[code] ?? 'the operation failed';
    return { error: withPath({ code, message: `${code}: ${what}`, ...(errno !== undefined && { errno }), ...(syscall !== undefined && { syscall }) }, params) };
  }
  // A bug of ours must not carry stack or paths into the guest.
  return failed('EIO', 'the operation failed inside the host');
}

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EEXIST: 'file already exists',
  ENOTDIR: 'not a directory',
  EISDIR: 'illegal operation on a directory',
  ENOTEMPTY: 'directory not empty',
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  ELOOP: 'too many symbolic links encountered',
  ENOSPC: 'no space left on device',
  EROFS: 'read-only file system',
  EXDEV: 'cross-device link not permitted',
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  ENOTFOUND: 'the host was not found',
  ETIMEDOUT: 'the connection timed out',
};

function withPath(error: CapabilityErrorData, params: unknown): CapabilityErrorData {
  const given = params as { path?: unknown; from?: unknown; to?: unknown } | null;
  const path = typeof given?.path === 'string' ? given.path : typeof given?.from === 'string' ? given.from : undefined;
  if (path === undefined || error.syscall === undefined) return error;
  const suffix = `, ${error.syscall} '${path}'`;
  const message = error.message.includes(suffix) || error.path !== undefined ? error.message : `${error.message}${suffix}`;
  return { ...error, message, path, ...(typeof given?.to === 'string' && { dest: given.to }) };
}
