/** Number and words of the system errors that a broker answers with, as libuv has them on Linux. */
export const systemErrors: Readonly<Record<string, readonly [errno: number, words: string]>> = {
  EPERM: [-1, 'operation not permitted'],
  ENOENT: [-2, 'no such file or directory'],
  EIO: [-5, 'i/o error'],
  EBADF: [-9, 'bad file descriptor'],
  EAGAIN: [-11, 'resource temporarily unavailable'],
  ENOMEM: [-12, 'not enough memory'],
  EACCES: [-13, 'permission denied'],
  EBUSY: [-16, 'resource busy or locked'],
  EEXIST: [-17, 'file already exists'],
  EXDEV: [-18, 'cross-device link not permitted'],
  ENODEV: [-19, 'no such device'],
  ENOTDIR: [-20, 'not a directory'],
  EISDIR: [-21, 'illegal operation on a directory'],
  EINVAL: [-22, 'invalid argument'],
  EMFILE: [-24, 'too many open files'],
  ETXTBSY: [-26, 'text file is busy'],
  EFBIG: [-27, 'file too large'],
  ENOSPC: [-28, 'no space left on device'],
  EROFS: [-30, 'read-only file system'],
  EMLINK: [-31, 'too many links'],
  EPIPE: [-32, 'broken pipe'],
  ENAMETOOLONG: [-36, 'name too long'],
  ENOTEMPTY: [-39, 'directory not empty'],
  ELOOP: [-40, 'too many symbolic links encountered'],
  ENOTSUP: [-95, 'operation not supported on socket'],
  ENOBUFS: [-105, 'no buffer space available'],
  ECONNREFUSED: [-111, 'connection refused'],
  ECONNRESET: [-104, 'connection reset by peer'],
  ETIMEDOUT: [-110, 'connection timed out'],
  ECANCELED: [-125, 'operation canceled'],
  ESRCH: [-3, 'no such process'],
};

export interface SystemCall {
  readonly syscall: string;
  readonly path?: string;
  readonly dest?: string;
}

/** Makes an error as Node's fs throws it: `ENOENT: no such file or directory, open 'x'`. */
export function systemError(code: string, { syscall, path, dest }: SystemCall, message?: string): Error {
  const [errno, words] = systemErrors[code] ?? [-4094, 'unknown error'];
  const place = `${path === undefined ? '' : ` '${path}'`}${dest === undefined ? '' : ` -> '${dest}'`}`;
  const error = new Error(message ?? `${code}: ${words}, ${syscall}${place}`);
  return Object.assign(error, { errno, code, syscall }, path === undefined ? {} : { path }, dest === undefined ? {} : { dest });
}

/**
 * Words a broker's error in the terms of the call that the package made (the path as it wrote it).
 * A denial keeps the broker's message, which names the permission.
 */
export function toSystemError(error: unknown, call: SystemCall): unknown {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return error;
  const { code } = error;
  if (code === 'PERMISSION_DENIED') return Object.assign(systemError('EACCES', call, error.message), { cause: error });
  if (!(code in systemErrors)) return error;
  const isDenial = code === 'EACCES' && !error.message.startsWith('EACCES: permission denied, ');
  return systemError(code, call, isDenial ? error.message : undefined);
}

/** Makes the error of a wrong argument, with Node's code. */
export function argumentError(name: string, expected: string, received: unknown): Error {
  const shown = received === null || received === undefined ? String(received) : `type ${typeof received}`;
  return Object.assign(new TypeError(`The "${name}" argument must be ${expected}. Received ${shown}`), { code: 'ERR_INVALID_ARG_TYPE' });
}

/** Makes the error of a value that is too small or too large, with Node's code. */
export function outOfRange(name: string, range: string, received: unknown): Error {
  return Object.assign(new RangeError(`The value of "${name}" is out of range. It must be ${range}. Received ${String(received)}`), {
    code: 'ERR_OUT_OF_RANGE',
  });
}

/** Makes the error of a call without what it needs, with Node's code. */
export function missingArguments(message: string): Error {
  return Object.assign(new TypeError(message), { code: 'ERR_MISSING_ARGS' });
}

/** Makes the error of something that exists in Node and not here. */
export function unsupported(what: string, advice: string): Error {
  return Object.assign(new Error(`${what} is not available in the sandbox; ${advice}`), { code: 'UNSUPPORTED_API' });
}
