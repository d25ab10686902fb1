import type { AuditRecord } from '../sandbox/index.ts';
import type { Clock } from './conversation/cache-warmer.ts';
import type { ApprovalMode } from './approval/approval.ts';
import type { EmbeddedExtension } from './packages/embedded-extensions.ts';
import type { EventStore } from './events/event-store.ts';
import type { OpenPackage, ReadPackages } from './packages/load-packages.ts';
import type { ImageContent } from './model/messages.ts';
import type { ModelInfo, ModelPort, ThinkingLevel } from './model/port.ts';
import type { AskTrust } from './prompt/project-trust.ts';
import type { AuditHead } from './session/audit-anchor.ts';
import type { OpenFiles } from './tools/open-files.ts';
import type { SessionChoice } from './session/start-session.ts';
import type { UserInterface } from './user-interface.ts';

/** What a host is made of. Everything that is left out has a default. */
export interface HostOptions {
  /** The workspace. Default: the working directory. */
  readonly cwd?: string;
  /** Default: `DASH_HOME`, or `~/.dash`. */
  readonly dashHome?: string;
  /** Where keys of providers are looked up, and what tools that run programs pass on, without keys. Default: the process's. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Default: those that `openModels` finds. */
  readonly models?: ModelPort;
  /** `provider/id`, or what `getModel` gave; otherwise the setting, otherwise the first model there is. */
  readonly model?: string | ModelInfo;
  /** Patterns of the models that are cycled through; the first is the one to start with. Default: the setting, otherwise all. */
  readonly scope?: readonly string[] | undefined;
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
  /** Whether commands find files sealed that git may have to write. Default: the setting. */
  readonly strictShell?: boolean;
  readonly trustProject?: boolean;
  /** Asked once at the start where the project brings something that nobody decided about. Default: it stays silent. */
  readonly askTrust?: AskTrust;
  /** The directory of the skills that come with Dash; without it there are none. */
  readonly bundledSkills?: string;
  /** Values of flags that packages registered. */
  readonly flags?: ReadonlyMap<string, boolean | string>;
  readonly customPrompt?: string;
  readonly appendSystemPrompt?: string;
  /** Files as an editor holds them. Default: there is no editor. */
  readonly openFiles?: OpenFiles;
  /** Default: nobody is there, notices are dropped. */
  readonly ui?: UserInterface;
  /** Writes a line of the audit trail. Default: there is no trail. */
  readonly audit?: (record: Omit<AuditRecord, 'time'>) => void;
  /** Where runs, calls and decisions are counted. Default: nowhere. */
  readonly eventStore?: EventStore;
  /** Time, for what happens later by itself. Default: the machine's. */
  readonly clock?: Clock;
  /** The newest line of the audit trail, to be named in the session file. Default: there is no trail. */
  readonly auditHead?: () => AuditHead | undefined;
}

export interface PromptOptions {
  readonly images?: readonly ImageContent[];
  readonly source?: 'interactive' | 'rpc' | 'extension';
  /** The packages that wrote it, where it was not the user. */
  readonly whose?: readonly string[];
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
