import { createHash, randomUUID } from 'node:crypto';
import { access, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DashError, type CompiledEntry, type CompiledPackage, isDashError, makeDirectory, type RuntimePart } from '../../format/index.ts';
import type { ScriptSource } from '../protocol.ts';

/**
 * Compiled extensions under their sha256: derived and deletable. What runs is checked against the hashes in
 * the generation on the very bytes that are handed over, so a changed file here is refused, not run. The
 * code cache as well: V8 compares no more than the source's length before it runs the code in one.
 */
export interface BundleStore {
  readonly directory: string;
  /** Where packages lie that one compile process may read together. Without it, each has a process of its own. */
  readonly packages?: string;
}

export interface PackageScripts {
  readonly entries: readonly string[];
  readonly bundles: readonly ScriptSource[];
  readonly parts: readonly RuntimePart[];
  /** Source map of a bundle, read when an error needs one. */
  readonly sourceMap: (bundle: number) => Promise<string>;
}

export type BundleKind = 'js' | 'map' | 'cache';

/** Writes by temp and rename: a reader sees all of a file or none. */
export async function saveBundle(store: BundleStore, kind: BundleKind, bytes: Buffer): Promise<string> {
  const hash = sha256(bytes);
  const file = bundleFile(store, hash, kind);
  const temporary = `${file}.${randomUUID()}.tmp`;
  makeDirectory(store.directory, 0o700);
  try {
    await writeFile(temporary, bytes, { mode: 0o600 });
    await rename(temporary, file);
  } catch (error) {
    // on a full disk it would be in the way of whatever is tried next
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
  return hash;
}

/** @throws {DashError} BUNDLE_MISMATCH when a file is not what the generation says */
export async function loadBundles(store: BundleStore, compiled: CompiledPackage): Promise<PackageScripts> {
  const bundles = await Promise.all(compiled.entries.map((entry, index) => loadBundle(store, entry, index)));
  return {
    entries: compiled.entries.map(({ entry }) => entry),
    bundles,
    parts: [...new Set(compiled.entries.flatMap(({ parts }) => parts))],
    sourceMap: async (index) => {
      const entry = compiled.entries[index];
      if (entry === undefined) return '{}';
      return (await readChecked(store, entry.map, 'map', entry.entry)).toString('utf8');
    },
  };
}

/** Tells whether every bundle is there; a deleted cache directory is made again, not an error. */
export async function hasBundles(store: BundleStore, compiled: CompiledPackage): Promise<boolean> {
  const present = await Promise.all(
    compiled.entries.map(({ code }) =>
      access(bundleFile(store, code, 'js')).then(
        () => true,
        () => false,
      ),
    ),
  );
  return present.every(Boolean);
}

/** Tells whether every bundle is there, byte for byte: for an install, which makes again what a disk damaged. */
export async function hasWholeBundles(store: BundleStore, compiled: CompiledPackage): Promise<boolean> {
  try {
    await Promise.all(compiled.entries.flatMap((entry, index) => [loadBundle(store, entry, index), readChecked(store, entry.map, 'map', entry.entry)]));
    return true;
  } catch (error) {
    if (!isDashError(error, 'BUNDLE_MISMATCH')) throw error;
    return false;
  }
}

async function loadBundle(store: BundleStore, entry: CompiledEntry, index: number): Promise<ScriptSource> {
  const source = await readChecked(store, entry.code, 'js', entry.entry);
  const cache = entry.cache?.v8 === process.versions.v8 ? await readCache(store, entry.cache.sha256, entry.entry) : undefined;
  return { name: bundleName(index), source, ...(cache !== undefined && { cache }) };
}

/** The script's name in stack traces; never a path of this machine. */
export function bundleName(index: number): string {
  return `dash-bundle:${index}`;
}

/** A cache that is gone is a miss; one that was changed is an attack. */
async function readCache(store: BundleStore, hash: string, entry: string): Promise<NonSharedBuffer | undefined> {
  try {
    return await readChecked(store, hash, 'cache', entry);
  } catch (error) {
    if ((error as { cause?: NodeJS.ErrnoException }).cause?.code === 'ENOENT') return undefined;
    throw error;
  }
}

async function readChecked(store: BundleStore, hash: string, kind: BundleKind, entry: string): Promise<NonSharedBuffer> {
  let bytes: NonSharedBuffer;
  try {
    bytes = await readFile(bundleFile(store, hash, kind));
  } catch (error) {
    throw new DashError('BUNDLE_MISMATCH', `the compiled form of ${entry} is missing`, { hint: 'run `dash install` to compile it again', cause: error });
  }
  if (sha256(bytes) !== hash) {
    throw new DashError('BUNDLE_MISMATCH', `the compiled form of ${entry} is not the one that was inspected: its hash differs`, {
      hint: 'something changed it; delete the directory `bundles` of DASH_HOME: it is made again',
    });
  }
  return bytes;
}

function bundleFile(store: BundleStore, hash: string, kind: BundleKind): string {
  return join(store.directory, `${hash}.${kind}`);
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
