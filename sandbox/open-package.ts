import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { Value } from '@sinclair/typebox/value';
import {
  DashError,
  mergeRegistrations,
  type ModuleGraph,
  type PermissionSet,
  type PlainArea,
  type Places,
  type ProviderRegistration,
  type Registrations,
  type ToolRegistration,
} from '../format/index.ts';
import type { AuditTrail } from './audit-trail.ts';
import { Broker } from './broker.ts';
import { Budgets } from './budget.ts';
import { hasBundles, loadBundles, type BundleStore } from './compile/bundle-store.ts';
import { compilePackage } from './compile/compile-package.ts';
import type {
  CallContext,
  Denial,
  EventCallOptions,
  GuestFacts,
  HandlerOutcome,
  RenderOptions,
  SandboxedPackage,
  SandboxPackage,
  StreamCallOptions,
  ToolCallOptions,
  ToolOutcome,
} from './extension.ts';
import {
  DEFAULT_EVENT_TIMEOUT_MS,
  DEFAULT_TOOL_TIMEOUT_MS,
  IDLE_BEFORE_RECYCLING_MS,
  IDLE_BEFORE_REST_MS,
  MAX_PRIVATE_BYTES,
  MAX_STRIKES,
  RECYCLE_RSS_MIB,
} from './process/limits.ts';
import type { Engine } from './process/layers.ts';
import { runtimeCaches } from './process/runtime-caches.ts';
import { isRuntimeScript } from './process/runtime-files.ts';
import type { SpareProcess } from './process/spare-process.ts';
import { dataDirectory } from './data-directory.ts';
import { LateTools } from './late-tools.ts';
import { OfferedProviders } from './offered-providers.ts';
import { openGate, type ProviderAccess, type ProviderPass } from './provider-access.ts';
import { registrationsDiffer, showPlaces } from './registrations.ts';
import { guestError, toFailure, toOutcome } from './guest-answers.ts';
import { GuestSession } from './guest-session.ts';
import { prepareConfinement } from './process/spawn-process.ts';
import { OpenSurfaces } from './open-surfaces.ts';
import { osLayer, type OsLayer } from './os-layer/index.ts';
import { PackageRights } from './package-rights.ts';
import type { CallOrigin, HostPorts } from './ports.ts';
import type { GuestCall, ProviderRequest, ScriptSource } from './protocol.ts';
import { PrivateStorage } from './private-storage.ts';
import { createSecretHandles, type LookUpSecret, type SecretHandles } from './secret-handles.ts';
import { SURFACE_DEADLINE_MS } from './surface-limits.ts';
import { type Rendered, RenderedSchema, type RenderSubject } from './surface.ts';
import { unpackedDirectory } from './unpacked-directory.ts';

export interface OpenOptions {
  readonly ports: HostPorts;
  readonly audit: AuditTrail;
  readonly bundles: BundleStore;
  /** Real path of the workspace: the guest's cwd. */
  readonly workspace: string;
  readonly home: string;
  readonly dashHome: string;
  /** Directories of packages that are linked: no package changes another's code by accident of where it lies. */
  readonly linked?: readonly string[];
  /** The agent's environment; only granted names reach the guest. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The value of a secret, asked for when it goes out. Default: there are none. */
  readonly lookUpSecret?: LookUpSecret;
  readonly columns?: number;
  /** What confines programs. Default: what this machine has, probed at the first program. */
  readonly osLayer?: () => Promise<OsLayer>;
  /** Where a waking package finds a process that is prepared; without it each has its own made. */
  readonly spare?: SpareProcess;
  /** How long a package without event handlers rests before its process is ended. Default 30 minutes. */
  readonly idleMs?: number;
  /** What it may keep in its private directories. Default 256 MiB. */
  readonly maxPrivateBytes?: number;
  readonly onDenial?: (denial: Denial) => void;
  readonly onLog?: (level: 'debug' | 'info' | 'warn' | 'error', text: string) => void;
  /** What became of the package while nobody was waiting: a crash, a kill, a disabled package. */
  readonly onFailure?: (error: DashError) => void;
}

/** An answer of a model may take long; who waits for it can end it. */
const STREAM_TIMEOUT_MS = 30 * 60_000;

/**
 * One generation of a package. Nothing starts until something is called; the first call starts a process,
 * activates the factories there, and compares what they register with what was captured and consented to.
 *
 * @example
 * await using extension = openPackage(installed, options);
 * const { content } = await extension.callTool('hello', { name: 'Ada' }, { toolCallId: '1', context });
 */
