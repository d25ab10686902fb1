import { type Component, fuzzyFilter, Input, isKeyRelease, matchesKey, type SelectItem, SelectList, visibleWidth } from '@earendil-works/pi-tui';
import { Panel } from './dialogs.ts';
import type { Screen } from './screen.ts';
import type { Palette } from './theme.ts';

export interface Choice<Value> {
  readonly label: string;
  readonly description?: string;
  readonly value: Value;
}

export interface SearchOptions<Value> {
  readonly title: string;
  readonly choices: readonly Choice<Value>[];
  /** The one that is marked first. Default: the first. */
  readonly selected?: number;
}

/** Has the user choose one of many, by arrows or by typing what it is called. Escape chooses none. */
export function choose<Value>(
  { screen, palette }: { readonly screen: Screen; readonly palette: Palette },
  options: SearchOptions<Value>,
): Promise<Value | undefined> {
  return screen.modal<Value>(
    (done) => new Panel(options.title, new SearchList(options, rowsFor(screen), palette, done), 'type to search · enter chooses · esc leaves', palette),
  );
}

/** The list of a panel leaves some of the screen to what was said. */
function rowsFor({ rows }: Screen): number {
  return Math.max(3, Math.min(15, Math.floor(rows / 2) - 4));
}

/** The rest of the line is for descriptions. They begin where the longest label of all ends, so that they stay there while the user types. */
const WIDEST_LABEL = 60;

class SearchList<Value> implements Component {
  readonly #input = new Input({ prompt: '› ' });
  readonly #choices: readonly Choice<Value>[];
  readonly #rows: number;
  readonly #column: number;
  readonly #palette: Palette;
  readonly #done: (value: Value | undefined) => void;
  #list: SelectList;
  #query = '';

  constructor({ choices, selected = 0 }: SearchOptions<Value>, rows: number, palette: Palette, done: (value: Value | undefined) => void) {
    this.#choices = choices;
    this.#rows = rows;
    this.#column = Math.min(WIDEST_LABEL, 2 + choices.reduce((widest, { label }) => Math.max(widest, visibleWidth(label)), 0));
    this.#palette = palette;
    this.#done = done;
    this.#list = this.#listOf(choices.map((_, index) => index));
    this.#list.setSelectedIndex(selected);
  }

  get focused(): boolean {
    return this.#input.focused;
  }

  set focused(value: boolean) {
    this.#input.focused = value;
  }

  render(width: number): string[] {
    return [...this.#input.render(width), ...this.#list.render(width)];
  }

  handleInput(data: string): void {
    if (isKeyRelease(data)) return;
    if (LIST_KEYS.some((key) => matchesKey(data, key))) return this.#list.handleInput(data);
    this.#input.handleInput(data);
    const query = this.#input.getValue();
    if (query === this.#query) return;
    this.#query = query;
    const all = this.#choices.map((_, index) => index);
    this.#list = this.#listOf(query.trim() === '' ? all : fuzzyFilter(all, query, (index) => textOf(this.#choices[index])));
  }

  invalidate(): void {
    this.#list.invalidate();
  }

  #listOf(indices: readonly number[]): SelectList {
    const items = indices.flatMap((index): SelectItem[] => {
      const choice = this.#choices[index];
      return choice === undefined
        ? []
        : [{ value: `${index}`, label: choice.label, ...(choice.description !== undefined && { description: choice.description }) }];
    });
    const list = new SelectList(items, this.#rows, this.#palette.selectList, { minPrimaryColumnWidth: this.#column, maxPrimaryColumnWidth: WIDEST_LABEL });
    list.onSelect = ({ value }) => this.#done(this.#choices[Number(value)]?.value);
    list.onCancel = () => this.#done(undefined);
    return list;
  }
}

const LIST_KEYS = ['up', 'down', 'pageUp', 'pageDown', 'enter', 'escape', 'ctrl+c'] as const;

function textOf(choice: { readonly label: string; readonly description?: string } | undefined): string {
  return `${choice?.label ?? ''} ${choice?.description ?? ''}`;
}
