import type { SessionEntry } from './entry.ts';

/**
 * An entry as the tree knows it: its place, and what it claims to be. The rest is read when somebody asks, because a long
 * session is mostly entries that a compaction has left behind.
 */
export interface EntryRecord {
  readonly id: string;
  readonly parentId: string | null;
  /** The `type` that its line has; {@link load} decides whether it is that. */
  readonly kind: string;
  load(): SessionEntry;
}

/** The entries from a root to a place, as records. */
export type SessionPath = readonly EntryRecord[];

/** An entry that is there already. */
export function recordOf(entry: SessionEntry): EntryRecord {
  return { id: entry.id, parentId: entry.parentId, kind: entry.type, load: () => entry };
}
