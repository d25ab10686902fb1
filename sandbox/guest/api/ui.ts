import { describe } from '../channel.ts';
import type { GuestLink } from '../link.ts';
import type { Registry } from './registry.ts';
import { createTheme } from './theme.ts';

interface Dialog {
  readonly signal?: AbortSignal;
  readonly timeout?: number;
}

/** `ctx.ui`: dialogs and notes are data for the front end; components are drawn where a front end draws them. */
export function createUi(link: GuestLink, registry: Registry): object {
  const ask = (capability: string, params: object, { signal, timeout }: Dialog = {}): Promise<unknown> =>
    link.request(capability, { ...params, timeoutMs: timeout }, signal);
  const tell = (capability: string, params: object): void => {
    registry.assertActive(capability);
    link.request(capability, params).catch((error: unknown) => link.log('warn', `${capability}: ${describe(error)}`));
  };
  const show = (surface: object): void => tell('ui.set', surface);
  // pi's print and rpc modes draw no components and go on without them; so do we, and say it in the log.
  const notDrawn = (member: string) => (): undefined => {
    link.log('info', `ctx.ui.${member} draws nothing in this mode: check \`ctx.mode === "tui"\` first`);
  };
  const theme = createTheme();

  return {
    notify: (message: string, level = 'info') => tell('ui.notify', { message: String(message), level }),
    select: async (title: string, choices: readonly string[], options?: Dialog) => (await ask('ui.select', { title, choices }, options)) ?? undefined,
    confirm: async (title: string, message = '', options?: Dialog) => (await ask('ui.confirm', { title, message }, options)) === true,
    input: async (title: string, placeholder?: string, options?: Dialog) => (await ask('ui.input', { title, placeholder }, options)) ?? undefined,
    editor: async (title: string, prefill?: string) => (await ask('ui.editor', { title, prefill })) ?? undefined,
    setStatus: (key: string, text: string | undefined) => show({ kind: 'status', key, text }),
    setWidget: (key: string, content: readonly string[] | undefined | ((...args: unknown[]) => unknown), options: { placement?: string } = {}) => {
      if (typeof content === 'function') return notDrawn('setWidget with a component')();
      show({ kind: 'widget', key, lines: content, placement: options.placement });
    },
    setTitle: (text: string) => show({ kind: 'title', text }),
    setEditorText: (text: string) => show({ kind: 'editorText', text, paste: false }),
    pasteToEditor: (text: string) => show({ kind: 'editorText', text, paste: true }),
    getEditorText: () => link.requestSync('ui.editorText', {}) ?? '',
    setWorkingMessage: (message?: string) => show({ kind: 'working', message }),

    custom: async () => notDrawn('custom')(),
    setFooter: notDrawn('setFooter'),
    setHeader: notDrawn('setHeader'),
    setEditorComponent: notDrawn('setEditorComponent'),
    onTerminalInput: notDrawn('onTerminalInput'),
    addAutocompleteProvider: notDrawn('addAutocompleteProvider'),
    setWorkingIndicator: notDrawn('setWorkingIndicator'),
    setWorkingVisible: notDrawn('setWorkingVisible'),
    setHiddenThinkingLabel: notDrawn('setHiddenThinkingLabel'),
    getEditorComponent: () => undefined,

    theme,
    getAllThemes: () => [],
    getTheme: () => undefined,
    setTheme: () => ({ success: false, error: 'themes belong to the user' }),
    getToolsExpanded: () => false,
    setToolsExpanded: notDrawn('setToolsExpanded'),
  };
}
