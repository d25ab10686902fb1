/**
 * Makes text that somebody else wrote safe to stand in a question: on one line, without control, bidi, zero-width and
 * other invisible characters, so that it can neither move the cursor nor read differently from what it is, and no longer
 * than `most` characters. What is cut off is said.
 */
export function plainText(text: string, most: number): string {
  const visible = [
    ...text
      .replaceAll(/\p{White_Space}+/gu, ' ')
      // marks pile up on one letter and cover the lines around it
      .replaceAll(/\p{M}{3,}/gu, '')
      .replaceAll(INVISIBLE_IN_TEXT, '')
      .trim(),
  ];
  return visible.length <= most ? visible.join('') : `${visible.slice(0, most).join('')}… (${visible.length - most} more characters)`;
}

/** The same, in quotation marks that the text itself cannot close. */
export function quotedText(text: string, most: number): string {
  return `“${plainText(text, most).replaceAll(/[“”"„‟]/g, "'")}”`;
}

/** The same for a name that is refused: what could not be seen in it stands there as an escape, or nobody could tell what is wrong. */
export function escapedText(text: string, most: number): string {
  const characters = Array.from(text.slice(0, most * 2));
  const shown = characters.slice(0, most).join('');
  const seen = shown.replaceAll(UNSEEN, (character) => (character === ' ' ? ' ' : `\\u{${character.codePointAt(0)?.toString(16)}}`));
  return characters.length <= most ? seen : `${seen}…`;
}

/** Control, format and private characters, lone surrogates, separators of lines, variation selectors and letters that show nothing. */
const INVISIBLE_IN_TEXT = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Cn}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800\u3164\uFFA0]/gu;
const UNSEEN = new RegExp(`${INVISIBLE_IN_TEXT.source}|[\\p{White_Space}\`]`, 'gu');