export function openPackage(sandboxPackage: SandboxPackage, options: OpenOptions): SandboxedPackage {
  // Its private directory is called after it: as `..` that would be DASH_HOME, with the grants of everybody.
  if (/^\.{0,2}$/.test(sandboxPackage.name)) throw new DashError('INVALID_MANIFEST', `a package cannot be called \`${sandboxPackage.name}\``);
  return new OpenPackage(sandboxPackage, options);
}

class OpenPackage implements SandboxedPackage {
  readonly #package: SandboxPackage;
  readonly #options: OpenOptions;
  readonly #rights: PackageRights;
  readonly #lateTools: LateTools;
  readonly #providers: OfferedProviders;
  #registrations: Registrations | undefined;
  #awake: Promise<GuestSession> | undefined;
  #session: GuestSession | undefined;
  /** Handlers that were told that a session started: a process that takes over from a dead one is told again. */
  readonly #begun = new Map<number, { readonly event: object; readonly context: CallContext }>();
  #strikes = 0;
  #disabled: DashError | undefined;
  #closed = false;
  #killed = false;
  #inFlight = 0;
  #idle: PromiseWithResolvers<void> | undefined;
  #resting: NodeJS.Timeout | undefined;
  #privateTmp: string | undefined;
  #secrets: SecretHandles | undefined;

