import { type Component, Input, isKeyRelease, matchesKey, truncateToWidth } from '@earendil-works/pi-tui';
import { plainText } from '../../../../format/index.ts';
import type { KeyAction, Keys } from '../../../keybindings.ts';
import type { SessionTree } from '../../../session/session-tree.ts';
import { Panel } from '../dialogs.ts';
import { keyIdOf } from '../prompt-editor.ts';
import type { Palette } from '../theme.ts';
import { nearestRow, rowsThrough, TREE_FILTERS, type TreeFilter, type TreeRow, treeRows } from './tree-rows.ts';

export interface TreePanelOptions {
  readonly tree: SessionTree;
  readonly bindings: Keys['bindings'];
  readonly palette: Palette;
  /** How many places are shown at once. */
  readonly rows: number;
  /** Gives a place a name, or takes it away. */
  label(id: string, label: string | undefined): void;
  done(id: string | undefined): void;
}

/** Where a session can be gone to. Places are found by what was said there, filtered by what they are, and labelled. */
export function treePanel(options: TreePanelOptions): Component {
  const keyOf = (action: KeyAction): string => options.bindings[action][0] ?? '-';
  const hint = `enter goes there · ${keyOf('app.tree.editLabel')} labels · ${keyOf('app.tree.filter.cycleForward')} filters · esc leaves`;
  return new Panel('go to which place?', new TreeList(options), hint, options.palette);
}

class TreeList implements Component {
  readonly #options: TreePanelOptions;
  readonly #search = new Input({ prompt: '› ' });
  /** What is typed as the label of a place, while it is. */
  #naming: { readonly id: string; readonly input: Input } | undefined;
  #all: readonly TreeRow[];
  #rows: readonly TreeRow[] = [];
  #filter: TreeFilter = 'default';
  /** The place that is marked, also while a filter hides it. */
  #marked: string | null;
  #withTimes = false;
  #isFocused = false;

  constructor(options: TreePanelOptions) {
    this.#options = options;
    this.#all = treeRows(options.tree);
    this.#marked = options.tree.leafId;
    this.#sift();
  }

  get focused(): boolean {
    return this.#isFocused;
  }

  set focused(value: boolean) {
    this.#isFocused = value;
    this.#search.focused = value && this.#naming === undefined;
    if (this.#naming !== undefined) this.#naming.input.focused = value;
  }

  invalidate(): void {
    // every frame is drawn anew
  }

  render(width: number): string[] {
    const { palette } = this.#options;
    const lines = this.#naming === undefined ? this.#search.render(width) : this.#naming.input.render(width);
    const at = this.#at;
    const most = this.#options.rows;
    const first = Math.max(0, Math.min(at - Math.floor(most / 2), this.#rows.length - most));
    const shown = this.#rows.slice(first, first + most).map((row, index) => {
      const isMarked = first + index === at;
      const line = truncateToWidth(`${isMarked ? '→ ' : '  '}${this.#lineOf(row)}`, Math.max(1, width - 1), '…');
      return isMarked ? palette.bold(palette.fg('accent', line)) : line;
    });
    const count = `  ${this.#rows.length === 0 ? 'nothing like that' : `${at + 1} of ${this.#rows.length}`}`;
    const only = this.#filter === 'default' ? '' : ` · ${FILTER_WORDS[this.#filter]}`;
    return [...lines, ...shown, palette.fg('muted', truncateToWidth(`${count}${only}`, Math.max(1, width - 1), '…'))];
  }

  handleInput(data: string): void {
    if (isKeyRelease(data)) return;
    if (this.#naming !== undefined) return this.#naming.input.handleInput(data);
    if (matchesKey(data, 'escape') || matchesKey(data, 'ctrl+c')) return this.#leave();
    if (matchesKey(data, 'enter')) return this.#rows.length === 0 ? undefined : this.#options.done(this.#rows[this.#at]?.id);
    const step = Object.entries(STEPS).find(([key]) => matchesKey(data, keyIdOf(key)))?.[1];
    if (step !== undefined) return this.#move(step(this.#options.rows));
    const act = PANEL_ACTIONS.find((action) => this.#options.bindings[action].some((key) => matchesKey(data, keyIdOf(key))));
    if (act !== undefined) return this.#do(act);
    this.#search.handleInput(data);
    this.#sift();
  }

  get #at(): number {
    return nearestRow(this.#rows, this.#options.tree, this.#marked);
  }

  #sift(): void {
    this.#rows = rowsThrough(this.#all, this.#filter, this.#search.getValue());
  }

  #move(by: number): void {
    const { length } = this.#rows;
    if (length === 0) return;
    const to = this.#at + by;
    // one step goes round, as in every list; a page stops at the ends
    const index = Math.abs(by) === 1 ? (to + length) % length : Math.max(0, Math.min(length - 1, to));
    this.#marked = this.#rows[index]?.id ?? null;
  }

  #leave(): void {
    if (this.#search.getValue() === '') return this.#options.done(undefined);
    this.#search.setValue('');
    this.#sift();
  }

  #do(action: PanelAction): void {
    switch (action) {
      case 'app.tree.editLabel':
        return this.#name();
      case 'app.tree.toggleLabelTimestamp':
        this.#withTimes = !this.#withTimes;
        return;
      case 'app.tree.filter.cycleForward':
        return this.#show(next(this.#filter, 1));
      case 'app.tree.filter.cycleBackward':
        return this.#show(next(this.#filter, -1));
      default: {
        const wanted = FILTER_KEYS[action];
        this.#show(this.#filter === wanted ? 'default' : wanted);
      }
    }
  }

  #show(filter: TreeFilter): void {
    this.#filter = filter;
    this.#sift();
  }

