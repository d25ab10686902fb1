import { Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { textOf } from './model/messages.ts';
import { projectPath } from './session/context.ts';
import type { SessionPath } from './session/entry-record.ts';
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
  summarized: readonly string[] = [],
): readonly string[] {
  const said = messages.toReversed().flatMap((message) => sourceOf(message, ownerOf) ?? []);
  const all = [...new Set([...said, ...summarized, ...projectFiles.map((path) => `the project's ${path}`)])];
  return all.length <= MOST ? all : [...all.slice(0, MOST), `${all.length - MOST} more`];
}

/** What the summaries in a context were made of: a summary is no less somebody else's word than what it sums up. */
export function summarizedSources(path: SessionPath): readonly string[] {
  return projectPath(path).flatMap(({ entry }) => {
    const details = entry.type === 'compaction' || entry.type === 'branch_summary' ? entry.details : undefined;
    return Value.Check(WithSources, details) ? details.sources : [];
  });
}

const WithSources = Type.Object({ sources: Type.Array(Type.String()) });

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
