import { join } from 'node:path';

import { consentLevel, DashError, formatPermission, parsePermission, permissionSet, type Permission, type PermissionSet, sortedJson } from '../format/index.ts';
import { assertNotDelegated } from './delegation.ts';
import { takeProcessLock } from './lock/process-lock.ts';
import { type LastUsed, readLastUsed } from './last-used.ts';
import { readProfile } from './profile.ts';
import { identifyProject, isSameProject, type ProjectIdentity } from './project-identity.ts';
import { readIfPresent, writeDurably } from './store/durable-file.ts';
import { asDiskError } from './store/file-errors.ts';
import { storePaths } from './store/store-paths.ts';

/** How a grant came to be: by installing, by `--grant` or `--deny`, by an answer at first use, or by the policy of `dash ci`. */
export type GrantMode = 'quiet' | 'summary' | 'named' | 'asked' | 'policy';

/** One line of `grants.json`: a permission, or with `!` a denial, and why it holds. */
export interface Grant {
  /** Canonical. */
  readonly permission: string;
  readonly mode: GrantMode;
  /** Who said so, e.g. `dash install`. */
  readonly by: string;
  /** ISO 8601. */
  readonly at: string;
  /** What was installed when it was said; consent covers the line of versions after it. */
  readonly version?: string;
  readonly integrity?: string;
  /** ISO 8601; afterwards it is as if it had never been. */
  readonly expires?: string;
  /** The one project it holds in; without it, in every one. */
  readonly project?: ProjectIdentity;
}

/** What may be in a new grant besides its permission. */
export type GrantDetails = Omit<Grant, 'permission' | 'project'>;

/**
 * Gives what the package with this key may do in `projectDir`: what was granted everywhere and in this very project,
 * denials included. Nothing is granted when nothing is written.
 *
 * @throws {DashError} STORE_CORRUPT when `grants.json` cannot be read: better nothing than the wrong thing
 */
export async function readGrants(dashHome: string, key: string, projectDir: string, now = new Date()): Promise<PermissionSet> {
  const project = await identifyProject(projectDir);
  const held = (await readAll(dashHome)).get(key) ?? [];
  const lastUsed = held.length === 0 ? new Map<string, string>() : readLastUsed(dashHome, key);
  return permissionSet(grantsInForce(held, { project, now, lastUsed }).map(({ permission }) => parsePermission(permission)));
}

/** What decides which lines hold: the project that is here, the time, and when each permission was last used. */
export interface Moment {
  readonly project: ProjectIdentity | undefined;
  readonly now: Date;
  readonly lastUsed: LastUsed;
}

const DAY_MS = 24 * 60 * 60_000;
/** So long a dangerous grant holds without being used. */
const UNUSED_MS = 30 * DAY_MS;

/**
 * Gives the lines of a key that hold at this moment. One that expired, was made in another project, or is dangerous and
 * was not used for thirty days is as if it had never been.
 */
export function grantsInForce(held: readonly Grant[], moment: Moment): readonly Grant[] {
  const here = held.filter((grant) => isInForce(grant, moment));
  const set = permissionSet(here.map(({ permission }) => parsePermission(permission)));
  return here.filter((grant) => !isForgotten(grant, set, moment));
}

/** Gives the permissions that were granted and not used for thirty days: the dangerous among them hold no longer. */
export async function unusedGrants(
  dashHome: string,
  key: string,
  now = new Date(),
): Promise<readonly { readonly permission: string; readonly days: number }[]> {
  const held = (await readAll(dashHome)).get(key) ?? [];
  const lastUsed = readLastUsed(dashHome, key);
  return held
    .filter(({ permission }) => !permission.startsWith('!'))
    .map((grant) => ({ permission: grant.permission, unusedMs: now.getTime() - unusedSince(grant, lastUsed).getTime() }))
    .filter(({ unusedMs }) => unusedMs > UNUSED_MS)
    .map(({ permission, unusedMs }) => ({ permission, days: Math.floor(unusedMs / DAY_MS) }));
}

/** Since when a grant has lain unused: its last use, or the day it was made. */
function unusedSince({ permission, at }: Grant, lastUsed: LastUsed): Date {
  const used = lastUsed.get(permission);
  return new Date(used !== undefined && used > at ? used : at);
}

/** What an install or a policy gave stays; what was said yes to by itself, of the dangerous, does not. */
function isForgotten(grant: Grant, set: PermissionSet, { now, lastUsed }: Moment): boolean {
  if (grant.mode !== 'named' && grant.mode !== 'asked') return false;
  if (!(now.getTime() - unusedSince(grant, lastUsed).getTime() > UNUSED_MS)) return false;
  return consentLevel(parsePermission(grant.permission), set) === 'one-by-one';
}

/** Gives every line that is written for a key, of all projects. @throws {DashError} STORE_CORRUPT */
export async function listGrants(dashHome: string, key: string): Promise<readonly Grant[]> {
  return (await readAll(dashHome)).get(key) ?? [];
}

/**
 * Binds to `projectDir` what speaks of the workspace or runs programs; what speaks of a host or a name holds everywhere,
 * unless it is bound `always`: the answer to a question of one project is meant for that one.
 */
export async function makeGrants(
  permissions: readonly Permission[],
  details: GrantDetails,
  projectDir: string,
  bound: 'by kind' | 'always' = 'by kind',
): Promise<Grant[]> {
  const project = await identifyProject(projectDir);
  return permissions.map((permission) => ({
    permission: formatPermission(permission),
    ...details,
    ...(!permission.deny && (bound === 'always' || isOfProject(permission)) && project !== undefined && { project }),
  }));
}

