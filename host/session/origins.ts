import { Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { textOf } from '../model/messages.ts';
import type { AgentMessage } from '../loop/transcript.ts';
import { projectPath } from './context.ts';
import type { SessionEntry } from './entry.ts';
import type { SessionPath } from './entry-record.ts';

/**
 * Whose word something is that the user did not type: `package:name@version`, `changed:name@version` for what a package made
 * of somebody else's, `tool:name` for what a tool of the host read, `command` for the output of programs,
 * `skill:name of origin`, `template:name of origin`, `attached:uri` for what an editor put into a prompt. Written beside an entry, so that it stays the same when the package is gone.
 */
export type Origin = string;

/** How packages are called where something is theirs: by name and version. */
export interface Owners {
  /** The package of a tool; `undefined` for one of the host. */
  ofTool(tool: string): string | undefined;
}

/** Whose word a message is, as far as its kind tells. */
export function originsOf(message: AgentMessage, owners: Owners): readonly Origin[] {
  switch (message.role) {
    case 'toolResult': {
      const owner = owners.ofTool(message.toolName);
      if (owner !== undefined) return [`package:${owner}`];
      return [message.toolName === 'bash' ? 'command' : `tool:${message.toolName}`];
    }
    case 'bashExecution':
      return message.excludeFromContext === true ? [] : ['command'];
    case 'custom':
      return textOf(message.content) === '' ? [] : [`package message:${message.customType}`];
    case 'user': {
      const text = textOf(message.content);
      const [, name, origin] = /^<skill name="([^"\n]*)" location="[^"\n]*" origin="([^"\n]*)">/.exec(text) ?? [];
      const attached = [...text.matchAll(/^<context uri="([^"\n]{1,500})">$/gm)].map(([, uri]) => `attached:${uri}`);
      return [...(name === undefined || origin === 'user' ? [] : [`skill:${name} of ${origin}`]), ...attached];
    }
    case 'branchSummary':
    case 'compactionSummary':
    case 'system':
    case 'assistant':
      return [];
  }
}

/**
 * Everything that stands in the context of a path and is not the user's word, newest first. What an entry carries counts;
 * an entry of another program carries nothing, and is taken for what its kind says.
 */
export function originsIn(path: SessionPath, owners: Owners): readonly Origin[] {
  const all = projectPath(path)
    .toReversed()
    .flatMap(({ entry, messages }) => (messages.length === 0 ? [] : (carriedBy(entry) ?? messages.flatMap((message) => originsOf(message, owners)))));
  return [...new Set(all)];
}

/** An origin in words, as a question shows it. */
export function describeOrigin(origin: Origin): string {
  if (origin === 'command') return 'output of commands';
  const [, kind, what] = /^([a-z ]+):([^]*)$/.exec(origin) ?? [];
  switch (kind) {
    case 'package':
      return `words of ${what}`;
    case 'changed':
      return `what ${what} changed`;
    case 'package message':
      return `messages of packages (${what})`;
    case 'tool':
      return `results of \`${what}\``;
    case 'skill':
      return `the skill ${what}`;
    case 'template':
      return `the prompt template ${what}`;
    case 'file':
      return `the project's ${what}`;
    case 'attached':
      return `${what}, attached in the editor`;
    default:
      return origin;
  }
}

const Origins = Type.Array(Type.String({ maxLength: 1000 }), { maxItems: 1000 });
/** How summaries carried them before entries did: in words. */
const Before = Type.Object({ sources: Type.Array(Type.String()) });

function carriedBy(entry: SessionEntry): readonly Origin[] | undefined {
  if (entry.type === 'opaque') return undefined;
  const carried = 'origins' in entry ? entry.origins : undefined;
  if (Value.Check(Origins, carried)) return carried;
  if (entry.type !== 'compaction' && entry.type !== 'branch_summary') return undefined;
  return Value.Check(Before, entry.details) ? entry.details.sources : ['a summary'];
}
