import { realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { type Diagnostic, isDashError } from '../format/index.ts';
import type { CallContext } from '../sandbox/index.ts';
import { skillInvocation } from '../skills-lib/index.ts';
import type { ArgumentCompletion } from '../skills-lib/index.ts';
import type { RetryPolicy } from './agent-loop.ts';
import type { ApprovalMode } from './approval.ts';
import { createCommandHost } from './command-host.ts';
import { createCompleteCommand } from './complete-command.ts';
import { HOST_COMMANDS } from './commands/index.ts';
import { readConfiguration } from './configuration.ts';
import { stillAllowed } from './contributions.ts';
import { Conversation } from './conversation/conversation.ts';
import { type ExtensionLoader, type ExtensionPlaces, openExtensions } from './embedded-extensions.ts';
import type { HandlerProblem } from './bus/delivery.ts';
import { createEventBus } from './bus/event-bus.ts';
import type { HostEvent, HostListener } from './host-event.ts';
import type { BashOptions, HostOptions, PromptOptions, PromptOutcome } from './host-options.ts';
import { createHostTools } from './host-tools.ts';
import { type Keys, withShortcuts } from './keybindings.ts';
import { createModelList } from './model-list.ts';
import type { McpServers } from './mcp/mcp-servers.ts';
import { withCostCap } from './model/cost-cap.ts';
import { cycle, type ScopedModel, scopeModels } from './model/scope.ts';
import { withPackageProviders } from './model/package-providers.ts';
import { openModels } from './model/choose-model.ts';
import type { ImageContent } from './model/messages.ts';
import type { ModelInfo } from './model/port.ts';
import { createHostPorts } from './ports.ts';
import { findProjectFiles } from './project-files.ts';
import { askForTrust, decideTrust } from './project-trust.ts';
import { expandText, type SlashCommand, slashCommands, templateOrigins } from './prompt-text.ts';
import { withRequestSettings } from './request-settings.ts';
import { type Generation, Generations, type Reloaded } from './reload.ts';
import { createSessionSwitch, type SessionSwitch } from './session-control.ts';
import { sessionStats } from './session/session-stats.ts';
import { DEFAULTS, type Settings } from './settings-schema.ts';
import { spawnAgent } from './spawn-agent.ts';
import { startModel, startSession } from './start-session.ts';
import { createTakePrompt } from './take-prompt.ts';
import { NO_OPEN_FILES } from './tools/open-files.ts';
import { realPath } from './tools/workspace-path.ts';
import { type BashResult, createUserBash } from './user-bash.ts';
import { tellQuestions } from './tell-questions.ts';
import { createUserCommands } from './user-commands.ts';
import { type UserInterface, withoutUser } from './user-interface.ts';

/** An agent with its packages, its tools and one session at a time. */
export interface Host extends AsyncDisposable {
  /** The workspace, as the file system names it. */
  readonly cwd: string;
  /** Where keys, sessions and settings of the user lie. */
  readonly dashHome: string;
  readonly conversation: Conversation;
  readonly sessions: SessionSwitch;
  readonly models: readonly ModelInfo[];
  /** Those that are cycled through, where the user named some. */
  readonly scopedModels: readonly ScopedModel[];
  /** Goes on with the next of them, or of all, or with the one before. `undefined`: there is no other. */
  cycleModel(by: 1 | -1): ScopedModel | undefined;
  readonly generation: Generation;
  /** The settings as they were read last: at the start, or at a reload. */
  readonly settings: Settings;
  /** Everything that is wrong and does not stop the work, of the start and of the last reload. */
  readonly diagnostics: readonly Diagnostic[];
  /** Settles when a package or the mode asked for the end. */
  readonly ended: Promise<void>;
  subscribe(listener: HostListener): () => void;
  /**
   * Tells the packages that the session begins, once: whoever shows things is attached and listens by then. The first
   * prompt does it where nobody else did.
   */
  begin(): Promise<void>;
  /** Takes a line of the user's: a command, or a prompt. @throws {DashError} NO_MODEL */
  prompt(text: string, options?: PromptOptions): Promise<PromptOutcome>;
  steer(text: string, images?: readonly ImageContent[]): void;
  followUp(text: string, images?: readonly ImageContent[]): void;
  /** Runs a command that the user typed, with all their rights, and adds it to the conversation. */
  runBash(command: string, options?: BashOptions): Promise<BashResult>;
  abortBash(): void;
  reload(): Promise<Reloaded>;
  commands(): readonly SlashCommand[];
  /** Says what could be typed after a command; `typed` is all that stands behind it and its space. Never fails. */
  completeArguments(command: string, typed: string): Promise<readonly ArgumentCompletion[]>;
  /** Which key does what, the user's and those of packages. */
  keys(): Keys;
  /** The mode that shows things from now on. */
  attach(ui: UserInterface): void;
  /** What needs no question from now on. Whoever calls it holds to what the user allowed. */
  setApproval(mode: ApprovalMode): void;
  /** Programs that offer tools beside those of the host and of packages. Whoever starts one has asked before. */
  readonly mcp: McpServers;
  /** Whether programs can be confined here. */
  canConfine(): Promise<boolean>;
  /** Waits for the run and for everything packages were told. */
  settle(): Promise<void>;
  end(): void;
}
/**
 * Makes a host: settings, packages, session. Starts no sandbox.
 * @throws {DashError} SETTINGS_INVALID, SESSION_CORRUPT, NO_MODEL when a model was named that there is not
 *
 * @example
 * await using host = await createHost({ extensions: [{ path: './weather.ts', permissions: ['net:api.weather.gov'] }] });
 * const outcome = await host.prompt('what is in this directory?');
 * if (outcome.kind === 'started') await outcome.done;
 */
export async function createHost(options: HostOptions): Promise<Host> {
  const { cwd = process.cwd(), env = process.env } = options;
  const dashHome = options.dashHome ?? env['DASH_HOME'] ?? join(homedir(), '.dash');
  const workspace = realpathSync(cwd);
  const places = { workspace, home: homedir(), data: join(dashHome, 'data'), tmp: join(dashHome, 'tmp'), dashHome: realPath(dashHome) };
  const around = { dashHome, cwd: workspace, home: homedir() };

  const wanted = typeof options.model === 'object' ? `${options.model.provider}/${options.model.id}` : options.model;
  const opened = options.models ?? (await openModels({ reference: wanted, dashHome, env }));
  const isAsked = options.trustProject !== true && options.askTrust !== undefined;
  const trust = await (isAsked ? askForTrust(around, options.askTrust) : decideTrust(around, options.trustProject ?? false));
  // asked again at every reload: files may have come; that they may speak was decided once
  const configuration = await readConfiguration(dashHome, async () => (trust.trusted ? findProjectFiles(around) : undefined));
  const provided = withPackageProviders(opened, {
    sources: () => generations?.current.extensions.flatMap(({ pkg, sandboxed }) => (sandboxed === undefined ? [] : [{ package: pkg.name, sandboxed }])) ?? [],
    endpoints: async () => (await import('./model/endpoints.ts')).openEndpoints(env, dashHome),
    origin: () => conversation.origin,
    context: () => callContext(),
  });
  const modelPort = withCostCap(
    withRequestSettings(provided, () => configuration.settings),
    {
      most: options.maxCost ?? configuration.settings.maxCost,
      spent: () => sessionStats(conversation.session.tree.entries).cost,
    },
  );
  const models = createModelList(modelPort);
  // while packages load: their models come after it, those of the host are there by then
  void opened.models().catch(() => undefined);
  const scope = () => scopeModels(options.scope ?? configuration.settings.enabledModels ?? [], models.all);
  const session = await startSession(options.session, dashHome, workspace);
  const packages = packagesOf(options, { ...around, env });

  let approval: ApprovalMode = options.approval === 'task' ? (configuration.settings.approve ?? 'task') : (options.approval ?? 'none');
  let ui = tellQuestions(options.ui ?? withoutUser('print', () => undefined), (event) => void emit(event));
  let generations: Generations | undefined;
  const loaded = (): Generations => {
    if (generations === undefined) throw new Error('packages are not loaded yet');
    return generations;
  };
  const contributions = () => loaded().current.contributions;
  const hold = () => loaded().hold();
  const callContext = (): CallContext => ({ mode: ui.mode, hasUI: ui.hasUI });
  const ending = Promise.withResolvers<void>();
  const closing = new AbortController();

  const listeners = new Set<HostListener>();
  const emit = async (event: HostEvent): Promise<void> => {
    for (const listener of listeners) await listener(event);
  };
  const report = ({ package: name, event, code, message, where }: HandlerProblem): void => {
    void emit({ type: 'extension_error', extensionPath: name, event, error: message, code, ...(where === undefined ? {} : { where }) });
  };
  const bus = createEventBus({
    handlers: (event) => stillAllowed(contributions().handlers.get(event) ?? []),
    hold,
    context: callContext,
    origin: () => conversation.origin,
    report,
  });
  const { shell, toolbox, mcp } = createHostTools({
    places,
    env,
    openFiles: options.openFiles ?? NO_OPEN_FILES,
    mode: () => approval,
    settings: () => configuration.settings,
    contributions,
    hold,
    ui: () => ui,
    origin: () => conversation.origin,
    messages: () => conversation.messages,
    callContext,
    enabled: options.tools ?? configuration.settings.tools,
    strictShell: options.strictShell,
    audit: options.audit,
    emit,
  });
  const retry = (): RetryPolicy => ({ ...DEFAULTS.retry, ...configuration.settings.retry });
  const ownerOf = (tool: string): string | undefined => contributions().tools.get(tool)?.package ?? mcp.ownerOf(tool);
  const versioned = (name: string): string => {
    const version = loaded().current.extensions.find(({ pkg }) => pkg.name === name)?.pkg.version;
    return version === undefined ? name : `${name}@${version}`;
  };
  const conversation: Conversation = new Conversation({
    auditHead: () => (options.auditHead ?? packages.auditHead)(),
    models: modelPort,
    bus,
    toolbox,
    retry,
    compaction: () => ({ ...DEFAULTS.compaction, ...configuration.settings.compaction }),
    skillAt(path) {
      const skill = contributions().resources.skills.find((one) => one.path === resolve(workspace, path));
      return skill === undefined ? undefined : skillInvocation(skill, '');
    },
    cacheWarming: () => configuration.settings.cacheWarming ?? DEFAULTS.cacheWarming,
    ...(options.clock === undefined ? {} : { clock: options.clock }),
    promptParts: (about) => ({
      ...configuration.promptFiles,
      cwd: workspace,
      ...(options.customPrompt === undefined ? {} : { customPrompt: options.customPrompt }),
      ...(options.appendSystemPrompt === undefined ? {} : { appendSystemPrompt: options.appendSystemPrompt }),
      tools: toolbox.snippets(),
      skillCatalog: contributions().resources.offered.catalog(about),
      skills: contributions().resources.skills.map(({ name, description, path, directory }) => ({ name, description, filePath: path, baseDir: directory })),
      date: new Date().toISOString().slice(0, 10),
    }),
    emit,
    ownerOf,
    projectFiles: () => configuration.promptFiles.contextFiles.map(({ path }) => relative(workspace, path)),
    versioned,
    session,
    thinking: options.thinking ?? configuration.settings.thinking,
  });
  if (options.eventStore !== undefined)
    listeners.add(options.eventStore.follow({ cwd: workspace, session: () => conversation.session.id, packageOf: ownerOf }));
  conversation.queues.steeringMode = configuration.settings.steeringMode ?? DEFAULTS.queueMode;
  conversation.queues.followUpMode = configuration.settings.followUpMode ?? DEFAULTS.queueMode;

  const keys = (): Keys => withShortcuts(configuration.keybindings, contributions().shortcuts);
  const discover = async (reason: 'startup' | 'reload'): Promise<void> => {
    if (bus.listens('resources_discover') || loaded().current.discovered.length > 0) await loaded().discovered(await bus.discover(workspace, reason));
  };
  const reload = async (): Promise<Reloaded> => {
    await configuration.reread();
    let states: ReadonlyMap<string, unknown> = new Map();
    const { arrived, ...reloaded } = await loaded().reload(async (gone) => {
      states = await bus.handOver({ type: 'session_shutdown', reason: 'reload' }, ({ sandboxed }) => gone.includes(sandboxed));
    });
    await Promise.all(
      arrived.map((sandboxed) => {
        const state = states.get(sandboxed.name);
        return bus.notify({ type: 'session_start', reason: 'reload', ...(state === undefined ? {} : { state }) }, (handler) => handler.sandboxed === sandboxed);
      }),
    );
    await discover('reload');
    await models.refresh();
    const { diagnostics } = contributions();
    await emit({ type: 'reload', ...reloaded, diagnostics });
    return { ...reloaded, diagnostics };
  };
  const sessions = createSessionSwitch({
    conversation,
    bus,
    dashHome,
    cwd: workspace,
    ui: () => ui,
    reload,
    shutdown: () => ending.resolve(),
    changed: (reason) => void emit({ type: 'session_changed', reason }),
  });
  const rename = (name: string): void => ports.session.setName(name);
  const commandHost = createCommandHost({ conversation, sessions, models: () => models.all, dashHome, cwd: workspace, ui: () => ui, reload, rename });
  const userCommands = createUserCommands({ bash: createUserBash(shell), bus, cwd: workspace, conversation, emit });

  let beginning: Promise<void> | undefined;
  let hasBegun = false;
  const begin = (): Promise<void> =>
    (beginning ??= (async () => {
      const undone = await shell.recover();
      if (undone !== '') ui.notify(`the last agent here was killed in the middle of a command:\n${undone.trimEnd()}`, 'warning');
      await bus.notify({ type: 'session_start', reason: options.session?.kind === 'open' ? 'resume' : 'startup' });
      await discover('startup');
      hasBegun = true;
    })());
  const prompt = createTakePrompt({
    conversation,
    bus,
    contributions,
    versioned,
    hold,
    callContext,
    commandHost,
    beginning: () => (hasBegun ? undefined : begin()),
    emit,
    closing: closing.signal,
  });
  const queue = (when: 'steer' | 'followUp', text: string, images: readonly ImageContent[] = []): void => {
    const expanded = expandText(text, contributions().resources, () => conversation.messages);
    conversation.queue(when, expanded, images, { typed: text, whose: templateOrigins(text, contributions().resources) });
  };

  const ports = createHostPorts(() => ({
    conversation,
    bus,
    toolbox,
    models: modelPort,
    modelList: models,
    scopedModels: () => scope().models,
    ui,
    trusted: trust.trusted,
    flags: options.flags ?? new Map(),
    commands: () => slashCommands(contributions()),
    promptFor(packageName, text, images, deliverAs) {
      const whose = [`package:${versioned(packageName)}`];
      if (conversation.isStreaming) conversation.queue(deliverAs ?? 'steer', text, images, { typed: undefined, whose });
      else
        prompt(text, { images, source: 'extension', whose }).catch((error: unknown) => {
          report({
            package: packageName,
            event: 'input',
            code: isDashError(error) ? error.code : 'INTERNAL',
            message: error instanceof Error ? error.message : String(error),
          });
        });
    },
    control: (control) => sessions.control(control),
    toolsChanged(packageName, refused) {
      generations?.takeUpTools(); // while the first generation is built there is nothing to add to: it reads them itself
      if (refused !== undefined)
        void emit({ type: 'extension_error', extensionPath: packageName, event: 'registerTool', error: refused.message, code: refused.code });
    },
    emitAcross(packageName, channel, data) {
      for (const { pkg, sandboxed } of loaded().current.extensions) if (pkg.name !== packageName) sandboxed?.emit(channel, data);
    },
    spawn: (spawn, signal) =>
      spawnAgent(
        spawn,
        {
          toolbox,
          bus,
          models: modelPort,
          modelList: models.all,
          model: () => conversation.model,
          thinking: () => conversation.thinking,
          cwd: workspace,
          retry: retry(),
          spent: ({ provider, id }, usage) => conversation.noteUsage({ type: 'usage', kind: `agent ${spawn.name}`, provider, model: id, usage }),
        },
        AbortSignal.any([signal, closing.signal]),
      ),
    announce: (event) => void emit(event),
  }));

  generations = await Generations.start({
    readPackages: packages.read,
    openPackage: packages.open,
    ports,
    loose: async () => ({
      dashHome,
      home: homedir(),
      cwd: workspace,
      trusted: trust.trusted,
      skills: configuration.settings.skills ?? {},
      bundledSkills: options.bundledSkills,
    }),
    surroundings: { builtinTools: toolbox.builtinNames, builtinCommands: HOST_COMMANDS.map(({ name }) => name), places },
  });
  try {
    const all = await models.refresh();
    const [first] = wanted === undefined && session.settings().model === null ? scope().models : [];
    const isInScope = scope().models.some(({ model }) => `${model.provider}/${model.id}` === configuration.settings.model);
    if (first === undefined || isInScope) conversation.useModel(startModel(all, wanted, session.settings().model, configuration.settings.model));
    else conversation.useModel(first.model, options.thinking === undefined ? first.thinkingLevel : undefined);
  } catch (error) {
    await generations[Symbol.asyncDispose]();
    await packages[Symbol.asyncDispose]();
    session[Symbol.dispose]();
    throw error;
  }
  const settle = async (): Promise<void> => {
    do {
      await conversation.waitForIdle();
      await bus.settled();
    } while (conversation.isStreaming || conversation.isCompacting);
  };
  return {
    cwd: workspace,
    dashHome,
    conversation,
    sessions,
    get models() {
      return models.all;
    },
    get scopedModels() {
      return scope().models;
    },
    cycleModel(by) {
      const scoped = scope().models;
      const next = cycle(scoped.length > 0 ? scoped : models.all.map((model) => ({ model })), conversation.model, by);
      if (next === undefined) return undefined;
      conversation.setModel(next.model, 'cycle');
      if (next.thinkingLevel !== undefined) conversation.setThinking(next.thinkingLevel === 'off' ? undefined : next.thinkingLevel);
      return next;
    },
    get generation() {
      return loaded().current;
    },
    get settings() {
      return configuration.settings;
    },
    get diagnostics() {
      return [
        ...configuration.diagnostics,
        ...trust.diagnostics,
        ...conversation.session.diagnostics,
        ...contributions().diagnostics,
        ...provided.diagnostics,
        ...unmatchedPatterns(scope().unmatched),
        ...keys().diagnostics,
      ];
    },
    keys,
    ended: ending.promise,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    begin,
    prompt,
    steer: (text, images) => queue('steer', text, images),
    followUp: (text, images) => queue('followUp', text, images),
    runBash: userCommands.run,
    abortBash: userCommands.abort,
    reload,
    commands: () => slashCommands(contributions()),
    completeArguments: createCompleteCommand({ contributions, commandHost, callContext, hold }),
    attach(next) {
      ui = tellQuestions(next, (event) => void emit(event));
    },
    mcp,
    canConfine: async () => (await shell.layer()).kind === 'live',
    setApproval(mode) {
      approval = mode;
    },
    settle,
    end: () => ending.resolve(),
    async [Symbol.asyncDispose]() {
      closing.abort();
      userCommands.abort();
      await userCommands.settled();
      await conversation.abort();
      if (beginning !== undefined) await bus.notify({ type: 'session_shutdown', reason: 'quit' });
      await bus.settled();
      await loaded()[Symbol.asyncDispose]();
      await packages[Symbol.asyncDispose]();
      conversation.session[Symbol.dispose]();
      await mcp[Symbol.asyncDispose]();
      await shell[Symbol.asyncDispose]();
    },
  };
}

function unmatchedPatterns(patterns: readonly string[]): readonly Diagnostic[] {
  return patterns.map((pattern) => ({ severity: 'warning', code: 'NO_SUCH_MODEL', message: `no model matches \`${pattern}\`` }));
}

/** Installed packages where they are handed in, otherwise the extensions of the embedder. */
function packagesOf({ readPackages, openPackage, extensions = [] }: HostOptions, places: ExtensionPlaces): ExtensionLoader {
  if (readPackages === undefined || openPackage === undefined) return openExtensions(extensions, places);
  return { read: readPackages, open: openPackage, auditHead: () => undefined, [Symbol.asyncDispose]: () => Promise.resolve() };
}