/**
 * Writes grants down. A grant takes back the denial of the same permission, and a denial the grant.
 *
 * @throws {DashError} DELEGATED_CONSENT inside a tool process of an agent; CONSENT_REQUIRED under the profile `locked`
 * @throws {DashError} DISK_ERROR, DISK_FULL, LOCKED, STORE_CORRUPT
 */
export async function addGrants(dashHome: string, key: string, grants: readonly Grant[]): Promise<void> {
  assertNotDelegated();
  const { profile } = await readProfile(dashHome);
  if (profile === 'locked' && grants.some(({ permission }) => !permission.startsWith('!'))) {
    throw new DashError('CONSENT_REQUIRED', 'the profile `locked` grants only what a policy says', {
      hint: 'let the file that `DASH_POLICY` names grant it, and run `dash ci`',
    });
  }
  if (grants.length > 0) await applyGrants(dashHome, { [key]: grants });
}

/**
 * Writes down what was consented to before: the part of a commit that follows the rename.
 *
 * @returns the text of `grants.json` from then on
 */
export async function applyGrants(dashHome: string, granted: Readonly<Record<string, readonly Grant[]>>): Promise<string> {
  return changeGrants(dashHome, (all) => {
    for (const [key, grants] of Object.entries(granted)) {
      const kept = (all.get(key) ?? []).filter((old) => !grants.some((grant) => replaces(grant, old)));
      all.set(key, [...kept, ...grants]);
    }
  });
}

/**
 * Takes permissions back, in every project or in one; without a list all of them. Takes effect with the next operation.
 *
 * @throws {DashError} DELEGATED_CONSENT, DISK_ERROR, DISK_FULL, LOCKED, STORE_CORRUPT
 */
export async function revokeGrants(dashHome: string, key: string, permissions?: readonly string[], projectDir?: string): Promise<readonly Grant[]> {
  // taking a denial back widens what is allowed
  assertNotDelegated();
  const canonical = permissions?.map((text) => formatPermission(parsePermission(text)));
  const project = projectDir === undefined ? undefined : await identifyProject(projectDir);
  const isMeant = (grant: Grant) =>
    (canonical === undefined || canonical.includes(grant.permission)) &&
    (projectDir === undefined || grant.project === undefined || isSameProject(grant.project, project));
  let revoked: readonly Grant[] = [];
  await changeGrants(dashHome, (all) => {
    const held = all.get(key) ?? [];
    revoked = held.filter(isMeant);
    const kept = held.filter((grant) => !isMeant(grant));
    if (kept.length === 0) all.delete(key);
    else all.set(key, kept);
  });
  return revoked;
}

async function changeGrants(dashHome: string, change: (all: Map<string, readonly Grant[]>) => void): Promise<string> {
  const path = storePaths(dashHome).grants;
  await using _lock = await takeProcessLock(join(dashHome, 'state', 'grants-lock'));
  const all = await readAll(dashHome);
  change(all);
  const text = sortedJson({ version: 1, grants: Object.fromEntries(all) });
  try {
    await writeDurably(path, text, { mode: 0o600 });
    return text;
  } catch (error) {
    throw asDiskError(error, 'writing the grants', 'the grants are as they were');
  }
}

async function readAll(dashHome: string): Promise<Map<string, readonly Grant[]>> {
  const path = storePaths(dashHome).grants;
  const text = await readIfPresent(path);
  return text === undefined ? new Map() : parseGrants(text, path);
}

/** Reads `grants.json`. @throws {DashError} STORE_CORRUPT: better nothing than the wrong thing */
export function parseGrants(text: string, path: string): Map<string, readonly Grant[]> {
  const corrupt = (cause?: unknown) =>
    new DashError('STORE_CORRUPT', `\`${path}\` is damaged; nothing is granted`, {
      hint: 'move it away and grant again with `dash permissions grant`',
      where: { path },
      cause,
    });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw corrupt(error);
  }
  if (!isRecord(value) || value['version'] !== 1 || !isRecord(value['grants'])) throw corrupt();
  const entries = Object.entries(value['grants']).map(([key, grants]): [string, readonly Grant[]] => {
    if (!Array.isArray(grants) || !grants.every(isGrant)) throw corrupt();
    return [key, grants];
  });
  return new Map(entries);
}

function isInForce(grant: Grant, { project, now }: Moment): boolean {
  if (grant.expires !== undefined && !(Date.parse(grant.expires) > now.getTime())) return false;
  return grant.project === undefined || isSameProject(grant.project, project);
}

function replaces(grant: Grant, old: Grant): boolean {
  const bare = (text: string) => text.replace(/^!/, '');
  if (bare(grant.permission) !== bare(old.permission)) return false;
  return grant.permission.startsWith('!') || grant.project === undefined || old.project === undefined || isSameProject(grant.project, old.project);
}

function isOfProject(permission: Permission): boolean {
  if (permission.area === 'fs:read' || permission.area === 'fs:write') return permission.scope.root === 'workspace';
  return permission.area === 'exec';
}

function isGrant(value: unknown): value is Grant {
  if (!isRecord(value)) return false;
  const texts = [value['permission'], value['mode'], value['by'], value['at']];
  const project = value['project'];
  return (
    texts.every((text) => typeof text === 'string') &&
    (value['expires'] === undefined || typeof value['expires'] === 'string') &&
    (project === undefined || isProject(project))
  );
}

function isProject(value: unknown): boolean {
  if (!isRecord(value) || typeof value['path'] !== 'string' || typeof value['device'] !== 'number' || typeof value['inode'] !== 'number') return false;
  const { repository } = value;
  if (repository === undefined) return true;
  return isRecord(repository) && typeof repository['inode'] === 'number' && (repository['born'] === undefined || typeof repository['born'] === 'string');
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
