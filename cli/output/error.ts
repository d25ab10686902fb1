import { DashError, isDashError, type Where } from '../../format/index.ts';
import { manyLines, oneLine, type Style } from './terminal.ts';

/** The document of a failure with `--json`. */
export interface ErrorDocument {
  readonly error: { readonly code: string; readonly message: string; readonly hint?: string; readonly where?: Where };
}

/** Makes the document of a failure; a bug of ours has the code `INTERNAL`. */
export function errorDocument(error: unknown): ErrorDocument {
  if (!isDashError(error)) return { error: { code: 'INTERNAL', message: messageOf(error), hint: REPORT } };
  const { code, message, hint, where } = error;
  return { error: { code, message, ...(hint !== undefined && { hint }), ...(where && { where }) } };
}

/** Writes a failure for people: code and message, the place, the hint on a line of its own. */
export function formatError(error: unknown, style: Style): string {
  const { code, message, hint, where } = errorDocument(error).error;
  const lines = [`${style.bad(code)}: ${manyLines(message)}`];
  if (where) lines.push(`  at ${oneLine(formatWhere(where))}`);
  if (!isDashError(error) && error instanceof Error && error.stack) lines.push(style.dim(manyLines(error.stack)));
  if (hint !== undefined) lines.push(`${style.strong('hint')}: ${manyLines(hint)}`);
  return `${lines.join('\n')}\n`;
}

/** `path:line:column`, as editors and terminals link it. */
export function formatWhere({ path, line, column }: Where): string {
  return [path, line, line === undefined ? undefined : column].filter((part) => part !== undefined).join(':');
}

/** Turns what the operating system or an abort throws into the failure a user can act on. */
export function asUserError(error: unknown, signal: AbortSignal): unknown {
  if (isDashError(error)) return error;
  if (signal.aborted) return new DashError('INTERRUPTED', 'interrupted', { cause: error });
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return error;
  if (error.code === 'ENOSPC' || error.code === 'EDQUOT') {
    return new DashError('DISK_FULL', error.message, { hint: 'free some space and run the command again', cause: error });
  }
  if (DISK_CODES.has(error.code)) return new DashError('DISK_ERROR', error.message, { hint: 'check the rights of the named path', cause: error });
  return error;
}

const DISK_CODES: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'EROFS', 'EIO', 'EMFILE', 'ENFILE', 'ENOTDIR', 'EISDIR']);
const REPORT = 'this is a bug in dash; please report it with the command you typed';

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
