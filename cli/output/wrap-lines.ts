/**
 * Breaks lines between words where the terminal would break them within one, and goes on below the beginning of the line:
 * so nothing that somebody else wrote comes to stand in the first column. Colours take no room; of what may be two columns
 * wide it is believed, for a line that is too short is harmless.
 */
export function wrapLines(text: string, columns: number): string {
  return text
    .split('\n')
    .map((line) => wrapLine(line, columns))
    .join('\n');
}

/** What is left of a line after its indent is never less. */
const LEAST_COLUMNS = 10;

function wrapLine(line: string, columns: number): string {
  if (widthOf(line) <= columns) return line;
  const indent = ' '.repeat((/^ */.exec(line)?.[0].length ?? 0) + 2);
  const room = Math.max(LEAST_COLUMNS, columns - indent.length);
  const lines: string[] = [];
  let current = '';
  for (const [, gap = '', word = ''] of line.matchAll(/( *)([^ ]+)/g)) {
    const isFirst = lines.length === 0;
    const fits = widthOf(current) + gap.length + widthOf(word) <= (isFirst ? columns : room);
    // a word that begins the line stays with its indent
    if (fits || current === '') current += (current === '' && !isFirst ? '' : gap) + word;
    else {
      lines.push(current);
      current = word;
    }
    for (let [head, rest] = cut(current, lines.length === 0 ? columns : room); rest !== ''; [head, rest] = cut(current, room)) {
      lines.push(head);
      current = rest;
    }
  }
  return [...lines, current].map((one, index) => (index === 0 ? one : `${indent}${one}`)).join('\n');
}

/** The part that fits, and the rest. */
function cut(text: string, columns: number): readonly [head: string, rest: string] {
  let width = 0;
  let head = '';
  for (const [part] of text.matchAll(PIECE)) {
    width += columnsOf(part);
    if (width > columns) return [head, text.slice(head.length)];
    head += part;
  }
  return [head, ''];
}

function widthOf(text: string): number {
  return text.matchAll(PIECE).reduce((width, [part]) => width + columnsOf(part), 0);
}

/** The first character of Unicode that terminals draw over two columns; below it there is none. */
const FIRST_WIDE = 0x1100;

function columnsOf(part: string): number {
  if (part.startsWith('\u001B')) return 0;
  return (part.codePointAt(0) ?? 0) < FIRST_WIDE ? 1 : 2;
}

/** A colour, or a character. */
// oxlint-disable-next-line no-control-regex -- an escape sequence begins with a control character
const PIECE = /\u001B\[[\d;]*m|[^]/gu;
