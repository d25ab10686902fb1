import { ERROR_EXIT_CODES, isDashError } from '../../format/index.ts';

/** What the process ends with; docs/errors.md lists what each means. */
export type ExitCode = 0 | (typeof ERROR_EXIT_CODES)[keyof typeof ERROR_EXIT_CODES];

/** Answers the exit code of a failure; what is not a `DashError` is a bug of ours, and 1. */
export function exitCodeOf(error: unknown): ExitCode {
  return isDashError(error) ? ERROR_EXIT_CODES[error.code] : 1;
}
