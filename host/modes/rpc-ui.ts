import { randomUUID } from 'node:crypto';
import { type Static, Type } from '@sinclair/typebox';
import type { DialogOptions } from '../../sandbox/index.ts';
import { answerChoices, describeQuestion } from '../approval/permission-text.ts';
import type { UserInterface } from '../user-interface.ts';

/** What a client answers to a dialog. */
export const UiResponse = Type.Object({
  type: Type.Literal('extension_ui_response'),
  id: Type.String(),
  value: Type.Optional(Type.String()),
  confirmed: Type.Optional(Type.Boolean()),
  cancelled: Type.Optional(Type.Boolean()),
});
export type UiResponse = Static<typeof UiResponse>;

export interface RpcUserInterface extends UserInterface {
  answer(response: UiResponse): void;
  /** Dismisses every open dialog: the client is gone. */
  dismissAll(): void;
}

/** A client that shows no dialogs must not stop a run for good: after this the answer is no. */
const QUESTION_TIMEOUT_MS = 600_000;

/** Shows things by sending pi's `extension_ui_request` records; `hasUI` false stands for a client that cannot answer. */
export function createRpcUserInterface(send: (record: Readonly<Record<string, unknown>>) => void, hasUI: boolean): RpcUserInterface {
  const open = new Map<string, (response: UiResponse | undefined) => void>();
  const tell = (method: string, fields: Readonly<Record<string, unknown>>): void => send({ type: 'extension_ui_request', id: randomUUID(), method, ...fields });

  const ask = async (method: string, fields: Readonly<Record<string, unknown>>, { by, signal, timeoutMs }: DialogOptions): Promise<UiResponse | undefined> => {
    if (!hasUI || signal?.aborted === true) return undefined;
    const id = randomUUID();
    const { promise, resolve } = Promise.withResolvers<UiResponse | undefined>();
    const dismiss = (): void => resolve(undefined);
    const timer = timeoutMs === undefined ? undefined : setTimeout(dismiss, timeoutMs);
    signal?.addEventListener('abort', dismiss, { once: true });
    open.set(id, resolve);
    send({ type: 'extension_ui_request', id, method, ...fields, ...named(by), ...(timeoutMs === undefined ? {} : { timeout: timeoutMs }) });
    try {
      const response = await promise;
      return response?.cancelled === true ? undefined : response;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', dismiss);
      open.delete(id);
    }
  };

  return {
    mode: 'rpc',
    hasUI,
    notify: (message, level, by) => tell('notify', { message, notifyType: level, ...named(by) }),
    select: async (title, choices, options) => {
      const value = (await ask('select', { title, options: choices }, options))?.value;
      return value !== undefined && choices.includes(value) ? value : undefined;
    },
    confirm: async (title, message, options) => (await ask('confirm', { title, message }, options))?.confirmed === true,
    input: async (title, placeholder, options) => (await ask('input', { title, placeholder }, options))?.value,
    editor: async (title, prefill, options) => (await ask('editor', { title, prefill }, options))?.value,
    set(surface, by) {
      switch (surface.kind) {
        case 'status':
          return tell('setStatus', { statusKey: surface.key, statusText: surface.text, ...named(by) });
        case 'widget':
          return tell('setWidget', { widgetKey: surface.key, widgetLines: surface.lines, widgetPlacement: surface.placement, ...named(by) });
        case 'title':
          return tell('setTitle', { title: surface.text, ...named(by) });
        case 'editorText':
          return tell('set_editor_text', { text: surface.text, ...named(by) });
        case 'working':
        case 'workingVisible':
        case 'workingIndicator':
        case 'hiddenThinkingLabel':
        case 'toolsExpanded':
          // pi's protocol has no records for these: clients draw their own sign of work, and fold as they like.
          return undefined;
      }
    },
    /**
     * A `select` that every client of pi's can show, and beside it the facts, which no dialog of a package has. What is
     * answered here is never written down: a client may be a program. One that never answers has said no.
     */
    async askPermission(question, signal) {
      const choices = answerChoices(question, { mayWrite: false });
      const fields = { title: describeQuestion(question).join('\n'), options: choices.map(({ label }) => label), permission: { ...question } };
      const value = (await ask('select', fields, { signal, timeoutMs: QUESTION_TIMEOUT_MS }))?.value;
      return choices.find(({ label }) => label === value)?.answer ?? 'no';
    },
    // The editor is the client's; pi answers the same.
    editorText: () => '',
    answer: (response) => open.get(response.id)?.(response),
    dismissAll() {
      for (const resolve of open.values()) resolve(undefined);
    },
  };
}

/** Who says it, where a package does: a field that pi's clients do not know. */
function named(by: string | undefined): { readonly package?: string } {
  return by === undefined ? {} : { package: by };
}
