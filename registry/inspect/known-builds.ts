import { sortedJson } from '../../format/index.ts';
import { readIfPresent, replaceFile } from '../store/durable-file.ts';
import { asDiskError } from '../store/file-errors.ts';
import type { StorePaths } from '../store/store-paths.ts';
import { sha256 } from '../verify/sha256.ts';
import type { Build, InspectPorts } from './inspect-ports.ts';

/** All that a build depends on: equal ingredients give equal builds. */
export interface Ingredients {
  readonly name: string;
  readonly version: string;
  readonly contentHash: string;
  readonly entries: readonly string[];
  readonly infer: boolean;
  /** node → what it is made of, and its edges. */
  readonly graph: Readonly<Record<string, { readonly hash: string; readonly dependencies: Readonly<Record<string, string>> }>>;
}

/**
 * Gives what was built from the same bytes by the same tools before. The note is derived and may be deleted; the bundles
 * it names are compared with their hashes before they run.
 */
export async function findBuild(ingredients: Ingredients, paths: StorePaths, ports: InspectPorts): Promise<Build | undefined> {
  const known = parse(await readIfPresent(await notePath(ingredients, paths, ports)));
  return known !== undefined && (await ports.isCompiled(known.compiled)) ? known : undefined;
}

/** Notes a build for the next time. One that failed is tried again. @throws {DashError} DISK_FULL, DISK_ERROR */
export async function keepBuild(build: Build, ingredients: Ingredients, paths: StorePaths, ports: InspectPorts): Promise<void> {
  if (build.compiled.failures.length > 0 || build.captureOutcomes.some(({ kind }) => kind === 'failed')) return;
  note(await notePath(ingredients, paths, ports), build);
}

async function notePath(ingredients: Ingredients, paths: StorePaths, ports: InspectPorts): Promise<string> {
  const text = sortedJson({ ...ingredients, toolchain: await ports.toolchain() });
  return paths.build(sha256(text));
}

function note(path: string, build: Build): void {
  try {
    replaceFile(path, JSON.stringify({ version: 1, ...build }), { mode: 0o600, directoryMode: 0o700 });
  } catch (error) {
    throw asDiskError(error, 'noting what was compiled');
  }
}

function parse(text: string | undefined): Build | undefined {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isBuild(value) ? { compiled: value.compiled, captureOutcomes: value.captureOutcomes } : undefined;
  } catch {
    // half a note, after a power cut
    return undefined;
  }
}

/** The file is ours; only a power cut can have left something else. */
function isBuild(value: unknown): value is Build & { readonly version: 1 } {
  return typeof value === 'object' && value !== null && 'version' in value && value.version === 1 && 'compiled' in value && 'captureOutcomes' in value;
}
