/** Puts the lines of a text together that comes in pieces. */
export interface WholeLines {
  /** The lines that end in this piece. */
  add(piece: string): readonly string[];
  /** Characters of the line that has not ended. */
  readonly waiting: number;
}

/**
 * Makes one. Each piece is looked at once: whoever sends a long line a few bytes at a time does not have all of it read
 * again for each of them.
 */
export function wholeLines(lineBreak: string | RegExp): WholeLines {
  let pieces: string[] = [];
  let waiting = 0;
  return {
    add(piece) {
      const [first = '', ...others] = piece.split(lineBreak);
      if (first !== '') pieces.push(first);
      waiting += first.length;
      const rest = others.pop();
      if (rest === undefined) return [];
      const lines = [pieces.join(''), ...others];
      pieces = rest === '' ? [] : [rest];
      waiting = rest.length;
      return lines;
    },
    get waiting() {
      return waiting;
    },
  };
}