  constructor(sandboxPackage: SandboxPackage, options: OpenOptions) {
    this.#package = sandboxPackage;
    this.#options = options;
    const { workspace: cwd, home, dashHome, ports, audit, environment } = options;
    this.#rights = new PackageRights({ package: sandboxPackage, ports, audit, environment });
    const facts = { cwd, home, agentDir: this.#agentDir() };
    this.#registrations = sandboxPackage.captured && showPlaces(sandboxPackage.captured, facts);
    this.#lateTools = new LateTools({
      package: sandboxPackage,
      dashHome,
      facts,
      loaded: () => this.registrations,
      changed: (refused) => ports.agent.toolsChanged(sandboxPackage.name, refused),
    });
    this.#providers = new OfferedProviders(
      () => this.registrations.providers,
      () => ports.agent.providersChanged(sandboxPackage.name),
    );
  }

  get name(): string {
    return this.#package.name;
  }

  get registrations(): Registrations {
    return this.#registrations ?? { tools: [], commands: [], events: [], flags: [], shortcuts: [], providers: [] };
  }

  get lateTools(): readonly ToolRegistration[] {
    return this.#lateTools.offered;
  }

  get providers(): readonly ProviderRegistration[] {
    return this.#providers.all;
  }

  get pid(): number | undefined {
    return this.#session?.pid;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  async wake(): Promise<void> {
    await this.#wake();
  }

  async callTool(
    name: string,
    args: unknown,
    { toolCallId, signal, timeoutMs = DEFAULT_TOOL_TIMEOUT_MS, onUpdate, context, origin, delegation }: ToolCallOptions,
  ): Promise<ToolOutcome> {
    const how = { timeoutMs, context, ...(signal && { signal }), ...(origin && { origin }), ...(delegation && { delegation }) };
    const answer = await this.#call({ op: 'tool', name, toolCallId, args }, how, (value) => onUpdate?.(toOutcome(value)));
    if ('error' in answer) return toFailure(answer.error);
    return toOutcome(answer.value);
  }

  async runCommand(name: string, args: string, options: EventCallOptions): Promise<void> {
    const answer = await this.#call({ op: 'command', name, args }, options);
    if ('error' in answer) throw guestError(this.name, `/${name}`, answer.error);
  }

  async completeArguments(name: string, typed: string, options: EventCallOptions): Promise<unknown> {
    const answer = await this.#call({ op: 'complete', name, typed }, options);
    if ('error' in answer) throw guestError(this.name, `the completion of /${name}`, answer.error);
    return answer.value;
  }

  async deliver(handler: number, event: unknown, options: EventCallOptions): Promise<HandlerOutcome> {
    const answer = await this.#call({ op: 'event', handler, event }, options);
    if (isSessionStart(event)) this.#begun.set(handler, { event, context: options.context });
    if ('error' in answer) throw guestError(this.name, 'an event handler', answer.error);
    const { value, event: after } = (answer.value ?? {}) as { value?: unknown; event?: unknown };
    return { value, event: after };
  }

  async render(subject: RenderSubject, { width, scene, context, signal }: RenderOptions): Promise<Rendered | undefined> {
    if (!this.#mayDraw(subject)) return undefined;
    const how = { context, timeoutMs: SURFACE_DEADLINE_MS, ...(signal && { signal }) };
    const answer = await this.#call({ op: 'render', subject, width, scene }, how);
    if ('error' in answer) throw guestError(this.name, `drawing a ${subject.kind}`, answer.error);
    return Value.Check(RenderedSchema, answer.value) ? answer.value : undefined;
  }

  /** What its own tool was asked and answered is shown anyway: how, is refused to it only where drawing is. */
  #mayDraw({ kind }: RenderSubject): boolean {
    if (kind !== 'tool') return this.holds('ui:panel');
    return !this.#rights.authority.granted().permissions.some(({ area, deny }) => area === 'ui:panel' && deny);
  }

  holds(area: PlainArea): boolean {
    return this.#rights.holds(area);
  }

  canAskFor(area: PlainArea): boolean {
    return this.#rights.canAskFor(area);
  }

  mayHear(event: string, needs: readonly PlainArea[], options: Pick<EventCallOptions, 'origin' | 'signal'>): Promise<boolean> {
    return this.#rights.mayHear(event, needs, options);
  }

  canProvide(host: string): boolean {
    const { workspace, home, dashHome } = this.#options;
    return this.#rights.canProvide(host, { workspace, home, dashHome, data: dashHome, tmp: dashHome });
  }

  async openGate(access: ProviderAccess): Promise<ProviderPass> {
    const { ports, audit, environment, lookUpSecret = () => undefined } = this.#options;
    return openGate(access, {
      package: this.#package,
      authority: this.#rights.authority,
      ports,
      places: await this.#places(),
      environment,
      lookUpSecret,
      secrets: () => this.#secrets,
      audit,
      runCommand: (command, signal, origin) => this.#print(command, signal, origin),
    });
  }

  async streamModel(provider: string, request: ProviderRequest, { signal, context, origin, onEvent }: StreamCallOptions): Promise<void> {
    const how = { timeoutMs: STREAM_TIMEOUT_MS, signal, context, ...(origin && { origin }) };
    const answer = await this.#call({ op: 'stream', provider, request }, how, onEvent);
    if ('error' in answer) throw guestError(this.name, `the provider \`${provider}\``, answer.error);
  }

  /** Its own program, with its own rights: what that prints it could read itself. */
  async #print(command: string, signal: AbortSignal, origin: CallOrigin | undefined): Promise<string> {
    const how = { timeoutMs: DEFAULT_EVENT_TIMEOUT_MS, signal, context: { mode: 'print' as const, hasUI: false }, ...(origin && { origin }) };
    const answer = await this.#call({ op: 'print', command }, how);
    if ('error' in answer) throw guestError(this.name, `\`${command}\`, for a key,`, answer.error);
    return String(answer.value);
  }

  emit(channel: string, data: unknown): void {
    this.#session?.tell({ kind: 'bus', channel, data });
  }

  kill(): void {
    this.#closed = true;
    this.#killed = true;
    clearTimeout(this.#resting); // or it holds on to all of this for half an hour
    this.#session?.kill();
    // nobody may dispose of what was killed
    void this.#removePrivateTmp().catch(() => undefined);
  }

  async #removePrivateTmp(): Promise<void> {
    // A program of it may have left what cannot be removed: that is no reason not to end.
    if (this.#privateTmp !== undefined) await rm(this.#privateTmp, { recursive: true, force: true }).catch(() => undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#resting);
    if (this.#inFlight > 0) {
      this.#idle ??= Promise.withResolvers();
      await this.#idle.promise;
    }
    this.#session?.kill();
    await this.#awake?.catch(() => undefined);
    this.#session?.kill(); // it may have been on its way, before there was a process to end
    await this.#removePrivateTmp();
  }

  async #call(
    call: GuestCall,
    { signal, timeoutMs = DEFAULT_EVENT_TIMEOUT_MS, context, origin, delegation }: EventCallOptions,
    onUpdate?: (value: unknown) => void,
  ) {
    this.#inFlight++;
    clearTimeout(this.#resting);
    try {
      this.#endOutdated();
      const session = await this.#wake(origin, signal);
      return await session.call(call, {
        context,
        timeoutMs,
        ...(signal && { signal }),
        ...(origin && { origin }),
        ...(delegation && { delegation }),
        ...(onUpdate && { onUpdate }),
      });
    } finally {
      this.#inFlight--;
      if (this.#inFlight === 0) {
        this.#idle?.resolve();
        this.#restLater();
      }
    }
  }

  #engine(): Engine {
    return this.holds('wasm') ? 'wasm' : 'jitless';
  }

  /** A process is what it was started as: when `wasm` was granted or taken back since, the next call begins in another one. */
  #endOutdated(): void {
    if (this.#session !== undefined && this.#inFlight === 1 && this.#session.engine !== this.#engine()) this.#session.kill();
  }

  /**
   * A package nobody calls costs memory for nothing. What it holds in variables is gone when its process is ended,
   * so one that has event handlers, which follow the session and may guard something, keeps it, and one that offers tools
   * that only that process knows.
   */
  #restLater(): void {
    clearTimeout(this.#resting);
    if (this.#closed || this.#session === undefined || this.registrations.events.length > 0 || this.lateTools.length > 0 || this.#providers.isChanged) return;
    const leaks = this.#session.residentMiB > RECYCLE_RSS_MIB;
    const { idleMs = leaks ? IDLE_BEFORE_RECYCLING_MS : IDLE_BEFORE_REST_MS } = this.#options;
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

  #wake(origin?: CallOrigin, signal?: AbortSignal): Promise<GuestSession> {
    if (this.#disabled !== undefined) return Promise.reject(this.#disabled);
    if (this.#closed && this.#session === undefined) return Promise.reject(new DashError('SANDBOX_DIED', `${this.name} has been closed`));
    this.#awake ??= this.#start(origin, signal).catch((error: unknown) => {
      this.#awake = undefined;
      throw error;
    });
    return this.#awake;
  }

  async #start(origin: CallOrigin | undefined, signal: AbortSignal | undefined): Promise<GuestSession> {
    const { compiled, graph, version, contentHash, captured } = this.#package;
    const confinement = prepareConfinement();
    const { audit, bundles, ports, spare, onDenial, onLog } = this.#options;
    const { authority } = this.#rights;
    if (origin !== undefined) await this.#rights.askForVariables(origin, signal);
    const granted = authority.granted();
    const engine = this.#engine();
    const places = await this.#places();
    // Bundles are derived: where somebody emptied the directory they are made again, and must come out the same.
    if (!(await hasBundles(bundles, compiled))) await compilePackage({ graph, entries: compiled.entries.map(({ entry }) => entry), infer: false }, bundles);
    const loaded = await loadBundles(bundles, compiled);
    const scripts = engine === 'jitless' ? loaded : { ...loaded, bundles: loaded.bundles.map(withoutCache) };

    const secrets = (this.#secrets = createSecretHandles(this.#rights.secrets(granted), this.#options.lookUpSecret ?? (() => undefined)));
    await runtimeCaches.use(bundles, engine);
    await confinement; // the process that is started next, or taken, is confined by it
    const facts = this.#facts(places, granted, secrets);
    this.#rights.noteUses(granted);
    const session: GuestSession = new GuestSession({
      name: this.name,
      scripts,
      facts,
      engine,
      // The one that is kept compiles nothing.
      ...(spare !== undefined && engine === 'jitless' && { takeProcess: (listener) => spare.take(listener) }),
      makeBroker: (state) =>
        new Broker({
          context: {
            packageName: this.name,
            places,
            ports: this.#rights.asking(),
            secrets,
            storage: new PrivateStorage(this.name, [places.data, places.tmp], this.#options.maxPrivateBytes ?? MAX_PRIVATE_BYTES),
            surfaces: new OpenSurfaces({ packageName: this.name, port: () => ports.ui.surfaces, ...state }),
            ownDirectory: (dependency) => ownDirectory(this.#package.graph, dependency, bundles),
            random: randomBytes,
            programs: { environment: this.#options.environment, osLayer: this.#options.osLayer ?? osLayer },
            lateTools: this.#lateTools,
            providers: this.#providers,
          },
          version,
          contentHash,
          authority,
          audit,
          budgets: new Budgets(this.#budgetDirectory()),
          ...state,
          onDenial: (denial) => {
            if (denial.capability === 'tools.register' && denial.rule === 'no grant') this.#lateTools.denied(denial.target);
            onDenial?.(denial);
          },
        }),
      onLog: (level, text) => onLog?.(level, text),
      onRejected: (names) => {
        if (names.some(isRuntimeScript)) void runtimeCaches.refuse(bundles, engine);
      },
      onEnd: (error) => this.#ended(session, error),
      audit: (reason) =>
        audit.append({ 'event.name': 'kill', 'dash.package': this.name, 'dash.version': version, 'content.hash': contentHash, outcome: reason }),
    });
    this.#session = session;
    if (this.#killed) session.kill();
    try {
      const { registrations, failures } = await session.activate();
      const [failure] = failures;
      if (failure !== undefined && failures.length === compiled.entries.length) throw failure.error;
      // One entry that fails takes nothing from the others; it was named at install already.
      for (const { error } of failures) this.#options.onFailure?.(error);
      const actual = mergeRegistrations(registrations);
      const drift = captured === undefined ? undefined : registrationsDiffer(showPlaces(captured, facts), actual);
      if (drift !== undefined) {
        throw new DashError('REGISTRATION_CHANGED', `${this.name} registers something else than what was inspected: ${drift}`, {
          hint: `run \`dash inspect ${this.name}\` and install it again if you trust the change`,
        });
      }
      const described = JSON.stringify(this.registrations.providers);
      this.#registrations = actual;
      // an address or a list of models that its factory looked up
      if (captured !== undefined && described !== JSON.stringify(actual.providers)) ports.agent.providersChanged(this.name);
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
      if ('error' in answer) this.#options.onLog?.('error', `session_start after a restart: ${answer.error.message}`);
    }
  }

  #ended(session: GuestSession, error: DashError | undefined): void {
    if (this.#session !== session) return;
    this.#session = undefined;
    this.#awake = undefined;
    this.#lateTools.clear();
    if (!this.#closed) this.#providers.clear();
    if (error === undefined || this.#closed) return;
    this.#strikes++;
    if (this.#strikes >= MAX_STRIKES) {
      this.#disabled = new DashError(error.code, `${this.name} was stopped ${MAX_STRIKES} times and is disabled until the next reload: ${error.message}`, {
        cause: error,
      });
    }
    this.#options.onFailure?.(this.#disabled ?? error);
  }

  async #places(): Promise<Places> {
    const { workspace, home, dashHome, linked = [] } = this.#options;
    const agentDir = this.#agentDir();
    const data = dirname(agentDir);
    await mkdir(agentDir, { recursive: true, mode: 0o700 });
    this.#privateTmp ??= await mkdtemp(join(await realpath(tmpdir()), 'dash-package-'));
    return {
      workspace: await realpath(workspace),
      home: await realpath(home),
      data: await realpath(data),
      tmp: this.#privateTmp,
      dashHome: await realpath(dashHome),
      linked: await Promise.all(linked.map((directory) => realpath(directory).catch(() => directory))),
    };
  }

  /** Not where the package may write. */
  #budgetDirectory(): string {
    return join(this.#options.dashHome, 'state', 'budgets', basename(dirname(this.#agentDir())));
  }

  /** pi packages keep their settings in "the agent's directory": here each has one of its own. */
  #agentDir(): string {
    return join(dataDirectory(this.#options.dashHome, this.#package), 'agent');
  }

  #facts(places: Places, granted: PermissionSet, secrets: SecretHandles): GuestFacts {
    // A value that was granted stands before a handle of the same name.
    const env = { ...secrets.environment, ...this.#rights.variables(granted) };
    return {
      cwd: places.workspace,
      home: places.home,
      tmp: places.tmp,
      agentDir: join(places.data, 'agent'),
      env,
      platform: process.platform,
      arch: process.arch,
      columns: this.#options.columns ?? 80,
    };
  }
}

/** A code cache holds for the flags it was made under. */
function withoutCache({ name, source }: ScriptSource): ScriptSource {
  return { name, source };
}

function isSessionStart(event: unknown): event is { readonly type: 'session_start' } {
  return typeof event === 'object' && event !== null && 'type' in event && event.type === 'session_start';
}

function ownDirectory(graph: ModuleGraph, dependency: string | undefined, bundles: BundleStore): string | undefined {
  const node = dependency === undefined ? graph.nodes[graph.root] : Object.values(graph.nodes).find(({ name }) => name === dependency);
  return node && unpackedDirectory(node, join(bundles.directory, 'unpacked'));
}
