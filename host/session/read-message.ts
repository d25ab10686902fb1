import { NO_USAGE } from '../model/messages.ts';
import type { AgentMessage } from '../loop/transcript.ts';

type Raw = Readonly<Record<string, unknown>>;

/** What a line of a session holds in the place of a message. */
export type ReadMessage =
  | { readonly kind: 'message'; readonly message: AgentMessage }
  /** Of another program, which knows more roles than we do. */
  | { readonly kind: 'unknown role' }
  | { readonly kind: 'damaged' };

/**
 * Reads a message as far as everything that shows, counts and sends messages relies on it; what another program or a hand
 * wrote may be anything. In plain words and not as a schema: a long session has a hundred thousand of them.
 */
export function readMessage(value: unknown): ReadMessage {
  if (!isRaw(value) || typeof value['role'] !== 'string') return DAMAGED;
  switch (value['role']) {
    case 'user':
    case 'system':
      return withContent(value, '', true);
    case 'custom':
      return hasTexts(value, 'customType') ? withContent(value, '', true) : DAMAGED;
    case 'toolResult':
      return hasTexts(value, 'toolCallId', 'toolName') ? withContent(value, [], false) : DAMAGED;
    case 'assistant':
      return hasTexts(value, 'provider', 'model', 'stopReason') ? withContent(withUsage(value), [], false) : DAMAGED;
    case 'bashExecution':
      return hasTexts(value, 'command', 'output') ? found(value) : DAMAGED;
    case 'branchSummary':
    case 'compactionSummary':
      return hasTexts(value, 'summary') ? found(value) : DAMAGED;
    default:
      return { kind: 'unknown role' };
  }
}

const DAMAGED: ReadMessage = { kind: 'damaged' };

/** Its parts were looked at one by one, with its role. */
function found(value: Raw): ReadMessage {
  return { kind: 'message', message: value as unknown as AgentMessage };
}

/** Old and hand-edited files may lack the content, or hold a text where blocks belong. */
function withContent(value: Raw, none: '' | [], mayBeText: boolean): ReadMessage {
  const { content } = value;
  if (content === null || content === undefined) return found({ ...value, content: none });
  if (typeof content === 'string') return found(mayBeText ? value : { ...value, content: [{ type: 'text', text: content }] });
  return isBlocks(content) ? found(value) : DAMAGED;
}

/** Whether it is a list of blocks, each with what its type says that it has. */
export function isBlocks(content: unknown): boolean {
  return Array.isArray(content) && content.every(isBlock);
}

/** What it cost is not known then; that it was said is. */
function withUsage(value: Raw): Raw {
  const { usage } = value;
  return isRaw(usage) && isRaw(usage['cost']) && typeof usage['cost']['total'] === 'number' ? value : { ...value, usage: NO_USAGE };
}

/** A block of a type that we do not know stays; nobody shows or sends it. */
function isBlock(block: unknown): boolean {
  if (!isRaw(block) || typeof block['type'] !== 'string') return false;
  switch (block['type']) {
    case 'text':
      return hasTexts(block, 'text');
    case 'thinking':
      return hasTexts(block, 'thinking');
    case 'image':
      return hasTexts(block, 'data', 'mimeType');
    case 'toolCall':
      return hasTexts(block, 'id', 'name') && isRaw(block['arguments']);
    default:
      return true;
  }
}

function hasTexts(value: Raw, ...keys: readonly string[]): boolean {
  return keys.every((key) => typeof value[key] === 'string');
}

function isRaw(value: unknown): value is Raw {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
