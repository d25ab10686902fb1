import { type Component, fuzzyFilter, Input, isKeyRelease, type KeyId, matchesKey } from '@earendil-works/pi-tui';
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

export interface PickOptions<Value> extends SearchOptions<Value> {
  /** What else can be done with the one that is marked: a key, and the word for it. */
  readonly keys: readonly (readonly [key: KeyId, word: string])[];
}

/** What was done, and with which one. */
export interface Picked<Value> {
  readonly key: KeyId;
  readonly value: Value;
}

/** Has the user choose one of many, by arrows or by typing what it is called. Escape chooses none. */
export async function choose<Value>(parts: Parts, options: SearchOptions<Value>): Promise<Value | undefined> {
  return (await pick(parts, { ...options, keys: [] }))?.value;
}

/** The same where more can be done with each than to choose it by `enter`. */
export function pick<Value>({ screen, palette }: Parts, options: PickOptions<Value>): Promise<Picked<Value> | undefined> {
  const more = options.keys.map(([key, word]) => ` · ${key} ${word}`).join('');
  const hint = `${more === '' ? 'type to search · ' : ''}enter chooses${more} · esc leaves`;
  return screen.modal<Picked<Value>>((done) => new Panel(options.title, new SearchList(options, rowsFor(screen), palette, done), hint, palette));
}

interface Parts {
  readonly screen: Screen;
  readonly palette: Palette;
}

/** The list of a panel leaves some of the screen to what was said. */
function rowsFor({ rows }: Screen): number {
  return Math.max(3, Math.min(15, Math.floor(rows / 2) - 4));
}

class SearchList<Value> implements Component {
  readonly #input = new Input({ prompt: '› ' });
  readonly #choices: readonly Choice<Value>[];
  readonly #list: ChoiceList<Choice<Value>>;
  readonly #keys: readonly KeyId[];
  readonly #done: (picked: Picked<Value> | undefined) => void;
  #query = '';

  constructor({ choices, selected = 0, keys }: PickOptions<Value>, rows: number, palette: Palette, done: (picked: Picked<Value> | undefined) => void) {
    this.#choices = choices;
    this.#keys = keys.map(([key]) => key);
    this.#done = done;
    this.#list = new ChoiceList({ choices, selected, rows, palette, chosen: ({ value }) => done({ key: 'enter', value }), left: () => done(undefined) });
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
    const [key, value] = [this.#keys.find((one) => matchesKey(data, one)), this.#list.marked?.value];
    if (key !== undefined) return value === undefined ? undefined : this.#done({ key, value });
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
