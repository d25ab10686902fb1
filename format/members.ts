/**
 * What one member of the extension API or one event needs. A registration is always legal; what it registers is called
 * only with the permission.
 */
export interface MemberRow {
  readonly kind: 'api' | 'ui' | 'context' | 'event';
  readonly name: string;
  /** All of these are needed; `exec:…` and `provider:…` stand for the permission that fits the argument. */
  readonly needs: readonly string[];
  /** What the guest sees through it. */
  readonly sees: string;
  /** What the guest may change through it; empty when nothing. */
  readonly mayChange: string;
  /** Needed besides for the change to count; without it the event is delivered and changes are dropped. */
  readonly toChange: readonly string[];
  /** `false` for what a package never gets, whatever was granted. */
  readonly delivered: boolean;
}

/** Events a package can subscribe to; one without a row is not delivered. */
const EVENTS: readonly MemberRow[] = [
  { ...event('project_trust', [], "nothing: trust is the user's alone"), delivered: false },
  event('resources_discover', [], 'why resources are looked for', 'adds paths inside its own package'),
  event('session_start', [], 'why the session starts'),
  event('session_info_changed', ['session:read'], 'the name of the session'),
  event('session_before_switch', ['session:control'], 'where the switch leads', 'may cancel it'),
  event('session_before_fork', ['session:control'], 'the entry forked from', 'may cancel it'),
  event('session_before_compact', ['session:read', 'session:control'], 'the entries to be compacted', 'may cancel it or write the summary'),
  event('session_compact', ['session:read'], 'the summary'),
  event('session_compact_failed', [], 'why it failed'),
  event('session_shutdown', [], 'why the session ends'),
  event('session_before_tree', ['session:read', 'session:control'], 'the entries left behind', 'may cancel it or write the summary'),
  event('session_tree', [], 'ids of the old and the new leaf'),
  event('context', ['session:read'], 'the conversation, without system messages', 'the messages sent to the model', ['prompt:modify']),
  event('context_with_system', ['session:read'], 'the conversation with system messages', 'the messages sent to the model', ['prompt:modify']),
  event('cache_warming_decision', [], 'the planned decision', 'the decision', ['session:control']),
  event('before_provider_request', ['session:read'], 'the request without credentials', 'the request', ['prompt:modify']),
  event('before_provider_headers', ['session:read'], 'the headers without credentials', 'the headers, never credentials', ['prompt:modify']),
  event('after_provider_response', [], 'status and headers without credentials'),
  event('before_agent_start', ['session:read'], 'the prompt and the system prompt', 'the system prompt; may add a message', ['prompt:modify']),
  event('agent_start', [], 'that a run starts'),
  event('agent_end', ['session:read'], 'the messages of the run'),
  event('agent_before_settle', ['session:read'], 'the entries of the run', 'may add entries or ask for one more turn', ['session:write']),
  event('agent_settled', [], 'that nothing more will run'),
  event('agent_complete', ['session:read'], 'the final answer and its cost'),
  event('ui_prompt_start', [], 'that a dialog opens'),
  event('ui_prompt_end', [], 'that a dialog closed'),
  event('turn_start', [], 'the number of the turn'),
  event('turn_end', ['session:read'], 'the message and the tool results of the turn', 'may add entries', ['session:write']),
  event('message_start', ['session:read'], 'the message'),
  event('message_update', ['session:read'], 'the message so far'),
  event('message_end', ['session:read'], 'the message', 'the message, in the same role', ['session:write']),
  event('tool_execution_start', ['session:read'], 'tool and arguments'),
  event('tool_execution_update', ['session:read'], 'the result so far'),
  event('tool_execution_end', ['session:read'], 'the result'),
  event('model_select', [], 'the old and the new model'),
  event('thinking_level_select', [], 'the old and the new level'),
  event('tool_call', ['tools:intercept'], 'tool and arguments', 'the arguments; may block the call'),
  event('tool_result', ['tools:intercept'], 'arguments and result', 'the result'),
  event('user_bash', ['tools:intercept'], 'the command', 'may block it or answer in its place'),
  event('input', ['session:read'], 'what the user typed', 'the text; may answer it alone', ['prompt:modify']),
];

