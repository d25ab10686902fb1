import { lstat, readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { allows, mayEndProtected, type Permission, type PermissionSet, type Places } from '../../format/index.ts';
import { linkedSecretsOf } from './linked-secrets.ts';
import type { Mount } from './profile.ts';

/** What a package may do to a path, as the broker would decide. A file that may only be written is not mounted. */
type Access = 'none' | 'read' | 'write';

/** More entries than this cannot be looked through before every call. */
const MAX_ENTRIES = 300_000;
/** Bubblewrap takes 9,000 words. */
const MAX_MOUNTS = 2_000;
const DIRECTORIES_AT_ONCE = 32;

/** A tree that cannot be guarded; the message says why. */
export class UnguardableTree extends Error {}

/**
 * The file permissions of a package as mounts: each path below a granted root gets what the broker would answer for it,
 * so that a child reads and writes exactly what the package itself could. Secrets are covered, executors read-only, and
 * so is every other name of the same file. Directories on the way to something covered are mounts of their own: what
 * is mounted on cannot be renamed away from under its cover.
 *
 * @throws {UnguardableTree} for a tree too large to look through
 */
export async function projectGrants(granted: PermissionSet, places: Places, signal: AbortSignal): Promise<readonly Mount[]> {
  const rules = granted.permissions.filter(isFs).map((permission) => ({ permission, ...locate(permission, places) }));
  const decide = decider(granted, places, rules);
  const walk = new Walk(decide, signal);
  const starts = topmost(rules.filter(({ permission }) => !permission.deny && permission.area === 'fs:read').map(({ path }) => path));
  for (const start of starts) {
    // A link stands for what it leads to, and that was not granted.
    if ((await realpath(start).catch(() => undefined)) !== start) continue;
    await walk.from(start);
  }
  await walk.coverOtherNames(await linkedSecretsOf(places.home));
  if (walk.mounts.size > MAX_MOUNTS) throw new UnguardableTree(`more than ${MAX_MOUNTS} files and directories would have to be guarded`);
  return [...walk.mounts.values()];
}

type FsPermission = Permission & { readonly area: 'fs:read' | 'fs:write' };

interface Rule {
  readonly permission: FsPermission;
  /** The literal part of the scope. */
  readonly path: string;
  /** Whether the scope is that path with all that is in it, and not a pattern below it. */
  readonly literal: boolean;
}

function isFs(permission: Permission): permission is FsPermission {
  return permission.area === 'fs:read' || permission.area === 'fs:write';
}

function locate({ scope }: FsPermission, places: Places): Pick<Rule, 'path' | 'literal'> {
  const segments = scope.segments.at(-1) === '**' ? scope.segments.slice(0, -1) : scope.segments;
  const wild = segments.findIndex((segment) => segment.includes('*'));
  const root = { workspace: places.workspace, home: places.home, data: places.data, tmp: places.tmp, absolute: '/' }[scope.root];
  return { path: join(root, ...(wild < 0 ? segments : segments.slice(0, wild))), literal: wild < 0 };
}

/** Roots that lie in no other one. */
function topmost(paths: readonly string[]): readonly string[] {
  const unique = [...new Set(paths)];
  return unique.filter((path) => !unique.some((other) => other !== path && isBelow(path, other)));
}

function isBelow(path: string, directory: string): boolean {
  return path.startsWith(directory === '/' ? '/' : `${directory}/`);
}

interface Decide {
  access(path: string): Access;
  /** Whether the access of `path` can differ from its parent's: asked for every entry, so it must be cheap. */
  mayDiffer(path: string, name: string): boolean;
  /** Whether something below a path that is not granted may be. */
  leadsOn(path: string): boolean;
}

function decider(granted: PermissionSet, places: Places, rules: readonly Rule[]): Decide {
  // A denial or a pattern can speak of any name: then every entry is decided on its own.
  const anything = rules.some(({ permission, literal }) => permission.deny || !literal);
  const named = new Set([
    ...rules.map(({ path }) => path),
    places.dashHome ?? join(places.home, '.dash'),
    places.data,
    places.tmp,
    places.home,
    places.workspace,
    ...(places.linked ?? []),
  ]);
  const patterns = rules.filter(({ permission, literal }) => !permission.deny && !literal);
  const may = (access: 'read' | 'write', path: string): boolean => allows(granted, { kind: 'fs', access, path }, places).allowed;
  return {
    access: (path) => (may('read', path) ? (may('write', path) ? 'write' : 'read') : 'none'),
    mayDiffer: (path, name) => anything || named.has(path) || mayEndProtected('fs:write', name) || mayEndProtected('fs:read', name),
    leadsOn: (path) =>
      patterns.some((rule) => rule.path === path || isBelow(path, rule.path) || isBelow(rule.path, path)) ||
      rules.some(({ permission, path: end }) => !permission.deny && isBelow(end, path)),
  };
}

interface Place {
  readonly path: string;
  readonly access: Access;
  /** Directories between the writable root and this one, which a mount in here pins. */
  readonly pins: readonly string[];
}

class Walk {
  readonly mounts = new Map<string, Mount>();
  readonly #decide: Decide;
  readonly #signal: AbortSignal;
  readonly #seen: Place[] = [];
  /** Files with further names, by device and inode, and how they were covered. */
  readonly #linked = new Map<string, Mount['kind']>();
  #entries = 0;

  constructor(decide: Decide, signal: AbortSignal) {
    this.#decide = decide;
    this.#signal = signal;
  }

  async from(root: string): Promise<void> {
    const stats = await lstat(root);
    const access = this.#decide.access(root);
    if (access !== 'none') this.mounts.set(root, { kind: access, path: root });
    if (!stats.isDirectory() || (access === 'none' && !this.#decide.leadsOn(root))) return;
    const pending: Place[] = [{ path: root, access, pins: [] }];
    while (pending.length > 0) {
      this.#signal.throwIfAborted();
      const batch = pending.splice(0, DIRECTORIES_AT_ONCE);
      for (const inside of await Promise.all(batch.map((place) => this.#look(place)))) pending.push(...inside);
    }
  }

  /** Gives the directories to look into next. */
  async #look(place: Place): Promise<readonly Place[]> {
    this.#seen.push(place);
    // What the user cannot list, the child cannot either.
    const entries = await readdir(place.path, { withFileTypes: true }).catch(() => []);
    this.#entries += entries.length;
    if (this.#entries > MAX_ENTRIES) throw new UnguardableTree(`more than ${MAX_ENTRIES} files lie in what it was granted`);
    const next: Place[] = [];
    for (const entry of entries) {
      // A link is followed inside the confinement, where only what is mounted exists.
      if (entry.isSymbolicLink()) continue;
      const path = join(place.path, entry.name);
      // A name is bytes; one that no string says cannot be covered, and neither can what lies in it.
      if (entry.name.includes('\ufffd') && (entry.isDirectory() || mayEndProtected('fs:write', entry.name)))
        throw new UnguardableTree(`the name of \`${path}\` is not UTF-8`);
      const access = this.#decide.mayDiffer(path, entry.name) ? this.#decide.access(path) : place.access;
      if (access !== place.access) await this.#cover(place, path, access, entry.isDirectory());
      const enters = entry.isDirectory() && (access !== 'none' || (this.#decide.leadsOn(path) && place.access === 'none'));
      if (enters) next.push({ path, access, pins: access === 'write' && place.access === 'write' ? [...place.pins, path] : [] });
    }
    return next;
  }

  async #cover(place: Place, path: string, access: Access, isDirectory: boolean): Promise<void> {
    const kind = access !== 'none' ? access : isDirectory ? 'hidden-directory' : 'hidden-file';
    this.#mount(place, { kind, path });
    if (isDirectory || access === 'write') return;
    const stats = await lstat(path, { bigint: true }).catch(() => undefined);
    if (stats !== undefined && stats.nlink > 1n) this.#linked.set(`${stats.dev}:${stats.ino}`, kind);
  }

  #mount(place: Place, mount: Mount): void {
    this.mounts.set(mount.path, mount);
    if (place.access === 'write') for (const pin of place.pins) if (!this.mounts.has(pin)) this.mounts.set(pin, { kind: 'write', path: pin });
  }

  /** Looks at every file again, where a covered one has another name: that name is covered in the same way. */
  async coverOtherNames(secrets: readonly string[]): Promise<void> {
    for (const secret of secrets) this.#linked.set(secret, 'hidden-file');
    if (this.#linked.size === 0) return;
    for (const place of this.#seen) {
      this.#signal.throwIfAborted();
      if (place.access === 'none') continue;
      for (const entry of await readdir(place.path, { withFileTypes: true }).catch(() => [])) {
        const path = join(place.path, entry.name);
        if (!entry.isFile() || this.mounts.get(path)?.kind === 'hidden-file') continue;
        const stats = await lstat(path, { bigint: true }).catch(() => undefined);
        if (stats === undefined || stats.nlink < 2n) continue;
        const kind = this.#linked.get(`${stats.dev}:${stats.ino}`);
        if (kind === 'hidden-file' || (kind === 'read' && place.access === 'write')) this.#mount(place, { kind, path });
      }
    }
  }
}
