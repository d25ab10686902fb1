import type { CompiledPackage, ModuleGraph, PermissionSet, PlainArea, ProviderRegistration, Registrations, ToolRegistration } from '../format/index.ts';
import type { Authority } from './authority.ts';
import type { Delegation } from './delegation.ts';
import type { CallOrigin } from './ports.ts';
import type { Rendered, RenderSubject } from './surface.ts';
import type { ProviderRequest } from './protocol.ts';
import type { ProviderAct, ProviderAnswer } from './provider-acts.ts';
import type { ProviderAccess, ProviderPass } from './provider-access.ts';

/** What a guest sees of the moment it is called in; sent along with every call. */
export interface CallContext {
  readonly mode: 'tui' | 'rpc' | 'json' | 'print';
  readonly hasUI: boolean;
}

export interface ToolContent {
  readonly type: 'text' | 'image';
  readonly [key: string]: unknown;
}

/** A tool's answer, normalised: a result without `content` becomes one text of JSON. */
export interface ToolOutcome {
  readonly content: readonly ToolContent[];
  readonly details: unknown;
  readonly isError: boolean;
  readonly terminate?: boolean;
  /** What it answers by its own schema, for packages that call it. */
  readonly structuredContent?: unknown;
}

export interface ToolCallOptions {
  readonly toolCallId: string;
  readonly signal?: AbortSignal;
  /** Deadline in the parent; the process is killed 500 ms after it. Default 120,000. */
  readonly timeoutMs?: number;
  readonly onUpdate?: (partial: ToolOutcome) => void;
  /** Told at its end, however that was, for how many milliseconds it waited for a person. */
  readonly onWaited?: (ms: number) => void;
  /** Stops the clocks of the package that calls it, while it waits for a person. */
  readonly pauseCaller?: () => Disposable;
  readonly context: CallContext;
  /** The user's message that this goes back to; stays in the host. */
  readonly origin?: CallOrigin;
  /** The packages for which this is done; default: none, it is the host's own call. */
  readonly delegation?: Delegation;
}

export interface EventCallOptions {
  readonly signal?: AbortSignal;
  /** Default 30,000; interceptors get less from the host. */
  readonly timeoutMs?: number;
  readonly context: CallContext;
  /** The user's message that this goes back to; stays in the host. */
  readonly origin?: CallOrigin;
  /** The packages for which this is done; default: none, it is the host's own call. */
  readonly delegation?: Delegation;
}

export interface RenderOptions {
  readonly width: number;
  /** The number of the scene: its theme is asked for where it is another than the last one. */
  readonly scene: number;
  readonly context: CallContext;
  readonly signal?: AbortSignal;
}

export interface StreamCallOptions {
  readonly signal: AbortSignal;
  readonly context: CallContext;
  readonly origin?: CallOrigin;
  readonly onEvent: (event: unknown) => void;
}

/** What one handler answered: its return value, and the event after in-place changes. */
export interface HandlerOutcome {
  readonly value: unknown;
  readonly event: unknown;
}

/** A denial, as data: what was asked for, what decided, what would allow it. */
export interface Denial {
  readonly package: string;
  readonly capability: string;
  readonly target: string;
  /** The permission that was missing, in canonical form. */
  readonly permission: string;
  /** The rule that decided: a `!…` deny, `no grant`, `protected path`, `outside a call`. */
  readonly rule: string;
  readonly hint: string;
}

/**
 * One generation of one installed package: lazily started, in a process of its own.
 * `registrations` come from the capture at install, so nothing starts until something is called.
 */
