import type { CallContext } from '../sandbox/index.ts';
import type { RetryPolicy } from './loop/agent-loop.ts';
import { createAnnouncer } from './announcer.ts';
import type { ApprovalMode } from './approval/approval.ts';
import { createEventBus } from './bus/event-bus.ts';
import { createCommandHost } from './command-host.ts';
import { HOST_COMMANDS } from './commands/index.ts';
import { createCompleteCommand } from './complete-command.ts';
import { stillAllowed } from './packages/contributions.ts';
import type { Conversation } from './conversation/conversation.ts';
import { type ExtensionLoader, type ExtensionPlaces, openExtensions } from './packages/embedded-extensions.ts';
import type { Host } from './host.ts';
import { createHostForPackages } from './host-for-packages.ts';
import { createHostModels, openOwnModels } from './host-models.ts';
import type { HostOptions } from './host-options.ts';
import { createHostTools } from './host-tools.ts';
import { type Keys, withShortcuts } from './keybindings.ts';
import { createLifeCycle } from './life-cycle.ts';
import type { ImageContent } from './model/messages.ts';
import { openConversation } from './open-conversation.ts';
import { expandText, slashCommands, templateOrigins } from './prompt-text.ts';
import { RunningPackages } from './packages/running-packages.ts';
import { createSessionSwitch } from './session-control.ts';
import { DEFAULTS } from './settings/settings-schema.ts';
import { startSession } from './session/start-session.ts';
import { createTakePrompt } from './take-prompt.ts';
import { tellQuestions } from './tell-questions.ts';
import { NO_OPEN_FILES } from './tools/open-files.ts';
import { createUserBash } from './user-bash.ts';
import { createUserCommands } from './user-commands.ts';
import { type UserInterface, withoutUser } from './user-interface.ts';
import { readArrangements, workPlaceOf } from './work-place.ts';

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
  const place = workPlaceOf(options);
  const { cwd, dashHome, home, env } = place;
  const ownModels = await openOwnModels(options, place);
  const { trust, configuration } = await readArrangements(options, place);
  const packages = new RunningPackages();
  const contributions = () => packages.contributions;
  const hold = () => packages.hold();

  const announcer = createAnnouncer();
  const { emit, report } = announcer;
  let approval: ApprovalMode = options.approval === 'task' ? (configuration.settings.approve ?? 'task') : (options.approval ?? 'none');
  const withWordOfQuestions = (user: UserInterface): UserInterface => tellQuestions(user, (event) => void emit(event));
  let ui = withWordOfQuestions(options.ui ?? withoutUser('print', () => undefined));
  const callContext = (): CallContext => ({ mode: ui.mode, hasUI: ui.hasUI });
  const ending = Promise.withResolvers<void>();
  const closing = new AbortController();

  // The parts ask for the conversation, and it for them: whatever asks does so once everything is made.
  const bus = createEventBus({
    handlers: (event) => stillAllowed(contributions().handlers.get(event) ?? []),
    hold,
    context: callContext,
    origin: () => conversation.origin,
    report,
  });
  const models = createHostModels(options, place, { own: ownModels, configuration, packages, conversation: () => conversation, callContext });
  const session = await startSession(options.session, dashHome, cwd);
  const loader = loaderOf(options, { dashHome, cwd, home, env });
  const { shell, toolbox, mcp, startServer } = createHostTools({
    places: place.places,
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
  const auditHead = options.auditHead ?? (() => loader.auditHead());
  const conversation: Conversation = openConversation(options, place, {
    models: models.port,
    bus,
    toolbox,
    emit,
    ownerOf,
    auditHead,
    session,
    configuration,
    packages,
    retry,
  });
  if (options.eventStore !== undefined) announcer.subscribe(options.eventStore.follow({ cwd, session: () => conversation.session.id, packageOf: ownerOf }));

  const life = createLifeCycle({
    cwd,
    isResumed: options.session?.kind === 'open',
    bus,
    configuration,
    trust,
    packages,
    models: models.list,
    shell,
    ui: () => ui,
    emit,
  });
  const sessions = createSessionSwitch({
    conversation,
    bus,
    dashHome,
    cwd,
    ui: () => ui,
    reload: life.reload,
    shutdown: () => ending.resolve(),
    versioned: (name) => packages.versioned(name),
    changed: (reason) => void emit({ type: 'session_changed', reason }),
  });
  const rename = (name: string): void => ports.session.setName(name);
  const commandHost = createCommandHost({ conversation, sessions, models: () => models.list.all, dashHome, cwd, ui: () => ui, reload: life.reload, rename });
  const userCommands = createUserCommands({ bash: createUserBash(shell), bus, cwd, conversation, emit });
  const versioned = (name: string): string => packages.versioned(name);
  const prompt = createTakePrompt({
    conversation,
    bus,
    contributions,
    versioned,
    hold,
    callContext,
    commandHost,
    beginning: life.beginning,
    emit,
    closing: closing.signal,
  });
  const ports = createHostForPackages({
    cwd,
    trusted: () => trust.trusted,
    flags: options.flags ?? new Map(),
    bus,
    toolbox,
    models,
    packages,
    conversation,
    sessions,
    prompt,
    announcer,
    ui: () => ui,
    retry,
    closing: closing.signal,
  });

  await packages.start({
    readPackages: () => loader.read({ projects: configuration.projects }),
    openPackage: loader.open,
    ports,
    loose: async () => ({
      dashHome,
      home,
      cwd,
      trusted: trust.trusted,
      skills: configuration.settings.skills ?? {},
      bundledSkills: options.bundledSkills,
    }),
    surroundings: { builtinTools: toolbox.builtinNames, builtinCommands: HOST_COMMANDS.map(({ name }) => name), places: place.places },
  });
  try {
    await models.begin(session);
  } catch (error) {
    await packages[Symbol.asyncDispose]();
    await loader[Symbol.asyncDispose]();
    session[Symbol.dispose]();
    throw error;
  }

  const keys = (): Keys => withShortcuts(configuration.keybindings, contributions().shortcuts);
  const queue = (when: 'steer' | 'followUp', text: string, images: readonly ImageContent[] = []): void => {
    const expanded = expandText(text, contributions().resources, () => conversation.messages);
    conversation.queue(when, expanded, images, { typed: text, whose: templateOrigins(text, contributions().resources) });
  };
  return {
    cwd,
    dashHome,
    conversation,
    sessions,
    get models() {
      return models.list.all;
    },
    providers: models.logins,
    refreshModels: () => models.list.refresh(),
    get scopedModels() {
      return models.scope.models;
    },
    cycleModel: (by) => models.cycle(by),
    get generation() {
      return packages.generations.current;
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
        ...models.diagnostics,
        ...keys().diagnostics,
      ];
    },
    keys,
    ended: ending.promise,
    subscribe: announcer.subscribe,
    begin: life.begin,
    prompt,
    steer: (text, images) => queue('steer', text, images),
    followUp: (text, images) => queue('followUp', text, images),
    runBash: userCommands.run,
    abortBash: userCommands.abort,
    reload: life.reload,
    commands: () => slashCommands(contributions()),
    completeArguments: createCompleteCommand({ contributions, commandHost, callContext, hold }),
    attach(next) {
      ui = withWordOfQuestions(next);
    },
    startServer,
    setApproval(mode) {
      approval = mode;
    },
    async settle() {
      do {
        await conversation.waitForIdle();
        await bus.settled();
      } while (conversation.isStreaming || conversation.isCompacting);
    },
    end: () => ending.resolve(),
    async [Symbol.asyncDispose]() {
      closing.abort();
      userCommands.abort();
      await userCommands.settled();
      await conversation.abort();
      await life.end();
      await packages[Symbol.asyncDispose]();
      await loader[Symbol.asyncDispose]();
      conversation.session[Symbol.dispose]();
      await mcp[Symbol.asyncDispose]();
      await shell[Symbol.asyncDispose]();
    },
  };
}

/** Installed packages where they are handed in, otherwise the extensions of the embedder. */
function loaderOf({ readPackages, openPackage, extensions = [] }: HostOptions, places: ExtensionPlaces): ExtensionLoader {
  if (readPackages === undefined || openPackage === undefined) return openExtensions(extensions, places);
  return { read: readPackages, open: openPackage, auditHead: () => undefined, [Symbol.asyncDispose]: () => Promise.resolve() };
}
