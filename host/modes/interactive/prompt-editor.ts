import { Editor, type KeyId, matchesKey, type TUI } from '@earendil-works/pi-tui';
import type { KeyAction, Keys } from '../../keybindings.ts';
import type { Palette } from './theme.ts';

/** What a key of the mode does. Answering `false`, the key is the editor's. */
export type ActionHandlers = Readonly<Partial<Record<KeyAction, () => boolean | void>>>;

export interface PromptEditorOptions {
  readonly tui: TUI;
  readonly palette: Palette;
  readonly keys: () => Keys;
  readonly handlers: ActionHandlers;
}

/** Where prompts are typed: pi-tui's editor, with the mode's keys before its own. */
export class PromptEditor extends Editor {
  readonly #keys: () => Keys;
  readonly #handlers: ActionHandlers;

  constructor({ tui, palette, keys, handlers }: PromptEditorOptions) {
    super(tui, palette.editor, { paddingX: 1 });
    this.#keys = keys;
    this.#handlers = handlers;
  }

  override handleInput(data: string): void {
    const { bindings } = this.#keys();
    // A list of completions has its own Escape, Enter and arrows.
    const isChoosing = this.isShowingAutocomplete();
    for (const [action, handler] of Object.entries(this.#handlers)) {
      if (handler === undefined || (isChoosing && action === 'app.interrupt')) continue;
      const isTyped = bindings[action as KeyAction].some((key) => matchesKey(data, keyIdOf(key)));
      if (isTyped && handler() !== false) return;
    }
    super.handleInput(data);
  }
}

/** A key of `keybindings.json` as pi-tui spells it. */
export function keyIdOf(key: string): KeyId {
  return key.replace('pageup', 'pageUp').replace('pagedown', 'pageDown') as KeyId;
}
