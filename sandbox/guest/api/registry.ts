import type { Registrations, RendererRegistration, ToolRegistration } from '../../../format/index.ts';
import { describe } from '../channel.ts';
import type { ProviderRequest } from '../../protocol.ts';
import type { GuestLink } from '../link.ts';
import { EventBus } from './event-bus.ts';
import { type EntryRenderer, type MarkdownTransformer, type MessageRenderer, Renderers, type ToolRenderers } from './renderers.ts';
import type { Stage } from './stage.ts';
import { Surfaces } from './surfaces.ts';
import type { ProviderAct } from '../../provider-acts.ts';
import { type GuestProvider, performAct, type ProviderConfig, readProvider, streamFrom } from './provider.ts';
import { unsupported } from './unsupported.ts';
import { validateArguments } from './validate-arguments.ts';

/** What package code hands to `registerTool`: pi's ToolDefinition as far as the runtime reads it. */
export interface ToolDefinition extends ToolRenderers {
  readonly name: string;
  readonly label?: string;
  readonly description?: string;
  readonly parameters?: unknown;
  readonly promptSnippet?: string;
  readonly promptGuidelines?: readonly string[];
  readonly executionMode?: 'sequential' | 'parallel';
  readonly prepareArguments?: (args: unknown) => unknown;
  readonly exposure?: ToolRegistration['exposure'];
  readonly namespace?: string;
  readonly annotations?: object;
  readonly outputSchema?: unknown;
  readonly prepareLoadout?: (loadout: unknown) => unknown;
  execute(...args: readonly unknown[]): unknown;
}

interface Command {
  readonly description?: string;
  readonly getArgumentCompletions?: (typed: string) => unknown;
  handler(args: string, context: unknown): unknown;
}

interface Shortcut {
  readonly description?: string;
  handler(context: unknown): unknown;
}

interface Flag {
  readonly type: 'boolean' | 'string';
  readonly description?: string;
  readonly default?: boolean | string;
}

interface ToldTool {
  readonly name: string;
  readonly exposure: string;
  readonly namespace?: string;
  readonly promptGuidelines: readonly string[];
}

interface ToldLoadout {
  readonly declared: readonly ToldTool[];
  readonly callable: readonly ToldTool[];
  readonly registered: readonly ToldTool[];
}

type EventHandler = (event: unknown, context: unknown) => unknown;

/** Everything one entry point registered. */
interface Slot {
  readonly tools: Map<string, ToolDefinition>;
  readonly commands: Map<string, Command>;
  readonly shortcuts: Map<string, Shortcut>;
  readonly flags: Map<string, Flag>;
  readonly events: { event: string; handler: number }[];
  readonly providers: Map<string, GuestProvider>;
  readonly messages: Map<string, MessageRenderer>;
  readonly entries: Map<string, EntryRenderer>;
  /** The last one counts, as in pi. */
  markdown: MarkdownTransformer | undefined;
}

/** The guest's half of the contributions: what was registered, and the functions behind it. */
export class Registry {
  readonly bus: EventBus;
  readonly stage: Stage;
  readonly surfaces: Surfaces;
  readonly renderers: Renderers;
  readonly #link: GuestLink;
  readonly #requireModule: (name: string) => unknown;
  readonly #slots: Slot[] = [];
  /** Registered after loading, each with the permission to. */
  readonly #lateTools = new Map<string, ToolDefinition>();
  readonly #handlers = new Map<number, EventHandler>();
  #nextHandler = 0;
  #current: Slot | undefined;
  #loading = true;
  #commandText = '';

  constructor(link: GuestLink, requireModule: (name: string) => unknown, stage: Stage) {
    this.#link = link;
    this.#requireModule = requireModule;
    this.bus = new EventBus(link);
    this.stage = stage;
    this.surfaces = new Surfaces(link, stage);
    this.renderers = new Renderers({
      link,
      stage,
      message: (customType) => this.#find((slot) => slot.messages.get(customType)),
      entry: (customType) => this.#find((slot) => slot.entries.get(customType)),
      tool: (name) => this.#find((slot) => slot.tools.get(name)),
      markdown: () => this.#slots.flatMap(({ markdown }) => markdown ?? []),
    });
  }

  get loading(): boolean {
    return this.#loading;
  }

