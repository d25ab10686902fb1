import { DashError } from '../../format/index.ts';

/** Why an archive or a tree is refused. The message of the error begins with it. */
export type HostileReason =
  | 'GZIP_INVALID'
  | 'GZIP_CORRUPT'
  | 'GZIP_TRAILING_DATA'
  | 'TAR_CHECKSUM'
  | 'TAR_HEADER'
  | 'TAR_TRUNCATED'
  | 'TAR_NO_END'
  | 'TAR_ZERO_BLOCK'
  | 'TAR_TRAILING_DATA'
  | 'TAR_PAX'
  | 'TAR_SPARSE'
  | 'TAR_SYMLINK'
  | 'TAR_HARDLINK'
  | 'TAR_DEVICE'
  | 'TAR_UNKNOWN_TYPE'
  | 'TAR_TWO_ROOTS'
  | 'TAR_NO_ROOT'
  | 'GIT_SYMLINK'
  | 'GIT_SUBMODULE'
  | 'GIT_UNKNOWN_MODE'
  | 'GIT_TREE_MISMATCH'
  | 'LINK_IN_DIRECTORY'
  | 'NOT_A_FILE'
  | 'PATH_EMPTY'
  | 'PATH_ABSOLUTE'
  | 'PATH_TRAVERSAL'
  | 'PATH_BACKSLASH'
  | 'PATH_DRIVE'
  | 'PATH_NUL'
  | 'PATH_CONTROL'
  | 'PATH_INVISIBLE'
  | 'PATH_NOT_UTF8'
  | 'PATH_RESERVED_NAME'
  | 'PATH_TRAILING_DOT'
  | 'PATH_FORBIDDEN_NAME'
  | 'PATH_TOO_LONG'
  | 'PATH_TOO_DEEP'
  | 'TWIN_PATHS'
  | 'DUPLICATE_PATH'
  | 'FILE_AND_DIRECTORY'
  | 'TOO_MANY_FILES'
  | 'TOO_LARGE'
  | 'FILE_TOO_LARGE'
  | 'MANIFEST_TOO_LARGE'
  | 'NO_MANIFEST'
  | 'MANIFEST_MISMATCH';

/** Makes the refusal of a package whose bytes are not what a package may be. Nothing of it was written outside staging. */
export function hostile(reason: HostileReason, message: string, path?: string): DashError {
  return new DashError('HOSTILE_PACKAGE', `${reason}: ${message}`, {
    hint: 'do not install it; tell its author or the registry',
    ...(path !== undefined && { where: { path: printable(path) } }),
  });
}

/** Quotes a name for a message: what cannot be seen is spelled out. */
export function printable(path: string): string {
  return path.slice(0, 200).replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16) ?? ''}}`);
}
