import { Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { defineCapability } from '../define-capability.ts';
import { needArea } from './ui.ts';

/** The agent around the session: its state, tools, model, and the bus between packages. */
const closed = { additionalProperties: false } as const;
const Name = Type.String({ minLength: 1, maxLength: 256 });

export const query = defineCapability({
  kind: 'request',
  name: 'agent.query',
  params: Type.Object(
    {
      kind: Type.Union(
        (
          [
            'isIdle',
            'hasPendingMessages',
            'isProjectTrusted',
            'model',
            'models',
            'scopedModels',
            'thinkingLevel',
            'activeTools',
            'allTools',
            'commands',
            'contextUsage',
            'systemPrompt',
            'systemPromptOptions',
          ] as const
        ).map((kind) => Type.Literal(kind)),
      ),
    },
    closed,
  ),
  // The system prompt holds the user's context files; the rest is what every package sees of its surroundings.
  needs: ({ kind }) => (kind === 'systemPrompt' || kind === 'systemPromptOptions' ? needArea('session:read', kind) : []),
  run: ({ kind }, { ports }) => ports.agent.query(kind),
});

export const flag = defineCapability({
  kind: 'request',
  name: 'agent.flag',
  params: Type.Object({ name: Name }, closed),
  needs: () => [],
  run: ({ name }, { ports }) => ports.agent.flag(name),
});

export const setActiveTools = defineCapability({
  kind: 'request',
  name: 'agent.setActiveTools',
  params: Type.Object({ names: Type.Array(Name, { maxItems: 1_000 }) }, closed),
  needs: () => needArea('session:control', 'active tools'),
  run: ({ names }, { ports, packageName }) => {
    ports.agent.setActiveTools(packageName, names);
    return {};
  },
});

export const setModel = defineCapability({
  kind: 'request',
  name: 'agent.setModel',
  params: Type.Object({ model: Type.Unknown() }, closed),
  needs: () => needArea('session:control', 'model'),
  run: ({ model }, { ports }) => ports.agent.setModel(model),
});

export const setThinkingLevel = defineCapability({
  kind: 'request',
  name: 'agent.setThinkingLevel',
  params: Type.Object({ level: Name }, closed),
  needs: () => needArea('session:control', 'thinking level'),
  run: ({ level }, { ports }) => {
    ports.agent.setThinkingLevel(level);
    return {};
  },
});

export const emit = defineCapability({
  kind: 'request',
  name: 'agent.emit',
  params: Type.Object({ channel: Name, data: Type.Optional(Type.Unknown()) }, closed),
  needs: () => [],
  run: ({ channel, data }, { ports, packageName }) => {
    ports.agent.emit(packageName, channel, data);
    return {};
  },
});

/** What an answer of a model says of what it took. */
const Usage = Type.Object({ usage: Type.Object({ totalTokens: Type.Number(), cost: Type.Object({ total: Type.Number() }) }) });

export const complete = defineCapability({
  kind: 'request',
  name: 'model.complete',
  params: Type.Object({}, { additionalProperties: true }),
  needs: () => [{ effect: { kind: 'model' }, target: 'completion' }],
  run: async (params, { ports, packageName }, { signal, spent }) => {
    const answer = await ports.agent.complete(packageName, params, signal);
    spent(Value.Check(Usage, answer) ? { tokens: answer.usage.totalTokens, usd: answer.usage.cost.total } : { tokens: 0, usd: 0 });
    return answer;
  },
});
