import { Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { type AssistantMessage, type JsonObject, NO_USAGE, type TextContent, type ThinkingContent, type ToolCall } from './messages.ts';
import type { ModelEvent, ModelInfo } from './port.ts';

const Index = Type.Integer({ minimum: 0, maximum: 10_000 });
const Said = Type.Object({ contentIndex: Index, delta: Type.String() });
const Ended = Type.Object({ contentIndex: Index, content: Type.String() });
const Started = Type.Object({ contentIndex: Index, block: Type.Optional(Type.Unknown()) });
const Call = Type.Object({ type: Type.Literal('toolCall'), id: Type.String(), name: Type.String(), arguments: Type.Unsafe<JsonObject>(Type.Object({})) });
const Named = Type.Object({ id: Type.String(), name: Type.String() });
const CallEnded = Type.Object({ contentIndex: Index, toolCall: Call });
const Kind = Type.Object({ type: Type.String() });

const Amount = Type.Number({ minimum: 0 });
const Cost = Type.Object({ input: Amount, output: Amount, cacheRead: Amount, cacheWrite: Amount, total: Amount });
const Usage = Type.Object({ input: Amount, output: Amount, cacheRead: Amount, cacheWrite: Amount, totalTokens: Amount, cost: Cost });
const Block = Type.Union([
  Type.Object({ type: Type.Literal('text'), text: Type.String() }),
  Type.Object({ type: Type.Literal('thinking'), thinking: Type.String() }),
  Call,
]);
const Final = Type.Object({
  content: Type.Unsafe<AssistantMessage['content'][number][]>(Type.Array(Block)),
  usage: Usage,
  errorMessage: Type.Optional(Type.String()),
  responseId: Type.Optional(Type.String()),
});
const Done = Type.Object({ reason: Type.Union([Type.Literal('stop'), Type.Literal('length'), Type.Literal('toolUse')]), message: Final });
const Failed = Type.Object({ reason: Type.Union([Type.Literal('aborted'), Type.Literal('error')]), error: Final });

/** Reads what a package's own wire says, one event at a time, and keeps the answer so far. What is no event becomes an error. */
export interface GuestAnswer {
  /** @returns the event for the host; `undefined` after the last one, of which there is exactly one */
  read(event: unknown): ModelEvent | undefined;
  /** The end, where the package did not say one. */
  fail(reason: 'aborted' | 'error', errorMessage: string): ModelEvent | undefined;
}

/** Begins an answer of `model`, with nothing said. */
export function createGuestAnswer({ api, provider, id }: ModelInfo): GuestAnswer {
  const content: AssistantMessage['content'][number][] = [];
  const message = (): AssistantMessage => ({ role: 'assistant', content, api, provider, model: id, usage: NO_USAGE, stopReason: 'pending', timestamp });
  const timestamp = Date.now();
  const partial = message();
  let isOver = false;

  const end = (event: ModelEvent): ModelEvent => {
    isOver = true;
    return event;
  };
  const fail: GuestAnswer['fail'] = (reason, errorMessage) =>
    isOver ? undefined : end({ type: 'error', reason, error: { ...partial, stopReason: reason, errorMessage } });
  const put = (at: number, block: TextContent | ThinkingContent | ToolCall): void => {
    if (at <= content.length) content[at] = block;
  };
  const textAt = (at: number): string => {
    const block = content[at];
    return block?.type === 'text' ? block.text : block?.type === 'thinking' ? block.thinking : '';
  };

  return {
    fail,
    read(event) {
      if (isOver) return undefined;
      if (!Value.Check(Kind, event)) return fail('error', `the package of \`${provider}\` said something that is no event`);
      const { type } = event;
      switch (type) {
        case 'start':
          return { type, partial };
        case 'text_start':
        case 'thinking_start':
          if (!Value.Check(Started, event)) break;
          put(event.contentIndex, type === 'text_start' ? { type: 'text', text: '' } : { type: 'thinking', thinking: '' });
          return { type, contentIndex: event.contentIndex, partial };
        case 'text_delta':
        case 'thinking_delta': {
          if (!Value.Check(Said, event)) break;
          const { contentIndex, delta } = event;
          const text = textAt(contentIndex) + delta;
          put(contentIndex, type === 'text_delta' ? { type: 'text', text } : { type: 'thinking', thinking: text });
          return { type, contentIndex, delta, partial };
        }
        case 'text_end':
        case 'thinking_end':
          if (!Value.Check(Ended, event)) break;
          put(event.contentIndex, type === 'text_end' ? { type: 'text', text: event.content } : { type: 'thinking', thinking: event.content });
          return { type, contentIndex: event.contentIndex, content: event.content, partial };
        case 'toolcall_start': {
          if (!Value.Check(Started, event)) break;
          const named = Value.Check(Named, event.block) ? event.block : { id: '', name: '' };
          put(event.contentIndex, { type: 'toolCall', id: named.id, name: named.name, arguments: {} });
          return { type, contentIndex: event.contentIndex, partial };
        }
        case 'toolcall_delta':
          if (!Value.Check(Said, event)) break;
          return { type, contentIndex: event.contentIndex, delta: event.delta, partial };
        case 'toolcall_end':
          if (!Value.Check(CallEnded, event)) break;
          put(event.contentIndex, event.toolCall);
          return { type, contentIndex: event.contentIndex, toolCall: event.toolCall, partial };
        case 'done': {
          if (!Value.Check(Done, event)) break;
          const { reason, message: said } = event;
          return end({ type, reason, message: { ...message(), content: said.content, usage: said.usage, stopReason: reason } });
        }
        case 'error': {
          if (!Value.Check(Failed, event)) break;
          const { reason, error } = event;
          const errorMessage = error.errorMessage ?? 'the provider failed';
          return end({ type, reason, error: { ...message(), content: error.content, usage: error.usage, stopReason: reason, errorMessage } });
        }
      }
      return fail('error', `the package of \`${provider}\` said a \`${type.slice(0, 40)}\` that cannot be read`);
    },
  };
}
