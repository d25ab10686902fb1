import { existsSync, lstatSync, readdirSync, statSync } from 'node:fs';
import { realpath, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import { assertNotDelegated } from './delegation.ts';
import type { InstallReport } from './install.ts';
import type { PackageView } from './list.ts';
import { formatLockfile } from './lock/format-lockfile.ts';
import { MACHINE_SETTINGS } from './settings-file.ts';
import type { RestoreContext } from './restore.ts';
import { readIfPresent, replaceFile, syncDirectory, writeDurably } from './store/durable-file.ts';
import { asDiskError, COMMITTED, ignoreDisk, ignoreMissing } from './store/file-errors.ts';
import { type Generation, generationNumbers, pointerTo, renumbered } from './store/generation.ts';
import { writeJournal } from './store/journal.ts';
import { type Scope, type ScopePaths, scopePaths, type StorePaths, storePaths } from './store/store-paths.ts';
import { isUntouchedSince, objectsOf, type StoredObject } from './store/stored-object.ts';
import { sha256 } from './verify/sha256.ts';

/**
 * A restore is a function of the lock, the settings, the registries names are bound to, the grants and the store. What
 * it made of them once is noted under their digest; when the same is asked again and nothing in the store was touched
 * since, the answer is the same. The note is derived: deleted, everything is computed from bytes again.
 */
interface Note {
  readonly version: 1;
  /** What stood in `current` when it was noted. */
  readonly pointer: string;
  /** When all objects were known to be whole; milliseconds. */
  readonly wholeAtMs: number;
  readonly objects: readonly StoredObject[];
  /** Names in `bundles/`. */
  readonly bundles: readonly string[];
  readonly views: readonly PackageView[];
  readonly ungranted: InstallReport['ungranted'];
  readonly pending: readonly string[];
}

/** What a restore is asked with, but for what only building and asking need. */
export type RepeatContext = Omit<RestoreContext, 'ports' | 'consentPort'>;

/** So many are kept. */
const NOTES = 8;
/** The kernel's clock for the times of files ticks: what is written now may look a little older. */
const CLOCK_TICK_MS = 50;

/**
 * Answers a restore from its note: nothing to do when the state is the noted one, one commit of the noted generation when
 * there is no state. `undefined` whenever anything is not as it was.
 *
 * @throws {DashError} DELEGATED_CONSENT, LOCKED, DISK_ERROR, DISK_FULL
 */
export async function repeatRestore(context: RepeatContext): Promise<InstallReport | undefined> {
  assertNotDelegated();
  const place = await placeOf(context);
  const found = place === undefined ? undefined : await readNote(place.path);
  if (place === undefined || found === undefined || isUnfinished(place.scope)) return undefined;
  const { note, generation } = found;
  // what waits to be built is to be built now
  if (note.pending.length > 0 && context.deferBuilds !== true) return undefined;
  const current = await readIfPresent(place.scope.current);
  if (current === note.pointer) {
    if (!isWhole(note, place.store)) return undefined;
    const text = await readIfPresent(place.scope.generation(numberOf(current)));
    return text !== undefined && pointerTo(numberOf(current), text) === current ? report(note, 'unchanged') : undefined;
  }
  if (current !== undefined) return undefined;
  const { takeProcessLock } = await import('./lock/process-lock.ts');
  await using _lock = await takeProcessLock(place.store.lock, {
    onWait: (holder) => context.onProgress?.({ kind: 'waiting', holder }),
    ...(context.signal !== undefined && { signal: context.signal }),
    ...(context.lockWaitMs !== undefined && { waitMs: context.lockWaitMs }),
  });
  // while we waited somebody may have been faster, have edited the lock, or have cleared away what nothing names any more
  if (existsSync(place.scope.current) || isUnfinished(place.scope) || !isWhole(note, place.store)) return undefined;
  if ((await placeOf(context))?.path !== place.path || pointerTo(numberOf(note.pointer), generation) !== note.pointer) return undefined;
  const { pointer, text } = await commitAgain(generation, place.scope, context);
  await writeNote(place.path, { ...note, pointer }, text);
  return report(note, 'installed');
}

/** A command was cut off, or is at work: what is left of it is for somebody who holds the lock. */
function isUnfinished({ state, journal }: ScopePaths): boolean {
  try {
    return readdirSync(state).some((name) => name === basename(journal) || name.endsWith('.tmp'));
  } catch (error) {
    return ignoreMissing(error) ?? false;
  }
}

/** Notes what a restore made, unless it depends on more than can be noted. A disk that does not take it costs time, nothing more. */
export async function rememberRestore(
  generation: Generation,
  { unchanged, installed, ungranted, pending }: InstallReport,
  context: RestoreContext,
  begun: Circumstances,
): Promise<void> {
  const records = Object.values(generation.packages);
  // a linked directory may change at any moment
  if (isDecidedAnew(context) || records.some(({ source }) => source.kind === 'directory')) return;
  const { store, scope, exactScope } = await pathsOf(context);
  const now = await circumstancesOf(context, scope);
  // somebody wrote settings, or granted or took back, meanwhile: what was made belongs to neither
  if (now.settings !== begun.settings || now.grants !== begun.grants) return;
  const path = notePath(formatLockfile(generation.lock), now, { store, exactScope }, context);
  const file = scope.generation(generation.number);
  const [pointer, text] = [await readIfPresent(scope.current), await readIfPresent(file)];
  if (pointer === undefined || text === undefined || pointerTo(generation.number, text) !== pointer) return;
  const known = await readNote(path);
  if (known?.note.pointer === pointer && isWhole(known.note, store)) return;
  const views = [...installed, ...unchanged].sort((a, b) => (a.name < b.name ? -1 : 1));
  const writtenMs = statSync(file).mtimeMs;
  const note: Note = {
    version: 1,
    pointer,
    // everything was looked at since it began; what was touched between the generation and then need not be again
    wholeAtMs: Math.max(writtenMs > Date.now() ? -Infinity : writtenMs, begun.atMs - CLOCK_TICK_MS),
    objects: objectsOf(records),
    bundles: records.flatMap(({ compiled }) => compiled.entries.map(({ code }) => `${code}.js`)),
    views,
    ungranted: ungranted.length > 0 ? ungranted : (known?.note.ungranted ?? []),
    pending,
  };
  await writeNote(path, note, text);
}

/** What a restore depends on besides the lock, and what was read of it at one moment. */
export interface Circumstances {
  readonly atMs: number;
  readonly settings: string;
  /** The text of `grants.json`. */
  readonly grants: string | undefined;
}

export async function circumstancesOf({ dashHome }: Pick<RestoreContext, 'dashHome'>, { lockfile }: ScopePaths): Promise<Circumstances> {
  const atMs = Date.now();
  const files = [join(dirname(lockfile), 'settings.json'), join(dashHome, 'settings.json'), MACHINE_SETTINGS];
  const [grants, ...settings] = await Promise.all([storePaths(dashHome).grants, ...files].map(readIfPresent));
  return { atMs, settings: JSON.stringify(settings.map(digestOf)), grants };
}

interface Paths {
  readonly store: StorePaths;
  readonly scope: ScopePaths;
  readonly exactScope: Scope;
}

async function pathsOf({ dashHome, scope }: RepeatContext): Promise<Paths> {
  const exactScope: Scope = scope.kind === 'user' ? scope : { kind: 'project', dir: await realpath(scope.dir) };
  return { store: storePaths(dashHome), scope: scopePaths(dashHome, exactScope), exactScope };
}

/** Something is asked for that no note speaks of. */
function isDecidedAnew({ policy, grant = [], deny = [], limits, minAgeMs }: RepeatContext): boolean {
  return policy !== undefined || grant.length > 0 || deny.length > 0 || limits !== undefined || minAgeMs !== undefined;
}

interface Place {
  readonly path: string;
  readonly store: StorePaths;
  readonly scope: ScopePaths;
}

/** Finds the note of what is asked for, as things are now. */
async function placeOf(context: RepeatContext): Promise<Place | undefined> {
  if (isDecidedAnew(context)) return undefined;
  const paths = await pathsOf(context);
  const lock = await readIfPresent(paths.scope.lockfile);
  if (lock === undefined) return undefined;
  return { path: notePath(lock, await circumstancesOf(context, paths.scope), paths, context), ...paths };
}

/** Everything the outcome depends on, digested. */
function notePath(
  lock: string,
  { settings, grants }: Circumstances,
  { store, exactScope }: Pick<Paths, 'store' | 'exactScope'>,
  { npm, toolVersion = '', workspace }: RepeatContext,
): string {
  const registries = Object.entries(npm).filter(([key]) => key === 'registry' || key.endsWith(':registry'));
  const digest = sha256(JSON.stringify([toolVersion, exactScope, workspace, registries, settings, digestOf(grants), digestOf(lock)]));
  return join(store.restores, digest);
}

function digestOf(text: string | undefined): string {
  return text === undefined ? '' : sha256(text);
}

/** Nothing in the store was touched, nor what was compiled. */
function isWhole({ wholeAtMs, objects, bundles }: Note, paths: StorePaths): boolean {
  // written by a clock that was ahead: what came after it looks older
  if (wholeAtMs > Date.now()) return false;
  return (
    objects.every((object) => isUntouchedSince(object, wholeAtMs, paths)) &&
    bundles.every((name) => (lstatSync(join(paths.home, 'bundles', name), { throwIfNoEntry: false })?.ctimeMs ?? Infinity) <= wholeAtMs)
  );
}

/** The commit of `store/commit.ts`, where everything is in the store and in the lock already. Needs the process lock. */
async function commitAgain(
  generation: string,
  scope: ScopePaths,
  { now = new Date(), onProgress = () => undefined }: RepeatContext,
): Promise<{ readonly pointer: string; readonly text: string }> {
  let pointer: string | undefined;
  try {
    const number = 1 + Math.max(0, ...(await generationNumbers(scope)));
    const text = renumbered(generation, number, now);
    pointer = pointerTo(number, text);
    await writeJournal(scope, { version: 1, pointer, grants: {}, creates: number });
    await writeDurably(scope.generation(number), text);
    await writeDurably(scope.current, pointer);
    onProgress({ kind: 'commit', step: 'current' });
    await rm(scope.journal, { force: true });
    await syncDirectory(scope.state);
    onProgress({ kind: 'commit', step: 'done' });
    return { pointer, text };
  } catch (error) {
    const isInForce = pointer !== undefined && (await readIfPresent(scope.current).catch(() => pointer)) === pointer;
    throw asDiskError(error, `writing to \`${scope.state}\``, isInForce ? COMMITTED : undefined);
  }
}

function report({ views, ungranted, pending }: Note, kind: 'installed' | 'unchanged'): InstallReport {
  const empty: InstallReport = { installed: [], unchanged: [], held: [], diagnostics: [], pending, ungranted: kind === 'installed' ? ungranted : [] };
  return { ...empty, [kind]: views };
}

/** A digest of the note, the note, and the generation, of which the note has the digest: a bit may flip in any of them. */
async function readNote(path: string): Promise<{ readonly note: Note; readonly generation: string } | undefined> {
  const [, digest, line = '', generation = ''] = /^([0-9a-f]{64})\n(.*)\n([^]*)$/.exec((await readIfPresent(path)) ?? '') ?? [];
  if (digest === undefined || sha256(line) !== digest) return undefined;
  const note: unknown = JSON.parse(line);
  return isNote(note) ? { note, generation } : undefined;
}

/** The file is ours, and its bytes are those that were written. */
function isNote(value: unknown): value is Note {
  return typeof value === 'object' && value !== null && 'version' in value && value.version === 1;
}

async function writeNote(path: string, note: Note, generation: string): Promise<void> {
  try {
    const line = JSON.stringify(note);
    replaceFile(path, `${sha256(line)}\n${line}\n${generation}`, { mode: 0o600, directoryMode: 0o700 });
    await removeOldest(dirname(path));
  } catch (error) {
    ignoreDisk(error);
  }
}

async function removeOldest(dir: string): Promise<void> {
  const { readdir } = await import('node:fs/promises');
  const names = await readdir(dir);
  if (names.length <= NOTES) return;
  const aged = names
    .map((name) => ({ path: join(dir, name), ms: lstatSync(join(dir, name), { throwIfNoEntry: false })?.mtimeMs ?? 0 }))
    .sort((a, b) => b.ms - a.ms);
  for (const { path } of aged.slice(NOTES)) await rm(path, { force: true });
}

function numberOf(pointer: string): number {
  return Number.parseInt(pointer, 10);
}
