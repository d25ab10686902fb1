import { type Component, Editor, Input, matchesKey, type SelectItem, type TUI, wrapTextWithAnsi } from '@earendil-works/pi-tui';
import { ChoiceList } from './choice-list.ts';
import type { Palette } from './theme.ts';

/** A framed panel with a title above something that takes keys. */
export class Panel implements Component {
  readonly #title: string;
  readonly #inner: Component;
  readonly #palette: Palette;
  readonly #hint: string;

  constructor(title: string, inner: Component, hint: string, palette: Palette) {
    this.#title = title;
    this.#inner = inner;
    this.#hint = hint;
    this.#palette = palette;
  }

  get focused(): boolean {
    return 'focused' in this.#inner && this.#inner.focused === true;
  }

  set focused(value: boolean) {
    if ('focused' in this.#inner) this.#inner.focused = value;
  }

  render(width: number): string[] {
    const { fg, bold } = this.#palette;
    const rule = fg('borderAccent', '─'.repeat(Math.max(1, width)));
    const title = wrapTextWithAnsi(this.#title, Math.max(1, width - 2)).map((line, index) => ` ${index === 0 ? bold(line) : line}`);
    const hint = wrapTextWithAnsi(this.#hint, Math.max(1, width - 2)).map((line) => ` ${fg('dim', line)}`);
    return [rule, ...title, ...this.#inner.render(width), ...hint, rule];
  }

  handleInput(data: string): void {
    this.#inner.handleInput?.(data);
  }

  invalidate(): void {
    this.#inner.invalidate();
  }
}

/** One of several. Escape chooses none. */
export function selectPanel(title: string, choices: readonly SelectItem[], palette: Palette, done: (value: string | undefined) => void): Component {
  const list = new ChoiceList({ choices, rows: 10, palette, chosen: ({ value }) => done(value), left: () => done(undefined) });
  return new Panel(title, list, 'enter chooses · esc leaves', palette);
}

/** A line of text. Escape gives none. */
export function inputPanel(title: string, placeholder: string | undefined, palette: Palette, done: (value: string | undefined) => void): Component {
  const input = new Input();
  input.onSubmit = done;
  input.onEscape = () => done(undefined);
  return new Panel(placeholder === undefined || placeholder === '' ? title : `${title} (${placeholder})`, input, 'enter answers · esc leaves', palette);
}

/** Text of several lines, with what is there already. Escape gives none. */
export function editorPanel(
  title: string,
  prefill: string | undefined,
  { tui, palette }: { readonly tui: TUI; readonly palette: Palette },
  done: (value: string | undefined) => void,
): Component {
  const editor = new LeavableEditor(tui, palette, () => done(undefined));
  editor.setText(prefill ?? '');
  editor.onSubmit = done;
  return new Panel(title, editor, 'enter answers · ctrl+j begins a line · esc leaves', palette);
}

class LeavableEditor extends Editor {
  readonly #leave: () => void;

  constructor(tui: TUI, palette: Palette, leave: () => void) {
    super(tui, palette.editor, { paddingX: 1 });
    this.#leave = leave;
  }

  override handleInput(data: string): void {
    if (matchesKey(data, 'escape') || matchesKey(data, 'ctrl+c')) this.#leave();
    else super.handleInput(data);
  }
}
