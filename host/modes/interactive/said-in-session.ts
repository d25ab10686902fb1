import { textOf } from '../../model/messages.ts';
import type { SessionEntry } from '../../session/entry.ts';
import type { SessionTree, TreeNode } from '../../session/session-tree.ts';
import { firstLine } from './first-line.ts';

/** A place of a session that one can go to. */
export interface Said {
  readonly id: string;
  readonly by: 'user' | 'agent' | 'summary';
  readonly text: string;
  /** How many branches lie between it and the trunk. */
  readonly depth: number;
  /** Whether the conversation leads through it now. */
  readonly isOnBranch: boolean;
  readonly label: string | undefined;
}

/** What was said in a session, the oldest first, a branch below the place where it parts. */
export function saidInSession(tree: SessionTree): readonly Said[] {
  const onBranch = new Set(tree.path().map(({ id }) => id));
  const said: Said[] = [];
  // Not by calls of itself: a session of ten thousand entries is a tree ten thousand deep.
  const waiting = tree.roots().map((node): [TreeNode, number] => [node, 0]);
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const [{ entry, children, label }, depth] = next;
    const words = wordsOf(entry);
    if (words !== undefined && words.text !== '') said.push({ id: entry.id, ...words, depth, isOnBranch: onBranch.has(entry.id), label });
    // The branch that the conversation is on goes on in line; the others stand out.
    const [main = children[0]] = children.filter((child) => onBranch.has(child.entry.id));
    const others = children.filter((child) => child !== main);
    waiting.unshift(...others.map((child): [TreeNode, number] => [child, depth + 1]), ...(main === undefined ? [] : [[main, depth] as [TreeNode, number]]));
  }
  return said;
}

function wordsOf(entry: SessionEntry): Pick<Said, 'by' | 'text'> | undefined {
  if (entry.type === 'compaction' || entry.type === 'branch_summary') return { by: 'summary', text: firstLine(String(entry.summary)) };
  if (entry.type !== 'message') return undefined;
  if (entry.message.role === 'user') return { by: 'user', text: firstLine(textOf(entry.message.content)) };
  if (entry.message.role === 'assistant') return { by: 'agent', text: firstLine(textOf(entry.message.content)) };
  return undefined;
}
