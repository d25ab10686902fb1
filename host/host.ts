import { realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, relative } from 'node:path';
import { type Diagnostic, isDashError, isProtectedRead, type Places } from '../format/index.ts';
import { type AuditRecord, type CallContext, openShell } from '../sandbox/index.ts';

import type { RetryPolicy } from './agent-loop.ts';
import { type ApprovalMode, parseApprovalRules } from './approval.ts';
import { commandDigest, describeLeftBehind, type ToolDecision } from './approve-call.ts';
import { createCommandHost } from './command-host.ts';
import { HOST_COMMANDS } from './commands/index.ts';
import { COMPACTION_DEFAULTS } from './compactor.ts';
import { contextSources, summarizedSources } from './context-sources.ts';
import { stillAllowed } from './contributions.ts';
import { Conversation } from './conversation.ts';
import { type EmbeddedExtension, type ExtensionLoader, type ExtensionPlaces, openExtensions } from './embedded-extensions.ts';
import type { HandlerProblem } from './bus/delivery.ts';
import { createEventBus } from './bus/event-bus.ts';
import type { EventStore } from './events/event-store.ts';
import type { HostEvent, HostListener } from './host-event.ts';
import { type Keys, readKeybindings, withShortcuts } from './keybindings.ts';
import type { OpenPackage, ReadPackages } from './load-packages.ts';
import { AUTO } from './model/auto.ts';
import { withCostCap } from './model/cost-cap.ts';
import { chooseModel, openModels } from './model/choose-model.ts';
import type { ImageContent } from './model/messages.ts';
import type { ModelInfo, ModelPort, ThinkingLevel } from './model/port.ts';
import { createHostPorts } from './ports.ts';
import { findProjectFiles } from './project-files.ts';
import { decideTrust } from './project-trust.ts';
import { expandText, readPromptText, type SlashCommand, slashCommands } from './prompt-text.ts';
import { type Generation, Generations, type Reloaded } from './reload.ts';
import { createSessionSwitch, type SessionSwitch } from './session-control.ts';
import type { SessionContext } from './session/context.ts';
import { spawnAgent } from './spawn-agent.ts';
import type { AuditHead } from './session/audit-anchor.ts';
import { sessionStats } from './session/session-stats.ts';
import { Session } from './session/session.ts';
import { readAllSettings } from './settings.ts';
import { readPromptFiles } from './system-prompt.ts';
import { createToolbox } from './toolbox.ts';
import { builtinTools } from './tools/index.ts';
import { toolEnvironment } from './tools/tool-environment.ts';
import { realPath } from './tools/workspace-path.ts';
import { type BashResult, createUserBash } from './user-bash.ts';
import { type UserInterface, withoutUser } from './user-interface.ts';

/** Which session the host works in. */
export type SessionChoice =
  | { readonly kind: 'new' }
  | { readonly kind: 'memory' }
  /** `fork` goes on with a copy of what is there. */
  | { readonly kind: 'open' | 'fork'; readonly path: string };

export interface HostOptions {
  /** The workspace. Default: the working directory. */
  readonly cwd?: string;
  /** Default: `DASH_HOME`, or `~/.dash`. */
  readonly dashHome?: string;
  /** Where keys of providers are looked up, and what tools that run programs pass on, without keys. Default: the process's. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Default: those that {@link openModels} finds. */
  readonly models?: ModelPort;
  /** `provider/id`; otherwise the setting, otherwise the first model there is. */
  readonly model?: string;
  readonly thinking?: ThinkingLevel;
  /** Dollars that the session may cost. Default: the setting. */
  readonly maxCost?: number;
  /** Extensions of the embedder's own, each with what it may do. */
  readonly extensions?: readonly EmbeddedExtension[];
  /** Installed packages, instead of {@link extensions}; both or neither. */
  readonly readPackages?: ReadPackages;
  readonly openPackage?: OpenPackage;
  /** Default: a new one. */
  readonly session?: SessionChoice;
  /** Default: `none`, reads in the workspace only. */
  readonly approval?: ApprovalMode;
  /** Names of the tools that are on; otherwise the setting, otherwise the default ones and all of packages. */
  readonly tools?: readonly string[];
  readonly trustProject?: boolean;
  /** The directory of the skills that come with Dash; without it there are none. */
  readonly bundledSkills?: string;
  /** Values of flags that packages registered. */
  readonly flags?: ReadonlyMap<string, boolean | string>;
  readonly customPrompt?: string;
  readonly appendSystemPrompt?: string;
  /** Default: nobody is there, notices are dropped. */
  readonly ui?: UserInterface;
  /** Writes a line of the audit trail. Default: there is no trail. */
  readonly audit?: (record: Omit<AuditRecord, 'time'>) => void;
  /** Where runs, calls and decisions are counted. Default: nowhere. */
  readonly eventStore?: EventStore;
  /** The newest line of the audit trail, to be named in the session file. Default: there is no trail. */
  readonly auditHead?: () => AuditHead | undefined;
}

