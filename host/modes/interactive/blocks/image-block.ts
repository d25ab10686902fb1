import { calculateImageRows, encodeKitty, getCapabilities, getImageDimensions } from '@earendil-works/pi-tui';
import type { ImageContent } from '../../../model/messages.ts';
import type { Palette } from '../theme.ts';
import { Block } from './block.ts';

const MAX_COLUMNS = 60;
const MAX_ROWS = 16;
const MARGIN = 3;

/**
 * An image, where the terminal can show one by Kitty's protocol, otherwise a line that says what it is. The only block
 * whose lines reach the terminal as they are: nothing in them but numbers and base64 comes from others.
 */
export class ImageBlock extends Block {
  readonly #image: ImageContent;
  readonly #palette: Palette;

  constructor(image: ImageContent, palette: Palette) {
    super();
    this.#image = image;
    this.#palette = palette;
  }

  protected override draw(width: number): string[] {
    const { data, mimeType } = this.#image;
    const size = getImageDimensions(data, mimeType) ?? undefined;
    // Kitty's protocol takes PNG; a character that is not base64 could end the sequence that carries it.
    if (getCapabilities().images !== 'kitty' || mimeType !== 'image/png' || size === undefined || !BASE64.test(data)) {
      const kind = /^image\/([a-z+.-]{1,20})$/.exec(mimeType)?.[1] ?? 'image';
      const text = `   [${kind}${size === undefined ? '' : ` ${size.widthPx}×${size.heightPx}`}]`;
      return [this.#palette.fg('muted', text.slice(0, width))];
    }
    const columns = Math.max(1, Math.min(MAX_COLUMNS, width - MARGIN));
    const rows = Math.min(MAX_ROWS, calculateImageRows(size, columns));
    // Drawn from its last row upwards: only then all of its rows are on the screen.
    const up = rows > 1 ? `\u001B[${rows - 1}A` : '';
    const down = rows > 1 ? `\u001B[${rows - 1}B` : '';
    const image = encodeKitty(data, { columns, rows, moveCursor: false });
    return [...Array.from({ length: rows - 1 }, () => ''), `${up}\u001B[${MARGIN}C${image}${down}`];
  }
}

/** How many rows above its own the image of a line begins. */
export function rowsAbove(line: string): number {
  return Number(/^\u001B\[(\d+)A\u001B\[3C\u001B_G/.exec(line)?.[1] ?? 0);
}

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
