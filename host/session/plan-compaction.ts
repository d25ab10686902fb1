import { contextTokens, estimateTokens } from './context-usage.ts';
import { toolCallsOf } from '../model/messages.ts';
import type { AgentMessage } from '../loop/transcript.ts';
import { type ProjectedEntry, projectPath } from './context.ts';
import type { SessionPath } from './entry-record.ts';
import { type FileLists, filesOf, mergeFiles, filesIn } from './touched-files.ts';

/** What a compaction would say in few words, and where what it keeps begins. */
export interface CompactionPlan {
  readonly firstKeptEntryId: string;
  /** What the summary has to cover, besides {@link previousSummary}. */
  readonly messages: readonly AgentMessage[];
  readonly previousSummary?: string;
  readonly tokensBefore: number;
  /** Files that what is left out read and modified, earlier compactions included. */
  readonly files: FileLists;
}

/**
 * Plans the compaction of a path so that about `keepTokens` of it stay as they are. The cut is before a message that is
 * no answer of a tool, and never between a call and its result. `undefined`: there is nothing that could be left out.
 */
export function planCompaction(path: SessionPath, keepTokens: number): CompactionPlan | undefined {
  const projected = projectPath(path);
  const [first] = projected;
  const previous = first?.entry.type === 'compaction' ? first.entry : undefined;
  const body = previous === undefined ? projected : projected.slice(1);
  const tokensBefore = contextTokens(path);
  // Where a provider counts more than the guess does, the guess is wrong for what is kept as well.
  const guessed = estimateTokens(projected.flatMap((one) => one.messages));
  const wanted = keptFrom(body, tokensBefore === 0 ? keepTokens : keepTokens * Math.min(1, guessed / tokensBefore));
  // something has to go: whoever asks has a context that is too long
  const begin = body.findIndex((one) => one.messages.length > 0);
  const places = cutPlaces(body).filter((place) => place > begin);
  const cut = places.find((place) => place >= wanted) ?? places.at(-1);
  const firstKept = cut === undefined ? undefined : body[cut];
  const messages = body.slice(0, cut).flatMap((one) => one.messages);
  if (firstKept === undefined || messages.length === 0) return undefined;
  return {
    firstKeptEntryId: firstKept.entry.id,
    messages,
    ...(previous === undefined ? {} : { previousSummary: previous.summary }),
    tokensBefore,
    files: mergeFiles(previous === undefined ? undefined : filesIn(previous.details), filesOf(messages)),
  };
}

/** Tells whether a compaction may keep everything from `entryId` on: who else writes one is not believed. */
export function isCutPlace(path: SessionPath, entryId: string): boolean {
  const projected = projectPath(path);
  return cutPlaces(projected).some((place) => projected[place]?.entry.id === entryId);
}

function cutPlaces(body: readonly ProjectedEntry[]): readonly number[] {
  let owedUntil = -1;
  return body.flatMap(({ messages: [message] }, index) => {
    if (message?.role === 'assistant') owedUntil = Math.max(owedUntil, lastResultOf(body, index));
    const isPlace = message !== undefined && message.role !== 'toolResult' && message.role !== 'system' && (message.role === 'assistant' || index > owedUntil);
    return isPlace ? [index] : [];
  });
}

/** Where the last answer to the calls of the message at `index` is; results come before the next answer of the model. */
function lastResultOf(body: readonly ProjectedEntry[], index: number): number {
  const [message] = body[index]?.messages ?? [];
  const owed = new Set(message?.role === 'assistant' ? toolCallsOf(message).map(({ id }) => id) : []);
  let last = index;
  for (let at = index + 1; at < body.length; at += 1) {
    const [other] = body[at]?.messages ?? [];
    if (other?.role === 'assistant') break;
    if (other?.role === 'toolResult' && owed.has(other.toolCallId)) last = at;
  }
  return last;
}

/** The latest place from which on there are `keepTokens`; the beginning where there are fewer. */
function keptFrom(body: readonly ProjectedEntry[], keepTokens: number): number {
  let tokens = 0;
  for (let at = body.length - 1; at > 0; at -= 1) {
    tokens += estimateTokens(body[at]?.messages ?? []);
    if (tokens >= keepTokens) return at;
  }
  return 0;
}
