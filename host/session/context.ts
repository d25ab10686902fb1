import type { ToolResultMessage } from '../model/messages.ts';
import { toolCallsOf } from '../model/messages.ts';
import type { AgentMessage } from '../loop/transcript.ts';
import type { KnownEntry, SessionEntry } from './entry.ts';
import type { EntryRecord, SessionPath } from './entry-record.ts';

/** What a branch says to the model. */
export interface SessionContext {
  readonly messages: readonly AgentMessage[];
  /** `off` or a level, as pi writes it. */
  readonly thinkingLevel: string;
  readonly model: { readonly provider: string; readonly modelId: string } | null;
}

/** An entry of a branch, and what it says to the model now. */
export interface ProjectedEntry {
  readonly entry: SessionEntry;
  readonly messages: readonly AgentMessage[];
}

/** Builds the context at the end of a path by pi's rules. */
export function buildContext(path: SessionPath): SessionContext {
  return { messages: projectPath(path).flatMap(({ messages }) => messages), ...settingsOf(path) };
}

/**
 * The entries that the context of a path is made of: the newest compaction first, then what it kept, then what followed.
 * Nothing else of the path is read.
 */
export function projectPath(path: SessionPath): readonly ProjectedEntry[] {
  const entries = afterCompaction(path);
  const edits = new Map<string, Edit>();
  for (const entry of entries) if (entry.type === 'context_edit') edits.set(entry.targetId, entry);
  // An older compaction may lie within what the newest one kept; only the newest speaks.
  return entries.map((entry, index) => ({
    entry,
    messages: entry.type === 'compaction' && index > 0 ? [] : edited(messagesOf(entry), edits.get(entry.id)),
  }));
}

/** Results for calls that a crash left open at a leaf, so that the transcript is well-formed again. `backwards` begins at the leaf. */
export function orphanedCalls(backwards: Iterable<EntryRecord>): ToolResultMessage[] {
  const answered = new Set<string>();
  for (const record of backwards) {
    if (record.kind !== 'message') continue;
    const entry = record.load();
    if (entry.type !== 'message') continue;
    const { message } = entry;
    if (message.role === 'toolResult') answered.add(message.toolCallId);
    if (message.role !== 'assistant') continue;
    if (message.stopReason === 'error' || message.stopReason === 'aborted') return [];
    return toolCallsOf(message)
      .filter(({ id }) => !answered.has(id))
      .map(({ id, name }) => unknownResult(id, name));
  }
  return [];
}

function unknownResult(toolCallId: string, toolName: string): ToolResultMessage {
  return {
    role: 'toolResult',
    toolCallId,
    toolName,
    content: [{ type: 'text', text: 'the host ended before this call was answered; whether it had an effect is unknown' }],
    isError: true,
    timestamp: Date.now(),
  };
}

type Edit = Extract<KnownEntry, { type: 'context_edit' }>;

/** The latest compaction first, then what it kept, then what followed. */
function afterCompaction(path: SessionPath): readonly SessionEntry[] {
  for (let at = path.length - 1; at >= 0; at -= 1) {
    if (path[at]?.kind !== 'compaction') continue;
    const compaction = path[at]?.load();
    if (compaction?.type !== 'compaction') continue;
    const firstKept = path.findIndex(({ id }) => id === compaction.firstKeptEntryId);
    const kept = firstKept === -1 || firstKept > at ? [] : loaded(path.slice(firstKept, at));
    return [compaction, ...kept.filter((entry) => !(entry.type === 'message' && entry.message.role === 'system')), ...loaded(path.slice(at + 1))];
  }
  return loaded(path);
}

function loaded(path: SessionPath): SessionEntry[] {
  return path.map((record) => record.load());
}

/** What an entry says, whatever stands around it. */
export function messagesOf(entry: SessionEntry): AgentMessage[] {
  const timestamp = new Date(entry.timestamp).getTime();
  switch (entry.type) {
    case 'message':
      return [entry.message];
    case 'custom_message': {
      const { customType, content, display, details, package: owner } = entry;
      return [{ role: 'custom', ...(owner === undefined ? {} : { package: owner }), customType, content, display, details, timestamp }];
    }
    case 'branch_summary':
      return entry.summary === '' ? [] : [{ role: 'branchSummary', summary: entry.summary, fromId: entry.fromId, timestamp }];
    case 'compaction': {
      const summary: AgentMessage = { role: 'compactionSummary', summary: entry.summary, tokensBefore: entry.tokensBefore, timestamp };
      return entry.systemMessage === undefined ? [summary] : [entry.systemMessage, summary];
    }
    default:
      return [];
  }
}

function edited(messages: AgentMessage[], edit: Edit | undefined): AgentMessage[] {
  if (edit === undefined) return messages;
  const { replacement } = edit;
  if (replacement === null) return [];
  return messages.map((message): AgentMessage => {
    const { content } = replacement;
    const blocks = typeof content === 'string' ? [{ type: 'text' as const, text: content }] : content;
    const texts = blocks.filter((block) => block.type === 'text');
    switch (message.role) {
      case 'user':
      case 'custom':
        return { ...message, content };
      case 'toolResult':
        return { ...message, content: blocks };
      case 'assistant':
        return { ...message, content: texts };
      default:
        return message;
    }
  });
}

/** The last word counts, so the search goes from the end, and reads nothing that cannot have it. */
export function settingsOf(path: SessionPath): Pick<SessionContext, 'thinkingLevel' | 'model'> {
  const level = path.findLast(({ kind }) => kind === 'thinking_level_change')?.load();
  let model: SessionContext['model'] = null;
  for (let at = path.length - 1; at >= 0 && model === null; at -= 1) {
    const record = path[at];
    if (record?.kind !== 'model_change' && record?.kind !== 'message') continue;
    const entry = record.load();
    if (entry.type === 'model_change') model = { provider: entry.provider, modelId: entry.modelId };
    else if (entry.type === 'message' && entry.message.role === 'assistant') model = { provider: entry.message.provider, modelId: entry.message.model };
  }
  return { thinkingLevel: level?.type === 'thinking_level_change' ? level.thinkingLevel : 'off', model };
}
