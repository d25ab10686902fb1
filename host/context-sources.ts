import { textOf } from './model/messages.ts';
import type { AgentMessage } from './transcript.ts';

/** More of them nobody reads. */
const MOST = 6;

/**
 * Names what stands in the model's context and is not the user's word, newest first: a question shows it, because any of
 * it may be what talked the model into a call. `ownerOf` gives the package of a tool, `undefined` for one of the host.
 */
export function contextSources(
  messages: readonly AgentMessage[],
  ownerOf: (tool: string) => string | undefined,
  projectFiles: readonly string[],
): readonly string[] {
  const said = messages.toReversed().flatMap((message) => sourceOf(message, ownerOf) ?? []);
  const all = [...new Set([...said, ...projectFiles.map((path) => `the project's ${path}`)])];
  return all.length <= MOST ? all : [...all.slice(0, MOST), `${all.length - MOST} more`];
}

function sourceOf(message: AgentMessage, ownerOf: (tool: string) => string | undefined): string | undefined {
  switch (message.role) {
    case 'toolResult': {
      const owner = ownerOf(message.toolName);
      if (owner !== undefined) return `results of \`${message.toolName}\` of ${owner}`;
      return message.toolName === 'bash' ? 'output of commands' : `results of \`${message.toolName}\``;
    }
    case 'custom':
      return textOf(message.content) === '' ? undefined : `messages of packages (${message.customType})`;
    case 'bashExecution':
      return message.excludeFromContext === true ? undefined : 'output of commands';
    case 'branchSummary':
    case 'compactionSummary':
      return 'a summary';
    case 'system':
    case 'user':
    case 'assistant':
      return undefined;
  }
}
