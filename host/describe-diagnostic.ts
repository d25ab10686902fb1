import type { Diagnostic } from '../format/index.ts';

/** A diagnostic on one line, with the author's file and line. */
export function describe({ severity, message, where }: Diagnostic): string {
  const place = where === undefined ? '' : ` (${where.path}${where.line === undefined ? '' : `:${where.line}`})`;
  return `${severity}: ${message}${place}`;
}
