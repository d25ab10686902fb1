import { Writable } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';

/**
 * As much of a terminal as a painter of rows needs: rows of text, a cursor, what scrolled off. It understands what is
 * written to it or throws, so that nothing is overlooked.
 */
export class SmallTerminal extends Writable {
  readonly columns: number;
  readonly rows: number;
  /** What is on the screen, and above it. */
  #lines: string[] = [''];
  /** The line that is the first on the screen, and the one that the cursor is in. */
  #top = 0;
  #row = 0;
  #column = 0;

  constructor(columns: number, rows: number) {
    super({ decodeStrings: false });
    this.columns = columns;
    this.rows = rows;
  }

  get screen(): readonly string[] {
    return this.#lines.slice(this.#top, this.#top + this.rows).map((line) => line.trimEnd());
  }

  get scrolledOff(): readonly string[] {
    return this.#lines.slice(0, this.#top).map((line) => line.trimEnd());
  }

  override _write(chunk: string, _encoding: string, done: () => void): void {
    for (const [token] of chunk.matchAll(TOKENS)) this.#take(token);
    done();
  }

  #take(token: string): void {
    if (token === '\r') this.#column = 0;
    else if (token === '\n') this.#down();
    else if (!token.startsWith('\u001B')) this.#put(token);
    else if (token === '\u001B[2K') this.#lines[this.#row] = '';
    else if (token === '\u001B[2J') for (let row = this.#top; row < this.#lines.length; row += 1) this.#lines[row] = '';
    else if (token === '\u001B[H') [this.#row, this.#column] = [this.#top, 0];
    else if (token === '\u001B[3J') {
      this.#lines = this.#lines.slice(this.#top);
      this.#row -= this.#top;
      this.#top = 0;
    } else {
      const [, count = '', what] = /^\u001B\[(\d*)([ABG])$/.exec(token) ?? [];
      const by = Number(count);
      if (what === 'A') this.#row = Math.max(this.#top, this.#row - by);
      else if (what === 'B') {
        this.#row = Math.min(this.#top + this.rows - 1, this.#row + by);
        while (this.#lines.length <= this.#row) this.#lines.push('');
      } else if (what === 'G') this.#column = by - 1;
      else if (!IGNORED.test(token)) throw new Error(`the painter wrote ${JSON.stringify(token)}`);
    }
  }

  #down(): void {
    this.#row += 1;
    if (this.#row === this.#lines.length) this.#lines.push('');
    if (this.#row >= this.#top + this.rows) this.#top += 1;
  }

  #put(text: string): void {
    const line = this.#lines[this.#row] ?? '';
    this.#lines[this.#row] = line.padEnd(this.#column).slice(0, this.#column) + text + line.slice(this.#column + text.length);
    this.#column += stripVTControlCharacters(text).length;
  }
}

const TOKENS = /\r|\n|\u001B\[[0-9;?<>]*[A-Za-z]|\u001B\][^\u0007\u001B]*(?:\u0007|\u001B\\)|\u001B.|[^\r\n\u001B]+/g;
/** Modes and colours, which move nothing. */
const IGNORED = /^\u001B(?:\[[?<>][\d;]*[a-z]|\[[\d;]*m|\[16t|\[c|\])/;
