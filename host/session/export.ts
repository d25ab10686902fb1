import type { AgentMessage } from '../loop/transcript.ts';
import type { SessionContext } from './context.ts';
import { buildContext } from './context.ts';
import type { SessionHeader } from './entry.ts';
import { toLine } from './entry.ts';
import type { SessionTree } from './session-tree.ts';

/** A session as one JSON document. */
export interface SessionExport {
  readonly header: SessionHeader;
  readonly entries: readonly Readonly<Record<string, unknown>>[];
  readonly context: SessionContext;
  readonly leaf: string | null;
}

/** The whole of a session: every entry, and the context at its leaf. */
export function exportSession(tree: SessionTree): SessionExport {
  return { header: tree.header, entries: tree.entries.map(toLine), context: buildContext(tree.path()), leaf: tree.leafId };
}

/** The text of the last answer, or nothing. */
export function lastAnswer(messages: readonly AgentMessage[]): string | undefined {
  const last = messages.findLast(({ role }) => role === 'assistant');
  if (last?.role !== 'assistant') return undefined;
  const text = last.content.map((block) => (block.type === 'text' ? block.text : '')).join('');
  return text === '' ? undefined : text;
}
