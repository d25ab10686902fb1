import type { Delegation } from './delegation.ts';
import type { SurfacePort } from './surface.ts';

/**
 * What capabilities need of the host. The sandbox states the interface, `cli/compose.ts` hands the
 * implementation in. Every value is plain JSON data.
 */
export interface HostPorts {
  readonly ui: UiPort;
  readonly session: SessionPort;
  readonly agent: AgentPort;
  /** Where permissions are asked for at first use; without it nobody can be asked, and what is not granted is denied. */
  readonly questions?: QuestionPort;
}

/** What set a call going: a message that the user typed. A call without one may raise no question. */
export interface CallOrigin {
  /** The same for everything that one message set going. */
  readonly chain: string;
  readonly message: string;
  /** What is in the model's context and is not the user's word, newest first. */
  readonly sources: readonly string[];
}

/** May this package do this, now? Text of the package in it is as the package wrote it: who draws it cleans it. */
export interface PermissionQuestion extends CallOrigin {
  readonly package: string;
  readonly version: string;
  readonly capability: string;
  /** The exact call: path, URL or command line. */
  readonly target: string;
  /** What the package asked for when it was installed, of which this call is a part, with what goes with it; canonical. */
  readonly permissions: readonly [string, ...string[]];
  /** The author's words; never trusted. */
  readonly reason?: string;
  /** How much of it the author says is needed at most; it gets no more. */
  readonly max?: string;
  /** Where the code was seen to need it, or that it is computed, for a package that says nothing itself. */
  readonly seenAt?: string;
  /** Of programs: whether the operating system confines them, or they can do anything the user can. */
  readonly confinement?: Confinement;
  /** Whether to offer to deny everything of this package from now on. */
  readonly mayPause: boolean;
}

export type Confinement = 'confined' | 'full access';

export type PermissionAnswer = 'once' | 'session' | 'project' | 'no' | 'pause';

export interface QuestionPort {
  /**
   * Asks the user. `undefined`: nobody was asked, because nobody is there or because `isStillOpen` said no when its turn
   * came: an earlier answer may have settled it.
   */
  ask(question: PermissionQuestion, signal: AbortSignal, isStillOpen: () => boolean): Promise<PermissionAnswer | undefined>;
}

export type NotifyLevel = 'info' | 'warning' | 'error';

export interface DialogOptions {
  /** The package that asks; absent where Dash does. */
  readonly by?: string;
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
  /** What is typed is for {@link by} alone: no package that hears keys hears it. */
  readonly isSecret?: true;
}

export interface UiPort {
  /** `by` names the package that says it; absent where Dash does. */
  notify(message: string, level: NotifyLevel, by?: string): void;
  select(title: string, choices: readonly string[], options: DialogOptions): Promise<string | undefined>;
  confirm(title: string, message: string, options: DialogOptions): Promise<boolean>;
  input(title: string, placeholder: string | undefined, options: DialogOptions): Promise<string | undefined>;
  editor(title: string, prefill: string | undefined, options: DialogOptions): Promise<string | undefined>;
  /** Status line, widget of plain lines, window title, text of the editor; `undefined` clears. */
  set(surface: UiSurface, by?: string): void;
  editorText(): string;
  /** Where packages draw with code of their own; absent where nothing of that is shown. */
  readonly surfaces?: SurfacePort;
}

export type UiSurface =
  | { readonly kind: 'status'; readonly key: string; readonly text: string | undefined }
  | { readonly kind: 'widget'; readonly key: string; readonly lines: readonly string[] | undefined; readonly placement?: 'aboveEditor' | 'belowEditor' }
  | { readonly kind: 'title'; readonly text: string }
  | { readonly kind: 'editorText'; readonly text: string; readonly paste: boolean }
  | { readonly kind: 'working'; readonly message: string | undefined }
  | { readonly kind: 'workingVisible'; readonly visible: boolean }
  /** `undefined` is the front end's own; no frames show nothing that moves. */
  | { readonly kind: 'workingIndicator'; readonly indicator: { readonly frames?: readonly string[]; readonly intervalMs?: number } | undefined }
  | { readonly kind: 'hiddenThinkingLabel'; readonly label: string | undefined }
  | { readonly kind: 'toolsExpanded'; readonly expanded: boolean };

/** What a package may read of the session synchronously, under the names of pi's ReadonlySessionManager. */
export type SessionQuery =
  | { readonly kind: 'branch'; readonly fromId?: string }
  | { readonly kind: 'entries' }
  | { readonly kind: 'entry'; readonly id: string }
  | { readonly kind: 'children'; readonly id: string }
  | { readonly kind: 'tree' }
  | { readonly kind: 'leafId' }
  | { readonly kind: 'leafEntry' }
  | { readonly kind: 'label'; readonly id: string }
  | { readonly kind: 'header' }
  | { readonly kind: 'sessionId' }
  | { readonly kind: 'sessionFile' }
  | { readonly kind: 'sessionDir' }
  | { readonly kind: 'sessionName' }
  | { readonly kind: 'persisted' }
  /** The entries that the context is made of, each with what it tells the model now. */
  | { readonly kind: 'projection' };

export interface CustomMessage {
  readonly customType: string;
  readonly content: unknown;
  readonly display: boolean;
  readonly details?: unknown;
}

