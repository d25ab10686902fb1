import { textOf, toolCallsOf } from '../../model/messages.ts';
import type { SessionEntry } from '../../session/entry.ts';
import type { SessionTree } from '../../session/session-tree.ts';

/** Something that the user said, with what came of it: a step of the tree. */
export interface Turn {
  readonly id: string;
  /** The turn before it; `null` for the first. */
  readonly parent: string | null;
  /** How far it is indented: only where ways part. */
  readonly depth: number;
  readonly said: string;
  readonly time: string;
  readonly cost: number;
  readonly calls: number;
  readonly label?: string;
  /** The end of the branch, when this is the last turn of one. */
  readonly leaf?: string;
  /** Whether the conversation stands on it. */
  readonly isCurrent: boolean;
}

/** An entry as the page shows it: text, and nothing that could be anything else. */
export interface ShownEntry {
  readonly id: string;
  readonly time: string;
  readonly kind: 'user' | 'assistant' | 'tool' | 'note';
  readonly title: string;
  readonly text: string;
  readonly failed: boolean;
  readonly cost: number;
}

/** Two branches of one session, as far as they are different. */
export interface Comparison {
  readonly shared: readonly ShownEntry[];
  /** How many entries of both are not shown, because there are more than anybody reads. */
  readonly sharedHidden: number;
  readonly left: Side;
  readonly right: Side;
}

export interface Side {
  readonly entries: readonly ShownEntry[];
  readonly hidden: number;
  readonly cost: number;
  readonly calls: number;
}

const MAX_SAID = 160;
const MAX_TEXT = 8_000;

/** The tree of a session by what the user said, in the order of reading: a way to its end, then the next. */
export function turnsOf(tree: SessionTree): readonly Turn[] {
  const onBranch = new Set(tree.branch().map(({ id }) => id));
  const turns: Turn[] = [];
  type Waiting = { readonly node: ReturnType<SessionTree['roots']>[number]; readonly turn: number | undefined; readonly depth: number };
  const roots = tree.roots();
  const waiting: Waiting[] = roots.map((node) => ({ node, turn: undefined, depth: 0 }));
  // not by calls of itself: a session of ten thousand entries is a tree ten thousand deep
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const { node, depth } = next;
    const { entry, children, label } = node;
    let { turn } = next;
    if (entry.type === 'message' && entry.message.role === 'user') {
      turns.push({
        id: entry.id,
        parent: turn === undefined ? null : (turns[turn]?.id ?? null),
        depth,
        said: firstLine(textOf(entry.message.content)),
        time: entry.timestamp,
        cost: 0,
        calls: 0,
        isCurrent: onBranch.has(entry.id),
        ...(label === undefined ? {} : { label }),
      });
      turn = turns.length - 1;
    } else if (turn !== undefined) {
      const before = turns[turn];
      if (before !== undefined)
        turns[turn] = { ...before, cost: before.cost + costOf(entry), calls: before.calls + callsOf(entry), ...(label === undefined ? {} : { label }) };
    }
    if (children.length === 0 && turn !== undefined) {
      const before = turns[turn];
      // a turn that has more than one end is compared by the newest
      if (before !== undefined) turns[turn] = { ...before, leaf: entry.id };
    }
    waiting.unshift(...children.map((child): Waiting => ({ node: child, turn, depth: depth + (children.length > 1 ? 1 : 0) })));
  }
  return turns;
}

/** Puts two branches side by side, by the ends they lead to, with the newest `most` entries of each; `undefined` when there is no such end. */
export function compareBranches(tree: SessionTree, leftId: string, rightId: string, most: number): Comparison | undefined {
  if (tree.entry(leftId) === undefined || tree.entry(rightId) === undefined) return undefined;
  const [left, right] = [tree.branch(leftId), tree.branch(rightId)];
  let common = 0;
  while (common < left.length && left[common]?.id === right[common]?.id && left[common] !== undefined) common += 1;
  const shared = left.slice(0, common).flatMap(showEntry);
  return {
    shared: shared.slice(-most),
    sharedHidden: Math.max(0, shared.length - most),
    left: sideOf(left.slice(common), most),
    right: sideOf(right.slice(common), most),
  };
}

function sideOf(entries: readonly SessionEntry[], most: number): Side {
  const shown = entries.flatMap(showEntry);
  return {
    entries: shown.slice(-most),
    hidden: Math.max(0, shown.length - most),
    cost: entries.reduce((sum, entry) => sum + costOf(entry), 0),
    calls: entries.reduce((sum, entry) => sum + callsOf(entry), 0),
  };
}

/** What is of no interest to a reader is left out: labels, settings, what packages keep. */
function showEntry(entry: SessionEntry): readonly ShownEntry[] {
  const show = (kind: ShownEntry['kind'], title: string, text: string, failed = false): readonly ShownEntry[] => [
    { id: entry.id, time: entry.timestamp, kind, title, text: cut(text), failed, cost: costOf(entry) },
  ];
  switch (entry.type) {
    case 'message': {
      const { message } = entry;
      if (message.role === 'user') return show('user', 'you', textOf(message.content));
      if (message.role === 'assistant') {
        const calls = toolCallsOf(message).map(({ name, arguments: args }) => `→ ${name} ${JSON.stringify(args)}`);
        const failed = message.stopReason === 'error' || message.stopReason === 'aborted';
        const text = [textOf(message.content), ...calls, ...(message.errorMessage === undefined ? [] : [message.errorMessage])];
        return show('assistant', `${message.provider}/${message.model}`, text.filter((part) => part !== '').join('\n'), failed);
      }
      if (message.role === 'toolResult') return show('tool', message.toolName, textOf(message.content), message.isError);
      return message.role === 'bashExecution' ? show('user', `! ${message.command}`, message.output) : [];
    }
    case 'compaction':
    case 'branch_summary':
      return show('note', 'summary', entry.summary);
    case 'custom_message':
      return entry.display ? show('note', entry.customType, textOf(entry.content)) : [];
    default:
      return [];
  }
}

function costOf(entry: SessionEntry): number {
  const usage = entry.type === 'message' && (entry.message.role === 'assistant' || entry.message.role === 'toolResult') ? entry.message.usage : undefined;
  // what another program wrote may lack it
  return Number(usage?.cost?.total) || 0;
}

function callsOf(entry: SessionEntry): number {
  return entry.type === 'message' && entry.message.role === 'assistant' ? toolCallsOf(entry.message).length : 0;
}

function cut(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT)}\n… ${text.length - MAX_TEXT} more characters`;
}

function firstLine(text: string): string {
  const line = text.trim().split('\n', 1)[0] ?? '';
  return line.length <= MAX_SAID ? line : `${line.slice(0, MAX_SAID)}…`;
}