  #name(): void {
    const row = this.#rows[this.#at];
    if (row === undefined) return;
    const input = new Input({ prompt: 'label (empty takes it away): ' });
    const before = plainText(this.#options.tree.label(row.id) ?? '', LONGEST_LABEL);
    if (before !== '') input.handleInput(before);
    const close = (): void => {
      this.#naming = undefined;
      this.focused = this.#isFocused;
    };
    input.onEscape = close;
    input.onSubmit = (text) => {
      const label = text.trim();
      if (label !== before) this.#options.label(row.id, label === '' ? undefined : label);
      this.#all = treeRows(this.#options.tree);
      this.#marked = row.id;
      this.#sift();
      close();
    };
    this.#naming = { id: row.id, input };
    this.focused = this.#isFocused;
  }

  #lineOf({ kind, text, depth, isOnBranch, label, labelledAt }: TreeRow): string {
    const { fg } = this.#options.palette;
    const name = label === undefined ? '' : `${fg('warning', `[${label}]`)} `;
    const time = this.#withTimes && labelledAt !== undefined ? `${fg('muted', shortTime(labelledAt))} ` : '';
    return `${isOnBranch ? '│' : ' '}${'  '.repeat(Math.min(depth, 8))}${SIGNS[kind]} ${name}${time}${text}`;
  }
}

/** More of a label is not there to be changed. */
const LONGEST_LABEL = 1000;

const SIGNS: Readonly<Record<TreeRow['kind'], string>> = { user: '>', agent: '•', summary: '∑', tool: '·', package: '◇', record: ' ' };
const FILTER_WORDS: Readonly<Record<TreeFilter, string>> = {
  default: '',
  'no-tools': 'without tools',
  'user-only': 'what you said',
  'labeled-only': 'what has a label',
  all: 'everything',
};

const STEPS: Readonly<Record<string, (page: number) => number>> = {
  up: () => -1,
  down: () => 1,
  left: (page) => -page,
  right: (page) => page,
  pageup: (page) => -page,
  pagedown: (page) => page,
};

const FILTER_KEYS = {
  'app.tree.filter.default': 'default',
  'app.tree.filter.noTools': 'no-tools',
  'app.tree.filter.userOnly': 'user-only',
  'app.tree.filter.labeledOnly': 'labeled-only',
  'app.tree.filter.all': 'all',
} as const satisfies Readonly<Partial<Record<KeyAction, TreeFilter>>>;

const PANEL_ACTIONS = [
  'app.tree.editLabel',
  'app.tree.toggleLabelTimestamp',
  'app.tree.filter.default',
  'app.tree.filter.noTools',
  'app.tree.filter.userOnly',
  'app.tree.filter.labeledOnly',
  'app.tree.filter.all',
  'app.tree.filter.cycleForward',
  'app.tree.filter.cycleBackward',
] as const satisfies readonly KeyAction[];
type PanelAction = (typeof PANEL_ACTIONS)[number];

function next(filter: TreeFilter, by: 1 | -1): TreeFilter {
  return TREE_FILTERS[(TREE_FILTERS.indexOf(filter) + by + TREE_FILTERS.length) % TREE_FILTERS.length] ?? 'default';
}

/** A day and a time as the user's clock shows them. What is no time, e.g. in a file of another program, is not shown. */
function shortTime(timestamp: string): string {
  const date = new Date(timestamp);
  if (Number.isNaN(date.getTime())) return '';
  const two = (value: number): string => `${value}`.padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}`;
}
