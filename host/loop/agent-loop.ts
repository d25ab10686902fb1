import type { AgentEvent } from './agent-event.ts';
import { failureOf } from '../model/failure.ts';
import { type AssistantMessage, type Message, NO_USAGE, type ToolResultMessage, toolCallsOf } from '../model/messages.ts';
import type { ModelInfo, ModelPort, RequestWatch, ThinkingLevel } from '../model/port.ts';
import { type AgentTool, executeCall, errorAnswer, type PreparedCall, prepareCall, resultMessage, type ToolAnswer, type ToolHooks } from './tool-call.ts';
import type { AgentMessage } from './transcript.ts';

/** What one request to the model is made of; read afresh for every turn, so a reload counts from the next one. */
export interface TurnSettings {
  readonly model: ModelInfo;
  readonly thinking?: ThinkingLevel;
  readonly systemPrompt: string;
  readonly tools: readonly AgentTool[];
  /** What the model is told of them, where that is something else; a call runs what is in `tools`. */
  readonly declared?: readonly AgentTool[];
  readonly sessionId?: string;
  readonly watch?: RequestWatch;
}

/** What a model is sent: the messages, and where somebody changed it, the system prompt. */
export interface ModelContext {
  readonly messages: readonly Message[];
  readonly systemPrompt?: string;
}

export interface RetryPolicy {
  readonly attempts: number;
  /** Doubles with every attempt. */
  readonly baseDelayMs: number;
}

/** A provider that wants to be left alone for longer is not waited for. */
const MOST_PATIENCE_MS = 60_000;

/** Everything the loop needs of its surroundings. It knows no sessions, skills or packages. */
export interface LoopPorts {
  readonly model: ModelPort;
  readonly hooks: ToolHooks;
  /** Asked for at every failure: the user may have changed it. */
  retry(): RetryPolicy;
  /** Lets the time pass before the next attempt; `false` when nobody wants it any more. */
  waitToRetry(delayMs: number, signal: AbortSignal): Promise<boolean>;
  turn(): TurnSettings | Promise<TurnSettings>;
  /** Awaited: what listens may write the event down before the run goes on. */
  emit(event: AgentEvent): Promise<void>;
  /** May replace a message before it is final; the role stays. */
  finish(message: AgentMessage): Promise<AgentMessage>;
  /** The context as the model gets to see it. */
  toModel(messages: readonly AgentMessage[], signal: AbortSignal): Promise<ModelContext>;
  /** Makes the context shorter where it has become too long, and gives the whole of it; `undefined` leaves it as it is. */
  fit(reason: 'threshold' | 'overflow', signal: AbortSignal): Promise<readonly AgentMessage[] | undefined>;
  takeSteering(): readonly AgentMessage[];
  takeFollowUps(): readonly AgentMessage[];
}

/**
 * Runs the agent until the model has nothing more to say: asks, runs the tools it calls, asks again.
 * Never throws for what a model or a tool did; that is in the messages it returns, those of this run.
 */
export async function runAgent(
  context: readonly AgentMessage[],
  prompts: readonly AgentMessage[],
  ports: LoopPorts,
  signal: AbortSignal,
): Promise<readonly AgentMessage[]> {
  const transcript = [...context];
  const produced: AgentMessage[] = [];
  const add = async (message: AgentMessage, started = false): Promise<AgentMessage> => {
    if (!started) await ports.emit({ type: 'message_start', message });
    const final = await ports.finish(message);
    await ports.emit({ type: 'message_end', message: final });
    transcript.push(final);
    produced.push(final);
    return final;
  };

  await ports.emit({ type: 'agent_start' });
  let waiting = prompts;
  let goOn = true;
  for (let turnIndex = 0; goOn; turnIndex += 1) {
    await ports.emit({ type: 'turn_start', turnIndex, timestamp: Date.now() });
    for (const message of waiting) await add(message);
    const settings = await ports.turn();
    const message = await ask(transcript, settings, ports, signal, add);
    const { results, terminate } = await callTools(message, settings, ports, signal);
    for (const result of results) await add(result);
    await ports.emit({ type: 'turn_end', turnIndex, message, toolResults: results });

    const over = signal.aborted || terminate || message.stopReason === 'error' || message.stopReason === 'aborted';
    waiting = over ? [] : ports.takeSteering();
    if (!over && results.length === 0 && waiting.length === 0) waiting = ports.takeFollowUps();
    goOn = !over && (results.length > 0 || waiting.length > 0);
  }
  await ports.emit({ type: 'agent_end', messages: produced, willRetry: false });
  return produced;
}