export interface PromptOptions {
  readonly images?: readonly ImageContent[];
  readonly source?: 'interactive' | 'rpc' | 'extension';
  /** What becomes of it while a run is going on; without it such a prompt is refused. */
  readonly streamingBehavior?: 'steer' | 'followUp';
  /** Called when the prompt is accepted, before the first event of its run. */
  readonly accepted?: () => void;
}

export interface BashOptions {
  /** Keeps it from the model. */
  readonly excludeFromContext?: boolean;
  /** Names it in the events of its output. */
  readonly id?: string;
}

/** What became of a prompt. `message` is the answer of a command of the host. */
export type PromptOutcome =
  | { readonly kind: 'handled'; readonly message?: string }
  | { readonly kind: 'queued' }
  | { readonly kind: 'started'; readonly done: Promise<void> };

/** An agent with its packages, its tools and one session at a time. */
export interface Host extends AsyncDisposable {
  /** The workspace, as the file system names it. */
  readonly cwd: string;
  readonly conversation: Conversation;
  readonly sessions: SessionSwitch;
  readonly models: readonly ModelInfo[];
  readonly generation: Generation;
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
  /** Which key does what, the user's and those of packages. */
  keys(): Keys;
  /** The mode that shows things from now on. */
  attach(ui: UserInterface): void;
  /** Waits for the run and for everything packages were told. */
  settle(): Promise<void>;
  end(): void;
}

