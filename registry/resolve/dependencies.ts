import { DashError, isDashError, type Diagnostic } from '../../format/index.ts';
import { isNpmName } from '../package-spec.ts';
import { providedVersion } from './host-packages.ts';
import { pickVersion, type NpmResolver } from './npm.ts';
import { type Packument, parseVersionManifest, type VersionManifest } from './packuments.ts';

/** What a package says it needs; a manifest on disk and a version on the registry both have it. */
export interface Needs {
  readonly name: string;
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly optionalPeers: readonly string[];
}

export interface DependencyNode {
  /** `name@version`, followed by the peers it is bound to. The root is `.`. */
  readonly key: string;
  readonly name: string;
  readonly version: string;
  /** `undefined` for the root, which is not necessarily on a registry. */
  readonly manifest: VersionManifest | undefined;
  /** Name as imported → key. */
  readonly dependencies: ReadonlyMap<string, string>;
}

export interface DependencyGraph {
  readonly nodes: ReadonlyMap<string, DependencyNode>;
  readonly diagnostics: readonly Diagnostic[];
}

export const ROOT = '.';

/**
 * Resolves everything one package needs, by itself: other packages never change its answer. Names in alphabetical
 * order, breadth first; a version that is in the graph already is used again where it satisfies.
 *
 * @throws {DashError} DEPENDENCY_NOT_FOUND when something that is not optional cannot be had
 * @throws {DashError} RELEASE_TOO_YOUNG, REGISTRY_ERROR …
 */
export async function resolveDependencies(root: Needs, resolver: NpmResolver): Promise<DependencyGraph> {
  const { default: semver } = await import('semver');
  const satisfies = (version: string, range: string) => semver.satisfies(version, range, { loose: true });
  const nodes = new Map<string, Building>();
  const versions = new Map<string, VersionManifest[]>();
  const diagnostics: Diagnostic[] = [];
  const rootNode: Building = {
    key: ROOT,
    needs: root,
    manifest: undefined,
    parent: undefined,
    dependencies: new Map(),
    optional: new Set(),
    failure: undefined,
  };
  nodes.set(ROOT, rootNode);

  const queue = [rootNode];
  for (const node of queue) queue.push(...(await expand(node)));
  settleFailures(nodes, diagnostics);
  return { nodes: reachable(nodes), diagnostics };

  /** Gives a node all its edges; returns the nodes that are new. */
  async function expand(node: Building): Promise<Building[]> {
    const requests = requestsOf(node, diagnostics, satisfies);
    // asked for all at once, decided on one after the other: the order of answers never decides
    await Promise.allSettled(requests.map(({ name }) => resolver.packuments.get(name)));
    const chosen = new Map<string, { readonly manifest: VersionManifest; readonly request: Request }>();
    for (const request of requests) {
      try {
        const manifest = reuse(request) ?? (await pickVersion(request.name, request.wanted, resolver));
        if (request.kind === 'optional' && isPlatformBound(manifest)) continue;
        remember(manifest);
        askAhead(manifest);
        chosen.set(request.as, { manifest, request });
      } catch (error) {
        if (!isDashError(error) || error.code === 'INTERRUPTED') throw error;
        fail(node, request, error);
      }
    }

    const fresh: Building[] = [];
    const siblings = new Map<string, string>();
    const bindings = [...chosen].map(([as, { manifest, request }]) => {
      const bound = bindPeers(manifest, (peer) => versionNear(peer, node, chosen));
      const key = keyOf(manifest, bound);
      siblings.set(as, key);
      return { as, manifest, request, bound, key };
    });
    for (const { as, manifest, request, bound, key } of bindings) {
      node.dependencies.set(as, key);
      if (request.kind === 'optional') node.optional.add(as);
      if (nodes.has(key)) continue;
      const child: Building = { key, needs: needsOf(manifest), manifest, parent: node, dependencies: new Map(), optional: new Set(), failure: undefined };
      for (const peer of bound.keys()) {
        const target = siblings.get(peer) ?? keyNear(peer, node);
        if (target !== undefined) child.dependencies.set(peer, target);
      }
      nodes.set(key, child);
      fresh.push(child);
    }
    return fresh;
  }

  /** The next level will ask for these: asked now, a level takes one round trip and not one for each of its nodes. */
  function askAhead({ dependencies = {} }: VersionManifest): void {
    for (const [as, wanted] of Object.entries(dependencies)) {
      const request = providedVersion(as) === undefined ? parseRequest('required', as, wanted) : undefined;
      // whoever needs the answer sees what is wrong with it
      if (request !== undefined) resolver.packuments.get(request.name).catch(() => undefined);
    }
  }

  function reuse({ name, wanted }: Request): VersionManifest | undefined {
    if (semver.validRange(wanted, { loose: true }) === null || wanted === '') return undefined;
    return versions
      .get(name)
      ?.filter(({ version }) => satisfies(version, wanted))
      .sort((a, b) => semver.rcompare(a.version, b.version, { loose: true }))[0];
  }

  function remember(manifest: VersionManifest): void {
    const known = versions.get(manifest.name) ?? [];
    if (!known.some(({ version }) => version === manifest.version)) versions.set(manifest.name, [...known, manifest]);
  }

  /** Binds peers to what the requester sees under that name; what does not satisfy is no binding. */
  function bindPeers(manifest: VersionManifest, find: (peer: string) => string | undefined): Map<string, string> {
    const bound = new Map<string, string>();
    for (const [peer, range] of Object.entries(manifest.peerDependencies ?? {}).sort(byName)) {
      if (providedVersion(peer) !== undefined || Object.hasOwn(manifest.dependencies ?? {}, peer)) continue;
      const version = find(peer);
      if (version !== undefined && (range === '*' || satisfies(version, range))) bound.set(peer, version);
    }
    return bound;
  }

  function fail(node: Building, request: Request, error: DashError): void {
    switch (request.kind) {
      case 'optional':
        return;
      case 'peer':
        diagnostics.push({
          severity: 'warning',
          code: 'PEER_NOT_FOUND',
          message: `${label(node)} wants \`${request.as}@${request.wanted}\` beside it: ${error.message}`,
        });
        return;
      case 'required':
        node.failure ??= asDependencyError(node, request, error);
    }
  }

  function versionNear(peer: string, node: Building, chosen: ReadonlyMap<string, { readonly manifest: VersionManifest }>): string | undefined {
    const sibling = chosen.get(peer);
    if (sibling !== undefined) return sibling.manifest.version;
    const key = keyNear(peer, node);
    return key === undefined ? undefined : nodes.get(key)?.needs.version;
  }

  /** Looks for a name where a module loader would: at the package itself, at what brought it, and so on. */
  function keyNear(peer: string, node: Building): string | undefined {
    for (let at: Building | undefined = node; at !== undefined; at = at.parent) {
      const key = at.dependencies.get(peer) ?? (at.needs.name === peer ? at.key : undefined);
      if (key !== undefined) return key;
    }
    return undefined;
  }
}