type Add = (message: AgentMessage, started: boolean) => Promise<AgentMessage>;

/**
 * Gets an answer: what fails in passing is asked again, what does not fit is made shorter, once. Shortening changes
 * `transcript` in place, because the rest of the run goes on from it.
 */
async function ask(transcript: AgentMessage[], settings: TurnSettings, ports: LoopPorts, signal: AbortSignal, add: Add): Promise<AssistantMessage> {
  const fit = async (reason: 'threshold' | 'overflow'): Promise<boolean> => {
    const shorter = await ports.fit(reason, signal);
    if (shorter !== undefined) transcript.splice(0, transcript.length, ...shorter);
    return shorter !== undefined;
  };
  await fit('threshold');
  let mayShorten = true;
  for (let attempt = 0; ;) {
    const answer = await listen(await ports.toModel(transcript, signal), settings, ports, signal);
    const final = await add(withoutUnownedCalls(answer.message), true);
    const message = final.role === 'assistant' ? final : answer.message;
    const failure = failureOf(message);
    if (failure === 'overflow' && mayShorten && (await fit('overflow'))) {
      mayShorten = false;
      continue;
    }
    const { attempts, baseDelayMs } = ports.retry();
    const delayMs = Math.max(baseDelayMs * 2 ** attempt, answer.retryAfterMs ?? 0);
    const again = failure === 'transient' && attempt < attempts && (answer.retryAfterMs ?? 0) <= MOST_PATIENCE_MS;
    if (attempt > 0 && !again) {
      await ports.emit({
        type: 'auto_retry_end',
        success: failure === undefined,
        attempt,
        ...(message.errorMessage === undefined ? {} : { finalError: message.errorMessage }),
      });
    }
    if (!again) return message;
    attempt += 1;
    await ports.emit({ type: 'auto_retry_start', attempt, maxAttempts: attempts, delayMs, errorMessage: message.errorMessage ?? '' });
    if (await ports.waitToRetry(delayMs, signal)) continue;
    await ports.emit({ type: 'auto_retry_end', success: false, attempt, finalError: 'Retry cancelled' });
    return message;
  }
}

interface Heard {
  readonly message: AssistantMessage;
  readonly retryAfterMs?: number;
}

