import { createHash } from 'node:crypto';
import { join } from 'node:path';

/** Where everything of one DASH_HOME lies; pure. */
export interface StorePaths {
  readonly home: string;
  /** Staging, on the file system of the store so that a rename suffices. */
  readonly tmp: string;
  /** The directory of one stored tree: `files.sha256` and `tree/`. */
  tree(treeSha256: string): string;
  /** The sha256 of every file of a tree. */
  listing(treeSha256: string): string;
  /** The unpacked files themselves. */
  files(treeSha256: string): string;
  /** The packs of dependencies, flat. */
  readonly packs: string;
  /** The pack of a dependency's code. */
  pack(treeSha256: string): string;
  /** Says which tree something pinned unpacks to: a tarball by its sha512, a commit with its directory by name. */
  unpacked(pin: string): string;
  /** HTTP cache of packuments, with their ETags. */
  readonly packuments: string;
  /** When versions without a date were first seen here. */
  readonly firstSeen: string;
  /** A compiled extension, its source map, or its code cache, by its sha256. */
  compiled(sha256: string, kind: 'js' | 'map' | 'cache'): string;
  /** What was compiled from ingredients with this digest. */
  build(digest: string): string;
  /** The notes of restores: what one made, under a digest of all it depends on. */
  readonly restores: string;
  readonly grants: string;
  readonly lock: string;
  /** Held by whoever builds what was left for later: others may change the home meanwhile. */
  readonly buildLock: string;
  /** `dash.lock` of the user's own packages. */
  readonly lockfile: string;
}

export function storePaths(home: string): StorePaths {
  const store = join(home, 'store', 'v1');
  // joined by hand: a state names hundreds, and `join` takes its arguments apart each time
  const tree = (sha256: string) => `${store}/${sha256.slice(0, 2)}/${sha256}`;
  return {
    home,
    tmp: join(store, 'tmp'),
    tree,
    listing: (sha256) => `${tree(sha256)}/files.sha256`,
    files: (sha256) => `${tree(sha256)}/tree`,
    packs: `${store}/packs`,
    pack: (sha256) => `${store}/packs/${sha256}`,
    unpacked: (pin) => {
      const hex = pin.startsWith('sha512-')
        ? Buffer.from(pin.slice('sha512-'.length), 'base64').toString('hex')
        : createHash('sha512').update(pin).digest('hex');
      // flat: making a directory for every other note took longer than writing all of them
      return join(store, 'unpacked', hex);
    },
    packuments: join(home, 'meta', 'packuments'),
    firstSeen: join(home, 'meta', 'first-seen.json'),
    compiled: (sha256, kind) => join(home, 'bundles', `${sha256}.${kind}`),
    build: (digest) => join(home, 'bundles', 'builds', `${digest}.json`),
    restores: join(home, 'meta', 'restores'),
    grants: join(home, 'grants.json'),
    lock: join(home, 'state', 'lock'),
    buildLock: join(home, 'state', 'build-lock'),
    lockfile: join(home, 'dash.lock'),
  };
}

/** Which packages a command speaks of: the user's own, or those of one project. */
export type Scope = { readonly kind: 'user' } | { readonly kind: 'project'; readonly dir: string };

/** Where the generations of one scope lie. */
export interface StatePaths {
  readonly state: string;
  /** Names the generation in force; its rename is the commit point. */
  readonly current: string;
  readonly journal: string;
  generation(number: number): string;
}

/** Where everything of one scope lies. */
export interface ScopePaths extends StatePaths {
  /** `dash.lock`. */
  readonly lockfile: string;
}

/** Where the states of all projects lie. */
export function projectsDirectory(home: string): string {
  return join(home, 'state', 'projects');
}

/**
 * The generations of a project lie in DASH_HOME, not in the project: a repository that brings a ready-made state of its
 * own could name the source of a package that holds grants, and its own files. `dir` must be a real path.
 */
export function scopePaths(home: string, scope: Scope): ScopePaths {
  if (scope.kind === 'user') return { ...statePaths(join(home, 'state')), lockfile: storePaths(home).lockfile };
  const name = createHash('sha256').update(scope.dir).digest('hex').slice(0, 32);
  return { ...statePaths(join(projectsDirectory(home), name)), lockfile: join(scope.dir, '.dash', 'dash.lock') };
}

/** The same for a scope of which only the state is known. */
export function statePaths(state: string): StatePaths {
  return {
    state,
    current: join(state, 'current'),
    journal: join(state, 'journal'),
    generation: (number) => join(state, 'generations', `${number}.json`),
  };
}
