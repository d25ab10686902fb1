import { describe } from '../channel.ts';
import type { GuestLink } from '../link.ts';
import type { CompletionFactory } from './completions.ts';
import type { Registry } from './registry.ts';
import type { EditorFactory } from './remote-editor.ts';
import type { CustomOptions, Surfaces } from './surfaces.ts';
import { Theme } from './theme.ts';

interface Dialog {
  readonly signal?: AbortSignal;
  readonly timeout?: number;
}

type WidgetContent = readonly string[] | undefined | Parameters<Surfaces['setWidget']>[1];

/** `ctx.ui`: dialogs and notes are data for the front end; components are drawn where a front end draws them. */
export function createUi(link: GuestLink, registry: Registry, mode: string): object {
  // As in pi: a dialog that the package puts away itself has been answered with nothing, and throws nothing.
  const ask = async (capability: string, params: object, { signal, timeout }: Dialog = {}): Promise<unknown> => {
    if (signal?.aborted === true) return undefined;
    return link.request(capability, { ...params, timeoutMs: timeout }, signal).catch((error: unknown) => {
      if (signal?.aborted === true) return undefined;
      throw error;
    });
  };
  const tell = (capability: string, params: object): void => {
    registry.assertActive(capability);
    link.request(capability, params).catch((error: unknown) => link.log('warn', `${capability}: ${describe(error)}`));
  };
  const show = (surface: object): void => tell('ui.set', surface);
  const drawing = mode === 'tui' ? onScreen(link, registry, show) : nowhere(link);
  // Getters stay getters: the theme is asked for when somebody wants it.
  const { setWidget: _both, ...members } = Object.getOwnPropertyDescriptors(drawing);

  return Object.defineProperties(
    {
      notify: (message: string, level = 'info') => tell('ui.notify', { message: String(message), level }),
      select: async (title: string, choices: readonly string[], options?: Dialog) => (await ask('ui.select', { title, choices }, options)) ?? undefined,
      confirm: async (title: string, message = '', options?: Dialog) => (await ask('ui.confirm', { title, message }, options)) === true,
      input: async (title: string, placeholder?: string, options?: Dialog) => (await ask('ui.input', { title, placeholder }, options)) ?? undefined,
      editor: async (title: string, prefill?: string) => (await ask('ui.editor', { title, prefill })) ?? undefined,
      setStatus: (key: string, text: string | undefined) => show({ kind: 'status', key, text }),
      setWidget: (key: string, content: WidgetContent, { placement = 'aboveEditor' }: { placement?: 'aboveEditor' | 'belowEditor' } = {}) => {
        // One key is one widget, whichever way it was drawn before.
        const isDrawn = typeof content === 'function';
        if (isDrawn || mode === 'tui') drawing.setWidget(key, isDrawn ? content : undefined, placement);
        if (!isDrawn || mode === 'tui') show({ kind: 'widget', key, lines: isDrawn ? undefined : content, placement });
      },
      setTitle: (text: string) => show({ kind: 'title', text }),
      setEditorText: (text: string) => show({ kind: 'editorText', text, paste: false }),
      pasteToEditor: (text: string) => show({ kind: 'editorText', text, paste: true }),
      getEditorText: () => link.requestSync('ui.editorText', {}) ?? '',
      setWorkingMessage: (message?: string) => show({ kind: 'working', message }),
    },
    members,
  );
}

/** The members that draw with code or change how things look. */
interface Drawing {
  custom(factory: Parameters<Surfaces['custom']>[0], options?: CustomOptions): Promise<unknown>;
  setWidget: Surfaces['setWidget'];
  setHeader: Surfaces['setHeader'];
  setFooter: Surfaces['setFooter'];
  setEditorComponent(factory: EditorFactory | undefined): void;
  getEditorComponent(): EditorFactory | undefined;
  onTerminalInput(listener: Parameters<Surfaces['listen']>[0]): (() => void) | undefined;
  addAutocompleteProvider(factory: CompletionFactory): void;
  setWorkingIndicator(options?: object): void;
  setWorkingVisible(visible: boolean): void;
  setHiddenThinkingLabel(label?: string): void;
  setToolsExpanded(expanded: boolean): void;
  getToolsExpanded(): boolean;
  readonly theme: Theme;
  getAllThemes(): { name: string; path: string | undefined }[];
  getTheme(name: string): Theme | undefined;
  setTheme(theme: unknown): { success: boolean; error?: string };
}