/** One request. Tells of every fragment, and always comes to an end with a message. */
async function listen(context: ModelContext, settings: TurnSettings, ports: LoopPorts, signal: AbortSignal): Promise<Heard> {
  const { model, thinking, tools, declared = tools, sessionId, watch } = settings;
  const { messages, systemPrompt = settings.systemPrompt } = context;
  let started = false;
  let soFar = emptyAnswer(model, 'pending');
  const start = async (message: AssistantMessage): Promise<void> => {
    if (started) return;
    started = true;
    await ports.emit({ type: 'message_start', message });
  };
  const end = async (message: AssistantMessage, retryAfterMs?: number): Promise<Heard> => {
    await start(message);
    return { message, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  };
  try {
    for await (const event of ports.model.stream(
      model,
      { systemPrompt, tools: declared, messages },
      { thinking, sessionId, signal, ...(watch === undefined ? {} : { watch }) },
    )) {
      if (event.type === 'done') return await end(event.message);
      if (event.type === 'error') return await end(event.error, event.retryAfterMs);
      if (event.type === 'failover') {
        await ports.emit({ ...event, type: 'model_failover' });
        continue;
      }
      soFar = event.partial;
      await start(soFar);
      if (event.type !== 'start') await ports.emit({ type: 'message_update', message: soFar, assistantMessageEvent: event });
      if (signal.aborted) return await end({ ...soFar, stopReason: 'aborted', errorMessage: 'aborted' });
    }
    return await end({ ...soFar, stopReason: 'error', errorMessage: 'the stream ended without an answer' });
  } catch (error) {
    if (signal.aborted) return end({ ...soFar, stopReason: 'aborted', errorMessage: 'aborted' });
    return end({ ...soFar, stopReason: 'error', errorMessage: error instanceof Error ? error.message : String(error) });
  }
}

/**
 * Preparation is sequential, so that hooks and questions see calls in the order of the model; the
 * effects run side by side, unless one of the tools asks for its turn. Results keep the order of calls.
 */
async function callTools(
  message: AssistantMessage,
  { tools }: TurnSettings,
  ports: LoopPorts,
  signal: AbortSignal,
): Promise<{ results: ToolResultMessage[]; terminate: boolean }> {
  const calls = toolCallsOf(message);
  const run = async (prepared: PreparedCall): Promise<ToolAnswer> => {
    const { id: toolCallId, name: toolName, args } = prepared.call;
    // Updates are told in their order, and none after the end of its call.
    let told: Promise<void> = Promise.resolve();
    let open = true;
    const { answer, workedMs } = await executeCall(prepared, ports.hooks, signal, (partialResult) => {
      if (open) told = told.then(() => ports.emit({ type: 'tool_execution_update', toolCallId, toolName, args, partialResult }));
    });
    open = false;
    await told;
    await ports.emit({
      type: 'tool_execution_end',
      toolCallId,
      toolName,
      result: answer,
      isError: answer.isError,
      ...(workedMs !== undefined && { workedMs }),
    });
    return answer;
  };

  const sequential = calls.some(({ name }) => tools.find((tool) => tool.name === name)?.executionMode === 'sequential');
  const running: { readonly prepared: PreparedCall; readonly answer: Promise<ToolAnswer> }[] = [];
  const pending: PreparedCall[] = [];
  for (const call of calls) {
    await ports.emit({ type: 'tool_execution_start', toolCallId: call.id, toolName: call.name, args: call.arguments });
    const prepared: PreparedCall =
      message.stopReason === 'length'
        ? {
            kind: 'settled',
            call: { id: call.id, name: call.name, args: call.arguments },
            answer: errorAnswer('the answer was cut off at its length limit, so the arguments may be incomplete; call the tool again'),
          }
        : await prepareCall(call, tools, ports.hooks, signal);
    if (sequential) running.push({ prepared, answer: Promise.resolve(await run(prepared)) });
    else pending.push(prepared);
  }
  for (const prepared of pending) running.push({ prepared, answer: run(prepared) });
  const answers = await Promise.all(running.map(({ answer }) => answer));
  return {
    results: running.map(({ prepared }, index) => resultMessage(prepared.call, answers[index] ?? errorAnswer('no answer'))),
    terminate: answers.some(({ terminate }) => terminate === true),
  };
}

/** An answer that failed or was cut off owes nothing: its calls were never run and never will be. */
function withoutUnownedCalls(message: AssistantMessage): AssistantMessage {
  if (message.stopReason !== 'error' && message.stopReason !== 'aborted') return message;
  return { ...message, content: message.content.filter(({ type }) => type !== 'toolCall') };
}

function emptyAnswer(model: ModelInfo, stopReason: AssistantMessage['stopReason']): AssistantMessage {
  return { role: 'assistant', content: [], api: model.api, provider: model.provider, model: model.id, usage: NO_USAGE, stopReason, timestamp: Date.now() };
}
