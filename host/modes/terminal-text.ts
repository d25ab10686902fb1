import { stripVTControlCharacters } from 'node:util';

/** Text of models, tools and packages as it may reach a terminal: no control sequences, no bidi overrides, no invisible characters. */
export function terminalText(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what this takes out
  return stripVTControlCharacters(text).replaceAll(/[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u200B-\u200F\u202A-\u202E\u2060-\u2069\uFEFF]/g, '');
}
