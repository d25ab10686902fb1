import type { AssistantMessage, ToolResultMessage } from '../model/messages.ts';
import { toolCallsOf } from '../model/messages.ts';
import type { AgentMessage } from '../transcript.ts';
import type { KnownEntry, SessionEntry } from './entry.ts';

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

/** Builds the context of a branch, from its root to its leaf, by pi's rules. */
export function buildContext(branch: readonly SessionEntry[]): SessionContext {
  return { messages: projectBranch(branch).flatMap(({ messages }) => messages), ...settingsOf(branch) };
}

/** The entries that a branch's context is made of: the newest compaction first, then what it kept, then what followed. */
export function projectBranch(branch: readonly SessionEntry[]): readonly ProjectedEntry[] {
  const entries = afterCompaction(branch);
  const edits = new Map<string, Edit>();
  for (const entry of entries) if (entry.type === 'context_edit') edits.set(entry.targetId, entry);
  // An older compaction may lie within what the newest one kept; only the newest speaks.
  return entries.map((entry, index) => ({
    entry,
    messages: entry.type === 'compaction' && index > 0 ? [] : edited(messagesOf(entry), edits.get(entry.id)),
  }));
}

/** Results for calls that a crash left open, so that the transcript is well-formed again. */
export function orphanedCalls(messages: readonly AgentMessage[]): ToolResultMessage[] {
  const answered = new Set(messages.flatMap((message) => (message.role === 'toolResult' ? [message.toolCallId] : [])));
  const last = messages.findLast((message): message is AssistantMessage => message.role === 'assistant');
  if (last === undefined || last.stopReason === 'error' || last.stopReason === 'aborted') return [];
  return toolCallsOf(last)
    .filter(({ id }) => !answered.has(id))
    .map(({ id, name }) => ({
      role: 'toolResult',
      toolCallId: id,
      toolName: name,
      content: [{ type: 'text', text: 'the host ended before this call was answered; whether it had an effect is unknown' }],
      isError: true,
      timestamp: Date.now(),
    }));
}

type Edit = Extract<KnownEntry, { type: 'context_edit' }>;

/** The latest compaction first, then what it kept, then what followed. */
function afterCompaction(branch: readonly SessionEntry[]): readonly SessionEntry[] {
  const at = branch.findLastIndex(({ type }) => type === 'compaction');
  const compaction = branch[at];
  if (compaction?.type !== 'compaction') return branch;
  const before = branch.slice(0, at);
  const firstKept = before.findIndex(({ id }) => id === compaction.firstKeptEntryId);
  const kept = firstKept === -1 ? [] : before.slice(firstKept).filter((entry) => !(entry.type === 'message' && entry.message.role === 'system'));
  return [compaction, ...kept, ...branch.slice(at + 1)];
}

function messagesOf(entry: SessionEntry): AgentMessage[] {
  const timestamp = new Date(entry.timestamp).getTime();
  switch (entry.type) {
    case 'message':
      return [withContent(entry.message)];
    case 'custom_message': {
      const { customType, content, display, details } = entry;
      return [{ role: 'custom', customType, content, display, details, timestamp }];
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

/** Old and hand-edited files may lack the content of a message. */
function withContent(message: AgentMessage): AgentMessage {
  if (!('content' in message) || message.content !== null) return message;
  return message.role === 'system' ? { ...message, content: '' } : { ...message, content: [] };
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

function settingsOf(branch: readonly SessionEntry[]): Pick<SessionContext, 'thinkingLevel' | 'model'> {
  let thinkingLevel = 'off';
  let model: SessionContext['model'] = null;
  for (const entry of branch) {
    if (entry.type === 'thinking_level_change') thinkingLevel = entry.thinkingLevel;
    else if (entry.type === 'model_change') model = { provider: entry.provider, modelId: entry.modelId };
    else if (entry.type === 'message' && entry.message.role === 'assistant') model = { provider: entry.message.provider, modelId: entry.message.model };
  }
  return { thinkingLevel, model };
}
