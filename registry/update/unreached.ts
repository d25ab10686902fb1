import { type DashError, type Diagnostic, isDashError } from '../../format/index.ts';

/** A package whose source gave no answer. */
export interface UnreachedPackage {
  readonly name: string;
  readonly error: DashError;
}

/** Whether it is its source that is not there or has it no more, and not the package that is wrong. */
export function isUnreached(error: unknown): error is DashError {
  return isDashError(error, 'REGISTRY_ERROR', 'GIT_FAILED', 'OFFLINE', 'PACKAGE_NOT_FOUND', 'VERSION_NOT_FOUND', 'GIT_REF_NOT_FOUND');
}

/**
 * What is said of packages that could not be looked at, where others could.
 *
 * @throws {DashError} the first reason, where none of them could
 */
export function diagnosticsOf(unreached: readonly UnreachedPackage[], looked: number): Diagnostic[] {
  const [first] = unreached;
  if (first !== undefined && unreached.length === looked) throw first.error;
  return unreached.map(({ name, error: { code, message } }) => ({ severity: 'warning', code, message: `\`${name}\` was not looked at: ${message}` }));
}
