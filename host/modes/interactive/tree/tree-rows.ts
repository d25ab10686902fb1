import { plainText } from '../../../../format/index.ts';
import { type JsonObject, textOf } from '../../../model/messages.ts';
import type { SessionEntry } from '../../../session/entry.ts';
import type { SessionTree, TreeNode } from '../../../session/session-tree.ts';
import { type AgentMessage, titleOf } from '../../../loop/transcript.ts';
import { toolTitle } from '../blocks/tool-title.ts';

/** What of a session's tree is shown: pi's names, in the order in which a key goes through them. */
export const TREE_FILTERS = ['default', 'no-tools', 'user-only', 'labeled-only', 'all'] as const;
export type TreeFilter = (typeof TREE_FILTERS)[number];

/** A place of a session, as a line of its tree. Its texts were written by anybody: here they are plain, on one line. */
export interface TreeRow {
  readonly id: string;
  /** `record` is what the session notes for itself: a change of model, a name, a label. */
  readonly kind: 'user' | 'agent' | 'summary' | 'tool' | 'package' | 'record';
  readonly text: string;
  /** How many branches lie between it and the trunk. */
  readonly depth: number;
  /** Whether the conversation leads through it now. */
  readonly isOnBranch: boolean;
  readonly label?: string;
  /** When it was given that label. */
  readonly labelledAt?: string;
}

/** Every place of a session, the oldest first, a branch below the place where it parts. */
export function treeRows(tree: SessionTree): readonly TreeRow[] {
  const onBranch = new Set(tree.path().map(({ id }) => id));
  const calls: Calls = new Map();
  const rows: TreeRow[] = [];
  // Not by calls of itself: a session of ten thousand entries is a tree ten thousand deep.
  const waiting = [...tree.roots()].reverse().map((node): [TreeNode, number] => [node, 0]);
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [{ entry, children, label, labelTimestamp }, depth] = next;
    const words = wordsOf(entry, calls);
    if (words !== undefined) {
      rows.push({
        id: entry.id,
        kind: words.kind,
        text: plainText(words.text.slice(0, MOST_READ), MOST_SHOWN),
        depth,
        isOnBranch: onBranch.has(entry.id),
        ...(label !== undefined && { label: plainText(label.slice(0, MOST_READ), MOST_LABEL) }),
        ...(labelTimestamp !== undefined && { labelledAt: labelTimestamp }),
      });
    }
    // The branch that the conversation is on goes on in line; the others stand out, before it.
    const main = children.find((child) => onBranch.has(child.entry.id)) ?? children[0];
    if (main !== undefined) waiting.push([main, depth]);
    for (const child of [...children].reverse()) if (child !== main) waiting.push([child, depth + 1]);
  }
  return rows;
}

/** The rows that a filter lets through and in which every word of the query stands. */
export function rowsThrough(rows: readonly TreeRow[], filter: TreeFilter, query: string): readonly TreeRow[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  return rows.filter((row) => {
    if (!passes(row, filter)) return false;
    const text = `${row.label ?? ''} ${row.kind} ${row.text}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

/** The row that stands for a place: itself or, where it is not shown, what was before it. */
export function nearestRow(rows: readonly TreeRow[], tree: SessionTree, id: string | null): number {
  const shown = new Map(rows.map((row, index) => [row.id, index]));
  for (const record of id === null ? [] : tree.backwards(id)) {
    const index = shown.get(record.id);
    if (index !== undefined) return index;
  }
  return rows.length - 1;
}

/** Whether the conversation stands at this place already: after it comes nothing but what the session notes for itself. */
export function isHere(tree: SessionTree, id: string): boolean {
  for (const record of tree.backwards()) {
    if (record.id === id) return true;
    if (!RECORDS.has(record.kind)) return false;
  }
  return false;
}

const MOST_SHOWN = 200;
const MOST_LABEL = 60;
/** What is cut off before it is looked at: an entry may hold megabytes. */
const MOST_READ = 2000;
const RECORDS: ReadonlySet<string> = new Set(['label', 'context_edit', 'custom', 'model_change', 'thinking_level_change', 'session_info', 'usage']);

type Words = Pick<TreeRow, 'kind' | 'text'>;
type Calls = Map<string, { readonly name: string; readonly args: JsonObject }>;

function passes({ kind, label }: TreeRow, filter: TreeFilter): boolean {
  switch (filter) {
    case 'default':
      return kind !== 'record';
    case 'no-tools':
      return kind !== 'record' && kind !== 'tool';
    case 'user-only':
      return kind === 'user';
    case 'labeled-only':
      return label !== undefined;
    case 'all':
      return true;
  }
}

function wordsOf(entry: SessionEntry, calls: Calls): Words | undefined {
  switch (entry.type) {
    case 'message':
      return wordsOfMessage(entry.message, calls);
    case 'custom_message':
      return { kind: 'package', text: `[${titleOf(entry)}] ${textOf(entry.content)}` };
    case 'compaction':
    case 'branch_summary':
      return { kind: 'summary', text: String(entry.summary) };
    case 'model_change':
      return { kind: 'record', text: `[model: ${entry.modelId}]` };
    case 'thinking_level_change':
      return { kind: 'record', text: `[thinking: ${entry.thinkingLevel}]` };
    case 'custom':
      return { kind: 'record', text: `[custom: ${entry.customType}]` };
    case 'context_edit':
      return { kind: 'record', text: `[context ${entry.replacement === null ? 'omit' : 'replace'}: ${entry.targetId}]` };
    case 'label':
      return { kind: 'record', text: `[label: ${entry.label ?? '(cleared)'}]` };
    case 'session_info':
      return { kind: 'record', text: `[title: ${entry.name ?? ''}]` };
    case 'usage':
    case 'opaque':
      return undefined;
  }
}

function wordsOfMessage(message: AgentMessage, calls: Calls): Words | undefined {
  switch (message.role) {
    case 'user':
      return { kind: 'user', text: textOf(message.content) };
    case 'assistant': {
      for (const block of message.content) if (block.type === 'toolCall') calls.set(block.id, { name: block.name, args: block.arguments });
      const text = textOf(message.content).trim();
      const failed = message.stopReason === 'aborted' ? '(stopped)' : (message.errorMessage ?? '');
      // What consists of calls alone is told by their results.
      return text === '' && failed === '' ? undefined : { kind: 'agent', text: text === '' ? failed : text };
    }
    case 'toolResult': {
      const call = calls.get(message.toolCallId);
      const { verb, object } = toolTitle(message.toolName, call?.args ?? {});
      return { kind: 'tool', text: `[${verb}${object === '' ? '' : `: ${object}`}]` };
    }
    case 'bashExecution':
      return { kind: 'tool', text: `[!: ${message.command}]` };
    case 'custom':
      return { kind: 'package', text: `[${titleOf(message)}] ${textOf(message.content)}` };
    case 'branchSummary':
    case 'compactionSummary':
      return { kind: 'summary', text: message.summary };
    case 'system':
      return undefined;
  }
}
