import { randomUUID } from 'node:crypto';
import { isAbsolute, join, relative } from 'node:path';
import {
  type AgentContext,
  type ClientCapabilities,
  type ContentBlock,
  methods,
  type NewSessionRequest,
  type NewSessionResponse,
  RequestError,
  type SessionConfigOption,
  type SessionUpdate,
  type StopReason,
} from '@agentclientprotocol/sdk';
import { isDashError, plainText } from '../../../format/index.ts';
import { describe } from '../../describe-diagnostic.ts';
import { describeExtensionError } from '../../describe-extension-error.ts';
import type { Host } from '../../host.ts';
import type { HostEvent } from '../../host-event.ts';
import { type AssistantMessage, textOf } from '../../model/messages.ts';
import type { McpServer } from '../../mcp/mcp-server.ts';
import { contextUsage } from '../../session/context-usage.ts';
import { sessionStats } from '../../session/session-stats.ts';
import { isWithin } from '../../tools/workspace-path.ts';
import { modeState, modeWithin, type OfferedMode } from './approval-modes.ts';
import { createAcpUserInterface } from './ask-client.ts';
import { chooseOption, configOptions } from './config-options.ts';
import { readPrompt } from './prompt-content.ts';
import { historyOf, said, type ShownPlace, summedUp, titleOf, updatesOf } from './session-updates.ts';

/** Sends an update; never fails, because a client that is gone hears nothing more. */
export type Tell = (update: SessionUpdate) => Promise<void>;

/** A host, with what was opened for it. */
export interface OpenedHost extends AsyncDisposable {
  readonly host: Host;
}

export interface AcpSessionOptions {
  readonly opened: OpenedHost;
  readonly client: AgentContext;
  readonly capabilities: ClientCapabilities;
  /** The workspace as the client calls it. */
  readonly cwd: string;
  /** What the user allows at most; the session begins with it. */
  readonly ceiling: OfferedMode;
  readonly hasUI: boolean;
}

/** A server as the protocol names it: a program, or one on the network. */
type OfferedServer = NewSessionRequest['mcpServers'][number];

/** These leave the session for another one, and which session a view of an editor shows is the editor's to say. */
const COMMANDS_OF_THE_EDITOR: ReadonlySet<string> = new Set(['new', 'resume', 'fork', 'clone']);

/** One session of a client: a host of its own, and what the client is told of it. */
export class AcpSession implements AsyncDisposable {
  readonly id: string;
  readonly #options: AcpSessionOptions;
  readonly #host: Host;
  readonly #place: ShownPlace;
  #mode: OfferedMode;
  #sending: Promise<void> = Promise.resolve();
  #servers: Promise<void> = Promise.resolve();
  #turn: AbortController | undefined;
  /** Until a prompt is done everything may be cancelled; between prompts, what a package does of its own. */
  #cancelled = new AbortController();
  /** Whether the next message of the user's is the one that the client has just sent, and shows already. */
  #isEcho = false;
  /** Of the answer that is being written. */
  #messageId = randomUUID();
  #compactionId = randomUUID();
  /** Nothing was said in it before: until a person names it, it is called after the first words. */
  #isNew: boolean;
  #firstTitle: string | undefined;
  #isOver = false;
  #lastAnswer: AssistantMessage | undefined;
  #failure: Extract<HostEvent, { readonly type: 'error' }> | undefined;

