import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Static, Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { DashError } from '../../format/index.ts';
import { type AssistantMessage, type JsonObject, NO_USAGE, type StopReason, type Usage } from './messages.ts';
import { costOf, type ModelEvent, type ModelInfo, type ModelPort } from './port.ts';

const ScriptedTurn = Type.Object(
  {
    text: Type.Optional(Type.String()),
    thinking: Type.Optional(Type.String()),
    toolCalls: Type.Optional(
      Type.Array(
        Type.Object(
          {
            name: Type.String(),
            arguments: Type.Optional(Type.Unsafe<JsonObject>(Type.Record(Type.String(), Type.Unknown()))),
          },
          { additionalProperties: false },
        ),
      ),
    ),
    usage: Type.Optional(Type.Object({ input: Type.Optional(Type.Number()), output: Type.Optional(Type.Number()) })),
    error: Type.Optional(Type.String()),
    delayMs: Type.Optional(Type.Number({ minimum: 0 })),
  },
  { additionalProperties: false },
);

/** A model that answers from a file: `{"turns": [{text?, thinking?, toolCalls?, usage?, error?, delayMs?}], "repeat"?}`. */
export const Script = Type.Object({ turns: Type.Array(ScriptedTurn, { minItems: 1 }), repeat: Type.Optional(Type.Boolean()) }, { additionalProperties: false });
export type Script = Static<typeof Script>;

const SCRIPTED_MODEL: ModelInfo = {
  id: 'scripted',
  name: 'Scripted model',
  provider: 'scripted',
  api: 'scripted',
  baseUrl: 'scripted:',
  reasoning: true,
  input: ['text', 'image'],
  cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
  contextWindow: 200_000,
  maxTokens: 32_000,
};

/** Reads a script. @throws {DashError} SCRIPT_INVALID */
export async function readScript(path: string): Promise<Script> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new DashError('SCRIPT_INVALID', `cannot read the script \`${path}\``, { cause, where: { path } });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new DashError('SCRIPT_INVALID', `\`${path}\` is not JSON: ${cause instanceof Error ? cause.message : String(cause)}`, { cause, where: { path } });
  }
  if (!Value.Check(Script, value)) {
    const first = Value.Errors(Script, value).First();
    throw new DashError('SCRIPT_INVALID', `\`${path}\` is not a script: ${first?.path ?? ''} ${first?.message ?? ''}`, {
      where: { path },
      hint: 'a script is {"turns": [{"text": "…", "toolCalls": [{"name": "…", "arguments": {}}]}]}',
    });
  }
  return value;
}

/** A port that answers with the turns of `script`, one for each request. When they are used up, the answer is the error `SCRIPT_EXHAUSTED`. */
export function createScriptedModel(script: Script): ModelPort {
  let next = 0;
  let calls = 0;
  return {
    models: async () => [SCRIPTED_MODEL],
    async *stream(model, _transcript, { signal }) {
      const turn = script.turns[script.repeat === true ? next % script.turns.length : next];
      next += 1;
      if (turn === undefined) {
        yield failure(model, `SCRIPT_EXHAUSTED: the script has ${script.turns.length} turns and the model was asked ${next} times`);
        return;
      }
      if (turn.delayMs !== undefined) await sleep(turn.delayMs, undefined, { signal }).catch(() => undefined);
      if (signal?.aborted === true) {
        yield { type: 'error', reason: 'aborted', error: answer(model, [], 'aborted', NO_USAGE) };
        return;
      }
      if (turn.error !== undefined) {
        yield failure(model, turn.error);
        return;
      }
      yield* speak(model, turn, () => `call_${(calls += 1)}`);
    },
  };
}

type Block = AssistantMessage['content'][number];

function* speak(model: ModelInfo, turn: Static<typeof ScriptedTurn>, nextCallId: () => string): Generator<ModelEvent> {
  const usage = usageOf(model, turn.usage);
  const blocks: Block[] = [];
  const partial = (): AssistantMessage => answer(model, [...blocks], 'pending', usage);
  yield { type: 'start', partial: partial() };
  if (turn.thinking !== undefined) {
    const contentIndex = blocks.push({ type: 'thinking', thinking: '' }) - 1;
    yield { type: 'thinking_start', contentIndex, partial: partial() };
    blocks[contentIndex] = { type: 'thinking', thinking: turn.thinking };
    yield { type: 'thinking_delta', contentIndex, delta: turn.thinking, partial: partial() };
    yield { type: 'thinking_end', contentIndex, content: turn.thinking, partial: partial() };
  }
  if (turn.text !== undefined) {
    const contentIndex = blocks.push({ type: 'text', text: '' }) - 1;
    yield { type: 'text_start', contentIndex, partial: partial() };
    let text = '';
    for (const delta of turn.text.match(/\S*\s*/g) ?? []) {
      if (delta === '') continue;
      text += delta;
      blocks[contentIndex] = { type: 'text', text };
      yield { type: 'text_delta', contentIndex, delta, partial: partial() };
    }
    yield { type: 'text_end', contentIndex, content: text, partial: partial() };
  }
  for (const { name, arguments: args = {} } of turn.toolCalls ?? []) {
    const toolCall = { type: 'toolCall', id: nextCallId(), name, arguments: args } as const;
    const contentIndex = blocks.push(toolCall) - 1;
    yield { type: 'toolcall_start', contentIndex, partial: partial() };
    yield { type: 'toolcall_delta', contentIndex, delta: JSON.stringify(args), partial: partial() };
    yield { type: 'toolcall_end', contentIndex, toolCall, partial: partial() };
  }
  const reason = (turn.toolCalls ?? []).length > 0 ? 'toolUse' : 'stop';
  yield { type: 'done', reason, message: answer(model, blocks, reason, usage) };
}

function failure(model: ModelInfo, errorMessage: string): ModelEvent {
  return { type: 'error', reason: 'error', error: { ...answer(model, [], 'error', NO_USAGE), errorMessage } };
}

function answer(model: ModelInfo, content: Block[], stopReason: StopReason, usage: Usage): AssistantMessage {
  return { role: 'assistant', content, api: model.api, provider: model.provider, model: model.id, usage, stopReason, timestamp: Date.now() };
}

function usageOf(model: ModelInfo, { input = 0, output = 0 }: { input?: number; output?: number } = {}): Usage {
  const tokens = { input, output, cacheRead: 0, cacheWrite: 0, totalTokens: input + output };
  return { ...tokens, cost: costOf(model, tokens) };
}
