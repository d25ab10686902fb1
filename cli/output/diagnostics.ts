import type { Diagnostic } from '../../format/index.ts';
import { formatWhere } from './error.ts';
import { oneLine, type Style } from './terminal.ts';

/** Writes one line for each diagnostic: where, how bad, what, and the code to look up. */
export function formatDiagnostics(diagnostics: readonly Diagnostic[], style: Style): string {
  const shown = { error: style.bad('error'), warning: style.warning('warning'), info: style.dim('info') };
  return diagnostics
    .map(({ severity, code, message, where }) => {
      const place = where ? `${oneLine(formatWhere(where))}: ` : '';
      return `${place}${shown[severity]}: ${oneLine(message)} ${style.dim(code)}\n`;
    })
    .join('');
}
