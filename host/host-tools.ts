import { relative } from 'node:path';
import { isProtectedRead, type Places } from '../format/index.ts';
import { type AuditRecord, type CallContext, type CallOrigin, openShell, type RefusedName, type Shell } from '../sandbox/index.ts';
import { type ApprovalMode, isDeniedByRule, parseApprovalRules } from './approval/approval.ts';
import { commandDigest, describeLeftBehind, type ToolDecision } from './approval/approve-call.ts';
import type { Contributions } from './packages/contributions.ts';
import type { HostEvent } from './host-event.ts';
import { approveServer } from './mcp/approve-server.ts';
import type { McpServer } from './mcp/mcp-server.ts';
import { createMcpServers, type McpServers } from './mcp/mcp-servers.ts';
import { DEFAULTS, type Settings } from './settings/settings-schema.ts';
import { skillInForce } from './approval/skill-in-force.ts';
import type { AgentMessage } from './loop/transcript.ts';
import { askAboutTool } from './approval/tool-question.ts';
import { createToolbox, type Toolbox } from './toolbox.ts';
import { builtinTools } from './tools/index.ts';
import type { OpenFiles } from './tools/open-files.ts';
import { toolEnvironment } from './tools/tool-environment.ts';
import { realPath } from './tools/workspace-path.ts';
import type { UserInterface } from './user-interface.ts';

export interface HostToolsOptions {
  readonly places: Places & { readonly dashHome: string };
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly openFiles: OpenFiles;
  /** Asked again at each use, as what follows: the mode can be changed, and a reload brings other settings. */
  readonly mode: () => ApprovalMode;
  readonly settings: () => Settings;
  readonly contributions: () => Contributions;
  readonly hold: () => Disposable;
  readonly ui: () => UserInterface;
  readonly origin: () => CallOrigin | undefined;
  /** What stands in the context. */
  readonly messages: () => readonly AgentMessage[];
  readonly callContext: () => CallContext;
  readonly enabled: readonly string[] | undefined;
  /** Whether commands find files sealed that git may have to write. Default: the setting. */
  readonly strictShell: boolean | undefined;
  readonly audit: ((record: Omit<AuditRecord, 'time'>) => void) | undefined;
  readonly emit: (event: HostEvent) => Promise<void>;
}

/** The tools of the host, the shell that its commands run in, and the questions that both put to the user. */
export interface HostTools {
  readonly mcp: McpServers;
  /** Asks for a server that a client offers, starts it, and gives the names of its tools. @throws with the reason where it does not come to be */
  startServer(server: McpServer, signal: AbortSignal): Promise<readonly string[]>;
  readonly shell: Shell;
  readonly toolbox: Toolbox;
}

