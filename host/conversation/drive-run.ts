import { runAgent } from '../loop/agent-loop.ts';
import { beforeSettle, type BoundaryPlace } from './boundary.ts';
import { lastAnswer } from '../session/export.ts';
import type { AgentMessage } from '../loop/transcript.ts';
import { createLoopPorts, type RunParts } from './loop-ports.ts';

/** Runs the agent from its first prompts until nothing is left that it should go on with. @throws what the disk throws; models and tools do not */
export async function driveRun(first: readonly AgentMessage[], parts: RunParts, place: () => BoundaryPlace, signal: AbortSignal): Promise<void> {
  let prompts = first;
  do {
    const produced = await runAgent(parts.messages(), prompts, createLoopPorts(parts), signal);
    const last = produced.findLast(({ role }) => role === 'assistant');
    const ended = last?.role === 'assistant' && last.stopReason === 'error';
    // A handler of `agent_end` may have asked for more; what it asked for is part of this run.
    prompts = signal.aborted || ended ? [] : [...parts.take('takeSteering'), ...parts.take('takeFollowUps')];
    if (prompts.length === 0) {
      const outcome = signal.aborted ? 'aborted' : ended ? 'error' : 'completed';
      prompts = await beforeSettle(outcome, place());
    }
    if (prompts.length === 0) complete(produced, parts);
  } while (prompts.length > 0);
}

function complete(produced: readonly AgentMessage[], { bus, session }: RunParts): void {
  const totalCost = produced.reduce((sum, message) => sum + (message.role === 'assistant' ? message.usage.cost.total : 0), 0);
  void bus.notify({ type: 'agent_complete', agentId: session().id, result: lastAnswer(produced) ?? '', totalCost });
}
