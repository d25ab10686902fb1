/** Something that draws lines of at most `width` columns. It lives in the sandbox; the host clips what it draws. */
export interface Component {
  render(width: number): string[];
  handleInput?(data: string): void;
  invalidate(): void;
  dispose?(): void;
}

/** The terminal as a component sees it. */
export interface Tui {
  requestRender(): void;
  /** Of several components in one place, the one that hears the keys. */
  setFocus(component: Component | null): void;
  showOverlay(component: Component, options?: OverlayOptions): OverlayHandle;
  readonly terminal: { readonly columns: number; readonly rows: number };
}

/** Colours by name; which they are is the user's choice. */
export interface Theme {
  readonly name?: string;
  fg(color: string, text: string): string;
  bg(color: string, text: string): string;
  bold(text: string): string;
  italic(text: string): string;
  underline(text: string): string;
  strikethrough(text: string): string;
  inverse(text: string): string;
}

export interface Keybindings {
  matches(data: string, action: string): boolean;
  getKeys(action: string): string[];
}

export interface DialogOptions {
  signal?: AbortSignal;
  /** Milliseconds until the dialog closes by itself. */
  timeout?: number;
}

export interface WidgetOptions {
  placement?: 'aboveEditor' | 'belowEditor';
}

export interface AutocompleteItem {
  value: string;
  label: string;
  description?: string;
}

export interface AutocompleteProvider {
  getSuggestions(
    lines: string[],
    cursorLine: number,
    cursorCol: number,
    options: { signal: AbortSignal; force?: boolean },
  ): Promise<{ items: AutocompleteItem[]; prefix: string } | null>;
  applyCompletion(
    lines: string[],
    cursorLine: number,
    cursorCol: number,
    item: AutocompleteItem,
    prefix: string,
  ): { lines: string[]; cursorLine: number; cursorCol: number };
}

export type ComponentFactory = (tui: Tui, theme: Theme) => Component;
export type EditorFactory = (tui: Tui, theme: Theme, keybindings: Keybindings) => Component;

/**
 * What an extension can show and ask. Where nobody looks (`hasUI` is false) questions answer `undefined` or `false` at
 * once and the rest has no effect.
 */
export interface ExtensionUIContext {
  select(title: string, options: string[], opts?: DialogOptions): Promise<string | undefined>;
  confirm(title: string, message: string, opts?: DialogOptions): Promise<boolean>;
  input(title: string, placeholder?: string, opts?: DialogOptions): Promise<string | undefined>;
  editor(title: string, prefill?: string): Promise<string | undefined>;
  notify(message: string, type?: 'info' | 'warning' | 'error'): void;
  /** `undefined` takes the status away. */
  setStatus(key: string, text: string | undefined): void;
  setWidget(key: string, content: string[] | ComponentFactory | undefined, options?: WidgetOptions): void;
  setFooter(factory: ((tui: Tui, theme: Theme, data: FooterData) => Component) | undefined): void;
  setHeader(factory: ComponentFactory | undefined): void;
  setTitle(title: string): void;
  setWorkingMessage(message?: string): void;
  setWorkingVisible(visible: boolean): void;
  setWorkingIndicator(options?: { frames?: string[]; intervalMs?: number }): void;
  setHiddenThinkingLabel(label?: string): void;
  /** Shows a component with the focus until it calls `done`. */
  custom<T>(
    factory: (tui: Tui, theme: Theme, keybindings: Keybindings, done: (result: T) => void) => Component | Promise<Component>,
    options?: { overlay?: boolean; overlayOptions?: OverlayOptions | (() => OverlayOptions); onHandle?: (handle: OverlayHandle) => void },
  ): Promise<T>;
  onTerminalInput(handler: (data: string) => { consume?: boolean; data?: string } | undefined): () => void;
  pasteToEditor(text: string): void;
  setEditorText(text: string): void;
  getEditorText(): string;
  addAutocompleteProvider(factory: (current: AutocompleteProvider) => AutocompleteProvider): void;
  setEditorComponent(factory: EditorFactory | undefined): void;
  getEditorComponent(): EditorFactory | undefined;
  readonly theme: Theme;
  getAllThemes(): { name: string; path: string | undefined }[];
  getTheme(name: string): Theme | undefined;
  setTheme(theme: string | Theme): { success: boolean; error?: string };
  getToolsExpanded(): boolean;
  setToolsExpanded(expanded: boolean): void;
}

export interface FooterData {
  getGitBranch(): string | null;
  getExtensionStatuses(): ReadonlyMap<string, string>;
  getAvailableProviderCount(): number;
  onBranchChange(listener: () => void): () => void;
}

/** Columns or rows, or a part of the terminal's: `"50%"`. */
export type SizeValue = number | `${number}%`;

/** Where an overlay stands. Sizes are those of the component; the border comes on top. */
export interface OverlayOptions {
  width?: SizeValue;
  minWidth?: number;
  maxHeight?: SizeValue;
  anchor?: 'center' | 'top-left' | 'top-right' | 'bottom-left' | 'bottom-right' | 'top-center' | 'bottom-center' | 'left-center' | 'right-center';
  offsetX?: number;
  offsetY?: number;
  row?: SizeValue;
  col?: SizeValue;
  margin?: number | { top?: number; right?: number; bottom?: number; left?: number };
  /** Asked when the overlay opens. */
  visible?: (columns: number, rows: number) => boolean;
  /** Opens without taking the keys. */
  nonCapturing?: boolean;
}

export interface OverlayHandle {
  hide(): void;
  setHidden(hidden: boolean): void;
  isHidden(): boolean;
  focus(): void;
  unfocus(): void;
  isFocused(): boolean;
}