/** Makes the tools; what was decided about each use is audited and told. */
export function createHostTools(options: HostToolsOptions): HostTools {
  const { places, env, openFiles, mode, settings, contributions, hold, ui, origin, messages, callContext, enabled, strictShell, audit, emit } = options;
  const decided = (decision: ToolDecision): void => {
    const { tool, target, access, rule } = decision;
    // A command may hold secrets: the trail tells two of them apart without keeping them.
    const recorded = access === 'run' ? commandDigest(target) : target;
    audit?.({ 'event.name': 'decision', 'dash.package': 'dash', capability: `tool:${tool}`, target: recorded, decision: decision.decision, rule });
    if (decision.decision === 'deny') void emit({ type: 'permission_denied', tool, access, target, rule });
  };
  let askedMs = 0;
  const askAbout: typeof askAboutTool = async (...question) => {
    const since = performance.now();
    try {
      return await askAboutTool(...question);
    } finally {
      askedMs += performance.now() - since;
    }
  };
  const canAsk = (): boolean => ui().hasUI && mode() !== 'none';
  const shell = openShell({
    places,
    env,
    environment: toolEnvironment(env),
    dashHome: places.dashHome,
    strict: () => strictShell ?? settings().shell?.profile === 'strict',
    async allow(left) {
      const { path, kind, what } = left;
      const question = { tool: 'bash', access: { kind: 'write', path }, title: '`bash` left something behind', question: describeLeftBehind(left) } as const;
      const isAllowed = canAsk() && (await askAbout(ui(), { ...question, origin: '', mayLast: false }));
      decided({ tool: 'bash', access: 'write', target: path, decision: isAllowed ? 'allow' : 'deny', rule: isAllowed ? 'the user' : `${kind} ${what}` });
      return isAllowed;
    },
  });
  const mayUncover = async (command: string, names: readonly RefusedName[], signal: AbortSignal): Promise<boolean> => {
    const rules = parseApprovalRules(settings().permissions);
    const denied = names.find(({ path, access }) => isDeniedByRule({ kind: access, path }, rules, places));
    if (denied !== undefined || !canAsk()) return false;
    const named = (access: RefusedName['access']): string => {
      const paths = names.filter((name) => name.access === access).map(({ path }) => `\`${relative(places.workspace, path)}\``);
      return paths.length === 0 ? '' : `${access} ${paths.join(', ')}`;
    };
    const access = { kind: 'run', command, argv: [], confinement: 'confined' } as const;
    const wanted = [named('read'), named('write')].filter((part) => part !== '').join(' and ');
    const question = `run this command again, and let it ${wanted}?\n\n${command}`;
    const isAllowed = await askAbout(ui(), { tool: 'bash', access, title: '`bash` asks', question, origin: '', mayLast: false }, signal);
    for (const name of names) decided({ tool: 'bash', access: name.access, target: name.path, decision: isAllowed ? 'allow' : 'deny', rule: 'the user' });
    return isAllowed;
  };
  const builtin = builtinTools(
    {
      cwd: places.workspace,
      shell,
      openFiles,
      mayUncover,
      askedMs: () => askedMs,
      images: () => ({ ...DEFAULTS.images, ...settings().images }),
      confinement: async () => (mode() !== 'all' && (await shell.layer()).kind === 'live' ? 'confined' : 'full access'),
      searchable: (path) => mode() === 'all' || !isProtectedRead(realPath(path), places),
    },
    () => contributions().resources.offered,
  );
  const mcp = createMcpServers({
    shell,
    environment: toolEnvironment(env),
    ended: (name, why) => ui().notify(`the MCP server ${name} ended: ${why}`, 'warning'),
  });
  const toolbox = createToolbox({
    builtin,
    attached: mcp.tools,
    contributions,
    hold,
    enabled,
    approval: {
      get mode() {
        return mode();
      },
      get rules() {
        return parseApprovalRules(settings().permissions);
      },
      places,
      readable: () => [...contributions().resources.skills.map(({ directory }) => realPath(directory)), ...shell.readable()],
      ui,
      origin,
      skill: () => skillInForce(messages(), contributions().resources.skills, places.workspace),
      asking: (tool, access) =>
        void emit({ type: 'permission_requested', tool, access: access.kind, target: access.kind === 'run' ? access.command : access.path }),
      decided,
    },
    callContext,
    origin,
    report: ({ package: extensionPath, code, message }) => void emit({ type: 'extension_error', extensionPath, event: 'prepareLoadout', error: message, code }),
  });
  const startServer = async (server: McpServer, signal: AbortSignal): Promise<readonly string[]> => {
    const user = ui();
    const agreed = await approveServer(server, {
      mode: mode(),
      rules: parseApprovalRules(settings().permissions),
      places,
      canConfine: async () => (await shell.layer()).kind === 'live',
      ask: canAsk() ? (question) => user.askServer?.(question, signal) ?? Promise.resolve(undefined) : undefined,
      decided: ({ target, decision, rule }) => {
        const recorded = server.kind === 'program' ? commandDigest(target) : target;
        audit?.({ 'event.name': 'decision', 'dash.package': 'dash', capability: 'tool:mcp', target: recorded, decision, rule });
        if (decision === 'deny') void emit({ type: 'permission_denied', tool: 'mcp', access: 'run', target, rule });
      },
    });
    return mcp.start(agreed, signal);
  };
  return { shell, toolbox, mcp, startServer };
}