function onScreen(link: GuestLink, registry: Registry, show: (surface: object) => void): Drawing {
  const { stage, surfaces } = registry;
  const active = <Args extends unknown[], R>(member: string, act: (...args: Args) => R) => {
    return (...args: Args): R => {
      registry.assertActive(`ctx.ui.${member}`);
      return act(...args);
    };
  };
  return {
    custom: active('custom', (factory, options = {}) => surfaces.custom(factory, options)),
    setWidget: active('setWidget', (key, factory, placement) => surfaces.setWidget(key, factory, placement)),
    setHeader: active('setHeader', (factory) => surfaces.setHeader(factory)),
    setFooter: active('setFooter', (factory) => surfaces.setFooter(factory)),
    setEditorComponent: active('setEditorComponent', (factory) => surfaces.setEditor(factory)),
    getEditorComponent: () => surfaces.editorFactory,
    onTerminalInput: active('onTerminalInput', (listener) => surfaces.listen(listener)),
    addAutocompleteProvider: active('addAutocompleteProvider', (factory) => surfaces.addCompletions(factory)),
    setWorkingIndicator: (indicator) => show({ kind: 'workingIndicator', indicator }),
    setWorkingVisible: (visible) => show({ kind: 'workingVisible', visible }),
    setHiddenThinkingLabel: (label) => show({ kind: 'hiddenThinkingLabel', label }),
    setToolsExpanded: (expanded) => show({ kind: 'toolsExpanded', expanded }),
    getToolsExpanded: () => stage.refresh() && (stage.scene?.toolsExpanded ?? false),
    get theme() {
      stage.refresh();
      return stage.theme;
    },
    getAllThemes: () => (stage.refresh() ? (stage.scene?.themes ?? []).map((name) => ({ name, path: undefined })) : []),
    getTheme: (name) => {
      if (!stage.refresh()) return undefined;
      const colors = link.requestSync('ui.theme', { name }) as ReturnType<ConstructorParameters<typeof Theme>[0] & object>;
      return colors == null ? undefined : new Theme(() => colors);
    },
    setTheme: (theme) => {
      const name = typeof theme === 'string' ? theme : theme instanceof Theme ? theme.name : '';
      try {
        return link.requestSync('ui.setTheme', { name }) === true ? { success: true } : { success: false, error: `there is no theme \`${name}\`` };
      } catch (error) {
        return { success: false, error: error instanceof Error ? error.message : String(error) };
      }
    },
  };
}

/** pi's print and rpc modes draw no components and go on without them; so do we, and say it in the log. */
function nowhere(link: GuestLink): Drawing {
  const notDrawn = (member: string) => (): undefined => {
    link.log('info', `ctx.ui.${member} draws nothing in this mode: check \`ctx.mode === "tui"\` first`);
  };
  return {
    custom: async () => notDrawn('custom')(),
    setWidget: notDrawn('setWidget with a component'),
    setHeader: notDrawn('setHeader'),
    setFooter: notDrawn('setFooter'),
    setEditorComponent: notDrawn('setEditorComponent'),
    getEditorComponent: () => undefined,
    onTerminalInput: notDrawn('onTerminalInput'),
    addAutocompleteProvider: notDrawn('addAutocompleteProvider'),
    setWorkingIndicator: notDrawn('setWorkingIndicator'),
    setWorkingVisible: notDrawn('setWorkingVisible'),
    setHiddenThinkingLabel: notDrawn('setHiddenThinkingLabel'),
    setToolsExpanded: notDrawn('setToolsExpanded'),
    getToolsExpanded: () => false,
    theme: new Theme(),
    getAllThemes: () => [],
    getTheme: () => undefined,
    setTheme: () => ({ success: false, error: 'themes belong to the user' }),
  };
}
