import type { ModuleGraph } from '../../format/index.ts';
import type { Workshop } from '../workshop.ts';
import { asDiskError } from '../store/file-errors.ts';
import type { Build, InspectPorts } from './inspect-ports.ts';
import { findBuild, type Ingredients, keepBuild } from './known-builds.ts';

/** What is built: the extensions of one package, over the graph of its modules. */
export interface Buildable {
  readonly name: string;
  readonly version: string;
  readonly contentHash: string;
  readonly graph: ModuleGraph;
  /** Paths of the extensions inside the package. */
  readonly entries: readonly string[];
  /** Whether to read from their code what they need. */
  readonly infer: boolean;
  /** node → the hash of the pack it is made of; the root has none, its bytes are `contentHash`. */
  readonly hashes: ReadonlyMap<string, string>;
}

const NOTHING: Build = { compiled: { entries: [], failures: [] }, captureOutcomes: [] };

/** Finds what was built before from the same bytes by the same tools; a package without extensions needs nothing. */
export async function builtBefore(buildable: Buildable, ports: InspectPorts, { paths }: Pick<Workshop, 'paths'>): Promise<Build | undefined> {
  return buildable.entries.length === 0 ? NOTHING : findBuild(ingredientsOf(buildable), paths, ports);
}

/**
 * Compiles the extensions of a package and runs their factories without any permission, to learn what they register. What
 * the author did wrong is in the result.
 *
 * @throws {DashError} DISK_FULL, DISK_ERROR, INTERRUPTED
 */
export async function buildExtensions(
  buildable: Buildable,
  ports: InspectPorts,
  { paths, progress, signal }: Pick<Workshop, 'paths' | 'progress' | 'signal'>,
): Promise<Build> {
  const { name, version, contentHash, graph, entries, infer } = buildable;
  try {
    progress({ kind: 'compiling', name, version });
    const compiled = await ports.compile({ name, version, contentHash, graph, entries, infer }, signal);
    progress({ kind: 'capturing', name, version });
    const build = await ports.capture({ name, version, contentHash, graph, compiled }, signal);
    await keepBuild(build, ingredientsOf(buildable), paths, ports);
    return build;
  } catch (error) {
    throw asDiskError(error, `compiling \`${name}\``);
  }
}

function ingredientsOf({ name, version, contentHash, entries, infer, graph, hashes }: Buildable): Ingredients {
  const nodes = Object.entries(graph.nodes).map(([key, { dependencies }]) => [key, { hash: hashes.get(key) ?? '', dependencies }] as const);
  return { name, version, contentHash, entries, infer, graph: Object.fromEntries(nodes) };
}
