import { textOf, toolCallsOf } from '../model/messages.ts';
import type { SessionTree } from '../session/session-tree.ts';
import { terminalText } from '../terminal-text.ts';
import { type AgentMessage, toModelMessages } from '../loop/transcript.ts';
import { messagesOf } from '../session/context.ts';

/** What is on the branch of a session, from its beginning to its leaf, for reading on a terminal. */
export function sessionText(tree: SessionTree): string {
  const messages = tree.branch().flatMap(messagesOf);
  return terminalText(messages.flatMap(linesOf).join('\n\n')) + '\n';
}

function linesOf(message: AgentMessage): string[] {
  switch (message.role) {
    case 'user':
      return [`> ${textOf(message.content).replaceAll('\n', '\n> ')}`];
    case 'assistant': {
      const said = textOf(message.content);
      const calls = toolCallsOf(message).map(({ name, arguments: args }) => `[${name} ${JSON.stringify(args).slice(0, 200)}]`);
      return [...(said === '' ? [] : [said]), ...calls, ...(message.errorMessage === undefined ? [] : [`error: ${message.errorMessage}`])];
    }
    case 'toolResult':
      return message.isError ? [`[${message.toolName} failed: ${textOf(message.content).slice(0, 200)}]`] : [];
    case 'system':
      return [];
    case 'custom':
      return message.display ? [textOf(message.content)] : [];
    case 'bashExecution':
    case 'branchSummary':
    case 'compactionSummary':
      return toModelMessages([message]).map(({ content }) => textOf(content));
  }
}
