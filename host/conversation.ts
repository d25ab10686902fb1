import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDashError, DashError } from '../format/index.ts';
import type { CallOrigin } from '../sandbox/index.ts';
import type { AgentEvent } from './agent-event.ts';
import { type LoopPorts, type RetryPolicy, runAgent } from './agent-loop.ts';
import { atTurnEnd, beforeSettle, type BoundaryPlace } from './boundary.ts';
import { type CacheWarmer, type Clock, createCacheWarmer, systemClock } from './cache-warmer.ts';
import type { WarmingMode } from './plan-warming.ts';
import { type BranchSummary, type CompactionResult, type CompactionSettings, type Compactor, createCompactor } from './compactor.ts';
import type { EventBus } from './bus/event-bus.ts';
import { isExtensionEvent } from './bus/extension-events.ts';
import type { HostEvent } from './host-event.ts';
import { type ImageContent, type JsonObject, textOf } from './model/messages.ts';
import type { ModelInfo, ModelPort, ThinkingLevel } from './model/port.ts';
import { createQueues, type Queues } from './queues.ts';
import { createRequestHooks, type RequestHooks } from './request-hooks.ts';
import type { SkillAt } from './session/invoked-skills.ts';
import { lastAnswer } from './session/export.ts';
import { describeOrigin, type Origin, originsIn, originsOf, type Owners } from './session/origins.ts';
import { AUDIT_ENTRY, type AuditHead } from './session/audit-anchor.ts';
import { noteSettings } from './session/settings-in-force.ts';
import { type EntryDraft, type SessionEntry, toLine } from './session/entry.ts';
import type { Session } from './session/session.ts';
import { buildSystemPrompt, promptOptions, type SystemPromptParts, withOptions } from './system-prompt.ts';
import type { Toolbox } from './toolbox.ts';
import { type AgentMessage, type BashExecutionMessage, type CustomMessage, userMessage } from './transcript.ts';

export interface ConversationOptions {
  readonly models: ModelPort;
  readonly bus: EventBus;
  readonly toolbox: Toolbox;
  readonly retry: () => RetryPolicy;
  readonly compaction: () => CompactionSettings;
  readonly cacheWarming: () => WarmingMode;
  readonly skillAt: SkillAt;
  readonly clock?: Clock;
  /** The parts of the system prompt as they are now, for a run about `prompt`. */
  readonly promptParts: (prompt: string) => SystemPromptParts;
  readonly emit: (event: HostEvent) => Promise<void>;
  /** The package of a tool. */
  readonly ownerOf: (tool: string) => string | undefined;
  /** Files of the project that the system prompt holds. */
  readonly projectFiles: () => readonly string[];
  /** A package with its version, as an entry keeps whose word it is. */
  readonly versioned: (packageName: string) => string;
  readonly session: Session;
  readonly thinking: ThinkingLevel | undefined;
  /** The newest line of the audit trail; `undefined` as long as no package was opened. */
  readonly auditHead: () => AuditHead | undefined;
}

/** More origins nobody reads. */
const MOST_SHOWN = 6;

/** Whose word a prompt is. */
export interface SaidBy {
  /** The line of the user's that it comes from. */
  readonly typed: string | undefined;
  /** Packages that wrote it, or changed it. */
  readonly whose?: readonly Origin[];
}

/** How a message of a package reaches the model: at the next safe point, after the run, or with the user's next prompt. */
export type DeliverAs = 'steer' | 'followUp' | 'nextTurn';