/** What a package writes at the beginning of a session. `id` is its name for it while it writes. */
export type SessionDraft = { readonly id: string } & (
  | { readonly kind: 'message'; readonly message: { readonly role: 'user' | 'assistant'; readonly content: unknown } }
  | { readonly kind: 'custom_message'; readonly customType: string; readonly content: unknown; readonly display: boolean; readonly details?: unknown }
  | { readonly kind: 'custom'; readonly customType: string; readonly data?: unknown }
  | { readonly kind: 'session_info'; readonly name: string }
  | { readonly kind: 'label'; readonly targetId: string; readonly label?: string }
);

export type SessionControl =
  | { readonly kind: 'abort' }
  | { readonly kind: 'shutdown' }
  | { readonly kind: 'compact'; readonly customInstructions?: string }
  | { readonly kind: 'waitForIdle' }
  /** `parentSession` is noted in the new one, which begins with `setup`. */
  | { readonly kind: 'newSession'; readonly parentSession?: string; readonly setup?: readonly SessionDraft[] }
  | { readonly kind: 'reload' }
  | { readonly kind: 'fork'; readonly entryId: string; readonly position?: 'before' | 'at' }
  | {
      readonly kind: 'navigateTree';
      readonly targetId: string;
      readonly summarize: boolean;
      readonly customInstructions?: string;
      /** The instructions are all that the summary minds. */
      readonly replaceInstructions?: boolean;
      /** For the summary, or else for the place that is gone to. */
      readonly label?: string;
    }
  | { readonly kind: 'switchSession'; readonly path: string };

export interface SessionPort {
  query(query: SessionQuery): unknown;
  appendEntry(packageName: string, customType: string, data: unknown): void;
  sendMessage(
    packageName: string,
    message: CustomMessage,
    options: { readonly triggerTurn?: boolean; readonly deliverAs?: 'steer' | 'followUp' | 'nextTurn' },
  ): void;
  sendUserMessage(packageName: string, content: unknown, options: { readonly deliverAs?: 'steer' | 'followUp' }): void;
  setName(name: string): void;
  setLabel(entryId: string, label: string | undefined): void;
  /** Resolves with plain data, `{cancelled}` where pi's member does. */
  control(packageName: string, control: SessionControl): Promise<unknown>;
}

/** Synchronous host state, under the names of pi's members. */
export type AgentQuery =
  | 'isIdle'
  | 'hasPendingMessages'
  | 'isProjectTrusted'
  | 'model'
  | 'models'
  | 'scopedModels'
  | 'thinkingLevel'
  | 'activeTools'
  | 'allTools'
  | 'commands'
  | 'contextUsage'
  | 'systemPrompt'
  | 'systemPromptOptions';

/** A tool called by a package. */
export interface PackageToolCall {
  /** Whose tool; `host` for the host's own. */
  readonly package: string;
  readonly name: string;
  readonly args: unknown;
  readonly origin?: CallOrigin;
  /** Who calls, and within which rights it happens. */
  readonly delegation: Delegation;
  /** Stops the clocks of the caller: to be held while the tool waits for a person. */
  readonly pauseCaller: () => Disposable;
}

/** An agent that a package starts. */
export interface AgentSpawn {
  readonly name: string;
  readonly task: string;
  /** `provider/id`; the session's, if absent. */
  readonly model?: string;
  /** Names of tools, of those it may have. */
  readonly tools?: readonly string[];
  /** US dollars. */
  readonly budget?: number;
  /** Who starts it, and within which rights everything it does happens. */
  readonly delegation: Delegation;
}

export interface SpawnedAgent {
  readonly agentId: string;
  /** Its last words. */
  readonly result: string;
  /** US dollars. */
  readonly totalCost: number;
}

/** A tool that a package registered late and that is not offered. */
export interface RefusedTool {
  readonly name: string;
  readonly code: 'PERMISSION_DENIED' | 'REGISTRATION_CHANGED';
  readonly message: string;
}

export interface AgentPort {
  query(query: AgentQuery): unknown;
  /** Narrows, and widens only to what the user had enabled. A package may call its own late tools what it calls them. */
  setActiveTools(packageName: string, names: readonly string[]): void;
  /** What a package offers has changed while it runs. `refused`: something is not taken up, and why; told to the user. */
  toolsChanged(packageName: string, refused?: RefusedTool): void;
  /** What a package says of providers of models has changed while it runs. */
  providersChanged(packageName: string): void;
  setModel(model: unknown): Promise<boolean>;
  setThinkingLevel(level: string): void;
  complete(packageName: string, request: unknown, signal: AbortSignal): Promise<unknown>;
  /** Runs a tool of another package, or of the host, and gives its outcome. @throws {DashError} UNKNOWN_TOOL */
  callTool(call: PackageToolCall, signal: AbortSignal): Promise<unknown>;
  /** Runs an agent to its end. @throws {DashError} NO_MODEL, SPAWN_TOO_DEEP, MODEL_FAILED */
  spawn(spawn: AgentSpawn, signal: AbortSignal): Promise<SpawnedAgent>;
  /** Hands an event of `pi.events` to the other packages; the sender's own listeners have run already. */
  emit(packageName: string, channel: string, data: unknown): void;
  /** A flag's value for this run: what the user set, else `undefined` (the guest knows its own defaults). */
  flag(name: string): boolean | string | undefined;
}
