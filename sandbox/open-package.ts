import { Value } from '@sinclair/typebox/value';
import { DashError, NO_SETTING_VALUES, type PlainArea, type ProviderRegistration, type Registrations, type ToolRegistration } from '../format/index.ts';
import type {
  EventCallOptions,
  HandlerOutcome,
  RenderOptions,
  SandboxedPackage,
  SandboxPackage,
  StreamCallOptions,
  ToolCallOptions,
  ToolOutcome,
} from './extension.ts';
import { guestError, toFailure, toOutcome } from './guest-answers.ts';
import { LateTools } from './late-tools.ts';
import { OfferedProviders } from './offered-providers.ts';
import type { OpenOptions } from './open-options.ts';
import { PackageDirectories } from './package-directories.ts';
import { PackageProcess } from './package-process.ts';
import { PackageRights } from './package-rights.ts';
import type { CallOrigin } from './ports.ts';
import { DEFAULT_EVENT_TIMEOUT_MS, DEFAULT_TOOL_TIMEOUT_MS } from './process/limits.ts';
import type { ProviderRequest } from './protocol.ts';
import { type ProviderAct, type ProviderAnswer, readAnswer } from './provider-acts.ts';
import { openGate, type ProviderAccess, type ProviderPass } from './provider-access.ts';
import { showPlaces } from './registrations.ts';
import { scrubbedOptions, scrubSettings, type SettingScrubber } from './scrub-settings.ts';
import { SURFACE_DEADLINE_MS } from './surface-limits.ts';
import { type Rendered, RenderedSchema, type RenderSubject } from './surface.ts';

/** An answer of a model may take long; who waits for it can end it. */
const STREAM_TIMEOUT_MS = 30 * 60_000;

