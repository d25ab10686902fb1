import { type Static, Type } from '@sinclair/typebox';
import type { ImageContent, JsonObject, JsonValue } from '../model/messages.ts';
import type { ToolAnswer } from '../loop/tool-call.ts';
import type { AgentMessage, CustomMessage } from '../loop/transcript.ts';

// Answers of handlers come from a guest; what does not fit is reported, never trusted.
export const ToolCallVerdict = Type.Object({
  block: Type.Optional(Type.Boolean()),
  reason: Type.Optional(Type.String()),
  terminate: Type.Optional(Type.Boolean()),
});
export const ChangedInput = Type.Object({ input: Type.Unsafe<JsonObject>(Type.Record(Type.String(), Type.Unknown())) });
const ContentBlock = Type.Union([
  Type.Object({ type: Type.Literal('text'), text: Type.String() }),
  Type.Object({ type: Type.Literal('image'), data: Type.String(), mimeType: Type.String() }),
]);
const Blocks = Type.Unsafe<ToolAnswer['content']>(Type.Array(ContentBlock));
export const ToolResultChange = Type.Object({
  content: Type.Optional(Blocks),
  details: Type.Optional(Type.Unsafe<ToolAnswer['details']>(Type.Unknown())),
  isError: Type.Optional(Type.Boolean()),
});
const Block = Type.Union([
  ContentBlock,
  Type.Object({ type: Type.Literal('thinking'), thinking: Type.String() }),
  Type.Object({ type: Type.Literal('toolCall'), id: Type.String(), name: Type.String(), arguments: Type.Record(Type.String(), Type.Unknown()) }),
]);
/** As much of a message as the loop, the session and the models read: one without it would break the session for good. */
const AnyMessage = Type.Unsafe<AgentMessage>(
  Type.Union([
    Type.Object({ role: Type.Literal('assistant'), content: Type.Array(Block), stopReason: Type.String(), usage: Type.Object({ cost: Type.Object({}) }) }),
    Type.Object({ role: Type.Literal('toolResult'), toolCallId: Type.String(), content: Type.Array(Block), isError: Type.Boolean() }),
    Type.Object({
      role: Type.Union([Type.Literal('user'), Type.Literal('custom'), Type.Literal('system')]),
      content: Type.Union([Type.String(), Type.Array(Block)]),
    }),
    Type.Object({ role: Type.Union([Type.Literal('branchSummary'), Type.Literal('compactionSummary')]), summary: Type.String() }),
    Type.Object({ role: Type.Literal('bashExecution'), command: Type.String(), output: Type.String() }),
  ]),
);
export const ChangedMessages = Type.Object({ messages: Type.Array(AnyMessage) });
export const ChangedMessage = Type.Object({ message: AnyMessage });
export const ChangedOptions = Type.Object({ systemPromptOptions: Type.Unsafe<JsonObject>(Type.Record(Type.String(), Type.Unknown())) });
export const InputVerdict = Type.Union([
  Type.Object({ action: Type.Literal('continue') }),
  Type.Object({ action: Type.Literal('handled') }),
  Type.Object({
    action: Type.Literal('transform'),
    text: Type.String(),
    images: Type.Optional(Type.Unsafe<ImageContent[]>(Type.Array(Type.Object({ type: Type.Literal('image') })))),
  }),
]);
export const AgentStartChange = Type.Object({
  systemPrompt: Type.Optional(Type.String()),
  message: Type.Optional(
    Type.Object({
      customType: Type.String(),
      content: Type.Unsafe<CustomMessage['content']>(Type.Union([Type.String(), Blocks])),
      display: Type.Optional(Type.Boolean()),
      details: Type.Optional(Type.Unsafe<CustomMessage['details']>(Type.Unknown())),
    }),
  ),
});
export const Cancellation = Type.Object({ cancel: Type.Boolean() });

/** Tells whether a handler answered nothing. */
export function isNothing(value: unknown): value is undefined | null {
  return value === undefined || value === null;
}

/** A change without the fields that say nothing. */
export function defined<Change extends object>(change: Change): Partial<Change> {
  const kept: Partial<Change> = { ...change };
  for (const key in kept) if (kept[key] === undefined) delete kept[key];
  return kept;
}

/** An entry that a handler adds where a turn or a run ends. */
const BoundaryEntry = Type.Union([
  Type.Object({ type: Type.Literal('custom'), customType: Type.String({ minLength: 1 }), data: Type.Optional(Type.Unsafe<JsonValue>(Type.Unknown())) }),
  Type.Object({
    type: Type.Literal('custom_message'),
    customType: Type.String({ minLength: 1 }),
    content: Type.Unsafe<CustomMessage['content']>(Type.Union([Type.String(), Blocks])),
    display: Type.Boolean(),
    details: Type.Optional(Type.Unsafe<JsonValue>(Type.Unknown())),
  }),
  Type.Object({
    type: Type.Literal('context_edit'),
    targetId: Type.String({ minLength: 1 }),
    replacement: Type.Union([Type.Null(), Type.Object({ content: Type.Unsafe<CustomMessage['content']>(Type.Union([Type.String(), Blocks])) })]),
  }),
]);
export type BoundaryEntry = Static<typeof BoundaryEntry>;
export const BoundaryAnswer = Type.Object({ entries: Type.Optional(Type.Array(BoundaryEntry, { maxItems: 100 })), continue: Type.Optional(Type.Boolean()) });

export const ChangedHeaders = Type.Object({ headers: Type.Record(Type.String(), Type.Union([Type.String(), Type.Null()])) });

const BashAnswer = Type.Object({
  output: Type.String(),
  exitCode: Type.Optional(Type.Number()),
  cancelled: Type.Boolean(),
  truncated: Type.Boolean(),
  fullOutputPath: Type.Optional(Type.String()),
});
export const UserBashAnswer = Type.Object({ result: BashAnswer });
export type BashAnswer = Static<typeof BashAnswer>;

/** What a build hands to the one that takes its place. */
export const HandedOver = Type.Object({ state: Type.Optional(Type.Unknown()) });

const Paths = Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 4096 }), { maxItems: 256 }));
export const DiscoveredPaths = Type.Object({ skillPaths: Paths, promptPaths: Paths, themePaths: Paths });
export type DiscoveredPaths = Static<typeof DiscoveredPaths>;

export const WarmingAnswer = Type.Object({ action: Type.Union([Type.Literal('warm'), Type.Literal('stop')]) });