interface Building {
  readonly key: string;
  readonly needs: Needs;
  readonly manifest: VersionManifest | undefined;
  readonly parent: Building | undefined;
  readonly dependencies: Map<string, string>;
  /** Names in `dependencies` that may be left out. */
  readonly optional: Set<string>;
  failure: DashError | undefined;
}

export interface Request {
  readonly kind: 'required' | 'optional' | 'peer';
  /** The name it is imported by. */
  readonly as: string;
  /** The name it is published under. */
  readonly name: string;
  readonly wanted: string;
}

function requestsOf(node: Building, diagnostics: Diagnostic[], satisfies: (version: string, range: string) => boolean): Request[] {
  const { needs } = node;
  const requests: Request[] = [];
  const add = (kind: Request['kind'], as: string, wanted: string) => {
    const provided = providedVersion(as);
    if (provided !== undefined) {
      if (kind !== 'optional' && !isLoose(wanted) && !satisfies(provided, wanted)) {
        diagnostics.push({ severity: 'warning', code: 'HOST_VERSION', message: `${label(node)} wants \`${as}@${wanted}\`; the host provides \`${provided}\`` });
      }
      return;
    }
    const request = parseRequest(kind, as, wanted);
    if (request !== undefined) requests.push(request);
    else if (kind === 'required') node.failure ??= unsupportedSpec(node, as, wanted);
  };
  for (const [as, wanted] of Object.entries(needs.optionalDependencies)) add('optional', as, wanted);
  // npm repeats optional dependencies among the others when it publishes
  for (const [as, wanted] of Object.entries(needs.dependencies)) if (!Object.hasOwn(needs.optionalDependencies, as)) add('required', as, wanted);
  for (const [as, wanted] of Object.entries(needs.peerDependencies)) {
    const isMet = node.dependencies.has(as) || Object.hasOwn(needs.dependencies, as);
    if (!isMet && (!needs.optionalPeers.includes(as) || providedVersion(as) !== undefined)) add('peer', as, wanted);
  }
  return requests.sort((a, b) => (a.as < b.as ? -1 : 1));
}

