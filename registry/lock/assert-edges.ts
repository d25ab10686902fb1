import type { Needs } from '../resolve/dependencies.ts';
import { parseRequest } from '../resolve/dependencies.ts';
import { providedVersion } from '../resolve/host-packages.ts';

/** What an edge leads to. */
export interface EdgeTarget {
  readonly name: string;
  readonly version: string;
}

export type Satisfies = (version: string, range: string) => boolean;

/**
 * Says what is wrong with the edges of one package, `undefined` when they are what its own manifest asks for: each edge
 * is asked for and leads to a version that satisfies, and nothing that is required lacks one.
 */
export function wrongEdge(needs: Needs, edges: ReadonlyMap<string, EdgeTarget>, satisfies: Satisfies): string | undefined {
  for (const [as, target] of edges) {
    const wanted = wantedBy(needs, as);
    if (wanted === undefined) return `\`${as}\` is not among its dependencies`;
    const request = providedVersion(as) === undefined ? parseRequest('required', as, wanted) : undefined;
    if (request === undefined) return `\`${as}\` is nothing that is installed`;
    if (request.name !== target.name) return `it asks for \`${request.name}\` as \`${as}\`, not for \`${target.name}\``;
    if (!satisfies(target.version, request.wanted)) return `it asks for \`${as}@${request.wanted}\`, which \`${target.version}\` is not`;
  }
  const lacking = Object.keys(needs.dependencies).find(
    (as) => !edges.has(as) && !Object.hasOwn(needs.optionalDependencies, as) && providedVersion(as) === undefined,
  );
  return lacking === undefined ? undefined : `\`${lacking}\`, which it needs, is missing`;
}

/** As the resolver reads them: optional before required before peers. */
function wantedBy({ optionalDependencies, dependencies, peerDependencies }: Needs, as: string): string | undefined {
  return [optionalDependencies, dependencies, peerDependencies].find((names) => Object.hasOwn(names, as))?.[as];
}