/** One session and the runs in it: at most one at a time, everything else waits in the queues. */
export class Conversation {
  readonly queues: Queues;
  /** Whether a context that becomes too long is summed up by itself. */
  autoCompaction: boolean;
  /** Whether a request that failed in passing is sent again. */
  autoRetry = true;
  readonly #compactor: Compactor;
  readonly #requests: RequestHooks;
  readonly #warmer: CacheWarmer;
  readonly #models: ModelPort;
  readonly #options: ConversationOptions;
  #session: Session;
  #model: ModelInfo | undefined;
  #thinking: ThinkingLevel | undefined;
  #nextTurn: CustomMessage[] = [];
  #ranMeanwhile: BashExecutionMessage[] = [];
  #systemPrompt: string | undefined;
  /** What the run is about: the same skills are listed in all its turns. */
  #prompt = '';
  #origin: CallOrigin | undefined;
  /** Messages in the queues that the user typed; packages put theirs there too. */
  readonly #typed = new WeakMap<AgentMessage, string>();
  /** Whose word a message is besides what its kind tells: packages wrote it, or changed it on the way. */
  readonly #whose = new WeakMap<AgentMessage, readonly Origin[]>();
  readonly #changedResults = new Map<string, readonly Origin[]>();
  /** The packages that have a part in what the model of this run is told. */
  readonly #shaping = new Set<Origin>();
  #run: { readonly controller: AbortController; readonly done: Promise<void> } | undefined;
  #compaction: { readonly controller: AbortController; readonly done: Promise<unknown> } | undefined;
  #askedToCompact = 0;
  #retrying: AbortController | undefined;
  #anchored: string | undefined;

