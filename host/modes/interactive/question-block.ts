import { wrapTextWithAnsi } from '@earendil-works/pi-tui';
import { Block } from './blocks/block.ts';
import type { Palette } from './theme.ts';

/** A question of Dash's own. */
export class QuestionBlock extends Block {
  readonly #lines: readonly string[];
  readonly #palette: Palette;

  constructor(lines: readonly string[], palette: Palette) {
    super();
    this.#lines = lines;
    this.#palette = palette;
  }

  protected override draw(width: number): string[] {
    const rule = this.#palette.fg('warning', '━'.repeat(width));
    return ['', rule, ...this.#lines.flatMap((line) => wrapTextWithAnsi(line, Math.max(1, width - 1)).map((part) => ` ${part}`)), rule];
  }
}