  constructor(options: AcpSessionOptions) {
    const { opened, client, capabilities, cwd, ceiling, hasUI } = options;
    const { host } = opened;
    this.#options = options;
    this.#host = host;
    this.#mode = ceiling;
    this.id = host.conversation.session.id;
    this.#isNew = host.conversation.messages.every(({ role }) => role === 'system');
    const clientPath = (path: string): string => (isWithin(host.cwd, path) && isAbsolute(cwd) ? join(cwd, relative(host.cwd, path)) : path);
    this.#place = { cwd: host.cwd, clientPath, showsCompactions: capabilities.session?.compaction != null };
    const cancelled = (): AbortSignal => this.#cancelled.signal;
    host.attach(createAcpUserInterface({ client, capabilities, sessionId: () => this.id, tell: this.#tell, clientPath, hasUI, cancelled }));
    host.subscribe((event) => this.#onEvent(event));
  }

  /** A path as the client calls it. */
  clientPath(path: string): string {
    return this.#place.clientPath(path);
  }

  get isBusy(): boolean {
    return this.#turn !== undefined;
  }

  /** What a client is told when it opens the session. */
  state(): Pick<NewSessionResponse, 'modes' | 'configOptions'> {
    return { modes: modeState(this.#options.ceiling, this.#mode), configOptions: this.#configOptions() };
  }

  /**
   * Tells what is to be told once the client knows the session: its commands, what is wrong, to packages that it begins;
   * and starts the servers that it offers. The first prompt waits for those.
   */
  begin(servers: readonly OfferedServer[]): void {
    if (this.#isOver) return;
    this.#tellCommands();
    for (const diagnostic of this.#host.diagnostics) if (diagnostic.severity === 'error') this.#note('error', describe(diagnostic));
    const failed = (error: unknown): void => this.#note('error', error instanceof Error ? error.message : String(error));
    this.#host.begin().catch(failed);
    this.#servers = this.#startServers(servers).catch(failed);
  }

  /** Tells again all that was said. */
  async replay(): Promise<void> {
    for (const update of historyOf(this.#host.conversation.messages, this.#place)) await this.#tell(update);
    await this.#tellUsage();
  }

  /** @throws {RequestError} when the user does not allow it */
  setMode(id: string): void {
    const mode = modeWithin(this.#options.ceiling, id);
    if (mode === undefined)
      throw RequestError.invalidParams(undefined, `\`${id}\` is more than the user allows: \`dash acp --approve ${this.#options.ceiling}\``);
    this.#mode = mode;
    this.#host.setApproval(mode);
    void this.#tell({ sessionUpdate: 'current_mode_update', currentModeId: mode });
    void this.#tell({ sessionUpdate: 'config_option_update', configOptions: this.#configOptions() });
  }

  /** @throws {RequestError} for what cannot be chosen */
  choose(id: string, value: string): SessionConfigOption[] {
    if (id === 'mode') this.setMode(value);
    else chooseOption(this.#host.conversation, this.#host.models, id, value);
    return this.#configOptions();
  }

  /** Runs a prompt to its end. @throws {RequestError} when it cannot begin or the model fails */
  async prompt(blocks: readonly ContentBlock[], signal: AbortSignal): Promise<StopReason> {
    if (this.#turn !== undefined) throw RequestError.invalidRequest(undefined, 'the session is at work on another prompt');
    const { text, images } = readPrompt(blocks);
    const command = /^\/(\S+)/.exec(text)?.[1];
    if (command !== undefined && COMMANDS_OF_THE_EDITOR.has(command)) {
      await this.#tell(said('agent_message_chunk', `\`/${command}\` is not for an editor: begin or open another session there`));
      return 'end_turn';
    }
    const turn = new AbortController();
    this.#turn = turn;
    // what the start still asks is stopped by the cancellation of the first prompt, too
    if (this.#cancelled.signal.aborted) this.#cancelled = new AbortController();
    this.#lastAnswer = undefined;
    this.#failure = undefined;
    this.#isEcho = true;
    const onCancel = (): void => this.cancel();
    signal.addEventListener('abort', onCancel, { once: true });
    const stopped = new Promise<void>((resolve) => turn.signal.addEventListener('abort', () => resolve(), { once: true }));
    try {
      if (signal.aborted) return 'cancelled';
      // a command of a package may not heed the cancellation: the client does not wait for it
      await Promise.race([this.#run(text, images), stopped.then(() => this.#host.conversation.abort())]);
      void this.#tell({ sessionUpdate: 'session_info_update', updatedAt: new Date().toISOString() });
      await this.#sending;
      return turn.signal.aborted ? 'cancelled' : this.#stopReason();
    } catch (error) {
      if (turn.signal.aborted) return 'cancelled';
      throw asRequestError(error);
    } finally {
      signal.removeEventListener('abort', onCancel);
      this.#turn = undefined;
    }
  }

  /** Stops what is going on; every open question is answered with no. */
  cancel(): void {
    this.#turn?.abort();
    this.#cancelled.abort();
    void this.#host.conversation.abort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    this.cancel();
    await this.#options.opened[Symbol.asyncDispose]();
    await this.#sending;
  }

  /** One after the other: each is a question. */
  async #startServers(servers: readonly OfferedServer[]): Promise<void> {
    for (const offered of servers) {
      const name = plainText(offered.name, 80);
      await this.#host.startServer(toServer(offered), this.#cancelled.signal).then(
        (tools) => this.#note('info', `the MCP server ${name} offers ${tools.length === 1 ? 'one tool' : `${tools.length} tools`}`),
        (error: unknown) => this.#note('warning', `the MCP server ${name} was not started: ${error instanceof Error ? error.message : String(error)}`),
      );
    }
  }

  async #run(text: string, images: ReturnType<typeof readPrompt>['images']): Promise<void> {
    await this.#servers;
    if (this.#turn?.signal.aborted === true) return;
    const outcome = await this.#host.prompt(text, { source: 'rpc', images, streamingBehavior: 'steer' });
    if (outcome.kind === 'handled' && outcome.message !== undefined) await this.#tell(said('agent_message_chunk', outcome.message));
    if (outcome.kind === 'started') await outcome.done;
    await this.#host.settle();
  }

  #stopReason(): StopReason {
    if (this.#failure !== undefined) {
      const { code, message, hint } = this.#failure;
      throw new RequestError(INTERNAL, hint === undefined ? message : `${message}; ${hint}`, { code });
    }
    switch (this.#lastAnswer?.stopReason) {
      case 'error':
        throw new RequestError(INTERNAL, this.#lastAnswer.errorMessage ?? 'the model failed', { code: 'MODEL_FAILED' });
      case 'aborted':
        return 'cancelled';
      case 'length':
        return 'max_tokens';
      default:
        return 'end_turn';
    }
  }

  /** Slow clients slow the agent down: the loop waits for what is told here. */
  async #onEvent(event: HostEvent): Promise<void> {
    switch (event.type) {
      case 'message_start':
        if (event.message.role === 'assistant') this.#messageId = randomUUID();
        return;
      case 'message_end': {
        const { message } = event;
        if (message.role === 'assistant') this.#lastAnswer = message;
        if (message.role === 'user') {
          if (this.#isNew) await this.#tellTitle(textOf(message.content));
          if (!this.#isEcho) for (const update of historyOf([message], this.#place)) await this.#tell(update);
          this.#isEcho = false;
        }
        break;
      }
      case 'turn_end':
        return this.#tellUsage();
      case 'error':
        this.#failure = event;
        if (this.#turn === undefined) this.#note('error', event.message);
        return;
      case 'session_info_changed':
        return this.#tell({ sessionUpdate: 'session_info_update', title: event.name ?? this.#firstTitle ?? null });
      case 'model_select':
      case 'thinking_level_changed':
        return this.#tell({ sessionUpdate: 'config_option_update', configOptions: this.#configOptions() });
      case 'reload':
        return this.#tellCommands();
      case 'compaction_start':
        this.#compactionId = randomUUID();
        if (!this.#place.showsCompactions) return this.#note('info', 'summing up the conversation so far');
        return this.#tell({ sessionUpdate: 'compaction_update', compactionId: this.#compactionId, status: 'in_progress' });
      case 'compaction_end':
        return this.#tellCompaction(event);
      case 'auto_retry_start':
        return this.#note('info', `the request failed (${event.errorMessage}); attempt ${event.attempt} of ${event.maxAttempts} begins`);
      case 'model_failover':
        return this.#note('warning', `${event.from.provider}/${event.from.id} does not answer; ${event.to.provider}/${event.to.id} goes on`);
      case 'extension_error':
        return this.#note('warning', describeExtensionError(event));
      default:
        break;
    }
    for (const update of updatesOf(event, this.#place, this.#messageId)) await this.#tell(update);
  }

  readonly #tell: Tell = (update) => {
    const { client } = this.#options;
    this.#sending = this.#sending.then(() => client.notify(methods.client.session.update, { sessionId: this.id, update })).catch(() => undefined);
    return this.#sending;
  };

  #note(severity: 'info' | 'warning' | 'error', title: string): void {
    const { capabilities } = this.#options;
    if (capabilities.session?.notices == null) void this.#tell(said('agent_thought_chunk', `${title}\n`));
    else void this.#tell({ sessionUpdate: 'notice', severity, title });
  }

  #tellCommands(): void {
    const availableCommands = this.#host
      .commands()
      .filter(({ name, source }) => source !== 'host' || !COMMANDS_OF_THE_EDITOR.has(name))
      .map(({ name, description, argumentHint }) => ({
        name,
        description: description ?? '',
        ...(argumentHint === undefined ? {} : { input: { hint: argumentHint } }),
      }));
    void this.#tell({ sessionUpdate: 'available_commands_update', availableCommands });
  }

  async #tellTitle(firstWords: string): Promise<void> {
    this.#isNew = false;
    this.#firstTitle = titleOf(undefined, firstWords);
    if (this.#firstTitle === undefined || this.#host.conversation.session.tree.name !== undefined) return;
    await this.#tell({ sessionUpdate: 'session_info_update', title: this.#firstTitle });
  }

  async #tellCompaction({ result, errorMessage }: Extract<HostEvent, { readonly type: 'compaction_end' }>): Promise<void> {
    const compactionId = this.#compactionId;
    if (!this.#place.showsCompactions) {
      if (errorMessage !== undefined) this.#note('warning', `the conversation could not be summed up: ${errorMessage}`);
    } else if (result !== undefined) await this.#tell(summedUp(compactionId, result.summary));
    else if (errorMessage === undefined) await this.#tell({ sessionUpdate: 'compaction_update', compactionId, status: 'cancelled' });
    else await this.#tell({ sessionUpdate: 'compaction_update', compactionId, status: 'failed', error: errorMessage });
    await this.#tellUsage();
  }

  async #tellUsage(): Promise<void> {
    const { session, model } = this.#host.conversation;
    const usage = contextUsage(session.tree.path(), model);
    if (usage === undefined) return;
    const amount = sessionStats(session.tree.entries).cost;
    await this.#tell({ sessionUpdate: 'usage_update', used: Math.round(usage.tokens), size: usage.contextWindow, cost: { amount, currency: 'USD' } });
  }

  #configOptions(): SessionConfigOption[] {
    return configOptions(this.#host.conversation, this.#host.models, { ceiling: this.#options.ceiling, current: this.#mode });
  }
}

function toServer(offered: OfferedServer): McpServer {
  if (!('command' in offered)) {
    const { name, type: transport, url, headers } = offered;
    return { kind: 'network', name, transport, url, headers };
  }
  const { name, command, args, env } = offered;
  return { kind: 'program', name, command, args, env: Object.fromEntries(env.map((variable) => [variable.name, variable.value])) };
}

const INTERNAL = -32603;

/** A failure in words that a client shows: the message of an error, with what to do about it. */
export function asRequestError(error: unknown): RequestError {
  if (error instanceof RequestError) return error;
  if (!isDashError(error)) return new RequestError(INTERNAL, error instanceof Error ? error.message : String(error));
  const message = error.hint === undefined ? error.message : `${error.message}; ${error.hint}`;
  if (error.code === 'NO_MODEL') return RequestError.authRequired({ code: error.code }, message);
  return new RequestError(INTERNAL, message, { code: error.code });
}
