import { isDashError } from '../../format/index.ts';
import type { CallOrigin } from '../../sandbox/index.ts';
import type { RetryPolicy } from '../loop/agent-loop.ts';
import type { BoundaryPlace } from './boundary.ts';
import type { CacheWarmer } from './cache-warmer.ts';
import { type BranchSummary, type CompactionResult, type CompactionSettings, type Compactor, createCompactor } from './compactor.ts';
import { type ImageContent, type JsonObject, textOf } from '../model/messages.ts';
import type { ModelInfo, ModelPort, ThinkingLevel } from '../model/port.ts';
import { createQueues, type Queues } from '../loop/queues.ts';
import { createRequestHooks } from './request-hooks.ts';
import type { SkillAt } from '../session/invoked-skills.ts';
import type { Origin } from '../session/origins.ts';
import type { EntryDraft, SessionEntry } from '../session/entry.ts';
import type { Session } from '../session/session.ts';
import type { Toolbox } from '../toolbox.ts';
import { type AgentMessage, type BashExecutionMessage, type CustomMessage, userMessage } from '../loop/transcript.ts';
import { ChosenModel } from './chosen-model.ts';
import { driveRun } from './drive-run.ts';
import { keepWarm, type KeepWarmOptions } from './keep-warm.ts';
import type { RunParts } from './loop-ports.ts';
import { Occupation } from './occupation.ts';
import { Provenance, type ProvenanceOptions, type SaidBy } from './provenance.ts';
import { createRecorder, type Recorder, type RecorderOptions } from './recorder.ts';
import { RetryPause } from './retry-pause.ts';
import { RunPrompt, type RunPromptOptions } from './run-prompt.ts';

export interface ConversationOptions extends Omit<ProvenanceOptions, 'session'>, RunPromptOptions, KeepWarmOptions, Pick<RecorderOptions, 'auditHead'> {
  readonly models: ModelPort;
  readonly toolbox: Toolbox;
  readonly retry: () => RetryPolicy;
  readonly compaction: () => CompactionSettings;
  readonly skillAt: SkillAt;
  readonly session: Session;
  readonly thinking: ThinkingLevel | undefined;
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
  readonly #options: ConversationOptions;
  readonly #occupation = new Occupation();
  readonly #pause = new RetryPause();
  readonly #chosen: ChosenModel;
  readonly #systemPrompt: RunPrompt;
  readonly #provenance: Provenance;
  readonly #compactor: Compactor;
  readonly #warmer: CacheWarmer;
  readonly #recorder: Recorder;
  readonly #parts: RunParts;
  #session: Session;
  #nextTurn: CustomMessage[] = [];
  #ranMeanwhile: BashExecutionMessage[] = [];