  constructor(options: ConversationOptions) {
    this.#options = options;
    this.#session = options.session;
    this.#thinking = options.thinking;
    this.autoCompaction = options.compaction().enabled;
    this.#requests = createRequestHooks(options.bus, options.ownerOf);
    this.#compactor = createCompactor({
      models: options.models,
      bus: options.bus,
      retry: () => this.#retryPolicy(),
      settings: () => ({ ...options.compaction(), enabled: this.autoCompaction }),
      skillAt: options.skillAt,
      emit: (event) => options.emit(event),
    });
    this.#warmer = createCacheWarmer({
      mode: options.cacheWarming,
      lastUsage: () => this.messages.findLast((message) => message.role === 'assistant')?.usage,
      decide: (decision) => options.bus.cacheWarming(decision),
      // another place in the tree and a summary stop it by themselves
      context: () => `${this.#session.id} ${this.#model?.provider}/${this.#model?.id} ${this.#thinking}`,
      warmed: ({ provider, id }, usage, isOverridden) => {
        const note = isOverridden ? { note: 'extension override' } : {};
        const entry = this.#session.append({ type: 'usage', kind: 'cache_warm', provider, model: id, usage, ...note });
        void options.emit({ type: 'entry_appended', entry: toLine(entry) });
      },
      clock: options.clock ?? systemClock,
    });
    this.#models = this.#warmer.watch(options.models);
    this.queues = createQueues(() => {
      const { steering, followUp } = this.queues.waiting();
      void options.emit({ type: 'queue_update', steering: steering.map(textOfMessage), followUp: followUp.map(textOfMessage) });
    });
  }

  get session(): Session {
    return this.#session;
  }

  get model(): ModelInfo | undefined {
    return this.#model;
  }

  get thinking(): ThinkingLevel | undefined {
    return this.#thinking;
  }

  get isStreaming(): boolean {
    return this.#run !== undefined;
  }

  /** Whether the conversation is being summed up because someone asked for it, or will be once the run has ended. */
  get isCompacting(): boolean {
    return this.#compaction !== undefined || this.#askedToCompact > 0;
  }

  get messages(): readonly AgentMessage[] {
    return this.#session.context().messages;
  }

  /** The system prompt of the run, or the one the next run would begin with. */
  get systemPrompt(): string {
    return this.#systemPrompt ?? buildSystemPrompt(this.#options.promptParts(this.#prompt));
  }

  /** Its parts, as packages see them. */
  get systemPromptOptions(): JsonObject {
    return promptOptions(this.#options.promptParts(this.#prompt));
  }

  /** The user's message behind the run; `undefined` when there is none, or a package began or turned it. */
  get origin(): CallOrigin | undefined {
    return this.#origin;
  }

  /** What is in the model's context and is not the user's word, newest first. */
  get origins(): readonly Origin[] {
    return [
      ...new Set([...this.#shaping, ...originsIn(this.#session.tree.path(), this.#owners), ...this.#options.projectFiles().map((path) => `file:${path}`)]),
    ];
  }

  /** What the user typed, as what sets calls going. */
  originOf(message: string): CallOrigin {
    const origins = (): readonly Origin[] => this.origins;
    return {
      chain: randomUUID(),
      message,
      // looked up when a question shows it, and not at every call
      get sources() {
        const all = origins().map(describeOrigin);
        return all.length <= MOST_SHOWN ? all : [...all.slice(0, MOST_SHOWN), `${all.length - MOST_SHOWN} more`];
      },
    };
  }

  /** Begins a run. @returns a promise for its end. @throws {DashError} NO_MODEL */
  start(text: string, images: readonly ImageContent[], { typed, whose = [] }: SaidBy, accepted: () => void = () => undefined): Promise<void> {
    const prompt = userMessage(text, images);
    this.#whose.set(prompt, whose);
    return this.#begin(async () => {
      this.#shaping.clear();
      if (typed !== undefined) this.#origin = this.originOf(typed);
      accepted();
      this.#prompt = text;
      const parts = this.#options.promptParts(text);
      const systemPrompt = buildSystemPrompt(parts);
      const options = promptOptions(parts);
      const decision = await this.#options.bus.beforeAgentStart({ prompt: text, images, systemPrompt, systemPromptOptions: options }, (by) =>
        this.#shaping.add(this.#changedBy(by)),
      );
      if (decision.systemPrompt !== systemPrompt) this.#systemPrompt = decision.systemPrompt;
      else if (decision.systemPromptOptions !== options) this.#systemPrompt = buildSystemPrompt(withOptions(parts, decision.systemPromptOptions));
      return [prompt, ...this.#nextTurn.splice(0), ...decision.messages];
    });
  }

  /** Puts a message into a queue. */
  queue(when: 'steer' | 'followUp', text: string, images: readonly ImageContent[], { typed, whose = [] }: SaidBy): void {
    const message = userMessage(text, images);
    this.#whose.set(message, whose);
    if (typed !== undefined) this.#typed.set(message, typed);
    this.queues[when](message);
  }

  /** Adds what a package says, and begins a run for it where that is asked for and none is running. */
  add(
    by: string,
    message: CustomMessage,
    { triggerTurn = false, deliverAs = 'steer' }: { readonly triggerTurn?: boolean; readonly deliverAs?: DeliverAs },
  ): void {
    this.#whose.set(message, [`package:${this.#options.versioned(by)}`]);
    if (deliverAs === 'nextTurn') this.#nextTurn.push(message);
    else if (this.isStreaming) (deliverAs === 'followUp' ? this.queues.followUp : this.queues.steer)(message);
    else if (triggerTurn) void this.#begin(async () => [message]);
    else {
      this.#append(message);
      for (const type of ['message_start', 'message_end'] as const) void this.#announce({ type, message });
    }
  }

  /** Adds a command that the user ran. During a run it waits for the end: nothing may come between a call and its result. */
  addBash(message: BashExecutionMessage): void {
    if (this.isStreaming) this.#ranMeanwhile.push(message);
    else this.#append(message);
  }

  /** Ends the run, if there is one, and waits until it has ended. */
  async abort(): Promise<void> {
    this.#warmer.stop();
    this.#compaction?.controller.abort();
    this.#run?.controller.abort();
    await this.waitForIdle();
  }

  async waitForIdle(): Promise<void> {
    while (this.#run !== undefined || this.#compaction !== undefined) await (this.#run?.done ?? this.#compaction?.done);
  }

  /** Does not wait for the next attempt at a request that failed: the run ends with the failure. */
  abortRetry(): void {
    this.#retrying?.abort();
  }

  /**
   * Ends the run and puts a summary in the place of what is old in the context. `undefined`: it was stopped, or a package
   * did not want it. @throws {DashError} NO_MODEL
   */
  async compact(instructions?: string): Promise<CompactionResult | undefined> {
    this.#askedToCompact += 1;
    try {
      // of several who waited for the same end, only the first finds nothing going on
      do await this.abort();
      while (this.#run !== undefined || this.#compaction !== undefined);
      const request = { session: this.#session, model: this.#chosenModel(), reason: 'manual' as const, sources: this.origins };
      const minding = instructions === undefined || instructions.trim() === '' ? {} : { instructions };
      return await this.#occupy((signal) => this.#compactor.compact({ ...request, signal, ...minding }));
    } finally {
      this.#askedToCompact -= 1;
    }
  }

  /** Writes down what an agent cost that is not in this transcript. */
  noteUsage(entry: Extract<EntryDraft, { readonly type: 'usage' }>): void {
    this.#session.append(entry);
  }

  /** Takes another session's place; the run has ended before. */
  replaceSession(session: Session): void {
    this.#warmer.stop();
    this.#session.sync();
    this.#session[Symbol.dispose]();
    this.#session = session;
    this.#nextTurn = [];
    this.queues.clear();
  }

  /** The model that it starts with: nothing has changed, and nobody is told. */
  useModel(model: ModelInfo | undefined, thinking?: ThinkingLevel | 'off'): void {
    this.#model = model;
    if (thinking !== undefined) this.#thinking = thinking === 'off' ? undefined : thinking;
  }

  setModel(model: ModelInfo, source: 'set' | 'cycle' = 'set'): void {
    const previousModel = this.#model;
    this.#model = model;
    noteSettings(this.#session, this.#model, this.#thinking);
    void this.#options.emit({ type: 'model_select', model });
    void this.#options.bus.notify({ type: 'model_select', model, previousModel, source });
  }

  setThinking(level: ThinkingLevel | undefined): void {
    const previousLevel = this.#thinking ?? 'off';
    this.#thinking = level;
    noteSettings(this.#session, this.#model, this.#thinking);
    void this.#options.emit({ type: 'thinking_level_changed', level: level ?? 'off' });
    void this.#options.bus.notify({ type: 'thinking_level_select', level: level ?? 'off', previousLevel });
  }

  /** Has the model sum up what was said on a branch that is left; `undefined`: it was stopped. @throws {DashError} NO_MODEL */
  async summarizeBranch(left: readonly SessionEntry[], instructions?: string, instructionsAreAll = false): Promise<BranchSummary | undefined> {
    const model = this.#chosenModel();
    return this.#occupy((signal) => this.#compactor.summarizeBranch({ left, model, instructions, instructionsAreAll, sources: this.origins, signal }));
  }

  /** While `work` is going on, prompts wait, and an abort stops it. Occupied before it begins: what it tells may ask for the same. */
  async #occupy<Result>(work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
    const controller = new AbortController();
    const { promise: done, resolve } = Promise.withResolvers<void>();
    this.#compaction = { controller, done };
    try {
      return await work(controller.signal);
    } finally {
      this.#compaction = undefined;
      resolve();
    }
  }

  #begin(prompts: () => Promise<readonly AgentMessage[]>): Promise<void> {
    this.#chosenModel();
    const controller = new AbortController();
    const done = this.#drive(prompts, controller.signal).then(async () => {
      for (const message of this.#ranMeanwhile.splice(0)) this.#append(message);
      this.#run = undefined;
      this.#systemPrompt = undefined;
      this.#origin = undefined;
      this.#warmer.settled();
      await this.#options.emit({ type: 'agent_settled' });
      void this.#options.bus.notify({ type: 'agent_settled' });
    });
    this.#run = { controller, done };
    return done;
  }

  #retryPolicy(): RetryPolicy {
    const retry = this.#options.retry();
    return this.autoRetry ? retry : { ...retry, attempts: 0 };
  }

  #chosenModel(): ModelInfo {
    if (this.#model !== undefined) return this.#model;
    throw new DashError('NO_MODEL', 'no model is chosen', {
      hint: 'keep the key of a provider with `/login` or `dash login`, or set it in the environment, e.g. ANTHROPIC_API_KEY',
    });
  }

  async #drive(begin: () => Promise<readonly AgentMessage[]>, signal: AbortSignal): Promise<void> {
    try {
      await this.#compaction?.done;
      this.#session.closeOpenCalls();
      noteSettings(this.#session, this.#model, this.#thinking);
      let prompts = await begin();
      do {
        const produced = await runAgent(this.messages, prompts, this.#loopPorts(), signal);
        const last = produced.findLast(({ role }) => role === 'assistant');
        const ended = last?.role === 'assistant' && last.stopReason === 'error';
        // A handler of `agent_end` may have asked for more; what it asked for is part of this run.
        prompts = signal.aborted || ended ? [] : [...this.#take('takeSteering'), ...this.#take('takeFollowUps')];
        if (prompts.length === 0) {
          const outcome = signal.aborted ? 'aborted' : ended ? 'error' : 'completed';
          prompts = await beforeSettle(outcome, this.#place());
        }
        if (prompts.length === 0) this.#complete(produced);
      } while (prompts.length > 0);
    } catch (error) {
      // The disk, or a bug of ours: models and tools do not throw.
      const { message } = error instanceof Error ? error : new Error(String(error));
      await this.#options.emit({
        type: 'error',
        code: isDashError(error) ? error.code : 'INTERNAL',
        message,
        ...(isDashError(error) && error.hint !== undefined ? { hint: error.hint } : {}),
      });
    }
  }

  /** What is said last leads: the user's word begins a chain, a package's in the user's place ends it. */
  #take(which: 'takeSteering' | 'takeFollowUps'): readonly AgentMessage[] {
    const taken = this.queues[which]();
    for (const message of taken) {
      if (message.role !== 'user') continue;
      const typed = this.#typed.get(message);
      this.#origin = typed === undefined ? undefined : this.originOf(typed);
    }
    return taken;
  }

  #complete(produced: readonly AgentMessage[]): void {
    const totalCost = produced.reduce((sum, message) => sum + (message.role === 'assistant' ? message.usage.cost.total : 0), 0);
    void this.#options.bus.notify({ type: 'agent_complete', agentId: this.#session.id, result: lastAnswer(produced) ?? '', totalCost });
  }

  #loopPorts(): LoopPorts {
    const { bus, toolbox } = this.#options;
    // What failed once would fail before every request of the run.
    let failed = false;
    return {
      model: this.#models,
      retry: () => this.#retryPolicy(),
      waitToRetry: async (delayMs, signal) => {
        const waiting = new AbortController();
        this.#retrying = waiting;
        await sleep(delayMs, undefined, { signal: AbortSignal.any([signal, waiting.signal]) }).catch(() => undefined);
        this.#retrying = undefined;
        return !waiting.signal.aborted;
      },
      fit: async (reason, signal) => {
        const session = this.#session;
        const model = this.#chosenModel();
        if (!this.autoCompaction || failed || (reason === 'threshold' && !this.#compactor.isDue(session, model))) return undefined;
        try {
          const done = await this.#compactor.compact({ session, model, reason, sources: this.origins, signal });
          failed = done === undefined;
          return done === undefined ? undefined : this.messages;
        } catch {
          // it was told with `compaction_end`; the request is sent as it is
          failed = true;
          return undefined;
        }
      },
      hooks: {
        before: (call, signal) => bus.toolCall(call, signal),
        approve: (call, tool, signal) => toolbox.approve(call, tool, signal),
        after: (call, answer, signal) =>
          bus.toolResult(call, answer, signal, [], (by) => {
            this.#changedResults.set(call.id, [...(this.#changedResults.get(call.id) ?? []), this.#changedBy(by)]);
          }),
      },
      turn: () => {
        return {
          model: this.#chosenModel(),
          systemPrompt: this.systemPrompt,
          tools: toolbox.active(),
          sessionId: this.#session.id,
          watch: this.#requests.watch(this.#run?.controller.signal ?? new AbortController().signal),
          ...(this.#thinking === undefined ? {} : { thinking: this.#thinking }),
        };
      },
      emit: (event) => this.#tell(event),
      finish: async (message) => {
        const changers: Origin[] = [];
        const final = await bus.messageEnd(message, (by) => changers.push(this.#changedBy(by)));
        if (final !== message) this.#whose.set(final, [...(this.#whose.get(message) ?? []), ...changers]);
        return final;
      },
      toModel: (messages, signal) => this.#requests.toModel(messages, this.systemPrompt, signal, (by) => this.#shaping.add(this.#changedBy(by))),
      takeSteering: () => this.#take('takeSteering'),
      takeFollowUps: () => this.#take('takeFollowUps'),
    };
  }

  /** Writes down first, then tells: nobody hears of a message that is not in the file. */
  async #tell(event: AgentEvent): Promise<void> {
    if (event.type === 'message_end') this.#append(event.message);
    if (event.type === 'agent_end') this.#anchorAudit();
    if (event.type === 'turn_end' || event.type === 'agent_end') this.#session.sync();
    await this.#announce(event);
  }

  #place(): BoundaryPlace {
    const said = (message: CustomMessage, by: string): void => void this.#whose.set(message, [`package:${this.#options.versioned(by)}`]);
    return { bus: this.#options.bus, session: this.#session, queues: this.queues, said };
  }

  get #owners(): Owners {
    const { ownerOf, versioned } = this.#options;
    return {
      ofTool(tool) {
        const owner = ownerOf(tool);
        return owner === undefined ? undefined : versioned(owner);
      },
    };
  }

  #changedBy(packageName: string): Origin {
    return `changed:${this.#options.versioned(packageName)}`;
  }

  #append(message: AgentMessage): void {
    const known = this.#whose.get(message) ?? [];
    // whoever's it is by name need not be told by its kind
    const byKind = message.role === 'custom' && known.length > 0 ? [] : originsOf(message, this.#owners);
    const changed = message.role === 'toolResult' ? (this.#changedResults.get(message.toolCallId) ?? []) : [];
    if (message.role === 'toolResult') this.#changedResults.delete(message.toolCallId);
    this.#session.appendMessage(message, [...new Set([...known, ...byKind, ...changed])]);
  }

  /** Whoever takes the last lines of the trail away would have to change the session, too. */
  #anchorAudit(): void {
    const head = this.#options.auditHead();
    if (head === undefined || head.hash === this.#anchored) return;
    this.#anchored = head.hash;
    this.#session.append({ type: 'custom', customType: AUDIT_ENTRY, data: { file: head.file, hash: head.hash } });
  }

  async #announce(event: AgentEvent): Promise<void> {
    const { bus, emit } = this.#options;
    await emit(event);
    // `message_end` has been through the bus already: its handlers may change the message.
    if (event.type === 'message_end' || !isExtensionEvent(event.type) || !bus.listens(event.type)) return;
    if (event.type === 'turn_end') {
      for (const message of await atTurnEnd(event, this.#place())) this.queues.steer(message);
      return;
    }
    const told = bus.notify({ ...event, type: event.type });
    if (event.type === 'agent_end') await told;
  }
}

function textOfMessage(message: AgentMessage): string {
  return 'content' in message ? textOf(message.content) : '';
}
