import { type Static, Type } from '@sinclair/typebox';
import type { ImageContent, JsonValue, SystemMessage, TextContent, Usage } from '../model/messages.ts';
import type { AgentMessage } from '../loop/transcript.ts';

/** Version of the file format, which is pi's. */
export const SESSION_VERSION = 3;

export const SessionHeader = Type.Object({
  type: Type.Literal('session'),
  version: Type.Optional(Type.Number()),
  id: Type.String({ minLength: 1 }),
  timestamp: Type.String(),
  cwd: Type.String(),
  parentSession: Type.Optional(Type.String()),
});
export type SessionHeader = Static<typeof SessionHeader>;

const base = { id: Type.String({ minLength: 1 }), parentId: Type.Union([Type.String(), Type.Null()]), timestamp: Type.String() };
const Json = Type.Unsafe<JsonValue>(Type.Unknown());
// A message is checked as far as the tree needs it; what is inside was written by a model, a tool or another program.
const AnyMessage = Type.Unsafe<AgentMessage>(Type.Object({ role: Type.String() }));
const Content = Type.Unsafe<string | (TextContent | ImageContent)[]>(Type.Union([Type.String(), Type.Array(Type.Object({ type: Type.String() }))]));
const AnyUsage = Type.Unsafe<Usage>(
  Type.Object({ input: Type.Number(), output: Type.Number(), totalTokens: Type.Optional(Type.Number()), cost: Type.Object({ total: Type.Number() }) }),
);

/** Whose word it is, where it is not the user's; other programs leave it alone. */
const origins = { origins: Type.Optional(Type.Unsafe<readonly string[]>(Type.Array(Type.String()))) };

/** The kinds of entries that mean something to us. Any other kind is kept as it is. */
export const KNOWN_ENTRIES = {
  message: Type.Object({ type: Type.Literal('message'), ...base, ...origins, message: AnyMessage }),
  model_change: Type.Object({ type: Type.Literal('model_change'), ...base, provider: Type.String(), modelId: Type.String() }),
  thinking_level_change: Type.Object({ type: Type.Literal('thinking_level_change'), ...base, thinkingLevel: Type.String() }),
  compaction: Type.Object({
    type: Type.Literal('compaction'),
    ...base,
    ...origins,
    summary: Type.String(),
    firstKeptEntryId: Type.String(),
    tokensBefore: Type.Number(),
    details: Type.Optional(Json),
    usage: Type.Optional(AnyUsage),
    /** Written by a package. */
    fromHook: Type.Optional(Type.Boolean()),
    systemMessage: Type.Optional(Type.Unsafe<SystemMessage>(Type.Object({ role: Type.Literal('system') }))),
  }),
  branch_summary: Type.Object({
    type: Type.Literal('branch_summary'),
    ...base,
    ...origins,
    fromId: Type.String(),
    summary: Type.String(),
    details: Type.Optional(Json),
    usage: Type.Optional(AnyUsage),
    fromHook: Type.Optional(Type.Boolean()),
  }),
  label: Type.Object({ type: Type.Literal('label'), ...base, targetId: Type.String(), label: Type.Optional(Type.String()) }),
  custom: Type.Object({ type: Type.Literal('custom'), ...base, customType: Type.String(), data: Type.Optional(Json), package: Type.Optional(Type.String()) }),
  custom_message: Type.Object({
    type: Type.Literal('custom_message'),
    ...base,
    ...origins,
    customType: Type.String(),
    content: Content,
    display: Type.Boolean(),
    details: Type.Optional(Json),
    package: Type.Optional(Type.String()),
  }),
  context_edit: Type.Object({
    type: Type.Literal('context_edit'),
    ...base,
    targetId: Type.String(),
    replacement: Type.Union([Type.Null(), Type.Object({ content: Content })]),
  }),
  session_info: Type.Object({ type: Type.Literal('session_info'), ...base, name: Type.Optional(Type.String()) }),
  usage: Type.Object({
    type: Type.Literal('usage'),
    ...base,
    kind: Type.String(),
    provider: Type.String(),
    model: Type.String(),
    usage: AnyUsage,
    note: Type.Optional(Type.String()),
  }),
} as const;

type Known = typeof KNOWN_ENTRIES;
export type KnownEntry = { [Kind in keyof Known]: Static<Known[Kind]> }[keyof Known];

/** An entry of a kind or a shape we do not know: kept, part of the tree, silent in the context. */
export interface OpaqueEntry {
  readonly type: 'opaque';
  readonly id: string;
  readonly parentId: string | null;
  readonly timestamp: string;
  /** The line as it was read. */
  readonly raw: Readonly<Record<string, unknown>>;
}

export type SessionEntry = KnownEntry | OpaqueEntry;

/** An entry that is about to be appended: the file gives it its place. */
export type EntryDraft = { [Kind in keyof Known]: Omit<Static<Known[Kind]>, 'id' | 'parentId' | 'timestamp'> }[keyof Known];

/** What stands in the file for `entry`, `type,id,parentId` first. */
export function toLine(entry: SessionEntry): Readonly<Record<string, unknown>> {
  if (entry.type === 'opaque') return entry.raw;
  const { type, id, parentId, timestamp, ...rest } = entry;
  return { type, id, parentId, timestamp, ...rest };
}
