/**
 * Text that somebody else wrote, on one line and without what nobody sees: control characters, marks that turn the direction
 * of text, tag characters and bytes in variation selectors. A model would read them. Joiners stay: emoji and scripts need them.
 */
export function visibleLine(text: string): string {
  return text
    .replaceAll(/(?![\s\u200C\u200D])[\p{Cc}\p{Cf}\p{Cs}\p{Co}]|[\u{E0100}-\u{E01EF}]|[\uFE00-\uFE0F]{2,}/gu, '')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

/** Whether the name of a file holds something that a line cannot show as it is. */
export function isShown(name: string): boolean {
  return !/[\p{Cc}\p{Zl}\p{Zp}\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069\u{E0000}-\u{E007F}]/u.test(name);
}
