import { randomUUID } from 'node:crypto';
import { Value } from '@sinclair/typebox/value';
import { Type } from '@sinclair/typebox';
import { DashError } from '../format/index.ts';
import type { PackageToolCall } from '../sandbox/index.ts';
import type { EventBus } from './bus/event-bus.ts';
import type { JsonObject } from './model/messages.ts';
import { type AgentTool, executeCall, prepareCall, type ToolAnswer, type ToolHooks } from './loop/tool-call.ts';
import type { Toolbox } from './toolbox.ts';

const Arguments = Type.Unsafe<JsonObject>(Type.Record(Type.String(), Type.Unknown()));

/**
 * A tool called by a package, on the way that the model's calls take: schema, interceptors, approval. Packages that wait
 * for it are not asked as interceptors: they would wait for themselves.
 *
 * @throws {DashError} UNKNOWN_TOOL
 */
export async function callForPackage(
  { package: owner, name, args, origin, delegation, pauseCaller }: PackageToolCall,
  { toolbox, bus }: { readonly toolbox: Toolbox; readonly bus: EventBus },
  signal: AbortSignal,
): Promise<ToolAnswer> {
  const tool: AgentTool | undefined = toolbox.toolOf(owner, name, { delegation, pauseCaller, ...(origin !== undefined && { origin }) });
  if (tool === undefined) throw new DashError('UNKNOWN_TOOL', `there is no tool \`${name}\` of \`${owner}\``);
  const hooks: ToolHooks = {
    before: (call, aborted) => bus.toolCall(call, aborted, delegation.callers),
    approve: (call, found, aborted) => toolbox.approve(call, found, aborted, delegation),
    after: (call, answer, aborted) => bus.toolResult(call, answer, aborted, delegation.callers),
  };
  const call = { type: 'toolCall' as const, id: randomUUID(), name: tool.name, arguments: Value.Check(Arguments, args) ? args : {} };
  const prepared = await prepareCall(call, [tool], hooks, signal);
  return (await executeCall(prepared, hooks, signal, () => undefined)).answer;
}
