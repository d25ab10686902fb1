import { type Component, CURSOR_MARKER, deleteAllKittyImages, getCapabilities, TuiMainScreen, visibleWidth } from '@earendil-works/pi-tui';
import { ImageBlock, rowsAbove } from './blocks/image-block.ts';
import { safeLine } from './safe-line.ts';
import type { StreamTerminal } from './terminal.ts';

/** A component as it was drawn: what it gave, and what of it may reach the terminal. */
interface Drawn {
  readonly component: Component;
  readonly raw: readonly string[];
  readonly safe: readonly string[];
  /** The row of the document where it begins. */
  readonly start: number;
}

export interface Layout {
  /** Everything there is, from the top. A component that has not changed gives the array that it gave before. */
  components(): readonly Component[];
  /** The one that holds the cursor. */
  readonly focused: Component | undefined;
}

/**
 * Draws components below each other on the terminal's main screen. A frame costs what changed in it: components that gave
 * the same lines are not looked into, and of the rows only those that are on the screen are compared and written.
 *
 * Rows that scrolled off cannot be written again. Where such a row changes, the screen goes on with what is right and
 * {@link repair} writes the whole document anew, when nothing is going on.
 */
export class Painter extends TuiMainScreen {
  readonly #layout: Layout;
  readonly #border: StreamTerminal;
  #frame: readonly Drawn[] = [];
  #length = 0;
  /** The rows on the screen, and the row of the document in the first of them. */
  #shown: string[] = [];
  #top = 0;
  /** The row of the screen that the cursor is in. */
  #cursor = 0;
  #width = 0;
  #height = 0;
  #isStale = false;
  /** The terminal was somebody else's in between: what was said stands above. */
  #goesOn = false;
  #waitsForDrain = false;

  constructor(terminal: StreamTerminal, layout: Layout) {
    super(terminal);
    this.#border = terminal;
    this.#layout = layout;
  }

