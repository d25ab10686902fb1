import { Markdown, type MarkdownTheme, wrapTextWithAnsi } from '@earendil-works/pi-tui';

/**
 * Markdown that anybody may have written. A thousand `>` in a row are more than the parser has a stack for, and what it
 * throws would end the screen, again whenever the session is opened: such a text is shown as it was written.
 */
export class AnyMarkdown extends Markdown {
  #text: string;
  readonly #paddingX: number;

  constructor(text: string, paddingX: number, theme: MarkdownTheme) {
    super(text, paddingX, 0, theme);
    this.#text = text;
    this.#paddingX = paddingX;
  }

  override setText(text: string): void {
    super.setText(text);
    this.#text = text;
  }

  override render(width: number): string[] {
    try {
      return super.render(width);
    } catch {
      const inner = Math.max(1, width - 2 * this.#paddingX);
      return wrapTextWithAnsi(this.#text, inner).map((line) => ' '.repeat(this.#paddingX) + line);
    }
  }
}
