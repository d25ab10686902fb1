import { rm } from 'node:fs/promises';

import { applyGrants, type Grant } from '../grants.ts';
import { formatLockfile } from '../lock/format-lockfile.ts';
import type { ProgressListener } from '../progress.ts';
import { sha256 } from '../verify/sha256.ts';
import { readIfPresent, syncDirectory, writeDurably } from './durable-file.ts';
import { type Generation, readCurrent } from './generation.ts';
import type { ScopePaths } from './store-paths.ts';

/** What remains to be done once `current` names the new generation. */
export interface Journal {
  readonly version: 1;
  /** The text of `current` that makes the rest due. */
  readonly pointer: string;
  readonly grants: Readonly<Record<string, readonly Grant[]>>;
  /** The generation this commit writes: it goes when the commit never came into force. */
  readonly creates?: number;
  /**
   * The digest of the `dash.lock` that is replaced, by {@link lockDigest}; absent when the lock stays as it is. Whatever else
   * is found in its place was pulled in the meantime, and is not written over.
   */
  readonly replaces?: string;
}

export async function writeJournal(paths: ScopePaths, journal: Journal): Promise<void> {
  await writeDurably(paths.journal, JSON.stringify(journal), { mode: 0o600 });
}

/**
 * Finishes a commit that was cut off: after the rename of `current` everything else follows from it, before it nothing
 * has happened. Every step may be done twice. Needs the process lock.
 *
 * @returns the text of `grants.json` where something was granted
 */
export async function rollForward(dashHome: string, paths: ScopePaths, onProgress: ProgressListener = () => undefined): Promise<string | undefined> {
  const text = await readIfPresent(paths.journal);
  if (text === undefined) return undefined;
  const journal = parse(text);
  let grants: string | undefined;
  if (isJournal(journal) && (await readIfPresent(paths.current)) === journal.pointer) {
    const generation = await readCurrent(paths);
    if (generation !== undefined && journal.replaces !== undefined) await writeLockfile(paths, generation, journal.replaces);
    onProgress({ kind: 'commit', step: 'lockfile' });
    if (Object.keys(journal.grants).length > 0) grants = await applyGrants(dashHome, journal.grants);
    onProgress({ kind: 'commit', step: 'grants' });
  } else if (isJournal(journal) && journal.creates !== undefined) {
    await rm(paths.generation(journal.creates), { force: true });
  }
  await rm(paths.journal, { force: true });
  await syncDirectory(paths.state);
  return grants;
}

/** A journal that cannot be read leads nowhere: the state is what `current` says, and what was to be granted is asked again. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Writes `dash.lock` where it does not say the same already: a checkout is not touched without need. One that is neither
 * gone nor the one with the digest `replaces` is left alone.
 */
export async function writeLockfile(paths: ScopePaths, { lock }: Pick<Generation, 'lock'>, replaces: string): Promise<void> {
  const text = formatLockfile(lock);
  const found = await readIfPresent(paths.lockfile);
  if (found === text || (found !== undefined && lockDigest(found) !== replaces)) return;
  await writeDurably(paths.lockfile, text);
}

/** Names the text of a `dash.lock`, or that there is none. */
export function lockDigest(text: string | undefined): string {
  return text === undefined ? 'none' : sha256(text);
}

/** The file is ours, in a directory of ours, and was renamed into place whole. */
function isJournal(value: unknown): value is Journal {
  return typeof value === 'object' && value !== null && 'version' in value && value.version === 1;
}