  constructor(options: ConversationOptions) {
    const { bus, toolbox, emit, ownerOf } = options;
    const session = (): Session => this.#session;
    this.#options = options;
    this.#session = options.session;
    this.autoCompaction = options.compaction().enabled;
    this.#chosen = new ChosenModel({ ...options, session });
    this.#systemPrompt = new RunPrompt(options);
    this.#provenance = new Provenance({ ...options, session });
    this.#recorder = createRecorder({ ...options, session, provenance: this.#provenance, place: () => this.#place() });
    this.#compactor = createCompactor({
      models: options.models,
      bus,
      retry: () => this.#retryPolicy(),
      settings: () => ({ ...options.compaction(), enabled: this.autoCompaction }),
      skillAt: options.skillAt,
      emit: (event) => emit(event),
    });
    this.#warmer = keepWarm(this, options);
    this.#parts = {
      bus,
      toolbox,
      models: this.#warmer.watch(options.models),
      chosen: this.#chosen,
      compactor: this.#compactor,
      requests: createRequestHooks(bus, ownerOf),
      provenance: this.#provenance,
      recorder: this.#recorder,
      pause: this.#pause,
      session,
      messages: () => this.messages,
      systemPrompt: () => this.systemPrompt,
      retry: () => this.#retryPolicy(),
      mayCompact: () => this.autoCompaction,
      runSignal: () => this.#occupation.runSignal,
      take: (which) => this.#take(which),
    };
    this.queues = createQueues(() => {
      const { steering, followUp } = this.queues.waiting();
      void emit({ type: 'queue_update', steering: steering.map(textOfMessage), followUp: followUp.map(textOfMessage) });
    });
  }

  get session(): Session {
    return this.#session;
  }

  get model(): ModelInfo | undefined {
    return this.#chosen.model;
  }

  get thinking(): ThinkingLevel | undefined {
    return this.#chosen.thinking;
  }

  get isStreaming(): boolean {
    return this.#occupation.isRunning;
  }

  /** Whether the conversation is being summed up because someone asked for it, or will be once the run has ended. */
  get isCompacting(): boolean {
    return this.#occupation.isSummingUp;
  }

  get messages(): readonly AgentMessage[] {
    return this.#session.context().messages;
  }

  /** The system prompt of the run, or the one the next run would begin with. */
  get systemPrompt(): string {
    return this.#systemPrompt.text;
  }

  /** Its parts, as packages see them. */
  get systemPromptOptions(): JsonObject {
    return this.#systemPrompt.options;
  }

  /** The user's message behind the run; `undefined` when there is none, or a package began or turned it. */
  get origin(): CallOrigin | undefined {
    return this.#provenance.origin;
  }

  /** What is in the model's context and is not the user's word, newest first. */
  get origins(): readonly Origin[] {
    return this.#provenance.inContext;
  }

  /** What the user typed, as what sets calls going. */
  originOf(message: string): CallOrigin {
    return this.#provenance.originOf(message);
  }

  /** Begins a run. @returns a promise for its end. @throws {DashError} NO_MODEL */
  start(text: string, images: readonly ImageContent[], by: SaidBy, accepted: () => void = () => undefined): Promise<void> {
    const prompt = userMessage(text, images);
    this.#provenance.said(prompt, by);
    return this.#begin(async () => {
      this.#provenance.runBegins(by.typed);
      accepted();
      const added = await this.#systemPrompt.runBegins(text, images, (changer) => this.#provenance.shaped(changer));
      return [prompt, ...this.#nextTurn.splice(0), ...added];
    });
  }

  /** Puts a message into a queue. */
  queue(when: 'steer' | 'followUp', text: string, images: readonly ImageContent[], by: SaidBy): void {
    const message = userMessage(text, images);
    this.#provenance.said(message, by);
    this.queues[when](message);
  }

  /** Adds what a package says, and begins a run for it where that is asked for and none is running. */
  add(
    by: string,
    message: CustomMessage,
    { triggerTurn = false, deliverAs = 'steer' }: { readonly triggerTurn?: boolean; readonly deliverAs?: DeliverAs },
  ): void {
    this.#provenance.wrote(by, message);
    if (deliverAs === 'nextTurn') this.#nextTurn.push(message);
    else if (this.isStreaming) (deliverAs === 'followUp' ? this.queues.followUp : this.queues.steer)(message);
    else if (triggerTurn) void this.#begin(async () => [message]);
    else {
      this.#recorder.append(message);
      for (const type of ['message_start', 'message_end'] as const) void this.#recorder.announce({ type, message });
    }
  }

  /** Adds a command that the user ran. During a run it waits for the end: nothing may come between a call and its result. */
  addBash(message: BashExecutionMessage): void {
    if (this.isStreaming) this.#ranMeanwhile.push(message);
    else this.#recorder.append(message);
  }

  /** Ends the run, if there is one, and waits until it has ended. */
  async abort(): Promise<void> {
    this.#warmer.stop();
    await this.#occupation.abort();
  }

  waitForIdle(): Promise<void> {
    return this.#occupation.idle();
  }

  /** Does not wait for the next attempt at a request that failed: the run ends with the failure. */
  abortRetry(): void {
    this.#pause.giveUp();
  }

  /**
   * Ends the run and puts a summary in the place of what is old in the context. `undefined`: it was stopped, or a package
   * did not want it. @throws {DashError} NO_MODEL
   */
  compact(instructions?: string): Promise<CompactionResult | undefined> {
    const minding = instructions === undefined || instructions.trim() === '' ? {} : { instructions };
    return this.#occupation.sumUpAlone(
      () => this.abort(),
      async (signal) => {
        const request = { session: this.#session, model: this.#chosen.required, reason: 'manual' as const, sources: this.origins };
        return this.#compactor.compact({ ...request, signal, ...minding });
      },
    );
  }

  /** Has the model sum up what was said on a branch that is left; `undefined`: it was stopped. @throws {DashError} NO_MODEL */
  async summarizeBranch(left: readonly SessionEntry[], instructions?: string, instructionsAreAll = false): Promise<BranchSummary | undefined> {
    const request = { left, model: this.#chosen.required, instructions, instructionsAreAll, sources: this.origins };
    return this.#occupation.sumUp((signal) => this.#compactor.summarizeBranch({ ...request, signal }));
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
    this.#chosen.startWith(model, thinking);
  }

  setModel(model: ModelInfo, source: 'set' | 'cycle' = 'set'): void {
    this.#chosen.set(model, source);
  }

  setThinking(level: ThinkingLevel | undefined): void {
    this.#chosen.setThinking(level);
  }

  #begin(prompts: () => Promise<readonly AgentMessage[]>): Promise<void> {
    void this.#chosen.required;
    return this.#occupation.run(
      (signal) => this.#drive(prompts, signal),
      async () => {
        for (const message of this.#ranMeanwhile.splice(0)) this.#recorder.append(message);
        this.#systemPrompt.runEnded();
        this.#provenance.runEnded();
        this.#warmer.settled();
        await this.#options.emit({ type: 'agent_settled' });
        void this.#options.bus.notify({ type: 'agent_settled' });
      },
    );
  }

  async #drive(begin: () => Promise<readonly AgentMessage[]>, signal: AbortSignal): Promise<void> {
    try {
      await this.#occupation.summedUp();
      this.#session.closeOpenCalls();
      this.#chosen.note();
      await driveRun(await begin(), this.#parts, () => this.#place(), signal);
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

  #take(which: 'takeSteering' | 'takeFollowUps'): readonly AgentMessage[] {
    const taken = this.queues[which]();
    for (const message of taken) this.#provenance.turnsTo(message);
    return taken;
  }

  #retryPolicy(): RetryPolicy {
    const retry = this.#options.retry();
    return this.autoRetry ? retry : { ...retry, attempts: 0 };
  }

  #place(): BoundaryPlace {
    return { bus: this.#options.bus, session: this.#session, queues: this.queues, said: (message, by) => this.#provenance.wrote(by, message) };
  }
}

function textOfMessage(message: AgentMessage): string {
  return 'content' in message ? textOf(message.content) : '';
}