/** A command of a package may wait for a person, and for runs it started. */
const COMMAND_TIMEOUT_MS = 3_600_000;

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
  const opened = options.models ?? (await openModels({ reference: options.model, dashHome, env }));
  const workspace = realpathSync(cwd);
  const trust = await decideTrust({ dashHome, cwd: workspace, home: homedir() }, options.trustProject ?? false);
  // asked again at every reload: files may have come; that they may speak was decided once
  const findTrusted = async () => (trust.trusted ? findProjectFiles({ dashHome, cwd: workspace, home: homedir() }) : undefined);
  let { settings, diagnostics: settingsProblems } = await readAllSettings(dashHome, trust.trusted ? trust.files : undefined);
  const modelPort = withCostCap(opened, {
    most: options.maxCost ?? settings.maxCost,
    spent: () => sessionStats(conversation.session.tree.entries).cost,
  });
  const approval = options.approval === 'task' ? (settings.approve ?? 'task') : (options.approval ?? 'none');
  const [models, session, firstFiles] = await Promise.all([
    modelPort.models(),
    openSession(options.session, dashHome, workspace),
    readPromptFiles(dashHome, trust.trusted ? trust.files : undefined),
  ]);
  const places: Places = { workspace, home: homedir(), data: join(dashHome, 'data'), tmp: join(dashHome, 'tmp'), dashHome: realPath(dashHome) };

  const packages = packagesOf(options, { dashHome, cwd: workspace, home: homedir(), env });

  let promptFiles = firstFiles;
  let ui = options.ui ?? withoutUser('print', () => undefined);
  let generations: Generations | undefined;
  const loaded = (): Generations => {
    if (generations === undefined) throw new Error('packages are not loaded yet');
    return generations;
  };
  const contributions = () => loaded().current.contributions;
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
    hold: () => loaded().hold(),
    context: callContext,
    origin: () => conversation.origin,
    report,
  });
  const decided = (decision: ToolDecision): void => {
    const { tool, target, access, rule } = decision;
    // A command may hold secrets: the trail tells two of them apart without keeping them.
    const recorded = access === 'run' ? commandDigest(target) : target;
    options.audit?.({ 'event.name': 'decision', 'dash.package': 'dash', capability: `tool:${tool}`, target: recorded, decision: decision.decision, rule });
    if (decision.decision === 'deny') void emit({ type: 'permission_denied', tool, access, target, rule });
  };
  const shell = openShell({
    places,
    env,
    environment: toolEnvironment(env),
    quarantine: join(places.dashHome ?? dashHome, 'quarantine', 'bash'),
    journal: join(places.dashHome ?? dashHome, 'state', 'commands'),
    async allow(left) {
      const { path, kind, what } = left;
      const isAllowed = ui.hasUI && approval !== 'none' && (await ui.confirm('`bash` left something behind', describeLeftBehind(left), {}));
      decided({ tool: 'bash', access: 'write', target: path, decision: isAllowed ? 'allow' : 'deny', rule: isAllowed ? 'the user' : `${kind} ${what}` });
      return isAllowed;
    },
  });
  const userBash = createUserBash(shell);
  const commandsOfUser = new Set<Promise<unknown>>();
  /** The session is not closed before what the user ran stands in it. */
  const runsToItsEnd = <Result>(work: () => Promise<Result>): Promise<Result> => {
    const running = work();
    const settled = running.catch(() => undefined).finally(() => commandsOfUser.delete(settled));
    commandsOfUser.add(settled);
    return running;
  };
  const toolbox = createToolbox({
    builtin: builtinTools(
      {
        cwd: workspace,
        shell,
        async mayUnseal(command, paths, signal) {
          if (!ui.hasUI || approval === 'none') return false;
          const names = paths.map((path) => `\`${relative(workspace, path)}\``).join(', ');
          const isAllowed = await ui.confirm('`bash` asks', `run this command again, and let it write ${names}?\n\n${command}`, { signal });
          for (const target of paths) decided({ tool: 'bash', access: 'write', target, decision: isAllowed ? 'allow' : 'deny', rule: 'the user' });
          return isAllowed;
        },
        images: () => settings.images?.block !== true,
        confinement: async () => (approval !== 'all' && (await shell.layer()).kind === 'live' ? 'confined' : 'full access'),
        searchable: (path) => approval === 'all' || !isProtectedRead(realPath(path), places),
      },
      () => contributions().resources.offered,
    ),
    contributions,
    hold: () => loaded().hold(),
    enabled: options.tools ?? settings.tools,
    approval: {
      mode: approval,
      get rules() {
        return parseApprovalRules(settings.permissions);
      },
      places,
      readable: () => [...contributions().resources.skills.map(({ directory }) => realPath(directory)), ...shell.readable()],
      ui: () => ui,
      origin: () => conversation.origin,
      asking: (tool, access) =>
        void emit({ type: 'permission_requested', tool, access: access.kind, target: access.kind === 'run' ? access.command : access.path }),
      decided,
    },
    callContext,
    origin: () => conversation.origin,
  });
  const retry = (): RetryPolicy => ({ attempts: settings.retry?.attempts ?? 3, baseDelayMs: settings.retry?.baseDelayMs ?? 2000 });
  const conversation: Conversation = new Conversation({
    auditHead: () => (options.auditHead ?? packages.auditHead)(),
    models: modelPort,
    bus,
    toolbox,
    retry,
    compaction: () => ({ ...COMPACTION_DEFAULTS, ...settings.compaction }),
    promptParts: (about) => ({
      ...promptFiles,
      cwd: workspace,
      ...(options.customPrompt === undefined ? {} : { customPrompt: options.customPrompt }),
      ...(options.appendSystemPrompt === undefined ? {} : { appendSystemPrompt: options.appendSystemPrompt }),
      tools: toolbox.snippets(),
      skillCatalog: contributions().resources.offered.catalog(about),
      date: new Date().toISOString().slice(0, 10),
    }),
    emit,
    ownerOf: (tool) => contributions().tools.get(tool)?.package,
    sources: () =>
      contextSources(
        conversation.messages,
        (tool) => contributions().tools.get(tool)?.package,
        promptFiles.contextFiles.map(({ path }) => relative(workspace, path)),
        summarizedSources(conversation.session.tree.path()),
      ),
    session,
    model: startModel(models, options.model, session.settings().model, settings.model),
    thinking: options.thinking ?? settings.thinking,
  });
  if (options.eventStore !== undefined) {
    const place = { cwd: workspace, session: () => conversation.session.id, packageOf: (tool: string) => contributions().tools.get(tool)?.package };
    listeners.add(options.eventStore.follow(place));
  }
  conversation.queues.steeringMode = settings.steeringMode ?? 'one-at-a-time';
  conversation.queues.followUpMode = settings.followUpMode ?? 'one-at-a-time';

  let keybindings = await readKeybindings(dashHome);
  const keys = (): Keys => withShortcuts(keybindings, contributions().shortcuts);
  const reload = async (): Promise<Reloaded> => {
    const files = await findTrusted();
    promptFiles = await readPromptFiles(dashHome, files);
    keybindings = await readKeybindings(dashHome);
    try {
      ({ settings, diagnostics: settingsProblems } = await readAllSettings(dashHome, files));
    } catch (error) {
      // half a file, in the middle of being saved: the settings before it go on
      if (!isDashError(error)) throw error;
      settingsProblems = [{ severity: 'error', code: error.code, message: error.message, ...(error.where === undefined ? {} : { where: error.where }) }];
    }
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
    await emit({ type: 'reload', ...reloaded });
    return reloaded;
  };
  const sessions = createSessionSwitch({ conversation, bus, dashHome, cwd: workspace, ui: () => ui, reload, shutdown: () => ending.resolve() });
  const commandHost = createCommandHost({
    conversation,
    sessions,
    models,
    dashHome,
    cwd: workspace,
    ui: () => ui,
    reload,
    rename: (name) => ports.session.setName(name),
  });

  let beginning: Promise<void> | undefined;
  let hasBegun = false;
  const begin = (): Promise<void> =>
    (beginning ??= (async () => {
      const undone = await shell.recover();
      if (undone !== '') ui.notify(`the last agent here was killed in the middle of a command:\n${undone.trimEnd()}`, 'warning');
      await bus.notify({ type: 'session_start', reason: options.session?.kind === 'open' ? 'resume' : 'startup' });
      hasBegun = true;
    })());

  const prompt = async (text: string, { images = [], source = 'interactive', streamingBehavior, accepted }: PromptOptions = {}): Promise<PromptOutcome> => {
    if (!hasBegun) await begin();
    // What a package says is text, as in pi: as a command it would do what only the user, or `session:control`, may.
    const isTyped = source !== 'extension';
    const read = isTyped ? readPromptText(text, contributions()) : { kind: 'text' as const };
    if (read.kind === 'host') return { kind: 'handled', message: await read.command.run(read.args, commandHost) };
    if (read.kind === 'extension') {
      const { command } = read;
      using _ = loaded().hold();
      try {
        await command.sandboxed.runCommand(command.registration.name, read.args, {
          timeoutMs: COMMAND_TIMEOUT_MS,
          context: callContext(),
          origin: conversation.originOf(text),
          signal: closing.signal,
        });
      } catch (error) {
        if (!isDashError(error)) throw error;
        await emit({
          type: 'extension_error',
          extensionPath: command.package,
          event: `command:${command.name}`,
          error: error.message,
          code: error.code,
          ...(error.where === undefined ? {} : { where: error.where }),
        });
      }
      return { kind: 'handled' };
    }
    const decision = await bus.input(text, images, source, streamingBehavior);
    if (decision.kind === 'handled') return { kind: 'handled' };
    const expanded = isTyped ? expandText(decision.text, contributions().resources, () => conversation.messages) : decision.text;
    const typed = isTyped ? text : undefined;
    if (!conversation.isStreaming) return { kind: 'started', done: conversation.start(expanded, decision.images, typed, accepted) };
    if (streamingBehavior === undefined)
      throw new Error('the agent is at work; say with `streamingBehavior` whether this steers it or follows (`steer` or `followUp`)');
    conversation.queue(streamingBehavior, expanded, decision.images, typed);
    return { kind: 'queued' };
  };

  const ports = createHostPorts(() => ({
    conversation,
    bus,
    toolbox,
    models: modelPort,
    modelList: models,
    ui,
    trusted: trust.trusted,
    flags: options.flags ?? new Map(),
    commands: () => slashCommands(contributions()),
    promptFor(packageName, text, images, deliverAs) {
      if (conversation.isStreaming) conversation.queue(deliverAs ?? 'steer', text, images, undefined);
      else
        prompt(text, { images, source: 'extension' }).catch((error: unknown) => {
          report({
            package: packageName,
            event: 'input',
            code: isDashError(error) ? error.code : 'INTERNAL',
            message: error instanceof Error ? error.message : String(error),
          });
        });
    },
    control: (control) => sessions.control(control),
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
          modelList: models,
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
      skills: settings.skills ?? {},
      bundledSkills: options.bundledSkills,
    }),
    surroundings: { builtinTools: toolbox.builtinNames, builtinCommands: HOST_COMMANDS.map(({ name }) => name), places },
  });

  const settle = async (): Promise<void> => {
    do {
      await conversation.waitForIdle();
      await bus.settled();
    } while (conversation.isStreaming);
  };
  return {
    cwd: workspace,
    conversation,
    sessions,
    models,
    get generation() {
      return loaded().current;
    },
    get diagnostics() {
      return [...settingsProblems, ...trust.diagnostics, ...conversation.session.diagnostics, ...contributions().diagnostics, ...keys().diagnostics];
    },
    keys,
    ended: ending.promise,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    begin,
    prompt,
    steer: (text, images = []) =>
      conversation.queue(
        'steer',
        expandText(text, contributions().resources, () => conversation.messages),
        images,
        text,
      ),
    followUp: (text, images = []) =>
      conversation.queue(
        'followUp',
        expandText(text, contributions().resources, () => conversation.messages),
        images,
        text,
      ),
    async runBash(command, { excludeFromContext = false, id } = {}) {
      const decision = await bus.userBash(command, excludeFromContext, workspace);
      if (decision.kind === 'blocked') throw new Error(decision.reason);
      return runsToItsEnd(async () => {
        const result =
          decision.kind === 'answered'
            ? { ...decision.result, exitCode: decision.result.exitCode }
            : await userBash.run(command, (delta) => void emit({ type: 'bash_execution_update', delta, ...(id === undefined ? {} : { id }) }));
        conversation.addBash({ role: 'bashExecution', command, ...result, ...(excludeFromContext ? { excludeFromContext } : {}), timestamp: Date.now() });
        return result;
      });
    },
    abortBash: () => userBash.abort(),
    reload,
    commands: () => slashCommands(contributions()),
    attach(next) {
      ui = next;
    },
    settle,
    end: () => ending.resolve(),
    async [Symbol.asyncDispose]() {
      closing.abort();
      userBash.abort();
      await Promise.all(commandsOfUser);
      await conversation.abort();
      if (beginning !== undefined) await bus.notify({ type: 'session_shutdown', reason: 'quit' });
      await bus.settled();
      await loaded()[Symbol.asyncDispose]();
      await packages[Symbol.asyncDispose]();
      conversation.session[Symbol.dispose]();
      await shell[Symbol.asyncDispose]();
    },
  };
}

