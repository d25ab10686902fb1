import { Type } from '@sinclair/typebox';
import { isDashError, parsePermissionSet, type PermissionSet } from '../../format/index.ts';
import { CapabilityFailure, defineCapability } from '../define-capability.ts';
import type { Limit } from '../delegation.ts';
import { ToolRegistrationSchema } from '../protocol.ts';
import { needArea } from './ui.ts';

/** Tools of other packages and of the host. */
const Name = Type.String({ minLength: 1, maxLength: 256 });

/**
 * Calls a tool. What it does happens with the rights of the package it belongs to, and within those of the caller, or of
 * the part of them that the caller hands on: nobody does through another what it may not do itself.
 */
export const callTool = defineCapability({
  kind: 'request',
  name: 'tools.call',
  params: Type.Object(
    { package: Name, name: Name, args: Type.Unknown(), permissions: Type.Optional(Type.Array(Type.String({ maxLength: 1_024 }), { maxItems: 100 })) },
    { additionalProperties: false },
  ),
  needs: ({ package: owner, name }) => [{ effect: { kind: 'tool', package: owner, name }, target: `${owner}/${name}` }],
  run: async ({ package: owner, name, args, permissions }, { ports, packageName }, { signal, lease: { origin, delegation }, granted, pauseClocks }) => {
    const callers = [...delegation.callers, packageName];
    // A package that waits for another one must not be waited for by it.
    if (callers.includes(owner)) throw failure('REENTRANT_CALL', `${[...callers, owner].join(' → ')}: \`${owner}\` is waiting for this very call`);
    const own: Limit = { by: packageName, granted };
    const handedOn = permissions && parseHandedOn(permissions);
    const limits = [...delegation.limits, own, ...(handedOn === undefined ? [] : [{ by: packageName, granted: () => handedOn }])];
    try {
      const call = { package: owner, name, args, delegation: { callers, limits }, pauseCaller: pauseClocks, ...(origin !== undefined && { origin }) };
      return await ports.agent.callTool(call, signal);
    } catch (error) {
      // What became of the other package is told; a bug of ours is not.
      if (isDashError(error)) throw failure(error.code, error.message);
      throw error;
    }
  },
});

/**
 * Starts an agent. Whatever it does happens within the rights of the package that starts it, and of the part of them that
 * it hands on.
 */
export const spawn = defineCapability({
  kind: 'request',
  name: 'agent.spawn',
  params: Type.Object(
    {
      name: Name,
      task: Type.String({ minLength: 1, maxLength: 1_000_000 }),
      model: Type.Optional(Name),
      tools: Type.Optional(Type.Array(Name, { maxItems: 256 })),
      budget: Type.Optional(Type.Number({ minimum: 0 })),
      permissions: Type.Optional(Type.Array(Type.String({ maxLength: 1_024 }), { maxItems: 100 })),
    },
    { additionalProperties: false },
  ),
  needs: ({ name }) => needArea('agent:spawn', name),
  run: async ({ permissions, ...wanted }, { ports, packageName }, { signal, lease: { delegation }, granted }) => {
    const handedOn = permissions && parseHandedOn(permissions);
    const own: Limit = { by: packageName, granted };
    const limits = [...delegation.limits, own, ...(handedOn === undefined ? [] : [{ by: packageName, granted: () => handedOn }])];
    try {
      return await ports.agent.spawn({ ...wanted, delegation: { callers: [...delegation.callers, packageName], limits } }, signal);
    } catch (error) {
      if (isDashError(error)) throw failure(error.code, error.message);
      throw error;
    }
  },
});

/**
 * Offers the model a tool that was not there at install. Who does not `wait` is answered at once whether it may, and asked
 * for nothing: `registerTool` is synchronous, and a person takes time.
 */
export const register = defineCapability({
  kind: 'request',
  name: 'tools.register',
  params: Type.Object({ tool: ToolRegistrationSchema, wait: Type.Boolean() }, { additionalProperties: false }),
  needs: ({ tool, wait }) => (wait ? needArea('tools:dynamic', tool.name) : []),
  run: async ({ tool, wait }, { lateTools }, { permits, decide }) => {
    if (lateTools === undefined) throw failure('ENOSYS', 'no tool can be registered here');
    if (!wait) {
      const [need] = needArea('tools:dynamic', tool.name);
      if (need === undefined || !permits(need)) return { offered: false };
      await decide(need);
    }
    await lateTools.register(tool);
    return { offered: true };
  },
});

function parseHandedOn(permissions: readonly string[]): PermissionSet {
  try {
    return parsePermissionSet(permissions);
  } catch (error) {
    if (isDashError(error, 'INVALID_PERMISSION')) throw failure(error.code, error.message);
    throw error;
  }
}

function failure(code: string, message: string): CapabilityFailure {
  return new CapabilityFailure({ code, message });
}
