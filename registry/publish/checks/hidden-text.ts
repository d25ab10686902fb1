import type { Diagnostic } from '../../../format/index.ts';
import { type Check, lineAt, textOf } from './check-subject.ts';

/**
 * Bidi controls show code in another order than it runs, tag characters carry text that only a model
 * reads. The tags of a flag (after U+1F3F4) are what they look like.
 * https://trojansource.codes
 */
const HIDDEN = /[\u202A-\u202E\u2066-\u2069]|(?<!\u{1F3F4}[\u{E0020}-\u{E007F}]*)[\u{E0000}-\u{E007F}]/u;

/** Text that people and models read differently. */
export const checkHiddenText: Check = ({ files }) =>
  files.flatMap(({ path, bytes }): Diagnostic[] => {
    const text = textOf(bytes);
    const found = text === undefined ? null : HIDDEN.exec(text);
    if (text === undefined || found === null) return [];
    const point = found[0].codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0');
    return [{ severity: 'error', code: 'HIDDEN_TEXT', message: `holds the invisible character U+${point}`, where: { path, line: lineAt(text, found.index) } }];
  });