  /** Writes everything again if rows that scrolled off are not what they were. */
  repair(): void {
    if (this.#isStale) this.requestRender(true);
  }

  /** Much is another now, above the screen too: writes the whole document again if any of it scrolled off. */
  renew(): void {
    this.requestRender(this.#top > 0);
  }

  override invalidate(): void {
    super.invalidate();
    for (const component of this.#layout.components()) component.invalidate();
  }

  protected override resetRenderState(): void {
    this.#width = 0;
  }

  protected override doRender(): void {
    if (this.stopped) return;
    // Who reads slowly gets fewer frames, not later ones.
    if (this.#border.isBehind) return this.#drawWhenDrained();
    const { columns: width, rows: height } = this.terminal;
    const isFirst = this.#height === 0;
    const isResized = width !== this.#width || height !== this.#height;
    const cursor = this.#compose(width, isResized);
    this.#width = width;
    this.#height = height;

    const out: string[] = [FRAME_BEGIN];
    if (isFirst && this.#goesOn) this.#top = Math.max(0, this.#length - height);
    else if ((isResized && !isFirst) || this.#length <= this.#top) {
      // Images lie above the text, and go by a command of their own.
      out.push(getCapabilities().images === 'kitty' ? deleteAllKittyImages() : '', CLEAR_ALL);
      this.#shown = [];
      this.#top = 0;
      this.#cursor = 0;
      this.#isStale = false;
    }
    this.#write(out);
    this.#update(out);
    if (cursor !== undefined && cursor.row >= this.#top) {
      out.push(this.#moveTo(Math.min(cursor.row - this.#top, this.#shown.length - 1)), `\u001B[${cursor.column + 1}G`);
    }
    out.push(FRAME_END);
    this.#border.write(out.join(''));
  }

  /** Leaves the cursor below everything. */
  protected override beforeTerminalStop(): void {
    if (this.#shown.length > 0) this.#border.write(`${this.#moveTo(this.#shown.length - 1)}\r\n`);
    this.#shown = [];
    this.#top = 0;
    this.#cursor = 0;
    this.#height = 0;
    this.#frame = [];
    this.#goesOn = true;
  }

  /** Has every component draw itself. @returns where the cursor is */
  #compose(width: number, isResized: boolean): { readonly row: number; readonly column: number } | undefined {
    const before = isResized ? [] : this.#frame;
    const frame: Drawn[] = [];
    let cursor: { readonly row: number; readonly column: number } | undefined;
    let start = 0;
    let firstChanged: number | undefined;
    for (const component of this.#layout.components()) {
      const raw = component.render(width);
      const old = before[frame.length];
      const isSame = old?.component === component && old.raw === raw;
      if (component === this.#layout.focused) cursor = cursorIn(raw, start);
      const drawn =
        isSame && old.start === start
          ? old
          : { component, raw, safe: isSame ? old.safe : component instanceof ImageBlock ? raw : safeLines(raw, width, old), start };
      if (firstChanged === undefined && drawn.safe !== old?.safe) firstChanged = firstDifference(old, drawn);
      frame.push(drawn);
      start += drawn.safe.length;
    }
    if (frame.length < before.length) firstChanged ??= start;
    // Only where rows had scrolled off: a document that fits is never stale.
    if (!isResized && firstChanged !== undefined && firstChanged < this.#top) {
      this.#isStale = true;
      this.#top = Math.max(0, Math.min(this.#top, start - this.#shown.length));
    }
    this.#frame = frame;
    this.#length = start;
    return cursor;
  }

  /** Writes the rows that are new at the end, and with them all from the first one that changed; what is above scrolls off. */
  #write(out: string[]): void {
    const made = this.#top + this.#shown.length;
    if (this.#length <= made) return;
    const rows = this.#rowsFrom(this.#top);
    const top = this.#top;
    let row = top;
    while (row < made && this.#shown[row - top] === rows[row - top]) row += 1;
    if (row < made) out.push(this.#moveTo(row - top));
    else if (made > top) out.push(this.#moveTo(made - 1 - top), '\r\n');
    for (; row < this.#length; row += 1) {
      out.push('\r\u001B[2K', drawable(rows[row - top] ?? '', row - top));
      if (row < this.#length - 1) out.push('\r\n');
    }
    this.#top = Math.max(top, this.#length - this.#height);
    this.#shown = rows.slice(this.#top - top);
    this.#cursor = this.#shown.length - 1;
  }

  /** Writes the rows of the screen that are not what they should be. */
  #update(out: string[]): void {
    const rows = this.#rowsFrom(this.#top);
    const wanted = this.hasOverlayEntries ? this.compositeOverlays(padded(rows, this.#height), this.#width, this.#height) : rows;
    for (let row = this.#shown.length; row < Math.min(wanted.length, this.#height); row += 1) {
      out.push(this.#moveTo(row - 1), '\r\n');
      this.#cursor = row;
      this.#shown.push('');
    }
    this.#shown.forEach((shown, row) => {
      const line = this.hasOverlayEntries ? safeLine(wanted[row] ?? '', this.#width) : (wanted[row] ?? '');
      if (shown === line) return;
      out.push(this.#moveTo(row), '\r\u001B[2K', drawable(line, row));
      this.#shown[row] = line;
    });
  }

  #rowsFrom(row: number): string[] {
    const rows: string[] = [];
    for (const { safe, start } of this.#frame.slice(this.#indexAt(row)))
      for (let at = Math.max(0, row - start); at < safe.length; at += 1) rows.push(safe[at] ?? '');
    return rows;
  }

  /** The component that the row is in; a binary search, since a day's work is thousands of them. */
  #indexAt(row: number): number {
    let [low, high] = [0, this.#frame.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const { start = 0, safe = [] } = this.#frame[middle] ?? {};
      if (start + safe.length <= row) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** To a row of the screen. Relative, since nobody knows where on the terminal the first row is. */
  #moveTo(row: number): string {
    const by = row - this.#cursor;
    this.#cursor = row;
    return by === 0 ? '' : `\u001B[${Math.abs(by)}${by > 0 ? 'B' : 'A'}`;
  }

  #drawWhenDrained(): void {
    if (this.#waitsForDrain) return;
    this.#waitsForDrain = true;
    this.#border.onceDrained(() => {
      this.#waitsForDrain = false;
      this.requestRender();
    });
  }
}

/** No frame is seen half, and a line that a terminal holds for wider than we do is cut there instead of wrapped. */
const FRAME_BEGIN = '\u001B[?2026h\u001B[?25l\u001B[?7l';
const FRAME_END = '\u001B[?7h\u001B[?2026l';
const CLEAR_ALL = '\u001B[2J\u001B[H\u001B[3J';

/** Lines that did not change since `old` are not cleaned again: an answer that grows is one component. */
function safeLines(raw: readonly string[], width: number, old: Drawn | undefined): readonly string[] {
  return raw.map((line, index) => (old !== undefined && old.raw[index] === line ? (old.safe[index] ?? '') : safeLine(line, width)));
}

/** The first row of the document that is another one, if there is one in this component. */
function firstDifference(old: Drawn | undefined, { safe, start }: Drawn): number | undefined {
  if (old === undefined || old.start !== start) return start;
  const length = Math.max(old.safe.length, safe.length);
  for (let at = 0; at < length; at += 1) if (old.safe[at] !== safe[at]) return start + at;
  return undefined;
}

/** An image whose first rows are above the screen cannot be drawn: it would cover others. */
function drawable(line: string, row: number): string {
  return rowsAbove(line) > row ? '' : line;
}

function cursorIn(lines: readonly string[], start: number): { readonly row: number; readonly column: number } | undefined {
  const at = lines.findIndex((line) => line.includes(CURSOR_MARKER));
  const line = lines[at];
  return line === undefined ? undefined : { row: start + at, column: visibleWidth(line.slice(0, line.indexOf(CURSOR_MARKER))) };
}

function padded(rows: readonly string[], height: number): string[] {
  return [...rows, ...Array.from({ length: Math.max(0, height - rows.length) }, () => '')];
}
