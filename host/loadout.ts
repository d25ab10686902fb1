import { type Static, Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { isDashError } from '../format/index.ts';
import type { CallContext, CallOrigin } from '../sandbox/index.ts';
import type { AgentTool } from './loop/tool-call.ts';
import type { ToolContribution } from './packages/contributions.ts';

export interface LoadoutOptions {
  readonly hold: () => Disposable;
  readonly callContext: () => CallContext;
  /** The user's message behind the run. */
  readonly origin: () => CallOrigin | undefined;
  /** A hook that was not heard, and why. */
  readonly report: (problem: { readonly package: string; readonly code: string; readonly message: string }) => void;
}

/** The tools of this moment, by the names that the model has for them. */
export interface OfferedTools {
  readonly active: readonly AgentTool[];
  readonly all: readonly AgentTool[];
  /** Of packages. */
  readonly contributed: ReadonlyMap<string, ToolContribution>;
}

/** What tools of packages change about what the model sees of the tools that are active (`prepareLoadout`). */
export interface Loadout {
  /** Asks them again where something else is active than the last time. Never fails: a hook that does changes nothing. */
  prepare(tools: OfferedTools, signal: AbortSignal): Promise<void>;
  /** Tools as the model is told of them. They are told and never run: whoever runs one takes it from the tools themselves. */
  declared(tools: readonly AgentTool[]): readonly AgentTool[];
}

/** What it says of itself is text for the model, so it may do what a package may that changes the prompt. */
const NEEDS = ['prompt:modify'] as const;
const DEADLINE_MS = 5_000;
const MAX_DESCRIPTION = 16_384;

const Changes = Type.Object({
  descriptions: Type.Optional(Type.Record(Type.String(), Type.String({ maxLength: MAX_DESCRIPTION }))),
  hiddenDeclarations: Type.Optional(Type.Array(Type.String(), { maxItems: 1_000 })),
});
type Changes = Static<typeof Changes>;

/** Makes the loadout of one agent. */
export function createLoadout({ hold, callContext, origin, report }: LoadoutOptions): Loadout {
  let asked: { readonly key: string; readonly hooks: readonly unknown[] } | undefined;
  let descriptions: ReadonlyMap<string, string> = new Map();
  let hidden: ReadonlySet<string> = new Set();

  const ask = async (
    { name, package: owner, registration, sandboxed }: ToolContribution,
    tools: OfferedTools,
    signal: AbortSignal,
  ): Promise<Changes | undefined> => {
    const from = origin();
    const how = { signal, ...(from !== undefined && { origin: from }) };
    if (!(await sandboxed.mayHear('prepareLoadout', NEEDS, how))) {
      const message = `\`prepareLoadout\` of \`${name}\` changes nothing without \`${NEEDS[0]}\`: \`dash permissions grant ${owner} ${NEEDS[0]}\``;
      report({ package: owner, code: 'PERMISSION_DENIED', message });
      return undefined;
    }
    try {
      using _ = hold();
      const answer = await sandboxed.prepareLoadout(registration.name, describe(tools), { ...how, context: callContext(), timeoutMs: DEADLINE_MS });
      if (answer === undefined || answer === null || Value.Check(Changes, answer)) return answer ?? undefined;
      report({ package: owner, code: 'GUEST_ERROR', message: `\`prepareLoadout\` of \`${name}\` answered with something else than descriptions and names` });
    } catch (error) {
      if (!isDashError(error)) throw error;
      if (!signal.aborted) report({ package: owner, code: error.code, message: error.message });
    }
    return undefined;
  };

  return {
    async prepare(tools, signal) {
      const hooks = tools.active.flatMap(({ name }) => {
        const found = tools.contributed.get(name);
        return found?.registration.preparesLoadout === true ? [found] : [];
      });
      const key = hooks.length === 0 ? '' : JSON.stringify([tools.active, tools.all].map((list) => list.map(({ name, description }) => [name, description])));
      const sandboxes = hooks.map(({ sandboxed }) => sandboxed);
      if (asked?.key === key && asked.hooks.every((one, index) => one === sandboxes[index])) return;
      const names = new Set(tools.active.map(({ name }) => name));
      const answers: Changes[] = [];
      for (const hook of hooks) answers.push((await ask(hook, tools, signal)) ?? {});
      if (signal.aborted) return; // the next run asks again
      asked = { key, hooks: sandboxes };
      descriptions = new Map(answers.flatMap((one) => Object.entries(one.descriptions ?? {})).filter(([name]) => names.has(name)));
      hidden = new Set(answers.flatMap((one) => one.hiddenDeclarations ?? []).filter((name) => names.has(name)));
    },
    declared: (tools) =>
      tools
        .filter(({ name }) => !hidden.has(name))
        .map((tool) => {
          const description = descriptions.get(tool.name);
          return description === undefined ? tool : { ...tool, description };
        }),
  };
}

/** What a hook is told: what `getAllTools` and `getActiveTools` tell everybody. */
function describe({ active, all, contributed }: OfferedTools): object {
  const about = ({ name, description, parameters }: AgentTool) => {
    const found = contributed.get(name);
    const { exposure = 'direct', namespace, promptGuidelines = [] } = found?.registration ?? {};
    // how `ctx.executeTool` names it
    const call = `${found?.package ?? 'host'}/${found?.registration.name ?? name}`;
    return { name, description, parameters, call, exposure, ...(namespace !== undefined && { namespace }), promptGuidelines };
  };
  return { declared: active.map(about), callable: all.map(about).filter(({ exposure }) => exposure !== 'model-only'), registered: all.map(about) };
}
