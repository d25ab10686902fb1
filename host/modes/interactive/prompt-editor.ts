import {
  type AutocompleteProvider,
  Editor,
  KeybindingsManager,
  type KeyId,
  matchesKey,
  setKeybindings,
  type TUI,
  TUI_KEYBINDINGS,
} from '@earendil-works/pi-tui';
import type { KeyAction, Keys } from '../../keybindings.ts';
import type { ActionHandlers } from './actions.ts';
import type { Palette } from './theme.ts';

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
    // A command that the user runs themselves has a border of its own.
    this.borderColor = (text) => palette.fg(this.getText().startsWith('!') ? 'bashMode' : 'borderMuted', text);
  }

  #provider: AutocompleteProvider | undefined;

  /** Told of every text that did not come from its keys: an editor of a package in its place shows it. */
  onTextSet: ((text: string) => void) | undefined;
  /** Puts what else suggests around the provider that it is given. */
  wrapProvider: (provider: AutocompleteProvider) => AutocompleteProvider = (provider) => provider;

  override setText(text: string): void {
    super.setText(text);
    this.onTextSet?.(text);
  }

  override insertTextAtCursor(text: string): void {
    super.insertTextAtCursor(text);
    this.onTextSet?.(this.getText());
  }

  override setAutocompleteProvider(provider: AutocompleteProvider): void {
    this.#provider = provider;
    super.setAutocompleteProvider(this.wrapProvider(provider));
  }

  /** Somebody else suggests now: the editor asks its provider once what brings suggestions. */
  renewProvider(): void {
    if (this.#provider !== undefined) this.setAutocompleteProvider(this.#provider);
  }

  /** Does what a key of the mode does, by the name of its action. */
  perform(action: string): void {
    if (Object.hasOwn(this.#handlers, action)) this.#handlers[action as KeyAction]?.();
  }

  override handleInput(data: string): void {
    const { bindings } = this.#keys();
    for (const action of ACTIONS) {
      // A list of completions has an Escape of its own.
      if (action === 'app.interrupt' && this.isShowingAutocomplete()) continue;
      const handler = this.#handlers[action];
      if (handler !== undefined && bindings[action].some((key) => matchesKey(data, keyIdOf(key))) && handler() !== false) return;
    }
    super.handleInput(data);
  }
}

const ACTIONS = [
  'app.interrupt',
  'app.clear',
  'app.exit',
  'app.suspend',
  'app.message.followUp',
  'app.message.dequeue',
  'app.message.copy',
  'app.model.select',
  'app.model.cycleForward',
  'app.model.cycleBackward',
  'app.thinking.cycle',
  'app.thinking.toggle',
  'app.tools.expand',
  'app.editor.external',
  'app.clipboard.pasteImage',
  'app.session.new',
  'app.session.tree',
  'app.session.fork',
  'app.session.resume',
] as const satisfies readonly KeyAction[];

/** A key of `keybindings.json` as pi-tui spells it. */
export function keyIdOf(key: string): KeyId {
  return key.replace('pageup', 'pageUp').replace('pagedown', 'pageDown') as KeyId;
}

/** Has pi-tui's editor and lists read the keys as the user bound them. */
export function bindEditorKeys({ bindings }: Pick<Keys, 'bindings'>): void {
  const read = Object.entries(bindings).flatMap(([action, keys]) => (action.startsWith('tui.') ? [[action, keys.map(keyIdOf)] as const] : []));
  setKeybindings(new KeybindingsManager(TUI_KEYBINDINGS, Object.fromEntries(read)));
}
