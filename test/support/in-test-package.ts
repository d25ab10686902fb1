import { DashError, type ProviderRegistration, type Registrations, type ToolRegistration } from '../../format/index.ts';
import type { EventCallOptions, HandlerOutcome, ProviderPass, SandboxedPackage, ToolCallOptions, ToolOutcome } from '../../sandbox/index.ts';

type Handler = (event: Record<string, unknown>, options: EventCallOptions) => unknown;

/** What a package of a test does, written like an extension. */
export interface InTestExtension {
  readonly tools?: Readonly<Record<string, (args: unknown, options: ToolCallOptions) => ToolOutcome | Promise<ToolOutcome>>>;
  readonly commands?: Readonly<Record<string, (args: string, options: EventCallOptions) => void | Promise<void>>>;
  /** What `getArgumentCompletions` of a command answers. */
  readonly completions?: Readonly<Record<string, (typed: string, options: EventCallOptions) => unknown>>;
  readonly on?: readonly (readonly [event: string, handler: Handler])[];
}

/**
 * A package without a sandbox, for tests of the host alone: it answers in the test's process, with the
 * lifetime of a real one. Events reach its handlers as copies, and what they change in place comes back.
 */
export class InTestPackage implements SandboxedPackage {
  readonly name: string;
  readonly source: string;
  readonly registrations: Registrations;
  /** Tools that it registers while a test runs. */
  lateTools: readonly ToolRegistration[] = [];
  readonly heard: string[] = [];
  readonly emitted: [string, unknown][] = [];
  pid: number | undefined;
  inFlight = 0;
  closed = false;
  readonly #extension: InTestExtension;
  readonly #idle: (() => void)[] = [];

  constructor(name: string, extension: InTestExtension) {
    this.name = name;
    this.source = name;
    this.#extension = extension;
    this.registrations = {
      tools: Object.keys(extension.tools ?? {}).map((tool) => ({
        name: tool,
        description: `${tool} of ${name}`,
        parameters: { type: 'object', properties: {} },
      })),
      commands: Object.keys(extension.commands ?? {}).map((command) => ({
        name: command,
        ...(extension.completions?.[command] !== undefined && { completes: true as const }),
      })),
      events: (extension.on ?? []).map(([event], handler) => ({ event, handler })),
      flags: [],
      shortcuts: [],
      providers: [],
    };
  }

  async wake(): Promise<void> {
    this.pid ??= 1;
  }

  callTool(name: string, args: unknown, options: ToolCallOptions): Promise<ToolOutcome> {
    return this.#run(async () => {
      const tool = this.#extension.tools?.[name];
      if (tool === undefined) throw new Error(`the package \`${this.name}\` has no tool \`${name}\``);
      return tool(args, options);
    });
  }

  async runCommand(name: string, args: string, options: EventCallOptions): Promise<void> {
    await this.#run(async () => this.#extension.commands?.[name]?.(args, options));
  }

  async prepareLoadout(): Promise<undefined> {
    // It changes nothing about what the model sees.
  }

  completeArguments(name: string, typed: string, options: EventCallOptions): Promise<unknown> {
    return this.#run(async () => this.#extension.completions?.[name]?.(typed, options));
  }

  deliver(handler: number, event: unknown, options: EventCallOptions): Promise<HandlerOutcome> {
    return this.#run(async () => {
      const [name, handle] = this.#extension.on?.[handler] ?? [];
      if (name === undefined || handle === undefined) throw new Error(`the package \`${this.name}\` has no handler ${handler}`);
      this.heard.push(name);
      const copy: Record<string, unknown> = JSON.parse(JSON.stringify(event));
      try {
        return { value: await handle(copy, options), event: copy };
      } catch (error) {
        throw error instanceof DashError ? error : new DashError('GUEST_ERROR', error instanceof Error ? error.message : String(error));
      }
    });
  }

  async render(): Promise<undefined> {
    // It draws nothing itself.
  }

  /** Rights that were taken back while it runs. */
  readonly lost = new Set<string>();

  holds(area: string): boolean {
    return !this.lost.has(area);
  }

  /** Rights that the user can be asked for, and what is answered. */
  readonly askable = new Set<string>();
  readonly asked: string[] = [];
  answer = false;

  canAskFor(area: string): boolean {
    return this.askable.has(area);
  }

  async mayHear(event: string, needs: readonly string[]): Promise<boolean> {
    if (needs.every((area) => this.holds(area))) return true;
    this.asked.push(event);
    return this.answer;
  }

  readonly providers: readonly ProviderRegistration[] = [];

  canProvide(): boolean {
    return false;
  }

  async openGate(): Promise<ProviderPass> {
    return { kind: 'refused', code: 'PERMISSION_DENIED', message: 'a package of a test has no providers' };
  }

  async streamModel(): Promise<void> {
    throw new Error('a package of a test has no providers');
  }

  async askProvider(): Promise<never> {
    throw new Error('a package of a test has no providers');
  }

  emit(channel: string, data: unknown): void {
    this.emitted.push([channel, data]);
  }

  kill(): void {
    this.closed = true;
    this.pid = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.inFlight > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
    this.kill();
  }

  async #run<Result>(action: () => Promise<Result>): Promise<Result> {
    if (this.closed) throw new DashError('SANDBOX_DIED', `\`${this.name}\` is closed`);
    this.pid ??= 1;
    this.inFlight += 1;
    try {
      return await action();
    } finally {
      this.inFlight -= 1;
      if (this.inFlight === 0) for (const resolve of this.#idle.splice(0)) resolve();
    }
  }
}

/** A tool's plain answer. */
export function says(text: string): ToolOutcome {
  return { content: [{ type: 'text', text }], details: {}, isError: false };
}
