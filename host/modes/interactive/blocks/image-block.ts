import { encodeITerm2, encodeKitty, getCapabilities, getCellDimensions } from '@earendil-works/pi-tui';
import { type ImageSize, imageSize } from '../../../images/image-size.ts';
import { toPng } from '../../../images/to-png.ts';
import type { ImageContent } from '../../../model/messages.ts';
import type { Palette } from '../theme.ts';
import { Block } from './block.ts';

const MAX_COLUMNS = 60;
const MAX_ROWS = 16;
const MARGIN = 3;
/** Characters that are written to a terminal for one image. */
const MAX_SENT = 6 * 1024 * 1024;

type Protocol = 'kitty' | 'iterm2';

/**
 * An image, where the terminal can show one by Kitty's protocol or iTerm2's, otherwise a line that says what it is. The only
 * block whose lines reach the terminal as they are: nothing in them but numbers and base64 comes from others.
 */
export class ImageBlock extends Block {
  readonly #data: string;
  readonly #palette: Palette;
  readonly #changed: () => void;
  readonly #kind: ImageSize | undefined;
  /** As Kitty takes it, once it was made; whether that was begun. */
  #png: string | undefined;
  #isAsked = false;

  /** `changed` is called when there is more to see than there was. */
  constructor({ data }: ImageContent, palette: Palette, changed: () => void) {
    super();
    this.#data = data;
    this.#palette = palette;
    this.#changed = changed;
    // What it is say its first bytes, not its author. A character that is not base64 could end the sequence that carries it.
    const kind = BASE64.test(data) ? imageSize(Buffer.from(data.slice(0, HEAD), 'base64')) : undefined;
    this.#kind = kind === undefined || kind.width === 0 || kind.height === 0 ? undefined : kind;
  }

  protected override draw(width: number): string[] {
    const protocol = getCapabilities().images;
    const shown = this.#kind === undefined || protocol === null ? undefined : this.#sent(protocol, this.#kind);
    if (shown === undefined || this.#kind === undefined || protocol === null) return [this.#palette.fg('muted', this.#words().slice(0, width))];
    const { columns, rows } = cellsFor(this.#kind, Math.max(1, Math.min(MAX_COLUMNS, width - MARGIN)));
    // Drawn from its last row upwards: only then all of its rows are on the screen.
    const up = rows > 1 ? `\u001B[${rows - 1}A` : '';
    return [...Array.from({ length: rows - 1 }, () => ''), `${KEEP}${up}\u001B[${MARGIN}C${sequence(protocol, shown, columns, rows)}${BACK}`];
  }

  /** What the terminal is sent, once there is something. */
  #sent(protocol: Protocol, { mimeType }: ImageSize): string | undefined {
    if ((protocol === 'iterm2' || mimeType === 'image/png') && this.#data.length <= MAX_SENT) return this.#data;
    if (!this.#isAsked) void this.#makePng();
    return this.#png;
  }

  async #makePng(): Promise<void> {
    this.#isAsked = true;
    const bytes = await toPng(Buffer.from(this.#data, 'base64')).catch(() => undefined);
    const png = bytes?.toString('base64');
    this.#png = png === undefined || png.length > MAX_SENT ? undefined : png;
    this.invalidate();
    this.#changed();
  }

  #words(): string {
    const bytes = Math.floor((this.#data.length * 3) / 4);
    if (this.#kind === undefined) return `   [no image that can be read, ${bytes} bytes]`;
    const { mimeType, width, height } = this.#kind;
    return `   [${mimeType.slice('image/'.length)} ${width}×${height}, ${bytes} bytes]`;
  }
}

/** The cells that an image takes, in its own proportions. */
function cellsFor({ width, height }: ImageSize, most: number): { readonly columns: number; readonly rows: number } {
  const cell = getCellDimensions();
  const scale = Math.min((most * cell.widthPx) / width, (MAX_ROWS * cell.heightPx) / height);
  const cells = (pixels: number, of: number, limit: number): number => Math.max(1, Math.min(limit, Math.ceil((pixels * scale) / of)));
  return { columns: cells(width, cell.widthPx, most), rows: cells(height, cell.heightPx, MAX_ROWS) };
}

/** How many rows above its own the image of a line begins. */
export function rowsAbove(line: string): number {
  return Number(ABOVE.exec(line)?.[1] ?? 0);
}

/** Where the cursor is afterwards differs between terminals: it is kept and put back. */
const KEEP = '\u001B7';
const BACK = '\u001B8';
const ABOVE = /^\u001B7\u001B\[(\d+)A\u001B\[3C\u001B(?:_G|\]1337;)/;

function sequence(protocol: Protocol, data: string, columns: number, rows: number): string {
  return protocol === 'kitty' ? encodeKitty(data, { columns, rows, moveCursor: false }) : encodeITerm2(data, { width: columns, height: rows });
}

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
/** A photograph may begin with a picture of itself. A multiple of four, so that it is base64 still. */
const HEAD = 350_000;
