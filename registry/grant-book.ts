import { readFileSync, statSync } from 'node:fs';

import { emptyPermissionSet, isDashError, parsePermission, permissionSet, type Permission, type PermissionSet } from '../format/index.ts';
import { addGrants, type Grant, grantsInForce, makeGrants, parseGrants } from './grants.ts';
import { noteUse, readLastUsed } from './last-used.ts';
import { identifyProject } from './project-identity.ts';
import { storePaths } from './store/store-paths.ts';

/** What was granted, as a running agent sees it: other processes change it under its feet. */
export interface GrantBook {
  /** The page of one package. */
  of(key: string): GrantPage;
}

export interface GrantPage {
  /**
   * What the package may do at this moment: the same set until something changes. One `stat` in each turn of the event loop
   * tells whether somebody granted or took back; a file that cannot be read grants nothing.
   */
  granted(): PermissionSet;
  /** Notes that a permission let something pass: what is dangerous and unused is forgotten. */
  used(permission: string): void;
  /** Allows it until the process ends; nothing is written down. */
  allowForSession(permissions: readonly Permission[]): void;
  /** Allows it in this project from now on. @throws {DashError} DELEGATED_CONSENT, DISK_ERROR, LOCKED */
  allowInProject(permissions: readonly Permission[], version: string): Promise<void>;
}

/** The page of something that was never installed: it holds nothing, and a yes lasts as long as the process. */
export function emptyGrantPage(): GrantPage {
  let held = emptyPermissionSet;
  const allowForSession = (permissions: readonly Permission[]): void => {
    held = permissionSet([...held.permissions, ...permissions]);
  };
  return { granted: () => held, used: () => undefined, allowForSession, allowInProject: async (permissions) => allowForSession(permissions) };
}

/** Opens the book for one project. */
export async function openGrantBook(dashHome: string, projectDir: string, now: () => Date = () => new Date()): Promise<GrantBook> {
  const project = await identifyProject(projectDir);
  const path = storePaths(dashHome).grants;
  let seen: { readonly stamp: string; readonly grants: ReadonlyMap<string, readonly Grant[]> } | undefined;

  let isLooked = false;

  /**
   * Every writer puts a new file in the place of the old one, so it never has the same inode and time twice. What is asked in
   * one turn of the event loop, such as who of fifty packages hears an event, is one look.
   */
  const current = (): ReadonlyMap<string, readonly Grant[]> => {
    if (isLooked && seen !== undefined) return seen.grants;
    isLooked = true;
    setImmediate(() => (isLooked = false));
    const stamp = stampOf(path);
    if (seen?.stamp !== stamp) seen = { stamp, grants: readNow(path) };
    return seen.grants;
  };

  const open = (key: string): GrantPage => {
    const session: Permission[] = [];
    const noted = new Map<string, string>();
    let page: { readonly from: readonly Grant[] | undefined; readonly session: number; readonly until: number; readonly set: PermissionSet } | undefined;
    return {
      granted() {
        const held = current().get(key);
        const at = now();
        if (page === undefined || page.from !== held || page.session !== session.length || at.getTime() >= page.until) {
          const written = grantsInForce(held ?? [], { project, now: at, lastUsed: readLastUsed(dashHome, key) }).map(({ permission }) =>
            parsePermission(permission),
          );
          page = { from: held, session: session.length, until: nextExpiry(held ?? [], at), set: permissionSet([...written, ...session]) };
        }
        return page.set;
      },
      used(permission) {
        const at = now();
        const day = at.toISOString().slice(0, 10);
        if (noted.get(permission) === day) return;
        noted.set(permission, day);
        if (
          current()
            .get(key)
            ?.some((grant) => grant.permission === permission) === true
        )
          noteUse(dashHome, key, permission, at);
      },
      allowForSession: (permissions) => void session.push(...permissions),
      async allowInProject(permissions, version) {
        // the root of the disk is no project: bound to nothing it would hold everywhere
        if (project === undefined) return void session.push(...permissions);
        const grants = await makeGrants(permissions, { mode: 'asked', by: 'a question', at: now().toISOString(), version }, projectDir, 'always');
        await addGrants(dashHome, key, grants);
      },
    };
  };

  const pages = new Map<string, GrantPage>();
  return {
    of(key) {
      const page = pages.get(key) ?? open(key);
      pages.set(key, page);
      return page;
    },
  };
}

function stampOf(path: string): string {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? '' : `${stat.dev}:${stat.ino}:${stat.mtimeNs}:${stat.ctimeNs}:${stat.size}`;
}

function readNow(path: string): ReadonlyMap<string, readonly Grant[]> {
  try {
    return parseGrants(readFileSync(path, 'utf8'), path);
  } catch (error) {
    const isGone = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (!isGone && !isDashError(error, 'STORE_CORRUPT')) throw error;
    return new Map();
  }
}

function nextExpiry(held: readonly Grant[], now: Date): number {
  const times = held.flatMap(({ expires }) => (expires === undefined ? [] : [Date.parse(expires)])).filter((at) => at > now.getTime());
  return Math.min(...times, Number.POSITIVE_INFINITY);
}
