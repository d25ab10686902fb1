/** A place in a file, for errors and diagnostics: `line` and `column` count from 1. */
export interface Where {
  readonly path: string;
  readonly line?: number;
  readonly column?: number;
}

/**
 * Every code a user can meet, with the exit code of the command line (docs/errors.md lists cause and cure).
 * Codes are stable: scripts match on them.
 */
export const ERROR_EXIT_CODES = {
  // usage and input
  USAGE: 2,
  INPUT_REQUIRED: 2,
  INVALID_SPEC: 2,
  UNKNOWN_TOOL: 2,
  SPAWN_TOO_DEEP: 1,
  UNKNOWN_COMMAND: 2,
  SETTING_NOT_FOUND: 2,
  SETTING_INVALID: 2,
  NODE_TOO_OLD: 2,
  TARGET_EXISTS: 2,
  // what a package author wrote
  INVALID_MANIFEST: 1,
  INVALID_PERMISSION: 1,
  INVALID_SKILL: 1,
  MANIFEST_NOT_FOUND: 1,
  ENTRY_NOT_FOUND: 1,
  ENTRY_OUTSIDE_PACKAGE: 1,
  NO_RESOURCES: 1,
  COMPILE_FAILED: 1,
  CAPTURE_FAILED: 1,
  CAPTURE_UNSTABLE: 1,
  FACTORY_FAILED: 1,
  FACTORY_TIMEOUT: 1,
  REGISTRATION_CHANGED: 1,
  UNSUPPORTED_MODULE: 1,
  UNSUPPORTED_API: 1,
  UNSUPPORTED_NATIVE_ADDON: 1,
  UNSUPPORTED_SYNTAX: 1,
  CHECK_FAILED: 6,
  // policy and trust
  RELEASE_TOO_YOUNG: 3,
  UPDATE_CHANGED: 3,
  TAG_MOVED: 3,
  SOURCE_UNTRUSTED: 3,
  PROJECT_SETTING_REFUSED: 3,
  POLICY_INVALID: 3,
  // consent
  CONSENT_REQUIRED: 4,
  DELEGATED_CONSENT: 4,
  // integrity
  INTEGRITY_MISMATCH: 5,
  INTEGRITY_MISSING: 5,
  HOSTILE_PACKAGE: 5,
  LOCK_TAMPERED: 5,
  LOCK_INVALID: 5,
  LOCK_VERSION: 5,
  LOCK_MISSING: 5,
  LOCK_OUTDATED: 5,
  LOCK_CHANGED: 5,
  STORE_CORRUPT: 5,
  BUNDLE_MISMATCH: 5,
  UNRELATED_HISTORY: 5,
  // network and registry
  PACKAGE_NOT_FOUND: 7,
  VERSION_NOT_FOUND: 7,
  DEPENDENCY_NOT_FOUND: 7,
  REGISTRY_ERROR: 7,
  REGISTRY_REPLY_INVALID: 7,
  GIT_FAILED: 7,
  GIT_REF_NOT_FOUND: 7,
  PUBLISH_FAILED: 7,
  NOT_INSTALLED: 7,
  SKILL_NOT_FOUND: 7,
  PIPED_ARCHIVE_GONE: 7,
  // sandbox
  PERMISSION_DENIED: 1,
  GUEST_ERROR: 1,
  DEADLINE_EXCEEDED: 8,
  MEMORY_LIMIT: 8,
  SANDBOX_DIED: 8,
  SANDBOX_BUDGET: 8,
  SANDBOX_UNAVAILABLE: 8,
  // disk
  DISK_ERROR: 9,
  DISK_FULL: 9,
  AUDIT_UNWRITABLE: 9,
  LOCKED: 10,
  OFFLINE: 11,
  INTERRUPTED: 130,
  // host
  SCRIPT_EXHAUSTED: 1,
  SCRIPT_INVALID: 1,
  NO_MODEL: 1,
  LOGIN_FAILED: 1,
  LOGIN_REFUSED: 1,
  MODEL_FAILED: 1,
  SESSION_CORRUPT: 1,
  SESSION_IN_USE: 1,
  SESSION_NOT_FOUND: 7,
  SETTINGS_INVALID: 1,
} as const;

export type ErrorCode = keyof typeof ERROR_EXIT_CODES;

export interface DashErrorOptions {
  /** What the user can do about it, with the command that helps. */
  readonly hint?: string;
  readonly where?: Where;
  readonly cause?: unknown;
}

/** Known across copies of this file: the command line is bundled apart from the library. */
const BRAND = Symbol.for('dash-agent.error');

/**
 * A failure that the user can act on. A bug of ours is a plain `Error`.
 *
 * @example
 * throw new DashError('PACKAGE_NOT_FOUND', '`npm:lefft-pad` is not on the registry', {
 *   hint: 'check the name with `dash search`',
 * });
 */
export class DashError extends Error {
  override readonly name = 'DashError';
  readonly [BRAND] = true;
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly where: Where | undefined;

  constructor(code: ErrorCode, message: string, options: DashErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.where = options.where;
  }
}

/** Tells whether `error` is a {@link DashError}, of one of `codes` when any are given. */
export function isDashError(error: unknown, ...codes: readonly ErrorCode[]): error is DashError {
  return error instanceof Error && BRAND in error && (codes.length === 0 || codes.includes((error as DashError).code));
}
