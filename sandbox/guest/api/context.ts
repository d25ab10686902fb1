import type { GuestLink } from '../link.ts';
import { createModelAccess } from '../modules/model-access.ts';
import type { Registry } from './registry.ts';
import { recordSetup, type Setup } from './session-setup.ts';
import { createSessionView } from './session-view.ts';
import { createUi } from './ui.ts';

export interface ContextOptions {
  readonly mode: string;
  readonly hasUI: boolean;
}

interface ModelName {
  readonly provider: string;
  readonly id: string;
}

/** The `ctx` of handlers, commands and tools: pi's ExtensionContext; commands get the session controls as well. */
export function createContext(registry: Registry, link: GuestLink, options: ContextOptions, signal: AbortSignal, isCommand: boolean): object {
  const query = (kind: string): unknown => link.requestSync('agent.query', { kind }) ?? undefined;
  const control = (params: object): Promise<unknown> => link.request('session.control', params);
  // abort, shutdown and compact return nothing in pi; a refusal must still be seen somewhere.
  const controlAndLog = (params: object): void => {
    control(params).catch((error: unknown) => link.log('error', error instanceof Error ? error.message : String(error)));
  };

  const models = (): readonly ModelName[] => (query('models') ?? []) as readonly ModelName[];

  const context = {
    ui: createUi(link, registry, options.mode),
    mode: options.mode,
    hasUI: options.hasUI,
    cwd: link.facts.cwd,
    sessionManager: createSessionView(link),
    get model() {
      return query('model');
    },
    get scopedModels() {
      return query('scopedModels') ?? [];
    },
    get thinkingLevel() {
      return query('thinkingLevel');
    },
    modelRegistry: {
      getAll: models,
      getAvailable: models,
      find: (provider: string, id: string) => models().find((model) => model.provider === provider && model.id === id),
      // Credentials are `model:credentials`, denied by default; pi's own form of a refusal is data.
      getApiKeyAndHeaders: async () => ({ ok: false, error: 'credentials stay with the host: use `complete` of pi-ai, which asks for the permission `model`' }),
      // Only models with credentials are told of at all.
      hasConfiguredAuth: ({ provider, id }: ModelName) => models().some((model) => model.provider === provider && model.id === id),
      isUsingOAuth: () => false,
      getProviderDisplayName: (provider: string) => provider,
      complete: (model: ModelName, request: object, how: { signal?: AbortSignal; maxTokens?: number } = {}) =>
        createModelAccess(link).complete(model, request, how.maxTokens === undefined ? {} : { maxTokens: how.maxTokens }, how.signal),
      getError: () => undefined,
      refresh: () => undefined,
      getApiKey: async () => undefined,
      getApiKeyForProvider: async () => undefined,
    },
    signal,
    isIdle: () => query('isIdle') === true,
    isProjectTrusted: () => query('isProjectTrusted') === true,
    hasPendingMessages: () => query('hasPendingMessages') === true,
    getContextUsage: () => query('contextUsage'),
    getSystemPrompt: () => query('systemPrompt') ?? '',
    executeTool: (tool: string, args: unknown = {}, how: { signal?: AbortSignal; permissions?: readonly string[] } = {}) => {
      const slash = String(tool).lastIndexOf('/');
      if (slash <= 0) return Promise.reject(new TypeError('executeTool: a tool is named `PACKAGE/NAME`, or `host/NAME`'));
      const params = { package: tool.slice(0, slash), name: tool.slice(slash + 1), args, ...(how.permissions && { permissions: how.permissions }) };
      return link.request('tools.call', params, how.signal);
    },
    abort: () => controlAndLog({ kind: 'abort' }),
    shutdown: () => controlAndLog({ kind: 'shutdown' }),
    compact: (compaction: { customInstructions?: string; onComplete?: (result: unknown) => void; onError?: (error: unknown) => void } = {}) => {
      const { customInstructions, onComplete, onError } = compaction;
      control({ kind: 'compact', customInstructions }).then(
        (result) => onComplete?.(result),
        (error: unknown) => (onError === undefined ? link.log('error', String(error)) : onError(error)),
      );
    },
  };
  if (!isCommand) return context;

  /** As in pi: what is left to do is done with the context of the new session, which can speak in it, too. */
  const replaced = async (replacing: Promise<unknown>, { withSession }: SessionOptions): Promise<unknown> => {
    const answer = (await replacing) as { cancelled: boolean };
    if (answer.cancelled || withSession === undefined) return answer;
    const speaking = {
      sendMessage: (message: unknown, how: object = {}) => link.request('session.sendMessage', { message, options: how }),
      sendUserMessage: (content: unknown, how: object = {}) => link.request('session.sendUserMessage', { content, options: how }),
    };
    await withSession(Object.assign(createContext(registry, link, options, signal, true), speaking));
    return answer;
  };

  return Object.assign(context, {
    getSystemPromptOptions: () => query('systemPromptOptions') ?? {},
    waitForIdle: () => control({ kind: 'waitForIdle' }),
    reload: () => control({ kind: 'reload' }),
    newSession: async ({ parentSession, setup, ...options }: SessionOptions & { parentSession?: string; setup?: Setup } = {}) => {
      const drafts = setup === undefined ? undefined : await recordSetup(setup, link);
      return replaced(control({ kind: 'newSession', parentSession, setup: drafts }), options);
    },
    fork: async (entryId: string, { position, ...options }: SessionOptions & { position?: 'before' | 'at' } = {}) =>
      replaced(control({ kind: 'fork', entryId, position }), options),
    switchSession: async (path: string, options: SessionOptions = {}) => replaced(control({ kind: 'switchSession', path }), options),
    navigateTree: async (targetId: string, { summarize, customInstructions, replaceInstructions, label }: NavigateOptions = {}) =>
      control({ kind: 'navigateTree', targetId, summarize: summarize === true, customInstructions, replaceInstructions, label }),
  });
}

interface NavigateOptions {
  readonly summarize?: boolean;
  readonly customInstructions?: string;
  readonly replaceInstructions?: boolean;
  readonly label?: string;
}

interface SessionOptions {
  /** What is to be done in the session that took the place of the other one. */
  readonly withSession?: (context: object) => unknown;
}
