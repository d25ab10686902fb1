import type { Message, ToolResultMessage } from '../model/messages.ts';

/**
 * Tells the model whose words a tool's result is: what a package says is material, like a file, and the mark is the host's,
 * which no package can close. The transcript itself stays as it was said. `ownerOf` gives the package of a tool.
 */
export function markOrigin(messages: readonly Message[], ownerOf: (tool: string) => string | undefined): Message[] {
  return messages.map((message) => {
    const owner = message.role === 'toolResult' ? ownerOf(message.toolName) : undefined;
    return message.role === 'toolResult' && owner !== undefined ? marked(message, owner) : message;
  });
}

function marked(message: ToolResultMessage, owner: string): ToolResultMessage {
  const content = message.content.map((block) =>
    block.type === 'text' ? { ...block, text: block.text.replaceAll(/<(?=\/?package_result)/gi, '&lt;') } : block,
  );
  return {
    ...message,
    content: [{ type: 'text', text: `<package_result from="${owner.replaceAll(/["<>&]/g, '_')}">` }, ...content, { type: 'text', text: '</package_result>' }],
  };
}
