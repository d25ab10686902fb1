import { DashError, type Registrations } from '../format/index.ts';
import type { Broker } from './broker.ts';
import { CallsInFlight, type Lease } from './calls-in-flight.ts';
import type { PackageScripts } from './compile/bundle-store.ts';
import { Deadline } from './deadline.ts';
import { type Delegation, NO_DELEGATION } from './delegation.ts';
import type { Answer } from './guest-answer.ts';
import { placeError, type PlacedError } from './error-place.ts';
import type { CallContext, GuestFacts } from './extension.ts';
import { ACTIVATION_TIMEOUT_MS, KILL_GRACE_MS, MAX_LOG_CHARACTERS } from './process/limits.ts';
import type { Engine } from './process/layers.ts';
import { runtimeScript } from './process/runtime-files.ts';
import type { ProcessListener, SandboxProcess } from './process/sandbox-process.ts';
import { prepareProcess } from './process/spare-process.ts';
import type { CallOrigin } from './ports.ts';
import { parseGuestMessage, parseSyncRequest, type GuestCall, type GuestError, type GuestMessage, type ToGuest } from './protocol.ts';

export interface GuestSessionOptions {
  readonly name: string;
  readonly scripts: PackageScripts;
  readonly facts: GuestFacts;
  /** Default: `jitless`. */
  readonly engine?: Engine;
  /** Gives the process; a new one of its own by default. */
  readonly takeProcess?: (listener: ProcessListener) => SandboxProcess;
  readonly makeBroker: (state: ServingState) => Broker;
  readonly onLog: (level: 'debug' | 'info' | 'warn' | 'error', text: string) => void;
  /** Once, when the process is gone; `undefined` when it was ended on purpose. */
  readonly onEnd: (error: DashError | undefined) => void;
  /** A kill goes into the trail with its reason. */
  readonly audit: (reason: string) => void;
  /** Told of the scripts whose code cache V8 did not take. */
  readonly onRejected?: (names: readonly string[]) => void;
  /** Is given fresh code caches of the bundles, by index: they are made before any code of the package runs. */
  readonly onCaches?: (caches: readonly (Buffer | undefined)[]) => void;
}

/** What is being served right now, as the broker sees it. */
export interface ServingState {
  readonly lease: () => Lease;
  readonly pauseClocks: () => Disposable;
  /** The person did something before whom the clocks stand still. */
  readonly attended: () => void;
  readonly call: (call: GuestCall, options: CallOptions) => Promise<CallAnswer>;
}

export interface Activation {
  readonly registrations: readonly Registrations[];
  readonly failures: readonly { readonly entry: string; readonly error: DashError }[];
}

export type CallAnswer = { readonly value: unknown } | { readonly error: PlacedError };

export interface CallOptions {
  readonly context: CallContext;
  readonly timeoutMs: number;
  readonly origin?: CallOrigin;
  readonly delegation?: Delegation;
  readonly signal?: AbortSignal;
  readonly onUpdate?: (value: unknown) => void;
  /** Told at its end for how many milliseconds it waited for a person. */
  readonly onWaited?: (ms: number) => void;
  /** Stops the clocks of whoever waits for this call while it waits for a person. */
  readonly pauseCaller?: () => Disposable;
}

interface PendingCall {
  resolve(answer: CallAnswer): void;
  reject(error: DashError): void;
  readonly deadline: Deadline;
  readonly onUpdate?: (value: unknown) => void;
  /** Its result has come, and may be on its way still. */
  answered?: true;
}

/** The number of the call in which the factories run. */
const LOADING = 'load';

/**
 * One process with one guest in it, from its first byte to its death. Deadlines live here and not in the
 * guest: isolated-vm's own timeout does not fire during a synchronous wait.
 */
export class GuestSession {
  readonly #options: GuestSessionOptions;
  readonly #process: SandboxProcess;
  readonly #broker: Broker;
  readonly #calls = new Map<number, PendingCall>();
  readonly #inFlight = new CallsInFlight();
  #nextCall = 1;
  #activation: PromiseWithResolvers<GuestMessage & { kind: 'activated' }> | undefined;
  #syncRequest: AbortController | undefined;
  #logged = 0;
  #listensToBus = false;

