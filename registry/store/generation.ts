import { readdir } from 'node:fs/promises';
import { dirname } from 'node:path';

import { DashError, type CaptureOutcome, type CompiledPackage, type PermissionRequest, type Resources, sortedJson } from '../../format/index.ts';
import type { InspectedSkill } from '../inspect/inspect-ports.ts';
import type { Source } from '../lock/lock-entry.ts';
import type { Lockfile } from '../lock/lockfile.ts';
import { readIfPresent } from './durable-file.ts';
import { ignoreMissing } from './file-errors.ts';
import type { StatePaths } from './store-paths.ts';
import { sha256 } from '../verify/sha256.ts';

/** One immutable state of a scope: what is installed, what was inspected, and the full lock. */
export interface Generation {
  readonly version: 1;
  readonly number: number;
  readonly createdAt: string;
  readonly packages: Readonly<Record<string, PackageRecord>>;
  readonly lock: Lockfile;
}

/** What is known of one installed package, so that the host can start without looking at a single file of it. */
export interface PackageRecord {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly spec: string;
  readonly source: Source;
  readonly grantKey: string;
  /** sha256 of the tree, or the digest of a linked directory when it was installed. */
  readonly contentHash: string;
  readonly resources: Resources;
  readonly permissions: readonly PermissionRequest[];
  readonly optionalPermissions: readonly PermissionRequest[];
  /** The JSON Schema of its settings; absent where it has none. */
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly graph: StoredGraph;
  /** Its extensions are still to be built; until then there is nothing in `compiled` and `captureOutcomes`. */
  readonly pending?: true;
  readonly compiled: CompiledPackage;
  readonly captureOutcomes: readonly CaptureOutcome[];
  readonly skills: readonly InspectedSkill[];
}

/** A module graph that says which tree a node is, not where it lies: DASH_HOME may move. */
export interface StoredGraph {
  readonly root: string;
  readonly nodes: Readonly<Record<string, StoredNode>>;
}

export interface StoredNode {
  readonly name: string;
  readonly version: string;
  readonly at: { readonly treeSha256: string } | { readonly pack: string } | { readonly linked: string };
  readonly dependencies: Readonly<Record<string, string>>;
}

/**
 * Reads the generation that `current` names, `undefined` when nothing was ever installed.
 *
 * @throws {DashError} STORE_CORRUPT when it is missing or not the bytes that were committed
 * @throws {DashError} LOCK_VERSION when a newer Dash wrote it
 */
export async function readCurrent(paths: StatePaths): Promise<Generation | undefined> {
  const pointer = await readIfPresent(paths.current);
  if (pointer === undefined) return undefined;
  const [, number = '', digest] = /^(\d+) ([0-9a-f]{64})\n$/.exec(pointer) ?? [];
  if (digest === undefined) throw corrupt(paths.current);
  const path = paths.generation(Number(number));
  const text = await readIfPresent(path);
  if (text === undefined || sha256(text) !== digest) throw corrupt(path);
  return parseGeneration(text, path);
}

/** Gives the numbers of the generations that are kept, in order. */
export async function generationNumbers(paths: StatePaths): Promise<number[]> {
  const names = (await readdir(dirname(paths.generation(0))).catch(ignoreMissing)) ?? [];
  return names
    .flatMap((name) => /^(\d+)\.json$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}

/**
 * Reads a generation that need not be in force. It carries a digest of itself, for `current` names only one.
 *
 * @throws {DashError} STORE_CORRUPT, LOCK_VERSION
 */
export async function readGeneration(paths: StatePaths, number: number): Promise<{ readonly generation: Generation; readonly pointer: string }> {
  const path = paths.generation(number);
  const text = await readIfPresent(path);
  if (text === undefined) throw corrupt(path);
  const generation = parseGeneration(text, path);
  if (formatGeneration(generation) !== text) throw corrupt(path);
  return { generation, pointer: pointerTo(number, text) };
}

/** Writes a generation with the digest of all that is in it. */
export function formatGeneration(generation: Generation): string {
  return sortedJson({ ...generation, digest: sha256(sortedJson(generation)) });
}

/** Gives the text of a generation another number and date. Its keys are sorted and one a line, so nothing has to be parsed. */
export function renumbered(text: string, number: number, now: Date): string {
  const plain = text
    .replace(/^  "createdAt": .*$/m, `  "createdAt": ${JSON.stringify(now.toISOString())},`)
    .replace(/^  "number": .*$/m, `  "number": ${number},`)
    .replace(/^  "digest": .*\n/m, '');
  return plain.replace(/^  "lock": /m, `  "digest": ${JSON.stringify(sha256(plain))},\n  "lock": `);
}

function parseGeneration(text: string, path: string): Generation {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw corrupt(path);
  }
  if (isGeneration(value)) {
    const { digest: _, ...generation } = { digest: undefined, ...value };
    return generation;
  }
  throw new DashError('LOCK_VERSION', `\`${path}\` was written by a newer Dash`, { hint: 'update Dash; the file was not touched', where: { path } });
}

/** What stands in `current` when the generation with this text is in force. */
export function pointerTo(number: number, text: string): string {
  return `${number} ${sha256(text)}\n`;
}

/** The file is ours, in a directory of ours, and was renamed into place whole; only the version can be another. */
function isGeneration(value: unknown): value is Generation {
  return typeof value === 'object' && value !== null && 'version' in value && value.version === 1;
}

function corrupt(path: string): DashError {
  return new DashError('STORE_CORRUPT', `\`${path}\` is missing or damaged`, {
    hint: '`dash install` makes it again from `dash.lock`; `dash rollback` goes back to an older one',
    where: { path },
  });
}