  /** Starts recording for one entry point; the returned function forgets all of it again. */
  begin(index: number): () => void {
    const slot = emptySlot();
    this.#slots[index] = slot;
    this.#current = slot;
    const firstHandler = this.#nextHandler;
    return () => {
      this.#slots[index] = emptySlot();
      for (let handler = firstHandler; handler < this.#nextHandler; handler++) this.#handlers.delete(handler);
      // The numbers of later entries must be those that were captured, where this one offered nothing.
      this.#nextHandler = firstHandler;
    };
  }

  /** From here on actions are legal. */
  open(): void {
    this.#loading = false;
    this.#current = undefined;
  }

  /** @throws when a factory acts instead of registering; pi has the same rule. */
  assertActive(member: string): void {
    if (this.#loading) throw new Error(`\`${member}\` cannot be called while the extension is loading: call it in an event handler, a command or a tool`);
  }

  /** After loading the promise tells what became of it, for those who want to know. */
  registerTool(tool: ToolDefinition): Promise<void> | undefined {
    const name = requireName(tool?.name, 'registerTool');
    if (typeof tool.execute !== 'function') throw new TypeError(`registerTool: \`${name}\` has no execute function`);
    // Consent was given to the tools that the factory registers. Of those, one may change what it does.
    const owner = this.#loading ? this.#slot() : this.#slots.find((slot) => slot.tools.has(name));
    if (owner === undefined) return this.#registerLate(name, tool);
    owner.tools.set(name, tool);
    return undefined;
  }

  /** Extensions do not wait for it, as it is synchronous elsewhere: where the permission is there, it has happened at once. */
  #registerLate(name: string, definition: ToolDefinition): Promise<void> {
    const tool = toToolRegistration(definition);
    const register = async (): Promise<void> => {
      const { offered } = this.#link.requestSync('tools.register', { tool, wait: false }) as { offered: boolean };
      if (!offered) await this.#link.request('tools.register', { tool, wait: true });
      this.#lateTools.set(name, definition);
    };
    const registered = register();
    registered.catch((error: unknown) => this.#link.log('warn', `registerTool: \`${name}\` is not offered: ${describe(error)}`));
    return registered;
  }

  registerCommand(name: string, command: Command): void {
    this.#registrationOnly('registerCommand');
    if (typeof command?.handler !== 'function') throw new TypeError(`registerCommand: \`${name}\` has no handler`);
    this.#slot().commands.set(requireName(name, 'registerCommand'), command);
  }

  registerShortcut(shortcut: string, options: Shortcut): void {
    this.#registrationOnly('registerShortcut');
    this.#slot().shortcuts.set(requireName(shortcut, 'registerShortcut'), options);
  }

  registerFlag(name: string, flag: Flag): void {
    this.#registrationOnly('registerFlag');
    this.#slot().flags.set(requireName(name, 'registerFlag'), flag);
  }

  /** While loading it becomes part of what the package registers; later the host is told at once. */
  registerProvider(given: string | ProviderConfig, second?: ProviderConfig): void {
    const provider = readProvider(given, second);
    const { name } = provider.registration;
    const slot = this.#loading ? this.#slot() : (this.#slots.find(({ providers }) => providers.has(name)) ?? this.#slot());
    if (!this.#loading) this.#link.requestSync('provider.register', { provider: provider.registration });
    const before = slot.providers.get(name);
    slot.providers.set(name, {
      registration: { ...before?.registration, ...provider.registration },
      config: { ...before?.config, ...provider.config },
    });
  }

  unregisterProvider(name: string): void {
    for (const { providers } of this.#slots) providers.delete(name);
    if (!this.#loading) this.#link.requestSync('provider.unregister', { name });
  }

  async stream(name: string, request: ProviderRequest, signal: AbortSignal, tell: (event: unknown) => void): Promise<void> {
    const provider = this.#find(({ providers }) => providers.get(name));
    if (provider === undefined) throw new Error(`no provider \`${name}\` here`);
    const { apiKey } = provider.config;
    const printed = apiKey?.startsWith('!') === true ? { apiKey: await this.print(apiKey.slice(1), signal) } : {};
    await streamFrom(provider, { ...request, ...printed }, signal, tell);
  }

  async actFor(name: string, act: ProviderAct, signal: AbortSignal): Promise<unknown> {
    const provider = this.#find(({ providers }) => providers.get(name));
    if (provider === undefined) throw new Error(`no provider \`${name}\` here`);
    return performAct(name, provider, act, this.#link, signal);
  }

  /** What a command prints. */
  async print(command: string, signal: AbortSignal): Promise<string> {
    const { code, stdout } = (await this.#link.request('exec.run', { file: command, args: [], shell: true }, signal)) as {
      code: number | null;
      stdout: { base64: string };
    };
    if (code !== 0) throw new Error(`it ended with ${code}`);
    return new TextDecoder().decode(Uint8Array.from(atob(stdout.base64), (character) => character.charCodeAt(0))).trim();
  }

  registerMessageRenderer(customType: string, renderer: MessageRenderer): void {
    this.#rendererFor(customType, renderer, 'registerMessageRenderer').messages.set(customType, renderer);
  }

  registerEntryRenderer(customType: string, renderer: EntryRenderer): void {
    this.#rendererFor(customType, renderer, 'registerEntryRenderer').entries.set(customType, renderer);
  }

  registerMarkdownTransformer(transformer: MarkdownTransformer): void {
    this.#rendererFor('text', transformer, 'registerMarkdownTransformer').markdown = transformer;
  }

  on(event: string, handler: EventHandler): () => void {
    if (typeof handler !== 'function') throw new TypeError(`on: the handler of \`${event}\` is not a function`);
    this.#registrationOnly('on');
    const id = this.#nextHandler++;
    this.#handlers.set(id, handler);
    this.#slot().events.push({ event: requireName(event, 'on'), handler: id });
    return () => {
      this.#handlers.delete(id);
    };
  }

  flag(name: string): boolean | string | undefined {
    const flag = this.#find((slot) => slot.flags.get(name));
    if (this.#loading) return flag?.default;
    const set = this.#link.requestSync('agent.flag', { name }) as boolean | string | null | undefined;
    return set ?? flag?.default;
  }

  async executeTool(
    name: string,
    toolCallId: string,
    args: unknown,
    signal: AbortSignal,
    onUpdate: (partial: unknown) => void,
    context: unknown,
  ): Promise<unknown> {
    const tool = this.#find((slot) => slot.tools.get(name)) ?? this.#lateTools.get(name);
    if (tool === undefined) throw new Error(`no tool \`${name}\` here`);
    const written = tool.prepareArguments === undefined ? args : tool.prepareArguments(args);
    const prepared = validateArguments(name, tool.parameters, written, this.#requireModule);
    // A function of one parameter wants the arguments alone; pi's takes (toolCallId, params, signal, onUpdate, ctx).
    if (tool.execute.length === 1) return tool.execute(prepared);
    return tool.execute(toolCallId, prepared, signal, onUpdate, context);
  }

  async runCommand(name: string, args: string, context: unknown): Promise<void> {
    const command = this.#find((slot) => slot.commands.get(name));
    if (command === undefined) throw new Error(`no command \`${name}\` here`);
    // What was typed behind the command is the task of an agent that is given none: `/deploy api` means "deploy api".
    this.#commandText = args.trim();
    let running: unknown;
    try {
      running = command.handler(args, context);
    } finally {
      this.#commandText = '';
    }
    await running;
  }

  /** pi's ToolLoadout over what the host told of its tools. */
  async prepareLoadout(name: string, told: unknown): Promise<unknown> {
    const loadout = told as ToldLoadout;
    const find = (wanted: string): ToldTool | undefined => loadout.registered.find((tool) => tool.name === wanted);
    const tool = this.#find((slot) => slot.tools.get(name)) ?? this.#lateTools.get(name);
    // called on the definition: it may use `this`
    return tool?.prepareLoadout?.({
      ...loadout,
      getExposure: (wanted: string) => find(wanted)?.exposure ?? 'direct',
      getNamespace: (wanted: string) => find(wanted)?.namespace,
      getPromptGuidelines: (wanted: string) => find(wanted)?.promptGuidelines ?? [],
    });
  }

  async completeArguments(name: string, typed: string): Promise<unknown> {
    // called on the definition: a method may use `this`
    return this.#find((slot) => slot.commands.get(name))?.getArgumentCompletions?.(typed);
  }

  /** What was typed behind the command that begins just now; empty once its handler has waited for something. */
  get commandText(): string {
    return this.#commandText;
  }

  async runShortcut(name: string, context: unknown): Promise<void> {
    const shortcut = this.#find((slot) => slot.shortcuts.get(name));
    if (shortcut === undefined) throw new Error(`no shortcut \`${name}\` here`);
    await shortcut.handler(context);
  }

  async deliver(handler: number, event: unknown, context: unknown): Promise<unknown> {
    return this.#handlers.get(handler)?.(event, context);
  }

  registrations(index: number): Registrations {
    const slot = this.#slots[index];
    if (slot === undefined) return { tools: [], commands: [], events: [], flags: [], shortcuts: [], providers: [] };
    return {
      tools: [...slot.tools.values()].map(toToolRegistration),
      commands: [...slot.commands].map(([name, { description, getArgumentCompletions }]) => ({
        name,
        ...text('description', description),
        ...(typeof getArgumentCompletions === 'function' && { completes: true as const }),
      })),
      events: slot.events,
      flags: [...slot.flags].map(([name, flag]) => ({
        name,
        type: flag.type === 'string' ? ('string' as const) : ('boolean' as const),
        ...text('description', flag.description),
        ...(flag.default !== undefined && { default: flag.default }),
      })),
      shortcuts: [...slot.shortcuts].map(([shortcut, { description }]) => ({ shortcut, ...text('description', description) })),
      providers: [...slot.providers.values()].map(({ registration }) => registration),
      ...renderersOf(slot),
    };
  }

  #slot(): Slot {
    const slot = this.#current ?? this.#slots[0];
    if (slot === undefined) throw new Error('nothing can be registered here');
    return slot;
  }

  #rendererFor(customType: string, renderer: unknown, member: string): Slot {
    requireName(customType, member);
    if (typeof renderer !== 'function') throw new TypeError(`${member}: the renderer of \`${customType}\` is not a function`);
    if (!this.#loading) this.#link.log('warn', `${member}: \`${customType}\` is drawn by it only where it is registered while loading`);
    return this.#slot();
  }

  #registrationOnly(member: string): void {
    if (!this.#loading) throw unsupported(`${member} after loading`, 'register in the factory');
  }

  #find<T>(pick: (slot: Slot) => T | undefined): T | undefined {
    for (const slot of this.#slots) {
      const found = pick(slot);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}

function emptySlot(): Slot {
  return {
    tools: new Map(),
    commands: new Map(),
    shortcuts: new Map(),
    flags: new Map(),
    events: [],
    providers: new Map(),
    messages: new Map(),
    entries: new Map(),
    markdown: undefined,
  };
}

/** Left out where there are none: what was captured before there were renderers stays the same. */
function renderersOf({ messages, entries, tools, markdown }: Slot): { renderers?: readonly RendererRegistration[] } {
  const renderers: RendererRegistration[] = [
    ...[...messages.keys()].map((name) => ({ kind: 'message' as const, name })),
    ...[...entries.keys()].map((name) => ({ kind: 'entry' as const, name })),
    ...[...tools.values()].flatMap(({ name, renderCall, renderResult, renderShell }) => {
      const [call, result] = [typeof renderCall === 'function', typeof renderResult === 'function'];
      return call || result ? [{ kind: 'tool' as const, name, call, result, ...(renderShell === 'self' && { ownFrame: true as const }) }] : [];
    }),
    ...(markdown === undefined ? [] : [{ kind: 'markdown' as const, name: 'text' as const }]),
  ];
  return renderers.length === 0 ? {} : { renderers };
}

const EXPOSURES: readonly ToolRegistration['exposure'][] = ['direct', 'model-only', 'codemode', 'deferred', 'hidden'];

function toToolRegistration(tool: ToolDefinition): ToolRegistration {
  const { name, parameters, executionMode, promptGuidelines, exposure, annotations, outputSchema } = tool;
  return {
    name,
    description: String(tool.description ?? ''),
    // A schema is data from here on: symbols and functions of the schema library end with this guest.
    parameters: parameters === undefined ? { type: 'object', properties: {} } : JSON.parse(JSON.stringify(parameters)),
    ...text('label', tool.label),
    ...text('promptSnippet', tool.promptSnippet),
    ...(Array.isArray(promptGuidelines) && { promptGuidelines: promptGuidelines.map(String) }),
    ...((executionMode === 'sequential' || executionMode === 'parallel') && { executionMode }),
    ...(EXPOSURES.some((known) => known === exposure) && { exposure }),
    ...text('namespace', tool.namespace),
    ...(typeof annotations === 'object' && annotations !== null && { annotations: JSON.parse(JSON.stringify(annotations)) }),
    ...(typeof outputSchema === 'object' && outputSchema !== null && { outputSchema: JSON.parse(JSON.stringify(outputSchema)) }),
    ...(typeof tool.prepareLoadout === 'function' && { preparesLoadout: true as const }),
  };
}

function text<K extends string>(key: K, value: unknown): { [P in K]?: string } {
  return (typeof value === 'string' ? { [key]: value } : {}) as { [P in K]?: string };
}

function requireName(name: unknown, member: string): string {
  if (typeof name !== 'string' || name === '') throw new TypeError(`${member}: the name must be a string that is not empty`);
  return name;
}
