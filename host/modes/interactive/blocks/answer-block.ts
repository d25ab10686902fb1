import { wrapTextWithAnsi } from '@earendil-works/pi-tui';
import { AnyMarkdown } from '../any-markdown.ts';
import { keyHint, type KeyOf } from '../key-of.ts';
import type { Palette } from '../theme.ts';
import { Block } from './block.ts';
import type { Reshaping } from '../reshaped-text.ts';
import type { FoldOptions } from './tool-block.ts';

/** Text of a model as markdown, while it grows. What cannot change any more is laid out once. */
export class AnswerBlock extends Block {
  readonly #palette: Palette;
  readonly #done: AnyMarkdown[] = [];
  readonly #last: AnyMarkdown;
  /** Where in the text the last piece begins. */
  #from = 0;
  #text = '';
  #isStreaming = true;
  readonly #reshaping: Reshaping | undefined;

  constructor(palette: Palette, reshaping?: Reshaping) {
    super();
    this.#palette = palette;
    this.#reshaping = reshaping;
    this.#last = new AnyMarkdown('', 1, palette.markdown);
  }

  /** Takes the whole text so far. */
  setText(text: string, isStreaming = true): void {
    if (isStreaming !== this.#isStreaming && this.#reshaping !== undefined) super.invalidate();
    this.#isStreaming = isStreaming;
    if (text === this.#text) return;
    this.#text = text;
    for (let end = endOfPiece(text, this.#from); end !== undefined; end = endOfPiece(text, this.#from)) {
      this.#done.push(new AnyMarkdown(text.slice(this.#from, end).trimEnd(), 1, this.#palette.markdown));
      this.#from = end;
    }
    this.#last.setText(text.slice(this.#from).trimEnd());
    // Only the lines: the pieces that are done keep theirs.
    super.invalidate();
  }

  override invalidate(): void {
    super.invalidate();
    this.#reshaping?.forget();
    for (const piece of [...this.#done, this.#last]) piece.invalidate();
  }

  /** A package has answered. */
  drawAgain(): void {
    super.invalidate();
  }

  protected override draw(width: number): string[] {
    const reshaped = this.#reshaping?.at(this.#text, width, this.#isStreaming);
    if (reshaped !== undefined) return reshaped;
    return [...this.#done, this.#last].flatMap((piece) => {
      const drawn = piece.render(width);
      return drawn.length === 0 ? [] : ['', ...drawn];
    });
  }
}

/**
 * The end of a piece that begins at `from`: an empty line that is neither within a block of code nor before something
 * that may belong to what stands above it. `undefined`: it may still change.
 */
export function endOfPiece(text: string, from: number): number | undefined {
  let fence: string | undefined;
  let at = from;
  let isAfterEmpty = false;
  while (at < text.length) {
    const end = text.indexOf('\n', at);
    // A line that is not finished may become anything.
    if (end === -1) return undefined;
    const line = text.slice(at, end);
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1];
    if (isAfterEmpty && fence === undefined && line.trim() !== '' && !CONTINUES.test(line) && at > from) return at;
    if (mark !== undefined) {
      if (fence === undefined) fence = mark;
      else if (mark.startsWith(fence) && line.trim() === mark) fence = undefined;
    }
    isAfterEmpty = line.trim() === '';
    at = end + 1;
  }
  return undefined;
}

/** Indented lines and list items may be part of a list above, a table's rows of a table, a quote's of a quote. */
const CONTINUES = /^(?:\s|[-*+]\s|\d+[.)]\s|>|\|)/;

/** What a model thinks. Folded it is one line. */
export class ThinkingBlock extends Block {
  readonly #palette: Palette;
  readonly #keyOf: KeyOf;
  #text = '';
  #isOpen: boolean;
  #label: string | undefined;
  #isStreaming = true;
  readonly #reshaping: Reshaping | undefined;

  constructor(palette: Palette, { isOpen, keyOf, label }: FoldOptions & { readonly label?: string | undefined }, reshaping?: Reshaping) {
    super();
    this.#palette = palette;
    this.#reshaping = reshaping;
    this.#isOpen = isOpen;
    this.#keyOf = keyOf;
    this.#label = label;
  }

  setLabel(label: string | undefined): void {
    this.#label = label;
    this.invalidate();
  }

  setText(text: string, isStreaming = true): void {
    if (isStreaming !== this.#isStreaming && this.#reshaping !== undefined) this.invalidate();
    this.#isStreaming = isStreaming;
    if (text === this.#text) return;
    this.#text = text;
    // Folded, the line says the same whatever is thought.
    if (this.#isOpen) this.invalidate();
  }

  open(isOpen: boolean): void {
    this.#isOpen = isOpen;
    this.invalidate();
  }

  override invalidate(): void {
    super.invalidate();
    this.#reshaping?.forget();
  }

  /** A package has answered. */
  drawAgain(): void {
    super.invalidate();
  }

  protected override draw(width: number): string[] {
    const { fg, italic } = this.#palette;
    const text = this.#text.trim();
    if (text === '' && this.#isOpen) return [];
    const reshaped = this.#isOpen ? this.#reshaping?.at(text, width, this.#isStreaming) : undefined;
    if (reshaped !== undefined) return reshaped;
    const shown = this.#isOpen
      ? wrapTextWithAnsi(text, Math.max(1, width - 2))
      : [`${this.#label ?? 'thinking …'}${keyHint(this.#keyOf('app.thinking.toggle'), 'shows it')}`];
    return ['', ...shown.map((line) => ` ${italic(fg('thinkingText', line))}`)];
  }
}
