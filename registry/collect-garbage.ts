import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { isDashError } from '../format/index.ts';
import { asDiskError, ignoreMissing } from './store/file-errors.ts';
import { type Generation, generationNumbers, readCurrent, readGeneration } from './store/generation.ts';
import { removeAbandoned, removeHalfWritten } from './store/leftovers.ts';
import { projectsDirectory, type StatePaths, scopePaths, statePaths, type StorePaths, storePaths } from './store/store-paths.ts';
import { objectsOf, pathOf, type StoredObject } from './store/stored-object.ts';
import { beginTransaction, type TransactionOptions } from './transaction.ts';
import { readParked } from './update/parked.ts';

/** How many generations of a scope are kept besides the one in force. */
const KEPT = 3;
/** What a running host has compiled but not yet loaded stands in no generation. */
const BUNDLE_AGE_MS = 60 * 60 * 1000;

export type GarbageOptions = Omit<TransactionOptions, 'scope'> & {
  /** Counts, and removes nothing. */
  readonly dryRun?: boolean;
  readonly now?: Date;
};

export interface GarbageReport {
  readonly removed: { readonly generations: number; readonly archives: number; readonly bundles: number; readonly bytes: number };
  readonly kept: { readonly generations: number; readonly archives: number };
}

/**
 * Removes what no generation that is kept names, and no update that waits: the last three of every scope and the one in
 * force. Takes the process
 * lock, so no install is running; what other processes have staged stays.
 *
 * @throws {DashError} LOCKED, DISK_ERROR; STORE_CORRUPT when a generation in force cannot be read: what it names is unknown
 */
export async function collectGarbage(options: GarbageOptions): Promise<GarbageReport> {
  const { dashHome, dryRun = false, now = new Date() } = options;
  const paths = storePaths(dashHome);
  await using _transaction = await beginTransaction({ ...options, scope: { kind: 'user' } });
  try {
    const scopes = await allScopes(dashHome);
    const { kept, dropped } = await sortGenerations(scopes);
    const objects = [...objectsOf(kept.flatMap(({ packages }) => Object.values(packages))), ...(await waitingObjects(scopes))];
    const live = new Set(objects.map((object) => pathOf(object, paths)));
    const archives = (await storedPaths(paths)).filter((path) => !live.has(path));
    const bundles = await unusedBundles(dashHome, kept, now);
    let bytes = 0;
    for (const path of [...dropped, ...archives, ...bundles]) bytes += await sizeOf(path);

    if (!dryRun) {
      // first the generations: one that named a tree that is gone could be gone back to
      for (const path of dropped) await rm(path, { force: true });
      for (const archive of archives) await removeWhole(archive, paths);
      for (const bundle of bundles) await rm(bundle, { force: true });
      await removeNotes(new Set(objects.map(({ sha256 }) => sha256)), paths);
      await removeAbandoned(paths.tmp);
      for (const dir of [paths.packuments, paths.restores]) await removeHalfWritten(dir);
    }
    return {
      removed: { generations: dropped.length, archives: archives.length, bundles: bundles.length, bytes },
      kept: { generations: kept.length, archives: live.size },
    };
  } catch (error) {
    throw asDiskError(error, `cleaning up \`${dashHome}\``, 'nothing that is installed was touched');
  }
}

async function allScopes(dashHome: string): Promise<StatePaths[]> {
  const projects = (await readdir(projectsDirectory(dashHome)).catch(ignoreMissing)) ?? [];
  return [scopePaths(dashHome, { kind: 'user' }), ...projects.map((name) => statePaths(join(projectsDirectory(dashHome), name)))];
}

async function sortGenerations(scopes: readonly StatePaths[]): Promise<{ readonly kept: readonly Generation[]; readonly dropped: readonly string[] }> {
  const kept: Generation[] = [];
  const dropped: string[] = [];
  for (const scope of scopes) {
    const current = await readCurrent(scope);
    const numbers = await generationNumbers(scope);
    for (const number of numbers) {
      if (number !== current?.number && !numbers.slice(-KEPT).includes(number)) dropped.push(scope.generation(number));
      else if (number === current?.number) kept.push(current);
      else await keep(scope, number);
    }
  }
  return { kept, dropped };

  /** One that is damaged can never be gone back to. */
  async function keep(scope: StatePaths, number: number): Promise<void> {
    try {
      kept.push((await readGeneration(scope, number)).generation);
    } catch (error) {
      if (!isDashError(error, 'STORE_CORRUPT')) throw error;
      dropped.push(scope.generation(number));
    }
  }
}

/** An update that waits is kept whole, so that taking it needs nobody. */
async function waitingObjects(scopes: readonly StatePaths[]): Promise<readonly StoredObject[]> {
  const parked = await Promise.all(scopes.map(async (scope) => readParked(scope, await readCurrent(scope))));
  return parked.flat().flatMap(({ objects }) => objects);
}

async function storedPaths(paths: StorePaths): Promise<string[]> {
  const store = dirname(paths.tmp);
  const shelves = ((await readdir(store).catch(ignoreMissing)) ?? []).filter((name) => name === 'packs' || /^[0-9a-f]{2}$/.test(name));
  const found = await Promise.all(shelves.map(async (shelf) => (await readdir(join(store, shelf))).map((name) => join(store, shelf, name))));
  return found.flat();
}

/** Out of the store in one step, so that no half of it is ever found there. */
async function removeWhole(path: string, { tmp }: StorePaths): Promise<void> {
  const grave = join(tmp, `garbage-${randomUUID()}`);
  await rename(path, grave);
  await rm(grave, { recursive: true, force: true });
}

async function unusedBundles(dashHome: string, kept: readonly Generation[], now: Date): Promise<string[]> {
  const entries = kept.flatMap(({ packages }) => Object.values(packages).flatMap(({ compiled }) => compiled.entries));
  const used = new Set(entries.flatMap(({ code, map, cache }) => [`${code}.js`, `${map}.map`, ...(cache === undefined ? [] : [`${cache.sha256}.cache`])]));
  const dir = join(dashHome, 'bundles');
  const files = (await readdir(dir, { recursive: true, withFileTypes: true }).catch(ignoreMissing)) ?? [];
  const old = await Promise.all(
    files.map(async (entry) => {
      const path = join(entry.parentPath, entry.name);
      const isYoung = (await stat(path)).mtimeMs >= now.getTime() - BUNDLE_AGE_MS;
      return !entry.isFile() || isYoung || used.has(entry.name) || (path.endsWith('.json') && isNoteOf(await readFile(path, 'utf8'))) ? [] : [path];
    }),
  );
  return old.flat();

  /** Of a build that is kept. */
  function isNoteOf(note: string): boolean {
    return entries.some(({ code }) => note.includes(code));
  }
}

/** A note that leads nowhere is only in the way, and so is one that was never finished: they are written under the lock. */
async function removeNotes(live: ReadonlySet<string>, paths: StorePaths): Promise<void> {
  const notes = dirname(paths.unpacked(''));
  if (!existsSync(notes)) return;
  for (const entry of await readdir(notes, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const [treeSha256 = ''] = (await readFile(path, 'utf8')).split('\n');
    if (!live.has(treeSha256) || path.endsWith('.tmp')) await rm(path, { force: true });
  }
}

async function sizeOf(path: string): Promise<number> {
  const stats = await stat(path);
  if (!stats.isDirectory()) return stats.size;
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const sizes = await Promise.all(entries.filter((entry) => entry.isFile()).map(async (entry) => (await stat(join(entry.parentPath, entry.name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}
