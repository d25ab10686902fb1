import type { RemoteSurface, SurfaceSignal } from '../../../sandbox/index.ts';
import type { PromptEditor } from './prompt-editor.ts';
import type { RemoteView } from './remote-view.ts';

export interface RemoteEditorOptions {
  /** The mode's own: it keeps the text, and comes back when the package's goes. */
  readonly editor: PromptEditor;
  /** Has this component take the place of the editor. */
  readonly use: (component: RemoteView | PromptEditor) => void;
}

/** Editors of packages. The last one is the editor; what is typed into it stands in the mode's own at the same time. */
export class RemoteEditor {
  readonly #options: RemoteEditorOptions;
  readonly #open: { readonly surface: RemoteSurface; readonly view: RemoteView }[] = [];
  /** The text that the package's editor has told of. */
  #told = '';

  constructor(options: RemoteEditorOptions) {
    this.#options = options;
    const { editor } = options;
    editor.onTextSet = (text) => {
      if (text === this.#told) return;
      this.#told = text;
      this.#open.at(-1)?.surface.setText(text);
    };
  }

  take(surface: RemoteSurface, view: RemoteView): { drawn(): void; signal(signal: SurfaceSignal): void; remove(): void } {
    const { editor } = this.#options;
    const entry = { surface, view };
    this.#open.push(entry);
    this.#show();
    return {
      drawn: () => view.drawAgain(),
      signal: (signal) => {
        if (this.#open.at(-1) !== entry) return;
        if (signal.kind === 'change') this.#heard(signal.text);
        if (signal.kind === 'submit') {
          this.#heard('');
          editor.onSubmit?.(signal.text);
        }
        if (signal.kind === 'action') editor.perform(signal.action);
      },
      remove: () => {
        this.#open.splice(this.#open.indexOf(entry), 1);
        this.#show();
      },
    };
  }

  #heard(text: string): void {
    this.#told = text;
    this.#options.editor.setText(text);
  }

  #show(): void {
    const { editor, use } = this.#options;
    const last = this.#open.at(-1);
    use(last?.view ?? editor);
    this.#told = editor.getText();
    if (this.#told !== '') last?.surface.setText(this.#told);
  }
}