/** How long somebody may take to log in. */
const LOGIN_TIMEOUT_MS = 10 * 60_000;

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
  readonly #scrub: SettingScrubber;
  readonly #rights: PackageRights;
  readonly #directories: PackageDirectories;
  readonly #lateTools: LateTools;
  readonly #providers: OfferedProviders;
  readonly #process: PackageProcess;
  #registrations: Registrations | undefined;

  constructor(sandboxPackage: SandboxPackage, options: OpenOptions) {
    this.#package = sandboxPackage;
    this.#scrub = scrubSettings(options.settings ?? (() => NO_SETTING_VALUES));
    this.#options = scrubbedOptions(options, this.#scrub);
    const { workspace: cwd, home, dashHome, ports, audit, environment } = this.#options;
    this.#rights = new PackageRights({ package: sandboxPackage, ports, audit, environment });
    this.#directories = new PackageDirectories(sandboxPackage, options);
    const facts = { cwd, home, agentDir: this.#directories.agentDir };
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
    this.#process = new PackageProcess({
      parts: {
        package: sandboxPackage,
        options: this.#options,
        scrub: this.#scrub,
        rights: this.#rights,
        directories: this.#directories,
        lateTools: this.#lateTools,
        providers: this.#providers,
      },
      engine: () => (this.holds('wasm') ? 'wasm' : 'jitless'),
      registrations: () => this.registrations,
      registered: (registrations) => this.#takeUp(registrations),
    });
  }

  get name(): string {
    return this.#package.name;
  }

  get source(): string {
    return this.#package.source ?? `name:${this.#package.name}`;
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
    return this.#process.pid;
  }

  get inFlight(): number {
    return this.#process.inFlight;
  }

  async wake(): Promise<void> {
    await this.#process.wake();
  }

  async callTool(
    name: string,
    args: unknown,
    { toolCallId, signal, timeoutMs = DEFAULT_TOOL_TIMEOUT_MS, onUpdate, onWaited, pauseCaller, context, origin, delegation }: ToolCallOptions,
  ): Promise<ToolOutcome> {
    const how = {
      timeoutMs,
      context,
      ...(signal && { signal }),
      ...(origin && { origin }),
      ...(delegation && { delegation }),
      ...(onWaited && { onWaited }),
      ...(pauseCaller && { pauseCaller }),
    };
    const answer = await this.#process.call({ op: 'tool', name, toolCallId, args }, how, (value) => onUpdate?.(this.#scrub.data(toOutcome(value))));
    if ('error' in answer) return toFailure(answer.error);
    return this.#scrub.data(toOutcome(answer.value));
  }

  async runCommand(name: string, args: string, options: EventCallOptions): Promise<void> {
    const answer = await this.#process.call({ op: 'command', name, args }, options);
    if ('error' in answer) throw guestError(this.name, `/${name}`, answer.error);
  }

  async completeArguments(name: string, typed: string, options: EventCallOptions): Promise<unknown> {
    const answer = await this.#process.call({ op: 'complete', name, typed }, options);
    if ('error' in answer) throw guestError(this.name, `the completion of /${name}`, answer.error);
    return answer.value;
  }

  async prepareLoadout(tool: string, loadout: unknown, options: EventCallOptions): Promise<unknown> {
    const answer = await this.#process.call({ op: 'loadout', tool, loadout }, options);
    if ('error' in answer) throw guestError(this.name, `\`prepareLoadout\` of \`${tool}\``, answer.error);
    return this.#scrub.data(answer.value);
  }

  async deliver(handler: number, event: unknown, options: EventCallOptions): Promise<HandlerOutcome> {
    const answer = await this.#process.call({ op: 'event', handler, event }, options);
    if (isSessionStart(event)) this.#process.began(handler, event, options.context);
    if ('error' in answer) throw guestError(this.name, 'an event handler', answer.error);
    const { value, event: after } = (answer.value ?? {}) as { value?: unknown; event?: unknown };
    return { value, event: after };
  }

  async render(subject: RenderSubject, { width, scene, context, signal }: RenderOptions): Promise<Rendered | undefined> {
    if (!this.#mayDraw(subject)) return undefined;
    const how = { context, timeoutMs: SURFACE_DEADLINE_MS, ...(signal && { signal }) };
    const answer = await this.#process.call({ op: 'render', subject, width, scene }, how);
    if ('error' in answer) throw guestError(this.name, `drawing a ${subject.kind}`, answer.error);
    return Value.Check(RenderedSchema, answer.value) ? answer.value : undefined;
  }

  /** What its own tool was asked and answered is shown anyway: how, is refused to it only where drawing is. */
  #mayDraw({ kind }: RenderSubject): boolean {
    // It is handed what anybody said.
    if (kind === 'markdown') return this.holds('ui:panel') && this.holds('session:read');
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
      places: await this.#directories.places(),
      environment,
      lookUpSecret,
      secrets: () => this.#process.secrets,
      audit,
      runCommand: (command, signal, origin) => this.#print(command, signal, origin),
    });
  }

  async streamModel(provider: string, request: ProviderRequest, { signal, context, origin, onEvent }: StreamCallOptions): Promise<void> {
    const how = { timeoutMs: STREAM_TIMEOUT_MS, signal, context, ...(origin && { origin }) };
    const answer = await this.#process.call({ op: 'stream', provider, request }, how, onEvent);
    if ('error' in answer) throw guestError(this.name, `the provider \`${provider}\``, answer.error);
  }

  async askProvider<Act extends ProviderAct>(provider: string, act: Act, options: EventCallOptions): Promise<ProviderAnswer<Act['kind']>> {
    using _ = act.kind === 'login' ? this.#providers.beginLogin(provider) : undefined;
    const how = act.kind === 'login' ? { ...options, timeoutMs: LOGIN_TIMEOUT_MS } : options;
    const answer = await this.#process.call({ op: 'provider', provider, act }, how);
    const what = `the provider \`${provider}\` (${act.kind})`;
    if ('error' in answer) throw guestError(this.name, what, answer.error);
    const read = readAnswer<Act['kind']>(act.kind, answer.value);
    if (read === undefined) throw guestError(this.name, what, { message: 'it answered something else than was asked for' });
    return read;
  }

  /** Its own program, with its own rights: what that prints it could read itself. */
  async #print(command: string, signal: AbortSignal, origin: CallOrigin | undefined): Promise<string> {
    const how = { timeoutMs: DEFAULT_EVENT_TIMEOUT_MS, signal, context: { mode: 'print' as const, hasUI: false }, ...(origin && { origin }) };
    const answer = await this.#process.call({ op: 'print', command }, how);
    if ('error' in answer) throw guestError(this.name, `\`${command}\`, for a key,`, answer.error);
    return String(answer.value);
  }

  emit(channel: string, data: unknown): void {
    this.#process.tell({ kind: 'bus', channel, data });
  }

  kill(): void {
    this.#process.kill();
    // nobody may dispose of what was killed
    void this.#directories.removeTmp();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.close();
    await this.#directories.removeTmp();
  }

  #takeUp(registrations: Registrations): void {
    const described = JSON.stringify(this.registrations.providers);
    this.#registrations = registrations;
    // an address or a list of models that its factory looked up
    if (this.#package.captured !== undefined && described !== JSON.stringify(registrations.providers))
      this.#options.ports.agent.providersChanged(this.#package.name);
  }
}

function isSessionStart(event: unknown): event is { readonly type: 'session_start' } {
  return typeof event === 'object' && event !== null && 'type' in event && event.type === 'session_start';
}
