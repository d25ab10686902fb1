import { type Component, truncateToWidth, visibleWidth } from '@earendil-works/pi-tui';
import { safeLine } from './safe-line.ts';
import type { Palette } from './theme.ts';

/** What the border costs of the width. */
export const BORDER_COLUMNS = 2;

/** The upper edge of a package's place, with its name. No line of a package begins in the first column. */
export function borderLabel(owner: string, width: number, palette: Palette, hint?: string): string {
  const name = truncateToWidth(safeLine(owner, width), Math.max(1, width - 4), '…');
  const start = `╭─ ${name} `;
  const said = hint === undefined || visibleWidth(start) + visibleWidth(hint) + 3 > width ? '' : ` ${hint} `;
  return palette.fg('borderMuted', `${start}${'─'.repeat(Math.max(0, width - visibleWidth(start) - visibleWidth(said)))}${said}`);
}

/** A line of a package, behind the left edge. */
export function borderLine(line: string, palette: Palette): string {
  return `${palette.fg('borderMuted', '│')} ${line}`;
}

/** What a package asks or says, in a border that names it and that it can neither reach nor colour. */
export class PackageBorder implements Component {
  readonly #owner: string;
  readonly #inner: Component;
  readonly #palette: Palette;

  constructor(owner: string, inner: Component, palette: Palette) {
    this.#owner = owner;
    this.#inner = inner;
    this.#palette = palette;
  }

  get focused(): boolean {
    return 'focused' in this.#inner && this.#inner.focused === true;
  }

  set focused(value: boolean) {
    if ('focused' in this.#inner) this.#inner.focused = value;
  }

  render(width: number): string[] {
    const inner = this.#inner.render(Math.max(1, width - BORDER_COLUMNS));
    return [borderLabel(this.#owner, width, this.#palette), ...inner.map((line) => borderLine(line, this.#palette))];
  }

  handleInput(data: string): void {
    this.#inner.handleInput?.(data);
  }

  invalidate(): void {
    this.#inner.invalidate();
  }
}
