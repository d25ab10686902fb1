import { type AssistantMessage, type Message, toolCallsOf } from './messages.ts';
import type { ModelInfo } from './port.ts';

/** Which model, and over which wire: what one of them signed means nothing to another. */
export type Author = Pick<ModelInfo, 'provider' | 'api' | 'id'>;

/**
 * Makes a conversation readable for `model`, whoever wrote its answers. Thoughts of another model become text in
 * `<thinking>`; what only their provider can read, and its signatures, are left out. Calls keep their ids here; the wire
 * that is spoken then fits them, call and result alike, to what it accepts, and answers the calls that have no result.
 */
export function handOff(messages: readonly Message[], model: Author): Message[] {
  return answersOnly(messages).map((message) => (message.role === 'assistant' && !wrote(model, message) ? inPlainWords(message) : message));
}

/** A result whose call is not there any more, because its line was damaged or somebody took it out, is refused everywhere. */
function answersOnly(messages: readonly Message[]): Message[] {
  let open = new Set<string>();
  return messages.filter((message) => {
    if (message.role === 'assistant') open = new Set(toolCallsOf(message).map(({ id }) => id));
    if (message.role === 'user') open = new Set();
    return message.role !== 'toolResult' || open.delete(message.toolCallId);
  });
}

function wrote({ provider, api, id }: Author, message: AssistantMessage): boolean {
  return message.provider === provider && message.api === api && message.model === id;
}

function inPlainWords(message: AssistantMessage): AssistantMessage {
  const content = message.content.flatMap((block): AssistantMessage['content'] => {
    switch (block.type) {
      case 'text':
        return [{ type: 'text', text: block.text }];
      case 'thinking':
        return block.redacted === true || block.thinking.trim() === '' ? [] : [{ type: 'text', text: `<thinking>\n${block.thinking}\n</thinking>` }];
      case 'toolCall':
        return [{ type: 'toolCall', id: block.id, name: block.name, arguments: block.arguments }];
      // of another program, in a session of its
      default:
        return [];
    }
  });
  return { ...message, content };
}
