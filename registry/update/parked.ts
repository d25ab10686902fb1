import { realpath } from 'node:fs/promises';
import { join } from 'node:path';

import type { Held } from '../install.ts';
import type { Lockfile } from '../lock/lockfile.ts';
import { readIfPresent, writeDurably } from '../store/durable-file.ts';
import { type Generation, readCurrent } from '../store/generation.ts';
import { type Scope, scopePaths, type StatePaths } from '../store/store-paths.ts';
import type { StoredObject } from '../store/stored-object.ts';
import { sha256 } from '../verify/sha256.ts';
import { sortedJson } from '../../format/index.ts';

/** A new version that waits for the user while the old one keeps running. */
export interface Parked extends Held {
  /** What was running when it was found: once that is another, this is of no interest any more. */
  readonly insteadOf: string;
  /** Exactly what was looked at, dependencies included: nothing else is taken in its place. */
  readonly lock: Lockfile;
  /** Its bytes, which `dash gc` leaves in the store. */
  readonly objects: readonly StoredObject[];
  readonly foundAt: string;
}

/**
 * Reads what waits in a scope. These are notes: every one is looked at again before it is taken, and without the file
 * the next `dash update` finds them anew.
 */
export async function readParked(paths: Pick<StatePaths, 'state'>, generation: Generation | undefined): Promise<readonly Parked[]> {
  const text = await readIfPresent(fileOf(paths));
  if (text === undefined) return [];
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return [];
  }
  if (!isNotes(value) || value.digest !== sha256(sortedJson(value.updates))) return [];
  return value.updates.filter(({ name, insteadOf }) => generation?.packages[name]?.contentHash === insteadOf);
}

export async function writeParked(paths: Pick<StatePaths, 'state'>, updates: readonly Parked[]): Promise<void> {
  const before = await readIfPresent(fileOf(paths));
  if (updates.length === 0 && before === undefined) return;
  const sorted = updates.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  // `gc` spares what stands here, and `--accept` takes it: half of it, or a flipped bit, is nothing to go by
  const text = sortedJson({ version: 3, digest: sha256(sortedJson(sorted)), updates: sorted });
  if (text !== before) await writeDurably(fileOf(paths), text);
}

/** Gives the updates that wait, of the user and of the project. @throws {DashError} STORE_CORRUPT, LOCK_VERSION */
export async function waiting(dashHome: string, scopes: readonly Scope[]): Promise<readonly Parked[]> {
  const found = await Promise.all(
    scopes.map(async (scope) => {
      const exact: Scope = scope.kind === 'user' ? scope : { kind: 'project', dir: await realpath(scope.dir) };
      const paths = scopePaths(dashHome, exact);
      // nothing was ever held: the generation need not be read
      return (await readIfPresent(fileOf(paths))) === undefined ? [] : readParked(paths, await readCurrent(paths));
    }),
  );
  return found.flat();
}

/** Where the notes of a scope lie. */
export function fileOf({ state }: Pick<StatePaths, 'state'>): string {
  return join(state, 'parked.json');
}

/** The file is ours, in a directory of ours, and was renamed into place whole. */
function isNotes(value: unknown): value is { readonly version: 3; readonly digest: unknown; readonly updates: readonly Parked[] } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'version' in value &&
    value.version === 3 &&
    'digest' in value &&
    'updates' in value &&
    Array.isArray(value.updates)
  );
}
