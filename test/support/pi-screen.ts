import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { discoverAndLoadExtensions, initTheme } from '@earendil-works/pi-coding-agent';
import type { Component, OverlayHandle, OverlayOptions, Terminal } from '@earendil-works/pi-tui';
import type * as PiTui from '@earendil-works/pi-tui';
import { parseTheme } from '../../skills-lib/index.ts';

// The instance of pi-tui that pi itself uses: components of its examples are of its classes.
const piIndex = fileURLToPath(import.meta.resolve('@earendil-works/pi-coding-agent'));
const { TuiMainScreen, setKeybindings } = (await import(createRequire(piIndex).resolve('@earendil-works/pi-tui'))) as typeof PiTui;
const { KeybindingsManager } = (await import(join(dirname(piIndex), 'core/keybindings.js'))) as {
  KeybindingsManager: new () => PiTui.KeybindingsManager;
};
const { theme, getEditorTheme } = (await import(join(dirname(piIndex), 'modes/interactive/theme/theme.js'))) as {
  theme: { getColorMode(): 'truecolor' | '256color' };
  getEditorTheme(): object;
};
// A test has no terminal, and pi would leave out what is bold.
const chalk = (await import(createRequire(piIndex).resolve('chalk'))) as { default: { level: number } };
chalk.default.level = 3;
initTheme('dark');

/** pi's dark theme, for a front end of ours to draw in. */
export const PI_DARK = parseTheme(readFileSync(join(dirname(piIndex), 'modes/interactive/theme/dark.json'), 'utf8'), 'dark.json');

/** What the host has, for pi's extension and for the same one in the sandbox. */
export interface HostState {
  readonly entries: readonly object[];
  readonly tools: readonly { readonly name: string }[];
  readonly activeTools: readonly string[];
  readonly model: { readonly provider: string; readonly id: string; readonly contextWindow: number } | undefined;
  /** What a model answers, to both. Without it there is none that answers. */
  readonly complete?: (model: { readonly id: string }, request: object) => Promise<object>;
}

/** One component on pi's screen. */
export interface PiShown {
  readonly kind: string;
  readonly component: Component;
  readonly overlay: OverlayOptions | undefined;
  closed: boolean;
}

export interface PiScreen extends Disposable {
  readonly shown: readonly PiShown[];
  readonly notices: readonly string[];
  readonly statuses: ReadonlyMap<string, string>;
  readonly widgets: ReadonlyMap<string, readonly string[]>;
  /** What was put into the user's editor, and what they were given to edit. */
  readonly edits: readonly string[];
  /** The provider that suggests, where one was added. */
  readonly suggests: PiTui.AutocompleteProvider | undefined;
  /** Hands an event to the extension's handlers. */
  emit(type: string, event?: object): Promise<void>;
  run(command: string, args?: string): Promise<void>;
  callTool(name: string, params: object): Promise<unknown>;
  key(data: string): void;
  readonly extension: PiExtension;
}

interface PiExtension {
  readonly commands: ReadonlyMap<string, { handler(args: string, context: unknown): Promise<void> }>;
  readonly handlers: ReadonlyMap<string, readonly ((event: unknown, context: unknown) => unknown)[]>;
  readonly tools: ReadonlyMap<string, { readonly definition: PiTool }>;
  readonly messageRenderers: ReadonlyMap<string, (message: object, options: object, theme: object) => Component | undefined>;
  readonly entryRenderers: ReadonlyMap<string, (entry: object, options: object, theme: object) => Component | undefined>;
}

interface PiTool {
  execute(id: string, params: object, signal: AbortSignal | undefined, onUpdate: undefined, context: unknown): Promise<unknown>;
  renderCall?(args: object, theme: object, context: object): Component;
  renderResult?(result: object, options: object, theme: object, context: object): Component;
}

export const piTheme = theme;
const COLUMNS = 80;

