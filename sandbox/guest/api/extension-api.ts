import { describe } from '../channel.ts';
import type { GuestLink } from '../link.ts';
import type { ProviderConfig } from './provider.ts';
import type { Registry, ToolDefinition } from './registry.ts';
import type { EntryRenderer, MarkdownTransformer, MessageRenderer } from './renderers.ts';

/**
 * The object a factory receives: pi's ExtensionAPI under pi's member names, plus Dash's own. Members that
 * answer at once are synchronous requests, so a denial is thrown where the author can see it.
 */
export function createExtensionApi(registry: Registry, link: GuestLink): object {
  const act = (member: string, capability: string, params: object): unknown => {
    registry.assertActive(member);
    return link.requestSync(capability, params);
  };
  const query = (member: string, kind: string): unknown => act(member, 'agent.query', { kind });

  return {
    on: (event: string, handler: (event: unknown, context: unknown) => unknown) => registry.on(event, handler),
    registerTool: (tool: ToolDefinition) => registry.registerTool(tool),
    registerCommand: (name: string, command: { handler(args: string, context: unknown): unknown }) => registry.registerCommand(name, command),
    registerShortcut: (shortcut: string, options: { handler(context: unknown): unknown }) => registry.registerShortcut(shortcut, options),
    registerFlag: (name: string, flag: { type: 'boolean' | 'string' }) => registry.registerFlag(name, flag),
    getFlag: (name: string) => registry.flag(name),
    getSetting: (name: string) => (act('getSetting', 'settings.read', { name: String(name) }) as { value?: unknown }).value,
    getSettings: () => Object.freeze(Object.assign(Object.create(null), act('getSettings', 'settings.read', {}))) as object,
    registerProvider: (given: string | ProviderConfig, config?: ProviderConfig) => registry.registerProvider(given, config),
    unregisterProvider: (name: string) => registry.unregisterProvider(name),

    registerMessageRenderer: (customType: string, renderer: MessageRenderer) => registry.registerMessageRenderer(customType, renderer),
    registerEntryRenderer: (customType: string, renderer: EntryRenderer) => registry.registerEntryRenderer(customType, renderer),
    registerMarkdownTransformer: (transformer: MarkdownTransformer) => registry.registerMarkdownTransformer(transformer),

    sendMessage: (message: unknown, options: object = {}) => void act('sendMessage', 'session.sendMessage', { message, options }),
    sendUserMessage: (content: unknown, options: object = {}) => void act('sendUserMessage', 'session.sendUserMessage', { content, options }),
    appendEntry: (customType: string, data?: unknown) => void act('appendEntry', 'session.appendEntry', { customType, data }),
    setSessionName: (name: string) => void act('setSessionName', 'session.setName', { name }),
    getSessionName: () => act('getSessionName', 'session.query', { kind: 'sessionName' }) ?? undefined,
    setLabel: (entryId: string, label?: string) => void act('setLabel', 'session.setLabel', { entryId, label }),

    exec: async (command: string, args: readonly string[] = [], options: { signal?: AbortSignal; timeout?: number; cwd?: string } = {}) => {
      registry.assertActive('exec');
      const result = (await link.request('exec.run', { file: command, args, cwd: options.cwd, timeoutMs: options.timeout, shell: false }, options.signal)) as {
        code: number | null;
        signal: string | null;
        stdout: { base64: string };
        stderr: { base64: string };
      };
      return { stdout: decode(result.stdout.base64), stderr: decode(result.stderr.base64), code: result.code ?? 1, killed: result.signal !== null };
    },

    getActiveTools: () => query('getActiveTools', 'activeTools'),
    getAllTools: () => query('getAllTools', 'allTools'),
    setActiveTools: (names: readonly string[]) => void act('setActiveTools', 'agent.setActiveTools', { names }),
    getCommands: () => query('getCommands', 'commands'),
    setModel: async (model: unknown) => {
      registry.assertActive('setModel');
      return link.request('agent.setModel', { model });
    },
    getThinkingLevel: () => query('getThinkingLevel', 'thinkingLevel'),
    setThinkingLevel: (level: string) => void act('setThinkingLevel', 'agent.setThinkingLevel', { level }),

    events: {
      on: (channel: string, listener: (data: unknown) => unknown) => registry.bus.on(channel, listener),
      emit: (channel: string, data: unknown) => registry.bus.emit(channel, data),
    },

    notify: async (message: string, level = 'info') => {
      await link.request('ui.notify', { message, level }).catch((error: unknown) => link.log('error', describe(error)));
    },
    spawnAgent: async (first: string | SpawnOptions, task?: string) => {
      registry.assertActive('spawnAgent');
      const { signal, ...wanted }: SpawnOptions =
        typeof first === 'string'
          ? { name: first, task: task ?? [first, registry.commandText].filter((text) => text !== '').join(' ') }
          : { name: 'agent', ...first };
      return link.request('agent.spawn', wanted, signal);
    },
  };
}

interface SpawnOptions {
  readonly name?: string;
  readonly task: string;
  readonly model?: string;
  readonly tools?: readonly string[];
  readonly budget?: number;
  readonly permissions?: readonly string[];
  readonly signal?: AbortSignal;
}

function decode(base64: string): string {
  return new TextDecoder().decode(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)));
}
