import type { LoopPorts, RetryPolicy } from '../loop/agent-loop.ts';
import type { EventBus } from '../bus/event-bus.ts';
import type { Compactor } from './compactor.ts';
import type { ModelPort } from '../model/port.ts';
import type { RequestHooks } from './request-hooks.ts';
import type { Session } from '../session/session.ts';
import type { Toolbox } from '../toolbox.ts';
import type { AgentMessage } from '../loop/transcript.ts';
import type { ChosenModel } from './chosen-model.ts';
import type { Provenance } from './provenance.ts';
import type { Recorder } from './recorder.ts';
import type { RetryPause } from './retry-pause.ts';

/** What a run has of its conversation. */
export interface RunParts {
  readonly bus: EventBus;
  readonly toolbox: Toolbox;
  readonly models: ModelPort;
  readonly chosen: ChosenModel;
  readonly compactor: Compactor;
  readonly requests: RequestHooks;
  readonly provenance: Provenance;
  readonly recorder: Recorder;
  readonly pause: RetryPause;
  readonly session: () => Session;
  readonly messages: () => readonly AgentMessage[];
  readonly systemPrompt: () => string;
  readonly retry: () => RetryPolicy;
  /** Whether a context that becomes too long is summed up by itself. */
  readonly mayCompact: () => boolean;
  readonly runSignal: () => AbortSignal;
  /** Messages that waited, for this safe point or for the end of the run. */
  readonly take: (which: 'takeSteering' | 'takeFollowUps') => readonly AgentMessage[];
}

/** Hands a conversation to the loop of one run: the loop itself knows no sessions, skills or packages. */
export function createLoopPorts(parts: RunParts): LoopPorts {
  const { bus, toolbox, models, chosen, compactor, requests, provenance, recorder, pause, session, messages, systemPrompt, take } = parts;
  // What failed once would fail before every request of the run.
  let failed = false;
  return {
    model: models,
    retry: parts.retry,
    waitToRetry: (delayMs, signal) => pause.wait(delayMs, signal),
    async fit(reason, signal) {
      const model = chosen.required;
      if (!parts.mayCompact() || failed || (reason === 'threshold' && !compactor.isDue(session(), model))) return undefined;
      try {
        const done = await compactor.compact({ session: session(), model, reason, sources: provenance.inContext, signal });
        failed = done === undefined;
        return done === undefined ? undefined : messages();
      } catch {
        // it was told with `compaction_end`; the request is sent as it is
        failed = true;
        return undefined;
      }
    },
    hooks: {
      before: (call, signal) => bus.toolCall(call, signal),
      approve: (call, tool, signal) => toolbox.approve(call, tool, signal),
      after: (call, answer, signal) => bus.toolResult(call, answer, signal, [], (by) => provenance.changedResult(by, call.id)),
    },
    async turn() {
      // before the prompt, which lists them
      const declared = await toolbox.declared(parts.runSignal());
      return {
        model: chosen.required,
        systemPrompt: systemPrompt(),
        tools: toolbox.active(),
        declared,
        sessionId: session().id,
        watch: requests.watch(parts.runSignal()),
        ...(chosen.thinking === undefined ? {} : { thinking: chosen.thinking }),
      };
    },
    emit: (event) => recorder.tell(event),
    async finish(message) {
      const changers: string[] = [];
      const final = await bus.messageEnd(message, (by) => changers.push(by));
      if (final !== message) provenance.changed(message, final, changers);
      return final;
    },
    toModel: (all, signal) => requests.toModel(all, systemPrompt(), signal, (by) => provenance.shaped(by)),
    takeSteering: () => take('takeSteering'),
    takeFollowUps: () => take('takeFollowUps'),
  };
}
