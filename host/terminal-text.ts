import { stripVTControlCharacters } from 'node:util';

/** Text of models, tools and packages as it may reach a terminal: no control sequences, no bidi overrides, no invisible characters. */
export function terminalText(text: string): string {
  return stripVTControlCharacters(text).replaceAll(/(?![\t\n\u200D])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '');
}
