import { type Component, fuzzyFilter, Input, isKeyRelease, matchesKey } from '@earendil-works/pi-tui';
import { ChoiceList, type Listed } from './choice-list.ts';
import { Panel } from './dialogs.ts';
import type { Screen } from './screen.ts';
import type { Palette } from './theme.ts';

export interface Choice<Value> extends Listed {
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

class SearchList<Value> implements Component {
  readonly #input = new Input({ prompt: '› ' });
  readonly #choices: readonly Choice<Value>[];
  readonly #list: ChoiceList<Choice<Value>>;
  #query = '';

  constructor({ choices, selected = 0 }: SearchOptions<Value>, rows: number, palette: Palette, done: (value: Value | undefined) => void) {
    this.#choices = choices;
    this.#list = new ChoiceList({ choices, selected, rows, palette, chosen: ({ value }) => done(value), left: () => done(undefined) });
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
    this.#list.narrow(query.trim() === '' ? this.#choices : fuzzyFilter([...this.#choices], query, textOf));
  }

  invalidate(): void {
    this.#list.invalidate();
  }
}

const LIST_KEYS = ['up', 'down', 'pageUp', 'pageDown', 'enter', 'escape', 'ctrl+c'] as const;

function textOf({ label, description = '' }: Listed): string {
  return `${label} ${description}`;
}
