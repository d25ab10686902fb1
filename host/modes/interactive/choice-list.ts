import { type Component, getKeybindings, truncateToWidth, visibleWidth, wrapTextWithAnsi } from '@earendil-works/pi-tui';
import type { Palette } from './theme.ts';

/** What can be chosen, as it is shown: its name, and what there is to know of it. */
export interface Listed {
  readonly label: string;
  readonly description?: string;
}

export interface ChoiceListOptions<Choice extends Listed> {
  readonly choices: readonly Choice[];
  /** The one that is marked first. */
  readonly selected?: number;
  /** So many are shown at once. */
  readonly rows: number;
  readonly palette: Palette;
  readonly chosen: (choice: Choice) => void;
  readonly left: () => void;
}

/** Of what is marked, so many lines each for its name and for what is said of it, where the row has no room. */
const DETAIL_LINES = 3;
/** A description that would be shorter is no description: what is marked tells its own below the list. */
const LEAST_DESCRIPTION = 12;
const MARK = 2;
const GAP = 2;

/**
 * Choices below each other, one of them marked. What does not fit into its row ends in `…`, and stands below the list when it is
 * marked: on a narrow terminal nothing is out of reach.
 */
export class ChoiceList<Choice extends Listed> implements Component {
  readonly #options: ChoiceListOptions<Choice>;
  /** Of all of them, so that descriptions stay where they are while the list is narrowed down. */
  readonly #widest: number;
  readonly #areDescribed: boolean;
  #choices: readonly Choice[];
  #at: number;

  constructor(options: ChoiceListOptions<Choice>) {
    const { choices, selected = 0 } = options;
    this.#options = options;
    this.#choices = choices;
    this.#widest = choices.reduce((widest, { label }) => Math.max(widest, visibleWidth(oneLine(label))), 0);
    this.#areDescribed = choices.some(({ description }) => description !== undefined && description !== '');
    this.#at = Math.max(0, Math.min(selected, choices.length - 1));
  }

  get marked(): Choice | undefined {
    return this.#choices[this.#at];
  }

  /** Shows some of them, with the first one marked. */
  narrow(choices: readonly Choice[]): void {
    this.#choices = choices;
    this.#at = 0;
  }

  render(width: number): string[] {
    const { rows, palette } = this.#options;
    const { fg } = palette;
    if (this.#choices.length === 0) return [fg('muted', truncateToWidth('  nothing is called so', width, '…'))];
    const first = Math.max(0, Math.min(this.#at - Math.floor(rows / 2), this.#choices.length - rows));
    const column = this.#columnFor(width);
    const shown = this.#choices.slice(first, first + rows);
    const lines = shown.map((choice, index) => this.#row(choice, first + index === this.#at, column, width));
    const count = shown.length < this.#choices.length ? [fg('muted', truncateToWidth(`  ${this.#at + 1} of ${this.#choices.length}`, width, '…'))] : [];
    return [...lines, ...count, ...this.#detail(column, width)];
  }

  handleInput(data: string): void {
    const { rows, chosen, left } = this.#options;
    const keys = getKeybindings();
    const last = this.#choices.length - 1;
    if (keys.matches(data, 'tui.select.cancel')) return left();
    const { marked } = this;
    if (marked === undefined) return;
    if (keys.matches(data, 'tui.select.up')) this.#at = this.#at === 0 ? last : this.#at - 1;
    else if (keys.matches(data, 'tui.select.down')) this.#at = this.#at === last ? 0 : this.#at + 1;
    else if (keys.matches(data, 'tui.select.pageUp')) this.#at = Math.max(0, this.#at - rows);
    else if (keys.matches(data, 'tui.select.pageDown')) this.#at = Math.min(last, this.#at + rows);
    else if (keys.matches(data, 'tui.select.confirm')) chosen(marked);
  }

  invalidate(): void {}

  /** How wide names may be. The rest of the line is for descriptions, if it is enough for any. */
  #columnFor(width: number): number {
    const room = Math.max(1, width - MARK);
    if (!this.#areDescribed) return room;
    const column = Math.min(this.#widest, Math.floor(room * 0.6));
    return room - column - GAP < LEAST_DESCRIPTION ? room : column;
  }

  #row({ label, description }: Choice, isMarked: boolean, column: number, width: number): string {
    const { fg, bold } = this.#options.palette;
    const room = width - MARK - column - GAP;
    const name = truncateToWidth(oneLine(label), column, '…');
    const gap = room > 0 && description !== undefined && description !== '' ? ' '.repeat(column - visibleWidth(name) + GAP) : '';
    const rest = gap === '' ? '' : gap + truncateToWidth(oneLine(description ?? ''), room, '…');
    const line = isMarked ? bold(fg('accent', `→ ${name}${rest}`)) : `  ${name}${fg('muted', rest)}`;
    return truncateToWidth(line, width, '');
  }

  /** What of the marked one did not fit. */
  #detail(column: number, width: number): string[] {
    const { label, description = '' } = this.marked ?? { label: '' };
    const room = width - MARK - column - GAP;
    const [isNameCut, isRestCut] = [visibleWidth(oneLine(label)) > column, visibleWidth(oneLine(description)) > Math.max(0, room)];
    const parts = [...(isNameCut ? [oneLine(label)] : []), ...(isRestCut ? [oneLine(description)] : [])];
    if (parts.length === 0 || width <= MARK + 1) return [];
    const lines = parts.flatMap((part) => firstLines(part, width - MARK - 1));
    return lines.map((line) => truncateToWidth(`  ${this.#options.palette.fg('muted', line)}`, width, ''));
  }
}

function firstLines(text: string, width: number): string[] {
  const lines = wrapTextWithAnsi(text, width);
  const last = lines[DETAIL_LINES - 1];
  return lines.length <= DETAIL_LINES || last === undefined
    ? lines
    : [...lines.slice(0, DETAIL_LINES - 1), truncateToWidth(`${last} ${lines[DETAIL_LINES] ?? ''}`, width, '…')];
}

function oneLine(text: string): string {
  return text.replaceAll(/[\r\n]+/g, ' ').trimEnd();
}
