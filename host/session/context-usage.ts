import type { ModelInfo } from '../model/port.ts';
import { projectBranch } from './context.ts';
import type { SessionEntry } from './entry.ts';
import type { AgentMessage } from '../transcript.ts';

/** How full the context window is. */
export interface ContextUsage {
  readonly tokens: number;
  readonly contextWindow: number;
  readonly percent: number;
}

/** How full the context of `branch` would make the window of `model`. */
export function contextUsage(branch: readonly SessionEntry[], model: ModelInfo | undefined): ContextUsage | undefined {
  if (model === undefined) return undefined;
  const tokens = contextTokens(branch);
  return { tokens, contextWindow: model.contextWindow, percent: (tokens / model.contextWindow) * 100 };
}

/**
 * Tokens in the context of a branch: what the provider counted last, and a guess for what came after. An answer that was
 * kept by a compaction was counted with all that is gone since, so it does not count.
 */
export function contextTokens(branch: readonly SessionEntry[]): number {
  const projected = projectBranch(branch);
  const compaction = projected[0]?.entry.type === 'compaction' ? projected[0].entry : undefined;
  const isFresh = freshSince(branch, compaction);
  const counted = projected.findLastIndex(({ entry, messages: [message] }) => isFresh(entry) && message?.role === 'assistant' && message.usage.totalTokens > 0);
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

function freshSince(branch: readonly SessionEntry[], compaction: SessionEntry | undefined): (entry: SessionEntry) => boolean {
  if (compaction === undefined) return () => true;
  const after = new Set(branch.slice(branch.indexOf(compaction) + 1));
  return (entry) => after.has(entry);
}

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
