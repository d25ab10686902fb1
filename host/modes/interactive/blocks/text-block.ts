import { visibleWidth, wrapTextWithAnsi } from '@earendil-works/pi-tui';
import type { Palette } from '../theme.ts';
import type { Reshaping } from '../reshaped-text.ts';
import { Block } from './block.ts';

export type Tone = 'info' | 'warning' | 'error' | 'muted';

const COLORS: Readonly<Record<Tone, string>> = { info: 'accent', warning: 'warning', error: 'error', muted: 'muted' };
const WORDS: Readonly<Record<Tone, string>> = { info: '', warning: 'warning: ', error: 'error: ', muted: '' };

/** Something that Dash says, as it is; or a package, named and behind an edge on every line, so that none looks like ours. */
export class NoticeBlock extends Block {
  readonly #text: string;
  readonly #tone: Tone;
  readonly #palette: Palette;
  readonly #by: string | undefined;

  constructor(text: string, tone: Tone, palette: Palette, by?: string) {
    super();
    this.#text = text;
    this.#by = by;
    this.#tone = tone;
    this.#palette = palette;
  }

  protected override draw(width: number): string[] {
    const { fg } = this.#palette;
    const [who, edge] = this.#by === undefined ? ['', ''] : [`${this.#by}: `, `${fg('borderMuted', '│')} `];
    const lines = wrapTextWithAnsi(`${who}${WORDS[this.#tone]}${this.#text.trimEnd()}`, Math.max(1, width - 2 - visibleWidth(edge)));
    return ['', ...lines.map((line) => ` ${edge}${fg(COLORS[this.#tone], line)}`)];
  }
}

/** What the user said. */
export class UserBlock extends Block {
  readonly #text: string;
  readonly #palette: Palette;
  readonly #reshaping: Reshaping | undefined;

  constructor(text: string, palette: Palette, reshaping?: Reshaping) {
    super();
    this.#text = text;
    this.#palette = palette;
    this.#reshaping = reshaping;
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
    const reshaped = this.#reshaping?.at(this.#text, width, false);
    if (reshaped !== undefined) return reshaped;
    const { fg, bg, bold } = this.#palette;
    const lines = wrapTextWithAnsi(this.#text, Math.max(1, width - 4));
    return [
      '',
      ...lines.map((line, index) =>
        filled(`${index === 0 ? bold(fg('accent', ' > ')) : '   '}${fg('userMessageText', line)}`, width, (text) => bg('userMessageBg', text)),
      ),
    ];
  }
}

/** A line up to the edge, for what has a background. */
export function filled(line: string, width: number, paint: (text: string) => string): string {
  return paint(line + ' '.repeat(Math.max(0, width - visibleWidth(line))));
}
