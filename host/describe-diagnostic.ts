import type { Diagnostic } from '../format/index.ts';

/** A diagnostic on one line, with the author's file and line. */
export function describe(diagnostic: Diagnostic): string {
  return `${diagnostic.severity}: ${describeUnmarked(diagnostic)}`;
}

/** The same for a place that says itself how bad it is. */
export function describeUnmarked({ message, where }: Diagnostic): string {
  // most errors about a file name it themselves
  const isNamed = where === undefined || (where.line === undefined && message.includes(where.path));
  const place = isNamed ? '' : ` (${where.path}${where.line === undefined ? '' : `:${where.line}`})`;
  return `${message}${place}`;
}

/** What changes the answer, and nobody would see otherwise. */
const ALWAYS_SAID: ReadonlySet<string> = new Set(['SESSION_CORRUPT', 'PROJECT_NOT_TRUSTED', 'CONTEXT_FILE_IGNORED', 'CONSENT_REQUIRED']);

/** Whether it is said where one line is all there is room for. */
export function mustBeSaid({ severity, code }: Diagnostic): boolean {
  return severity === 'error' || ALWAYS_SAID.has(code);
}