/** Installed packages where they are handed in, otherwise the extensions of the embedder. */
function packagesOf({ readPackages, openPackage, extensions = [] }: HostOptions, places: ExtensionPlaces): ExtensionLoader {
  if (readPackages === undefined || openPackage === undefined) return openExtensions(extensions, places);
  return { read: readPackages, open: openPackage, auditHead: () => undefined, [Symbol.asyncDispose]: () => Promise.resolve() };
}

async function openSession(session: SessionChoice = { kind: 'new' }, dashHome: string, workspace: string): Promise<Session> {
  switch (session.kind) {
    case 'new':
      return Session.create(dashHome, workspace);
    case 'memory':
      return Session.inMemory(workspace);
    case 'open':
      return Session.open(session.path);
    case 'fork': {
      using from = await Session.open(session.path);
      return Session.create(dashHome, workspace, { entries: from.tree.branch(), parentSession: session.path });
    }
  }
}

/** What was asked for, else what the session used last, else the setting. Without any model the host still starts, and prompts say what is missing. */
function startModel(
  models: readonly ModelInfo[],
  asked: string | undefined,
  last: SessionContext['model'],
  setting: string | undefined,
): ModelInfo | undefined {
  if (models.length === 0 && asked === undefined) return undefined;
  const used = models.find(({ provider, id }) => provider === last?.provider && id === last.modelId);
  return asked === undefined && used !== undefined && setting?.startsWith(AUTO) !== true ? used : chooseModel(models, asked ?? setting);
}
