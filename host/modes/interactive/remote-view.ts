import { CURSOR_MARKER, type Focusable, isKeyRelease, matchesKey, parseKey, visibleWidth } from '@earendil-works/pi-tui';
import type { Frame, RemoteSurface } from '../../../sandbox/index.ts';
import { Block } from './blocks/block.ts';
import { BORDER_COLUMNS, borderLabel, borderLine } from './package-border.ts';
import { keyIdOf } from './prompt-editor.ts';
import { safeLine } from './safe-line.ts';
import type { Palette } from './theme.ts';

export interface RemoteViewOptions {
  readonly palette: Palette;
  /** How many lines it may have at most. */
  readonly maxLines: () => number;
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
  /** Keys that clear the editor: pressed twice they close any panel, whatever it makes of them. */
  readonly closingKeys: () => readonly string[];
  /** Said beside the name. */
  readonly hint?: string;
  /** Something may be above or below it on the same rows. */
  readonly floats?: true;
}

const TWICE_MS = 1_000;

/**
 * A package's place on the screen: what its component drew, cut to the place, in a border that the component can neither
 * reach nor colour and that bears the package's name. No line of a package begins in the first column, and nothing of
 * Dash's own begins like that.
 */
export class RemoteView extends Block implements Focusable {
  readonly #surface: RemoteSurface;
  readonly #options: RemoteViewOptions;
  #width = 0;
  #isFocused = false;
  #closingAt = Number.NEGATIVE_INFINITY;
  /** What was pressed here and not let go. */
  readonly #down = new Set<string>();

  constructor(surface: RemoteSurface, options: RemoteViewOptions) {
    super();
    this.#surface = surface;
    this.#options = options;
  }

  get focused(): boolean {
    return this.#isFocused;
  }

  /** Set by whoever hands the focus round; without it no key reaches the package. */
  set focused(focused: boolean) {
    this.#isFocused = focused;
    if (!focused) this.#down.clear();
    this.#surface.focus(focused);
    this.drawAgain();
  }

  override render(width: number): string[] {
    const inner = Math.max(1, width - BORDER_COLUMNS);
    if (this.#width !== inner) {
      this.#width = inner;
      this.#surface.resize(inner);
    }
    return super.render(width);
  }

  /** The theme is another one: the component is told, and draws anew. */
  override invalidate(): void {
    super.invalidate();
    this.#surface.sceneChanged();
  }

  /** A new frame is there. */
  drawAgain(): void {
    super.invalidate();
  }

  get wantsKeyRelease(): boolean {
    return this.#surface.wantsReleases;
  }

  handleInput(data: string): void {
    const { now, closingKeys } = this.#options;
    const key = parseKey(data) ?? data;
    if (isKeyRelease(data)) {
      // Who did not hear a key pressed hears nothing of it: it was meant for somebody else.
      if (this.#down.delete(key) && this.#surface.wantsReleases) void this.#surface.key(data);
      return;
    }
    if (this.#surface.wantsReleases) this.#down.add(key);
    if (closingKeys().some((key) => matchesKey(data, keyIdOf(key)))) {
      if (now() - this.#closingAt < TWICE_MS) return this.#surface.close();
      this.#closingAt = now();
    }
    void this.#surface.key(data);
  }

  protected override draw(width: number): string[] {
    const { palette, maxLines, hint, floats } = this.#options;
    const { frame, notice, package: owner } = this.#surface;
    const fault = notice ?? (frame === undefined ? undefined : tooWide(frame, owner, floats === true));
    const lines = fault === undefined ? (frame?.lines ?? []) : [palette.fg('warning', safeLine(fault.replaceAll(/\s+/g, ' '), width))];
    // A package that takes a place to draw nothing in it takes no place.
    if (lines.length === 0 && frame !== undefined) return [];
    const most = Math.max(1, maxLines());
    const shown = lines.length > most ? [...lines.slice(0, most - 1), palette.fg('muted', `… ${lines.length - most + 1} more lines`)] : lines;
    const inner = Math.max(1, width - BORDER_COLUMNS);
    return [borderLabel(owner, width, palette, hint), ...shown.map((line) => borderLine(this.#inside(line, inner, floats === true), palette))];
  }

  /** What of a line may stand inside the border; the cursor's mark only where the keys go. */
  #inside(line: string, width: number, floats: boolean): string {
    const at = line.indexOf(CURSOR_MARKER);
    const clean = safeLine(line, width);
    const filled = floats ? clean + ' '.repeat(Math.max(0, width - visibleWidth(clean))) : clean;
    if (at === -1 || !this.#isFocused) return filled;
    const before = safeLine(line.slice(0, at), width);
    return `${before}${CURSOR_MARKER}${safeLine(line.slice(at), Math.max(0, width - visibleWidth(before)))}`;
  }
}

/** A component that does not keep to its width was not drawn for it; cut it would say something else. */
function tooWide({ lines, width }: Frame, owner: string, isCut: boolean): string | undefined {
  const widest = isCut ? 0 : Math.max(0, ...lines.map((line) => visibleWidth(line)));
  return widest > width ? `${owner} drew a line of ${widest} columns where it has ${width}` : undefined;
}
