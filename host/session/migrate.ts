import { randomUUID } from 'node:crypto';
import { SESSION_VERSION, type SessionHeader } from './entry.ts';

type RawEntry = Record<string, unknown>;

/** A session in the current version, and whether that changed anything. */
export interface Migrated {
  readonly header: SessionHeader;
  readonly entries: readonly RawEntry[];
  readonly changed: boolean;
}

/** Brings pi's older sessions up to date: version 1 had no tree, version 2 another name for custom messages. */
export function migrate(header: SessionHeader, entries: readonly RawEntry[]): Migrated {
  const version = header.version ?? 1;
  if (version >= SESSION_VERSION) return { header, entries, changed: false };
  const treed = version < 2 ? intoTree(entries) : entries;
  return { header: { ...header, version: SESSION_VERSION }, entries: treed.map(renameHookMessage), changed: true };
}

/** Version 1 was a list, and a compaction named the first line it kept by its number, the header being line 0. */
function intoTree(entries: readonly RawEntry[]): RawEntry[] {
  const ids = entries.map(() => randomUUID().slice(0, 8));
  return entries.map((entry, index) => {
    const { firstKeptEntryIndex, ...rest } = entry;
    const kept = typeof firstKeptEntryIndex === 'number' ? ids[firstKeptEntryIndex - 1] : undefined;
    return { ...rest, ...(kept === undefined ? {} : { firstKeptEntryId: kept }), id: ids[index], parentId: ids[index - 1] ?? null };
  });
}

function renameHookMessage(entry: RawEntry): RawEntry {
  const message = entry['message'];
  const isHook = entry['type'] === 'message' && typeof message === 'object' && message !== null && 'role' in message && message.role === 'hookMessage';
  return isHook ? { ...entry, message: { ...message, role: 'custom' } } : entry;
}
