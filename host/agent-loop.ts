import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentEvent } from './agent-event.ts';
import { type AssistantMessage, type Message, NO_USAGE, type ToolResultMessage, toolCallsOf } from './model/messages.ts';
import type { ModelInfo, ModelPort, ThinkingLevel } from './model/port.ts';
import { type AgentTool, executeCall, errorAnswer, type PreparedCall, prepareCall, resultMessage, type ToolAnswer, type ToolHooks } from './tool-call.ts';
import type { AgentMessage } from './transcript.ts';

/** What one request to the model is made of; read afresh for every turn, so a reload counts from the next one. */
export interface TurnSettings {
  readonly model: ModelInfo;
  readonly thinking?: ThinkingLevel;
  readonly systemPrompt: string;
  readonly tools: readonly AgentTool[];
  readonly sessionId?: string;
}

export interface RetryPolicy {
  readonly attempts: number;
  /** Doubles with every attempt. */
  readonly baseDelayMs: number;
}

/** Everything the loop needs of its surroundings. It knows no sessions, skills or packages. */
export interface LoopPorts {
  readonly model: ModelPort;
  readonly retry: RetryPolicy;
  readonly hooks: ToolHooks;
  turn(): TurnSettings;
  /** Awaited: what listens may write the event down before the run goes on. */
  emit(event: AgentEvent): Promise<void>;
  /** May replace a message before it is final; the role stays. */
  finish(message: AgentMessage): Promise<AgentMessage>;
  /** The context as the model gets to see it. */
  toModel(messages: readonly AgentMessage[], signal: AbortSignal): Promise<readonly Message[]>;
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
    const settings = ports.turn();
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

async function ask(transcript: readonly AgentMessage[], settings: TurnSettings, ports: LoopPorts, signal: AbortSignal, add: Add): Promise<AssistantMessage> {
  for (let attempt = 0; ; attempt += 1) {
    const answer = withoutUnownedCalls(await listen(await ports.toModel(transcript, signal), settings, ports, signal));
    const final = await add(answer, true);
    const message = final.role === 'assistant' ? final : answer;
    const again = message.stopReason === 'error' && isTransient(message.errorMessage ?? '') && attempt < ports.retry.attempts;
    if (attempt > 0 && !again) {
      const success = message.stopReason !== 'error' && message.stopReason !== 'aborted';
      await ports.emit({ type: 'auto_retry_end', success, attempt, ...(message.errorMessage === undefined ? {} : { finalError: message.errorMessage }) });
    }
    if (!again) return message;
    const delayMs = ports.retry.baseDelayMs * 2 ** attempt;
    await ports.emit({ type: 'auto_retry_start', attempt: attempt + 1, maxAttempts: ports.retry.attempts, delayMs, errorMessage: message.errorMessage ?? '' });
    await sleep(delayMs, undefined, { signal }).catch(() => undefined);
  }
}

/** One request. Tells of every fragment, and always comes to an end with a message. */
async function listen(messages: readonly Message[], settings: TurnSettings, ports: LoopPorts, signal: AbortSignal): Promise<AssistantMessage> {
  const { model, thinking, systemPrompt, tools, sessionId } = settings;
  let started = false;
  let soFar = emptyAnswer(model, 'pending');
  const start = async (message: AssistantMessage): Promise<void> => {
    if (started) return;
    started = true;
    await ports.emit({ type: 'message_start', message });
  };
  const end = async (message: AssistantMessage): Promise<AssistantMessage> => {
    await start(message);
    return message;
  };
  try {
    for await (const event of ports.model.stream(model, { systemPrompt, tools, messages }, { thinking, sessionId, signal })) {
      if (event.type === 'done') return await end(event.message);
      if (event.type === 'error') return await end(event.error);
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
    const answer = await executeCall(prepared, ports.hooks, signal, (partialResult) => {
      if (open) told = told.then(() => ports.emit({ type: 'tool_execution_update', toolCallId, toolName, args, partialResult }));
    });
    open = false;
    await told;
    await ports.emit({ type: 'tool_execution_end', toolCallId, toolName, result: answer, isError: answer.isError });
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

/** Overload, rate limits and broken connections pass; exhausted quotas and invalid requests do not. */
function isTransient(errorMessage: string): boolean {
  if (/quota|billing|insufficient|credit|invalid|unauthori[sz]ed|forbidden|SCRIPT_/i.test(errorMessage)) return false;
  return /overloaded|rate.?limit|too many requests|\b(?:429|500|502|503|504|529)\b|timed? ?out|ECONNRESET|ECONNREFUSED|socket hang up|fetch failed|network|connection error|terminated|ended without/i.test(
    errorMessage,
  );
}
