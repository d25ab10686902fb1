import { Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import type { SessionDraft } from '../../sandbox/index.ts';
import { type AssistantMessage, type ImageContent, type JsonValue, NO_USAGE, type TextContent } from '../model/messages.ts';
import type { EntryDraft } from './entry.ts';
import type { Origin } from './origins.ts';
import type { Session } from './session.ts';

/** The package that writes the beginning of a session. */
export interface Writer {
  readonly package: string;
  /** Whose word it is. */
  readonly origin: Origin;
}

/**
 * Writes what a package wants a session to begin with. Every entry says that it is the package's word, whatever role a
 * message has; what it cost, and which model said it, is nothing that a package can tell.
 */
export function writeBeginning(session: Session, drafts: readonly SessionDraft[], writer: Writer): void {
  const ids = new Map<string, string>();
  for (const draft of drafts) ids.set(draft.id, session.append(entryOf(draft, ids, writer)).id);
}

function entryOf(draft: SessionDraft, ids: ReadonlyMap<string, string>, { package: owner, origin }: Writer): EntryDraft {
  const origins = [origin];
  switch (draft.kind) {
    case 'message': {
      const { role, content } = draft.message;
      if (role === 'user')
        return { type: 'message', message: { role, content: checked(Said, content, 'a string, or texts and images'), timestamp: Date.now() }, origins };
      const said = typeof content === 'string' ? [{ type: 'text' as const, text: content }] : checked(Answered, content, 'texts and thoughts');
      return { type: 'message', message: answerOf(said), origins };
    }
    case 'custom_message': {
      const { customType, display, details } = draft;
      const content = checked(Said, draft.content, 'a string, or texts and images');
      return {
        type: 'custom_message',
        customType,
        content,
        display,
        ...(details === undefined ? {} : { details: details as JsonValue }),
        package: owner,
        origins,
      };
    }
    case 'custom':
      return { type: 'custom', customType: draft.customType, ...(draft.data === undefined ? {} : { data: draft.data as JsonValue }), package: owner };
    case 'session_info':
      return { type: 'session_info', name: draft.name.replaceAll(/[\r\n]+/g, ' ').trim() };
    case 'label': {
      const targetId = ids.get(draft.targetId);
      if (targetId === undefined) throw new Error(`there is no entry \`${draft.targetId}\` in this session`);
      return { type: 'label', targetId, ...(draft.label === undefined ? {} : { label: draft.label }) };
    }
  }
}

/** No price, so that it neither adds to what a session cost nor takes from it. */
function answerOf(content: AssistantMessage['content']): AssistantMessage {
  return { role: 'assistant', content, api: 'none', provider: 'none', model: 'none', usage: NO_USAGE, stopReason: 'stop', timestamp: Date.now() };
}

const Text = Type.Object({ type: Type.Literal('text'), text: Type.String() }, { additionalProperties: false });
const Image = Type.Object({ type: Type.Literal('image'), data: Type.String(), mimeType: Type.String() }, { additionalProperties: false });
const Thought = Type.Object({ type: Type.Literal('thinking'), thinking: Type.String() }, { additionalProperties: false });
const Said = Type.Unsafe<string | (TextContent | ImageContent)[]>(Type.Union([Type.String(), Type.Array(Type.Union([Text, Image]))]));
const Answered = Type.Unsafe<AssistantMessage['content']>(Type.Array(Type.Union([Text, Thought])));

function checked<Content>(schema: ReturnType<typeof Type.Unsafe<Content>>, content: unknown, what: string): Content {
  if (Value.Check(schema, content)) return content;
  throw new Error(`what a session begins with is made of ${what}`);
}