/** A range, a tag, or an alias of one; `undefined` for what only a user may name: git, URLs, files, workspaces. */
export function parseRequest(kind: Request['kind'], as: string, wanted: string): Request | undefined {
  const alias = /^npm:(@?[^@]+)(?:@(.*))?$/.exec(wanted);
  const name = alias === null ? as : (alias[1] ?? '');
  const range = (alias === null ? wanted : (alias[2] ?? '')).trim();
  if (!isNpmName(name) || /[:/\\#]/.test(range)) return undefined;
  return { kind, as, name, wanted: range };
}

function isLoose(wanted: string): boolean {
  return /^\s*(\*|x|latest|next|)\s*$/i.test(wanted) || /[:/]/.test(wanted);
}

/** Native code cannot run here, and skipping by platform would make the lock differ from machine to machine. */
function isPlatformBound({ os, cpu, libc }: VersionManifest): boolean {
  return [os, cpu, libc].some(
    (bound) => bound !== undefined && bound.length > 0 && !(Array.isArray(bound) && bound.every((name) => name === 'any' || name.startsWith('!'))),
  );
}

function keyOf({ name, version }: VersionManifest, bound: ReadonlyMap<string, string>): string {
  const peers = [...bound].map(([peer, peerVersion]) => `${peer}@${peerVersion}`);
  return `${name}@${version}${peers.length === 0 ? '' : `(${peers.join(',')})`}`;
}

function needsOf(manifest: VersionManifest): Needs {
  return {
    name: manifest.name,
    version: manifest.version,
    dependencies: manifest.dependencies ?? {},
    optionalDependencies: manifest.optionalDependencies ?? {},
    peerDependencies: manifest.peerDependencies ?? {},
    optionalPeers: Object.entries(manifest.peerDependenciesMeta ?? {})
      .filter(([, { optional }]) => optional === true)
      .map(([peer]) => peer),
  };
}

/** What one version needs by its packument, `undefined` when there is no such version. @throws {DashError} REGISTRY_REPLY_INVALID */
export function manifestNeeds({ name, versions }: Packument, version: string): Needs | undefined {
  return Object.hasOwn(versions, version) ? needsOf(parseVersionManifest(versions[version], name)) : undefined;
}

/** A package that lacks something is left out together with what needs it, up to the first edge that is optional. */
function settleFailures(nodes: ReadonlyMap<string, Building>, diagnostics: Diagnostic[]): void {
  for (let changed = true; changed;) {
    changed = false;
    for (const node of nodes.values()) {
      for (const [as, key] of node.dependencies) {
        const failure = nodes.get(key)?.failure;
        if (failure === undefined) continue;
        if (node.optional.has(as)) {
          node.dependencies.delete(as);
          diagnostics.push({ severity: 'info', code: 'OPTIONAL_LEFT_OUT', message: `${label(node)} does without \`${as}\`: ${failure.message}` });
        } else if (node.failure === undefined) {
          node.failure = failure;
        } else continue;
        changed = true;
      }
    }
  }
  const failure = nodes.get(ROOT)?.failure;
  if (failure !== undefined) throw failure;
}

function reachable(nodes: ReadonlyMap<string, Building>): Map<string, DependencyNode> {
  const found = new Map<string, DependencyNode>();
  const queue = [ROOT];
  for (const key of queue) {
    const node = nodes.get(key);
    if (node === undefined || found.has(key)) continue;
    const { needs, manifest } = node;
    const dependencies = new Map([...node.dependencies].sort(byName));
    found.set(key, { key, name: needs.name, version: needs.version, manifest, dependencies });
    queue.push(...dependencies.values());
  }
  return found;
}

function asDependencyError(node: Building, { as, wanted }: Request, error: DashError): DashError {
  const isMissing = error.code === 'PACKAGE_NOT_FOUND' || error.code === 'VERSION_NOT_FOUND';
  return new DashError(isMissing ? 'DEPENDENCY_NOT_FOUND' : error.code, `${label(node)} needs \`${as}@${wanted}\`: ${error.message}`, {
    hint: isMissing ? 'tell its author; another version of it may be complete' : error.hint,
    cause: error,
  });
}

function unsupportedSpec(node: Building, as: string, wanted: string): DashError {
  return new DashError(
    'DEPENDENCY_NOT_FOUND',
    `${label(node)} needs \`${as}\` from \`${wanted}\`, and only what you name yourself may come from outside the registry`,
    {
      hint: 'ask its author to depend on a published version',
    },
  );
}

function label({ needs: { name, version } }: Building): string {
  return `\`${name}@${version}\``;
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}
