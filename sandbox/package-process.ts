import { DashError, type Registrations } from '../format/index.ts';
import type { CallContext, EventCallOptions, ToolCallOptions } from './extension.ts';
import type { CallAnswer, GuestSession } from './guest-session.ts';
import type { CallOrigin } from './ports.ts';
import type { Engine } from './process/layers.ts';
import { DEFAULT_EVENT_TIMEOUT_MS, IDLE_BEFORE_RECYCLING_MS, IDLE_BEFORE_REST_MS, MAX_STRIKES, RECYCLE_RSS_MIB } from './process/limits.ts';
import type { GuestCall, ToGuest } from './protocol.ts';
import type { SecretHandles } from './secret-handles.ts';
import { activateGuest, type PackageParts, startGuest } from './start-guest.ts';

export interface PackageProcessOptions {
  readonly parts: PackageParts;
  /** What its rights ask of the engine at this moment. */
  readonly engine: () => Engine;
  /** What it registers, as its factories said it just now. */
  readonly registrations: () => Registrations;
  readonly registered: (registrations: Registrations) => void;
}

/**
 * The life of a package's process: nothing starts until something is called, one that nobody needs is ended, one that died
 * is started again by the next call, and one that dies too often is not.
 */
export class PackageProcess {
  readonly #options: PackageProcessOptions;
  #awake: Promise<GuestSession> | undefined;
  #session: GuestSession | undefined;
  #secrets: SecretHandles | undefined;
  /** Handlers that were told that a session started: a process that takes over from a dead one is told again. */
  readonly #begun = new Map<number, { readonly event: object; readonly context: CallContext }>();
  #strikes = 0;
  #disabled: DashError | undefined;
  #closed = false;
  #killed = false;
  #inFlight = 0;
  #idle: PromiseWithResolvers<void> | undefined;
  #resting: NodeJS.Timeout | undefined;

  constructor(options: PackageProcessOptions) {
    this.#options = options;
  }

  get pid(): number | undefined {
    return this.#session?.pid;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Of the process that runs, or that ran last. */
  get secrets(): SecretHandles | undefined {
    return this.#secrets;
  }

  tell(message: ToGuest): void {
    this.#session?.tell(message);
  }

  async call(
    call: GuestCall,
    {
      signal,
      timeoutMs = DEFAULT_EVENT_TIMEOUT_MS,
      context,
      origin,
      delegation,
      onWaited,
      pauseCaller,
    }: EventCallOptions & Pick<ToolCallOptions, 'onWaited' | 'pauseCaller'>,
    onUpdate?: (value: unknown) => void,
  ): Promise<CallAnswer> {
    this.#inFlight++;
    clearTimeout(this.#resting);
    try {
      this.#endOutdated();
      const session = await this.wake(origin, signal);
      const answer = await session.call(call, {
        context,
        timeoutMs,
        ...(signal && { signal }),
        ...(origin && { origin }),
        ...(delegation && { delegation }),
        ...(onUpdate && { onUpdate }),
        ...(onWaited && { onWaited }),
        ...(pauseCaller && { pauseCaller }),
      });
      return 'error' in answer ? { error: this.#options.parts.scrub.data(answer.error) } : answer;
    } finally {
      this.#inFlight--;
      if (this.#inFlight === 0) {
        this.#idle?.resolve();
        this.#restLater();
      }
    }
  }

  /** A handler was told that a session started. */
  began(handler: number, event: object, context: CallContext): void {
    this.#begun.set(handler, { event, context });
  }

  wake(origin?: CallOrigin, signal?: AbortSignal): Promise<GuestSession> {
    const { name } = this.#options.parts.package;
    if (this.#disabled !== undefined) return Promise.reject(this.#disabled);
    if (this.#closed && this.#session === undefined) return Promise.reject(new DashError('SANDBOX_DIED', `${name} has been closed`));
    this.#awake ??= this.#start(origin, signal).catch((error: unknown) => {
      this.#awake = undefined;
      throw error;
    });
    return this.#awake;
  }

  kill(): void {
    this.#closed = true;
    this.#killed = true;
    clearTimeout(this.#resting); // or it holds on to all of this for half an hour
    this.#session?.kill();
  }

  /** Waits for calls in flight, then ends the process. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#resting);
    if (this.#inFlight > 0) {
      this.#idle ??= Promise.withResolvers();
      await this.#idle.promise;
    }
    this.#session?.kill();
    await this.#awake?.catch(() => undefined);
    this.#session?.kill(); // it may have been on its way, before there was a process to end
  }

  async #start(origin: CallOrigin | undefined, signal: AbortSignal | undefined): Promise<GuestSession> {
    const { parts, engine, registered } = this.#options;
    const started = await startGuest(parts, { engine: engine(), origin, signal, onEnd: (error) => this.#ended(session, error) });
    const { session } = started;
    this.#session = session;
    this.#secrets = started.secrets;
    if (this.#killed) session.kill();
    try {
      registered(await activateGuest(started, parts));
      await this.#tellAgain(session);
      return session;
    } catch (error) {
      session.kill();
      throw error;
    }
  }

  /** Extensions build their state when a session starts; without it a respawned one would answer from an empty one. */
  async #tellAgain(session: GuestSession): Promise<void> {
    for (const [handler, { event, context }] of this.#begun) {
      const answer = await session.call({ op: 'event', handler, event: { ...event, reason: 'reload' } }, { context, timeoutMs: DEFAULT_EVENT_TIMEOUT_MS });
      if ('error' in answer) this.#options.parts.options.onLog?.('error', `session_start after a restart: ${answer.error.message}`);
    }
  }

  /** A process is what it was started as: when `wasm` was granted or taken back since, the next call begins in another one. */
  #endOutdated(): void {
    if (this.#session !== undefined && this.#inFlight === 1 && this.#session.engine !== this.#options.engine()) this.#session.kill();
  }

  /**
   * A package nobody calls costs memory for nothing. What it holds in variables is gone when its process is ended,
   * so one that has event handlers, which follow the session and may guard something, keeps it, and one that offers tools
   * that only that process knows.
   */
  #restLater(): void {
    const { registrations, parts } = this.#options;
    clearTimeout(this.#resting);
    if (this.#closed || this.#session === undefined) return;
    if (registrations().events.length > 0 || parts.lateTools.offered.length > 0 || parts.providers.isChanged) return;
    const leaks = this.#session.residentMiB > RECYCLE_RSS_MIB;
    const { idleMs = leaks ? IDLE_BEFORE_RECYCLING_MS : IDLE_BEFORE_REST_MS } = parts.options;
    this.#resting = setTimeout(() => void this.#rest(), idleMs);
    this.#resting.unref();
  }

  async #rest(): Promise<void> {
    const session = this.#session;
    if (session === undefined || this.#inFlight > 0) return;
    const isIdle = await session.isIdle();
    if (this.#session !== session || this.#inFlight > 0) return;
    if (isIdle) session.kill();
    else this.#restLater();
  }

  #ended(session: GuestSession, error: DashError | undefined): void {
    if (this.#session !== session) return;
    const { lateTools, providers, options, package: ofPackage } = this.#options.parts;
    this.#session = undefined;
    this.#awake = undefined;
    lateTools.clear();
    if (!this.#closed) providers.clear();
    if (error === undefined || this.#closed) return;
    this.#strikes++;
    if (this.#strikes >= MAX_STRIKES) {
      this.#disabled = new DashError(error.code, `${ofPackage.name} was stopped ${MAX_STRIKES} times and is disabled until the next reload: ${error.message}`, {
        cause: error,
      });
    }
    options.onFailure?.(this.#disabled ?? error);
  }
}
