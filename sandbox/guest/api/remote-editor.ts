import type { CompletionProvider } from './completions.ts';
import type { GuestComponent, Surface } from './surface.ts';

/** pi's EditorComponent, as far as the runtime reads it. */
export interface GuestEditor extends GuestComponent {
  getText(): string;
  setText(text: string): void;
  getExpandedText?(): string;
  setAutocompleteProvider?(provider: CompletionProvider): void;
  onSubmit?: ((text: string) => void) | undefined;
  onChange?: ((text: string) => void) | undefined;
  /** Of pi's CustomEditor. */
  readonly actionHandlers?: unknown;
  onEscape?: (() => void) | undefined;
  onCtrlD?: (() => void) | undefined;
  onPasteImage?: (() => void) | undefined;
}

export type EditorFactory = (tui: object, theme: object, keybindings: unknown) => GuestEditor;

export interface EditorWiring {
  readonly surface: Surface;
  /** Keys by action. */
  readonly keys: Readonly<Record<string, readonly string[]>>;
  readonly provider: CompletionProvider;
}

/**
 * Connects an editor that stands in the isolate: what is typed and sent goes to the front end as text, and keys bound to
 * an action of the front end go there by the action's name. Returns what writes a text of the front end into it.
 */
export function wireEditor(editor: GuestEditor, { surface, keys, provider }: EditorWiring): (text: string) => void {
  const act = (action: string) => () => surface.signal({ kind: 'action', action });
  editor.onSubmit = (text) => surface.signal({ kind: 'submit', text });
  editor.onChange = () => surface.signal({ kind: 'change', text: editor.getExpandedText?.() ?? editor.getText() });
  editor.setAutocompleteProvider?.(provider);
  if (editor.actionHandlers instanceof Map) {
    editor.onEscape ??= act('app.interrupt');
    editor.onCtrlD ??= act('app.exit');
    editor.onPasteImage ??= act('app.clipboard.pasteImage');
    for (const action of Object.keys(keys)) if (isOfEditor(action) && !editor.actionHandlers.has(action)) editor.actionHandlers.set(action, act(action));
  }
  return (text) => {
    if (editor.getText() !== text) editor.setText(text);
  };
}

/** The keys of the tree are for whoever is in it: in an editor ctrl+u and ctrl+a go to the line. */
function isOfEditor(action: string): boolean {
  return action.startsWith('app.') && !action.startsWith('app.tree.');
}