export interface SandboxedPackage extends AsyncDisposable {
  readonly name: string;
  /** Where it comes from, as its grants are keyed: what is kept for it belongs to that, whatever it is called. */
  readonly source: string;
  readonly registrations: Registrations;
  /** Tools that it registered since it was loaded; they are gone with its process. */
  readonly lateTools: readonly ToolRegistration[];
  /** Process id while a sandbox process lives, else `undefined`. */
  readonly pid: number | undefined;
  readonly inFlight: number;
  /**
   * Starts the process and runs the factories, unless that has happened.
   * @throws {DashError} FACTORY_FAILED, FACTORY_TIMEOUT, REGISTRATION_CHANGED, BUNDLE_MISMATCH
   */
  wake(): Promise<void>;
  /** A guest's own failure is an outcome with `isError`, never an exception. @throws {DashError} DEADLINE_EXCEEDED, MEMORY_LIMIT, SANDBOX_DIED */
  callTool(name: string, args: unknown, options: ToolCallOptions): Promise<ToolOutcome>;
  /** @throws {DashError} GUEST_ERROR when the handler throws */
  runCommand(name: string, args: string, options: EventCallOptions): Promise<void>;
  /** Asks what could be typed after a command; the answer is as the package gives it. @throws {DashError} GUEST_ERROR when it throws */
  completeArguments(name: string, typed: string, options: EventCallOptions): Promise<unknown>;
  /** Asks a tool what it changes about what the model sees of tools; the answer is as the package gives it. @throws {DashError} GUEST_ERROR, DEADLINE_EXCEEDED */
  prepareLoadout(tool: string, loadout: unknown, options: EventCallOptions): Promise<unknown>;
  /** Calls one handler (see `registrations.events`); of an `Announcement` nothing is answered. @throws {DashError} GUEST_ERROR when it throws */
  deliver(handler: number, event: unknown, options: EventCallOptions): Promise<HandlerOutcome>;
  /**
   * The lines of something that it draws itself; `undefined` where it leaves that to the front end, or may not draw.
   * They are as unclean as everything it draws. @throws {DashError} GUEST_ERROR, DEADLINE_EXCEEDED
   */
  render(subject: RenderSubject, options: RenderOptions): Promise<Rendered | undefined>;
  /** Whether it holds this right at this moment: what was taken back counts for the next event. */
  holds(area: PlainArea): boolean;
  /** Whether the user can be asked for this right when it is first needed: the package asked for it, and nobody denied it. */
  canAskFor(area: PlainArea): boolean;
  /** Whether it may be told of an event now; asks the user for what is missing, where that was asked for at install. */
  mayHear(event: string, needs: readonly PlainArea[], options: Pick<EventCallOptions, 'origin' | 'signal'>): Promise<boolean>;
  /** The providers of models that it describes at this moment. */
  readonly providers: readonly ProviderRegistration[];
  /** Whether conversations may be sent to `host` for it, or the user can be asked for that. */
  canProvide(host: string): boolean;
  /** Decides whether a conversation may go to a provider that it describes, and with which keys. Asks, where it may. */
  openGate(access: ProviderAccess): Promise<ProviderPass>;
  /** Has its own wire answer; `onEvent` is told of each event as it comes. @throws {DashError} GUEST_ERROR and as tools do */
  streamModel(provider: string, request: ProviderRequest, options: StreamCallOptions): Promise<void>;
  /**
   * Has a provider of its own do what only its code can: log the user in, bring that up to date, give the key of it, look
   * its models up. @throws {DashError} GUEST_ERROR when it fails or answers something else, and as tools do
   */
  askProvider<Act extends ProviderAct>(provider: string, act: Act, options: EventCallOptions): Promise<ProviderAnswer<Act['kind']>>;
  /** An event of `pi.events` from another package. Not awaited by the sender; never starts a sleeping package. */
  emit(channel: string, data: unknown): void;
  /** Waits for calls in flight, then ends the process. */
  [Symbol.asyncDispose](): Promise<void>;
  /** Ends the process now. */
  kill(): void;
}

/** The package as the sandbox needs it; made by the caller from the generation file or a linked directory. */
export interface SandboxPackage {
  readonly name: string;
  readonly version: string;
  /** Where it comes from, as its grants are keyed: its private directory belongs to that. Default: the name alone. */
  readonly source?: string;
  /** Key of audit records: the tree's sha256, or the digest of a linked directory's sources. */
  readonly contentHash: string;
  readonly graph: ModuleGraph;
  readonly compiled: CompiledPackage;
  /** What it may do when it is opened. */
  readonly granted: PermissionSet;
  /** What it may do from then on. Default: the same, and nobody is asked for more. */
  readonly authority?: Authority;
  /** `undefined` where capture was deferred or not yet made: then the first wake makes it. */
  readonly captured: Registrations | undefined;
}

/** Everything a guest learns of its surroundings, before its bundle runs. */
export interface GuestFacts {
  readonly cwd: string;
  readonly home: string;
  readonly tmp: string;
  readonly agentDir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly platform: string;
  readonly arch: string;
  readonly columns: number;
  /** Milliseconds since the epoch; capture freezes and varies it. */
  readonly now?: number;
  readonly seed?: number;
}
