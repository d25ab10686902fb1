import type { Diagnostic } from '../format/index.ts';
import type { ArgumentCompletion } from '../skills-lib/index.ts';
import type { ApprovalMode } from './approval/approval.ts';
import type { Conversation } from './conversation/conversation.ts';
import type { HostListener } from './host-event.ts';
import type { BashOptions, PromptOptions, PromptOutcome } from './host-options.ts';
import type { Keys } from './keybindings.ts';
import type { McpServer } from './mcp/mcp-server.ts';
import type { ImageContent } from './model/messages.ts';
import type { PackageLogins } from './model/package-logins.ts';
import type { ModelInfo } from './model/port.ts';
import type { ScopedModel } from './model/scope.ts';
import type { SlashCommand } from './prompt-text.ts';
import type { Generation, Reloaded } from './packages/reload.ts';
import type { SessionSwitch } from './session-control.ts';
import type { Settings } from './settings/settings-schema.ts';
import type { BashResult } from './user-bash.ts';
import type { UserInterface } from './user-interface.ts';

/** An agent with its packages, its tools and one session at a time. */
export interface Host extends AsyncDisposable {
  /** The workspace, as the file system names it. */
  readonly cwd: string;
  /** Where keys, sessions and settings of the user lie. */
  readonly dashHome: string;
  readonly conversation: Conversation;
  readonly sessions: SessionSwitch;
  readonly models: readonly ModelInfo[];
  /** What packages do for the providers that they describe: logging in, looking models up. */
  readonly providers: Pick<PackageLogins, 'places' | 'logIn' | 'logOut' | 'lookUpModels'>;
  /** Looks up which models there are by now. */
  refreshModels(): Promise<readonly ModelInfo[]>;
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
  /**
   * Starts or reaches a server of the Model Context Protocol that a client offers, once the user agreed, and gives the names
   * of its tools. @throws with the reason where it does not come to be
   */
  startServer(server: McpServer, signal: AbortSignal): Promise<readonly string[]>;
  /** Waits for the run and for everything packages were told. */
  settle(): Promise<void>;
  end(): void;
}
