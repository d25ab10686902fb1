import { type Static, Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { toolCallsOf } from '../model/messages.ts';
import type { AgentMessage } from '../loop/transcript.ts';

const FileLists = Type.Object({ readFiles: Type.Array(Type.String()), modifiedFiles: Type.Array(Type.String()) });
/** Files that tools were called with, under the names that pi's summaries have for them. A file that was modified is not listed as read. */
export type FileLists = Static<typeof FileLists>;

/** The files that the calls in `messages` read, wrote and edited. */
export function filesOf(messages: readonly AgentMessage[]): FileLists {
  const read = new Set<string>();
  const modified = new Set<string>();
  for (const message of messages) {
    if (message.role !== 'assistant') continue;
    for (const { name, arguments: args } of toolCallsOf(message)) {
      const path = args['path'];
      if (typeof path !== 'string') continue;
      if (name === 'read') read.add(path);
      if (name === 'write' || name === 'edit') modified.add(path);
    }
  }
  return sorted(read, modified);
}

/** Both lists in one. */
export function mergeFiles(earlier: FileLists | undefined, later: FileLists): FileLists {
  if (earlier === undefined) return later;
  return sorted(new Set([...earlier.readFiles, ...later.readFiles]), new Set([...earlier.modifiedFiles, ...later.modifiedFiles]));
}

/** The lists that stand in the details of a summary, if they do. */
export function filesIn(details: unknown): FileLists | undefined {
  return Value.Check(FileLists, details) ? { readFiles: details.readFiles, modifiedFiles: details.modifiedFiles } : undefined;
}

/** The lists as the end of a summary, in pi's words, so that either program can go on with it. */
export function filesAsText({ readFiles, modifiedFiles }: FileLists): string {
  const list = (tag: string, paths: readonly string[]): string => (paths.length === 0 ? '' : `\n\n<${tag}>\n${paths.join('\n')}\n</${tag}>`);
  return list('read-files', readFiles) + list('modified-files', modifiedFiles);
}

function sorted(read: ReadonlySet<string>, modified: ReadonlySet<string>): FileLists {
  return { readFiles: [...read].filter((path) => !modified.has(path)).toSorted(), modifiedFiles: [...modified].toSorted() };
}