const API: readonly MemberRow[] = [
  api('on', [], 'see the events'),
  api('registerTool', [], 'the arguments of its own tool', 'the result of its own tool, and how both are drawn'),
  api('registerCommand', [], 'the arguments of its own command'),
  api('registerShortcut', ['ui:keys'], 'that its key was pressed'),
  api('registerFlag', [], 'nothing'),
  api('getFlag', [], 'the value of its own flag'),
  api('getSetting', [], 'the value of its own setting'),
  api('getSettings', [], 'the values of its own settings'),
  api('registerMessageRenderer', ['ui:panel'], 'messages of its own type', 'how they are drawn'),
  api('registerEntryRenderer', ['ui:panel'], 'entries of its own type', 'how they are drawn'),
  api('registerMarkdownTransformer', ['session:read', 'ui:panel'], 'the text of messages', 'how it is drawn'),
  api('sendMessage', ['session:write'], 'nothing', 'adds a message of its own type; may start a turn'),
  api('sendUserMessage', ['session:write'], 'nothing', 'adds a message marked with the package as its origin; starts a turn'),
  api('appendEntry', ['session:write'], 'nothing', 'adds an entry of its own type'),
  api('setSessionName', ['session:write'], 'nothing', 'the name of the session'),
  api('getSessionName', ['session:read'], 'the name of the session'),
  api('setLabel', ['session:write'], 'nothing', 'the label of an entry'),
  api('exec', ['exec:…'], 'the output of the program', 'what the program changes'),
  api('getActiveTools', [], 'names of tools'),
  api('getAllTools', [], 'names, descriptions and schemas of tools'),
  api('setActiveTools', ['session:control'], 'nothing', 'which of the enabled tools the model is offered'),
  api('getCommands', [], 'names of commands'),
  api('setModel', ['session:control'], 'nothing', 'the model of the session'),
  api('getThinkingLevel', [], 'the level'),
  api('setThinkingLevel', ['session:control'], 'nothing', 'the level'),
  api('registerProvider', ['provider:…'], 'every conversation sent to it', 'the answers of its models'),
  api('unregisterProvider', ['provider:…'], 'nothing', 'takes its own provider away'),
  api('events', [], 'what other packages emit', 'what other packages receive'),
  api('notify', ['ui:notify'], 'nothing', 'shows a notification'),
  api('spawnAgent', ['agent:spawn'], 'the result of the run', 'starts a run with no more authority than its own'),
];

const UI: readonly MemberRow[] = [
  ui('notify', ['ui:notify'], 'nothing', 'shows a notification'),
  ...['select', 'confirm', 'input', 'editor'].map((name) => ui(name, ['ui:prompt'], 'the answer', 'shows a dialog')),
  ui('custom', ['ui:panel'], 'keys while it has the focus', 'draws a component'),
  ...[
    'setStatus',
    'setWidget',
    'setFooter',
    'setHeader',
    'setTitle',
    'setWorkingMessage',
    'setWorkingVisible',
    'setWorkingIndicator',
    'setHiddenThinkingLabel',
    'setTheme',
    'setToolsExpanded',
  ].map((name) => ui(name, ['ui:panel'], 'nothing', 'what is drawn around the conversation')),
  ...['pasteToEditor', 'setEditorText'].map((name) => ui(name, ['ui:panel'], 'nothing', 'the text in the editor, not sent')),
  ui('getEditorText', ['ui:keys'], 'what the user is typing'),
  ui('onTerminalInput', ['ui:keys'], 'every key', 'may take or change a key'),
  ui('addAutocompleteProvider', ['ui:keys'], 'what the user is typing', 'adds suggestions'),
  ui('setEditorComponent', ['ui:keys', 'ui:panel'], 'what the user is typing', 'replaces the editor'),
  ...['getEditorComponent', 'theme', 'getAllThemes', 'getTheme', 'getToolsExpanded'].map((name) => ui(name, [], 'how things are drawn')),
];

const CONTEXT: readonly MemberRow[] = [
  ...[
    'ui',
    'mode',
    'hasUI',
    'cwd',
    'model',
    'scopedModels',
    'thinkingLevel',
    'isIdle',
    'isProjectTrusted',
    'signal',
    'hasPendingMessages',
    'getContextUsage',
    'waitForIdle',
  ].map((name) => context(name, [], 'the state it names')),
  context('sessionManager', ['session:read'], 'the conversation'),
  context('getSystemPrompt', ['session:read'], 'the system prompt'),
  context('getSystemPromptOptions', ['session:read'], 'the parts of the system prompt'),
  context('modelRegistry', [], 'models and their prices, no keys'),
  context('modelRegistry.getApiKeyAndHeaders', ['model:credentials'], 'the key of a model provider'),
  context('modelRegistry.complete', ['model'], 'the answer of a model'),
  context('executeTool', ['tool:…'], 'the result of the tool', 'what the tool changes'),
  ...['abort', 'shutdown', 'compact', 'newSession', 'fork', 'navigateTree', 'switchSession', 'reload'].map((name) =>
    context(name, ['session:control'], 'nothing', 'the course of the session'),
  ),
];

/** The one table of what API members and events need; documentation, consent text and checks come from it. */
export const MEMBERS: readonly MemberRow[] = [...API, ...UI, ...CONTEXT, ...EVENTS];

const BY_KEY: ReadonlyMap<string, MemberRow> = new Map(MEMBERS.map((row) => [`${row.kind} ${row.name}`, row]));

/** Gives the row of a member or event, or `undefined`: then it does not exist and nothing is delivered. */
export function findMember(kind: MemberRow['kind'], name: string): MemberRow | undefined {
  return BY_KEY.get(`${kind} ${name}`);
}

/** Names of all events, delivered or not. */
export const EVENT_NAMES: readonly string[] = EVENTS.map((row) => row.name);

function event(name: string, needs: readonly string[], sees: string, mayChange = '', toChange: readonly string[] = []): MemberRow {
  return { kind: 'event', name, needs, sees, mayChange, toChange, delivered: true };
}

function api(name: string, needs: readonly string[], sees: string, mayChange = ''): MemberRow {
  return { kind: 'api', name, needs, sees, mayChange, toChange: [], delivered: true };
}

function ui(name: string, needs: readonly string[], sees: string, mayChange = ''): MemberRow {
  return { ...api(name, needs, sees, mayChange), kind: 'ui' };
}

function context(name: string, needs: readonly string[], sees: string, mayChange = ''): MemberRow {
  return { ...api(name, needs, sees, mayChange), kind: 'context' };
}