  constructor(options: GuestSessionOptions) {
    this.#options = options;
    this.#broker = options.makeBroker({
      lease: () => this.#inFlight.lease(),
      pauseClocks: () => this.#pauseClocks(),
      attended: () => this.#calls.forEach(({ deadline }) => deadline.attended()),
      call: (call, how) => this.call(call, how),
    });
    const listener: ProcessListener = {
      package: options.name,
      guest: (text) => this.#hear(text),
      ask: (text, reply) => void this.#answerSync(text, reply),
      stuck: (ms) => this.#stuck(ms),
      worked: (ms) => this.#calls.forEach(({ deadline }) => deadline.worked(ms)),
      ended: (error) => this.#ended(error),
    };
    this.#process = options.takeProcess?.(listener) ?? prepareProcess(listener, { engine: this.engine });
  }

  get engine(): Engine {
    return this.#options.engine ?? 'jitless';
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Loads the scripts and runs the factories. @throws {DashError} FACTORY_TIMEOUT, MEMORY_LIMIT, SANDBOX_DIED */
  async activate(): Promise<Activation> {
    const { scripts, facts, name, onCaches } = this.#options;
    const { now, seed, ...seen } = facts;
    this.#activation = Promise.withResolvers();
    this.#inFlight.begin(LOADING, { origin: undefined, delegation: NO_DELEGATION });
    const { promise } = this.#activation;
    promise.catch(() => undefined); // awaited below; the process may die before that
    const deadline = setTimeout(
      () =>
        this.kill(
          new DashError('FACTORY_TIMEOUT', `${name}: loading did not end within ${ACTIVATION_TIMEOUT_MS} ms`, {
            hint: 'do slow work in `session_start`, not while loading',
          }),
        ),
      ACTIVATION_TIMEOUT_MS,
    );
    try {
      const { caches, rejected } = await this.#process.open({
        parts: scripts.parts.map((part) => runtimeScript(part, this.engine)),
        setup: JSON.stringify({ facts: seen, now, seed }),
        bundles: scripts.bundles,
        produceCache: onCaches !== undefined,
      });
      if (rejected.length > 0) this.#options.onRejected?.(rejected);
      onCaches?.(scripts.bundles.map(({ name: bundle }) => decoded(caches.find((cache) => cache.name === bundle)?.cache)));
      this.tell({ kind: 'activate', entries: scripts.entries });
      const { registrations, failures } = await promise;
      return {
        registrations,
        failures: await Promise.all(
          failures.map(async ({ bundle, error }) => ({ entry: scripts.entries[bundle] ?? '', error: await this.#factoryError(bundle, error) })),
        ),
      };
    } finally {
      clearTimeout(deadline);
      this.#activation = undefined;
      this.#inFlight.end(LOADING);
    }
  }

  /** @throws {DashError} DEADLINE_EXCEEDED, MEMORY_LIMIT, SANDBOX_DIED, INTERRUPTED when aborted and not heeded */
  async call(
    call: GuestCall,
    { context, timeoutMs, origin, delegation = NO_DELEGATION, signal, onUpdate, onWaited, pauseCaller }: CallOptions,
  ): Promise<CallAnswer> {
    if (signal?.aborted === true) throw new DashError('INTERRUPTED', `${this.#options.name}: \`${describeCall(call)}\` was aborted before it began`);
    const id = this.#nextCall++;
    const { promise, resolve, reject } = Promise.withResolvers<CallAnswer>();
    let grace: NodeJS.Timeout | undefined;

    const deadline = new Deadline(
      timeoutMs,
      (why) => {
        this.#abort(id);
        const did = why === 'time' ? `did not end within ${timeoutMs} ms` : `worked for more than ${timeoutMs} ms while it waited for the user`;
        const error = new DashError('DEADLINE_EXCEEDED', `${this.#options.name}: \`${describeCall(call)}\` ${did} and was stopped`);
        grace = setTimeout(() => this.kill(error), KILL_GRACE_MS);
      },
      pauseCaller,
    );
    this.#calls.set(id, { resolve, reject, deadline, ...(onUpdate && { onUpdate }) });
    this.#inFlight.begin(`${id}`, { origin, delegation });
    const onAbort = (): void => {
      this.#abort(id);
      // A guest that ignores its signal keeps running without a call: without rights outside of one.
      grace ??= setTimeout(() => reject(new DashError('INTERRUPTED', `${this.#options.name}: \`${describeCall(call)}\` was aborted`)), KILL_GRACE_MS);
    };
    signal?.addEventListener('abort', onAbort, { once: true });

    this.#process.ref();
    this.tell({ kind: 'call', id, call, context });
    try {
      return await promise;
    } finally {
      deadline.clear();
      onWaited?.(deadline.waitedMs);
      clearTimeout(grace);
      signal?.removeEventListener('abort', onAbort);
      this.#calls.delete(id);
      this.#inFlight.end(`${id}`);
      if (this.#calls.size === 0) this.#process.unref();
    }
  }

  #pauseClocks(): Disposable {
    const pauses = new DisposableStack();
    for (const { deadline } of this.#calls.values()) pauses.use(deadline.pause());
    return pauses;
  }

  /** Whether nothing would be lost but memory: no call, no timer, nothing asked for or listened to. */
  async isIdle(): Promise<boolean> {
    const timers = await this.#process.rest().catch(() => undefined);
    return timers === 0 && this.#calls.size === 0 && this.#activation === undefined && !this.#listensToBus && this.#broker.isIdle;
  }

  get residentMiB(): number {
    return this.#process.residentMiB;
  }

  tell(message: ToGuest): void {
    this.#process.tell(message);
  }

  kill(reason?: DashError): void {
    this.#process.kill(reason);
  }

  /** First what the guest waits for is answered, then it is told: a blocked thread hears nothing. */
  #abort(id: number): void {
    this.#syncRequest?.abort();
    this.tell({ kind: 'abort', id });
  }

  #hear(text: string): void {
    const parsed = parseGuestMessage(text);
    if (!parsed.ok) return this.#refuse(text, parsed.reason);
    const message = parsed.value;
    switch (message.kind) {
      case 'activated':
        return this.#activation?.resolve(message);
      case 'request':
        void this.#broker.request(message.id, message.capability, message.params).then((answer) => this.tell({ kind: 'answer', id: message.id, ...answer }));
        return;
      case 'cancel':
        return this.#broker.cancel(message.id);
      case 'subscribe':
        void this.#broker.subscribe(message.id, message.capability, message.params, (answer) => this.tell({ kind: 'event', id: message.id, ...answer }));
        return;
      case 'unsubscribe':
        return this.#broker.unsubscribe(message.id);
      case 'listens':
        this.#listensToBus = true;
        return;
      case 'update':
        // An update after the result has nobody left to read it.
        return this.#update(message.id, message.value);
      case 'result':
        return void this.#settle(message.id, message);
      case 'log':
        return this.#log(message.level, message.text);
    }
  }

  /** Somebody may be waiting for the very message that cannot be taken: it is told now and not at its deadline. */
  #refuse(text: string, reason: string): void {
    this.#log('warn', `an unreadable message was dropped: ${reason}`);
    if (text.startsWith('{"kind":"activated"')) {
      return this.kill(new DashError('FACTORY_FAILED', `${this.#options.name} registers more than a package may, or something that cannot be read: ${reason}`));
    }
    const [, id] = /^\{"kind":"result","id":(\d{1,15})\b/.exec(text.slice(0, 64)) ?? [];
    if (id !== undefined) this.#calls.get(Number(id))?.resolve({ error: { message: `the result cannot be read: ${reason}` } });
  }

  #update(id: number, value: unknown): void {
    const call = this.#calls.get(id);
    if (call !== undefined && call.answered === undefined) call.onUpdate?.(value);
  }

  async #settle(id: number, { value, error }: { value?: unknown; error?: GuestError }): Promise<void> {
    const call = this.#calls.get(id);
    if (call === undefined) return; // forged, replayed, or late
    call.answered = true;
    // At once: what comes with the very next line is asked for when the call has ended.
    this.#inFlight.end(`${id}`);
    if (error === undefined) return call.resolve({ value });
    call.resolve({ error: await placeError(error, this.#options.scripts.sourceMap) });
  }

  async #answerSync(text: string, reply: (text: string) => void): Promise<void> {
    const parsed = parseSyncRequest(text);
    let answer: Answer;
    if (parsed.ok) {
      const controller = new AbortController();
      this.#syncRequest = controller;
      // The aborted effect may take its time to unwind; the guest's thread must not.
      const aborted = new Promise<Answer>((resolve) => {
        controller.signal.addEventListener('abort', () => resolve({ error: { code: 'ABORT_ERR', message: 'This operation was aborted' } }));
      });
      answer = await Promise.race([this.#broker.requestSync(parsed.value.capability, parsed.value.params, controller.signal), aborted]);
      if (this.#syncRequest === controller) this.#syncRequest = undefined;
    } else {
      answer = { error: { code: 'ERR_INVALID_ARG_VALUE', message: `the request cannot be read: ${parsed.reason}` } };
    }
    reply(JSON.stringify(answer));
  }

  /** Calls have their own deadlines; a guest that burns a core for nobody is ended. */
  #stuck(ms: number): void {
    if (this.#activation !== undefined) return;
    // The clocks of calls stand still before a panel, and who looks at one that does not move can do nothing.
    if (this.#calls.size > 0 && !this.#broker.hasPanel) return;
    this.kill(new DashError('DEADLINE_EXCEEDED', `${this.#options.name} was busy for ${ms} ms with no call to answer`));
  }

  #log(level: 'debug' | 'info' | 'warn' | 'error', text: string): void {
    if (this.#logged >= MAX_LOG_CHARACTERS) return;
    this.#logged += text.length;
    this.#options.onLog(level, text);
    if (this.#logged >= MAX_LOG_CHARACTERS)
      this.#options.onLog('warn', `${this.#options.name} wrote more than ${MAX_LOG_CHARACTERS} characters of log; the rest is dropped`);
  }

  async #factoryError(bundle: number, error: GuestError): Promise<DashError> {
    const placed = await placeError(error, this.#options.scripts.sourceMap);
    const entry = this.#options.scripts.entries[bundle] ?? 'the extension';
    const code = unsupportedCode(placed.code) ?? 'FACTORY_FAILED';
    return new DashError(code, `${this.#options.name}: ${entry} failed to load: ${placed.message}`, {
      where: placed.where ?? { path: entry },
      ...(placed.code === 'EACCES' && { cause: { code: 'EACCES' } }),
    });
  }

  #ended(error: DashError | undefined): void {
    this.#broker.close(error);
    const reason = error ?? new DashError('SANDBOX_DIED', `${this.#options.name} was closed`);
    this.#activation?.reject(reason);
    for (const call of this.#calls.values()) call.reject(reason);
    try {
      if (error !== undefined) this.#options.audit(`${error.code}: ${error.message}`);
    } catch (unwritten) {
      // The process is gone all the same: a full disk must not keep a runaway package alive, nor end the agent.
      this.#options.onLog(
        'error',
        `the end of ${this.#options.name} could not be recorded: ${unwritten instanceof Error ? unwritten.message : String(unwritten)}`,
      );
    }
    this.#options.onEnd(error);
  }
}

function decoded(cache: string | undefined): Buffer | undefined {
  return cache === undefined ? undefined : Buffer.from(cache, 'base64');
}

function describeCall(call: GuestCall): string {
  switch (call.op) {
    case 'tool':
    case 'shortcut':
      return call.name;
    case 'loadout':
      return `prepareLoadout of ${call.tool}`;
    case 'command':
    case 'complete':
      return `/${call.name}`;
    case 'event':
      return `event handler ${call.handler}`;
    case 'surface':
      return call.input.kind === 'suggest' ? 'a suggestion' : 'a key';
    case 'render':
      return `drawing a ${call.subject.kind}`;
    case 'stream':
      return `provider ${call.provider}`;
    case 'print':
      return call.command;
    case 'provider':
      return `provider ${call.provider}`;
  }
}

/** What the sandbox cannot do has the same name wherever it comes to light. */
export function unsupportedCode(code: string | undefined): 'UNSUPPORTED_NATIVE_ADDON' | 'UNSUPPORTED_MODULE' | 'UNSUPPORTED_API' | undefined {
  switch (code) {
    case 'UNSUPPORTED_NATIVE_ADDON':
    case 'UNSUPPORTED_MODULE':
    case 'UNSUPPORTED_API':
      return code;
    case 'MODULE_NOT_FOUND':
      return 'UNSUPPORTED_MODULE';
    default:
      return undefined;
  }
}
