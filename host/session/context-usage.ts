import type { ModelInfo } from '../model/port.ts';
import { projectPath } from './context.ts';
import type { SessionPath } from './entry-record.ts';
import type { AgentMessage } from '../loop/transcript.ts';

/** How full the context window is. */
export interface ContextUsage {
  readonly tokens: number;
  readonly contextWindow: number;
  readonly percent: number;
}

/** How full the context at the end of `path` would make the window of `model`. */
export function contextUsage(path: SessionPath, model: ModelInfo | undefined): ContextUsage | undefined {
  if (model === undefined) return undefined;
  const tokens = contextTokens(path);
  return { tokens, contextWindow: model.contextWindow, percent: (tokens / model.contextWindow) * 100 };
}

/**
 * Tokens in the context at the end of a path: what the provider counted last, and a guess for what came after. An answer that was
 * kept by a compaction was counted with all that is gone since, so it does not count.
 */
export function contextTokens(path: SessionPath): number {
  const projected = projectPath(path);
  const [first] = projected;
  const since = first?.entry.type === 'compaction' ? path.findLastIndex(({ id }) => id === first.entry.id) : -1;
  const fresh = new Set(path.slice(since + 1).map(({ id }) => id));
  const counted = projected.findLastIndex(
    ({ entry, messages: [message] }) => fresh.has(entry.id) && message?.role === 'assistant' && message.usage.totalTokens > 0,
  );
  const [last] = projected[counted]?.messages ?? [];
  const base = last?.role === 'assistant' ? last.usage.totalTokens : 0;
  return base + projected.slice(counted + 1).reduce((sum, { messages }) => sum + estimateTokens(messages), 0);
}

/** A guess: four characters a token, an image 1,200. */
export function estimateTokens(messages: readonly AgentMessage[]): number {
  return messages.reduce((sum, message) => sum + Math.ceil(charactersOf(message) / CHARACTERS_PER_TOKEN), 0);
}

/** What the guess is made with; a text of code has fewer, prose more. */
export const CHARACTERS_PER_TOKEN = 4;
const IMAGE_CHARACTERS = 4800;

function charactersOf(message: AgentMessage): number {
  switch (message.role) {
    case 'bashExecution':
      return message.excludeFromContext === true ? 0 : message.command.length + message.output.length;
    case 'branchSummary':
    case 'compactionSummary':
      return message.summary.length;
    // the host's own prompt takes its place
    case 'system':
      return 0;
    case 'assistant':
      return isLost(message.stopReason) ? 0 : charactersOfBlocks(message.content);
    case 'user':
    case 'custom':
    case 'toolResult':
      return typeof message.content === 'string' ? message.content.length : charactersOfBlocks(message.content);
  }
}

/** What failed or was cut off is not sent again. */
function isLost(stopReason: string): boolean {
  return stopReason === 'error' || stopReason === 'aborted';
}

type Block = Exclude<Extract<AgentMessage, { role: 'assistant' | 'user' | 'toolResult' }>['content'], string>[number];

function charactersOfBlocks(blocks: readonly Block[]): number {
  return blocks.reduce((sum, block) => {
    switch (block.type) {
      case 'text':
        return sum + block.text.length;
      case 'thinking':
        return sum + block.thinking.length;
      case 'image':
        return sum + IMAGE_CHARACTERS;
      case 'toolCall':
        return sum + block.name.length + JSON.stringify(block.arguments).length;
    }
  }, 0);
}
