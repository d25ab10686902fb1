import { toolCallsOf, type Usage } from '../model/messages.ts';
import type { SessionEntry } from './entry.ts';

/** What was said and used in a session, in all its branches. */
export interface SessionStats {
  readonly userMessages: number;
  readonly assistantMessages: number;
  readonly toolCalls: number;
  readonly toolResults: number;
  readonly totalMessages: number;
  readonly tokens: { readonly input: number; readonly output: number; readonly cacheRead: number; readonly cacheWrite: number; readonly total: number };
  /** Dollars. */
  readonly cost: number;
}

/** Counts a session, with what its summaries took. */
export function sessionStats(entries: readonly SessionEntry[]): SessionStats {
  const messages = entries.flatMap((entry) => (entry.type === 'message' ? [entry.message] : []));
  const answers = messages.filter((message) => message.role === 'assistant');
  const usages = entries.flatMap(usageOf);
  const sum = (of: (usage: Usage) => number): number => usages.reduce((total, usage) => total + (Number(of(usage)) || 0), 0);
  const tokens = {
    input: sum(({ input }) => input),
    output: sum(({ output }) => output),
    cacheRead: sum((u) => u.cacheRead),
    cacheWrite: sum((u) => u.cacheWrite),
  };
  return {
    userMessages: messages.filter(({ role }) => role === 'user').length,
    assistantMessages: answers.length,
    toolCalls: answers.reduce((total, message) => total + toolCallsOf(message).length, 0),
    toolResults: messages.filter(({ role }) => role === 'toolResult').length,
    totalMessages: messages.length,
    tokens: { ...tokens, total: tokens.input + tokens.output + tokens.cacheRead + tokens.cacheWrite },
    // what another program wrote may lack it
    cost: sum(({ cost }) => cost?.total ?? 0),
  };
}

function usageOf(entry: SessionEntry): readonly Usage[] {
  switch (entry.type) {
    case 'message': {
      const { message } = entry;
      const usage = message.role === 'assistant' || message.role === 'toolResult' ? message.usage : undefined;
      return usage === undefined ? [] : [usage];
    }
    case 'usage':
      return [entry.usage];
    case 'compaction':
    case 'branch_summary':
      return entry.usage === undefined ? [] : [entry.usage];
    default:
      return [];
  }
}