/** An extension of pi's, loaded by pi's own loader, before pi's own screen on a terminal that nobody sees. */
export async function piScreen(file: string, cwd: string, state: HostState): Promise<PiScreen> {
  const keybindings = new KeybindingsManager();
  setKeybindings(keybindings);
  const tui = new TuiMainScreen(blindTerminal());
  const { extensions, errors, runtime } = await discoverAndLoadExtensions([file], cwd, join(cwd, 'no-agent-directory'));
  const [extension] = extensions as unknown as PiExtension[];
  if (extension === undefined) throw new Error(`pi does not load ${file}: ${JSON.stringify(errors)}`);

  const shown: PiShown[] = [];
  const notices: string[] = [];
  const statuses = new Map<string, string>();
  const widgets = new Map<string, readonly string[]>();
  const edits: string[] = [];
  let suggests: PiTui.AutocompleteProvider | undefined;
  const show = (kind: string, component: Component, overlay?: OverlayOptions): PiShown => {
    const one: PiShown = { kind, component, overlay, closed: false };
    shown.push(one);
    return one;
  };
  const showOverlay = tui.showOverlay.bind(tui);
  tui.showOverlay = (component, options) => {
    const one = show('overlay', component, options);
    const handle = showOverlay(component, options);
    const { hide } = handle;
    return Object.assign(handle, {
      hide: () => {
        one.closed = true;
        hide();
      },
    } satisfies Pick<OverlayHandle, 'hide'>);
  };
  const fixed = new Map<string, PiShown>();
  const fix = (kind: string, make: (() => Component) | undefined): void => {
    const before = fixed.get(kind);
    if (before !== undefined) before.closed = true;
    fixed.delete(kind);
    if (make !== undefined) fixed.set(kind, show(kind, make()));
  };

  // As pi's interactive mode does it, without the editor that it would put back.
  const custom = (
    factory: (...args: unknown[]) => Component | Promise<Component>,
    options: { overlay?: boolean; overlayOptions?: OverlayOptions | (() => OverlayOptions); onHandle?: (handle: OverlayHandle) => void } = {},
  ): Promise<unknown> =>
    new Promise((resolve, reject) => {
      let component: (Component & { dispose?(): void; width?: number }) | undefined;
      let one: PiShown | undefined;
      let closed = false;
      const done = (result: unknown): void => {
        if (closed) return;
        closed = true;
        if (one !== undefined) one.closed = true;
        if (options.overlay === true) tui.hideOverlay();
        else if (component !== undefined) tui.removeChild(component);
        resolve(result);
        component?.dispose?.();
      };
      Promise.resolve(factory(tui, theme, keybindings, done)).then((made) => {
        if (closed) return;
        component = made;
        if (options.overlay === true) {
          const given = typeof options.overlayOptions === 'function' ? options.overlayOptions() : options.overlayOptions;
          const handle = tui.showOverlay(made, given ?? (component.width === undefined ? undefined : { width: component.width }));
          one = shown.at(-1);
          options.onHandle?.(handle);
        } else {
          one = show('custom', made);
          tui.addChild(made);
          tui.setFocus(made);
        }
      }, reject);
    });

  const context = {
    mode: 'tui',
    hasUI: true,
    cwd,
    sessionManager: { getEntries: () => state.entries, getBranch: () => state.entries, getSessionFile: () => undefined },
    model: state.model,
    modelRegistry: {
      find: (provider: string, id: string) => (state.model?.provider === provider && state.model.id === id ? state.model : undefined),
      hasConfiguredAuth: () => true,
      complete: (model: { readonly id: string }, request: object) => state.complete?.(model, request),
    },
    newSession: async ({ withSession }: { readonly withSession?: (replaced: object) => Promise<void> }) => {
      await withSession?.(context);
      return { cancelled: false };
    },
    getContextUsage: () => undefined,
    isIdle: () => true,
    ui: {
      theme,
      custom,
      notify: (message: string) => void notices.push(message),
      setStatus: (key: string, text: string | undefined) => void (text === undefined ? statuses.delete(key) : statuses.set(key, text)),
      setWidget: (key: string, content: readonly string[] | ((tui: object, theme: object) => Component) | undefined) => {
        if (typeof content === 'function') fix('widget', () => content(tui, theme));
        else if (content === undefined) widgets.delete(key);
        else widgets.set(key, content);
      },
      setHeader: (factory?: (tui: object, theme: object) => Component) => fix('header', factory && (() => factory(tui, theme))),
      setFooter: (factory?: (tui: object, theme: object, data: object) => Component) =>
        fix(
          'footer',
          factory &&
            (() =>
              factory(tui, theme, {
                getGitBranch: () => 'main',
                getExtensionStatuses: () => statuses,
                getAvailableProviderCount: () => 1,
                onBranchChange: () => () => undefined,
              })),
        ),
      setEditorComponent: (factory?: (tui: object, theme: object, keys: object) => Component) => {
        fix('editor', factory && (() => factory(tui, getEditorTheme(), keybindings)));
        const editor = fixed.get('editor')?.component;
        if (editor !== undefined) tui.setFocus(editor);
      },
      setEditorText: (text: string) => void edits.push(text),
      editor: async (title: string, text: string) => {
        edits.push(`${title}: ${text}`);
        return `${text}, edited`;
      },
      addAutocompleteProvider: (factory: (current: PiTui.AutocompleteProvider) => PiTui.AutocompleteProvider) => {
        suggests = factory({ getSuggestions: async () => null, applyCompletion: (lines, cursorLine, cursorCol) => ({ lines, cursorLine, cursorCol }) });
      },
      setWorkingVisible: () => undefined,
    },
  };
  Object.assign(runtime, {
    getAllTools: () => state.tools,
    getActiveTools: () => [...state.activeTools],
    setActiveTools: () => undefined,
    getThinkingLevel: () => 'off',
    appendEntry: () => undefined,
    sendMessage: () => undefined,
    sendUserMessage: () => undefined,
    getSessionName: () => undefined,
    setSessionName: () => undefined,
    setLabel: () => undefined,
    setThinkingLevel: () => undefined,
    getCommands: () => [],
  });

  return {
    shown,
    notices,
    statuses,
    widgets,
    edits,
    get suggests() {
      return suggests;
    },
    extension,
    async emit(type, event = {}) {
      for (const handler of extension.handlers.get(type) ?? []) await handler({ type, ...event }, context);
    },
    run: async (command, args = '') => extension.commands.get(command)?.handler(args, context),
    callTool: async (name, params) => extension.tools.get(name)?.definition.execute('call-1', params, undefined, undefined, context),
    key(data) {
      // What pi's screen does with a key, once nobody else took it.
      (tui as unknown as { handleTerminalInput(data: string): void }).handleTerminalInput(data);
    },
    [Symbol.dispose]: () => tui.stop(),
  };
}

function blindTerminal(): Terminal {
  const nothing = (): void => undefined;
  return {
    start: nothing,
    stop: nothing,
    drainInput: async () => undefined,
    write: nothing,
    columns: COLUMNS,
    rows: 24,
    kittyProtocolActive: false,
    moveBy: nothing,
    hideCursor: nothing,
    showCursor: nothing,
    clearLine: nothing,
    clearFromCursor: nothing,
    clearScreen: nothing,
    setTitle: nothing,
    setProgress: nothing,
  };
}
