import { covers, formatPermission, type Permission, type PermissionOf, permissionFor, permissionSet, type Places } from '../format/index.ts';
import type { AuditRecord } from './audit-trail.ts';

/** What one granted permission was used for, as far as the trail goes back. */
export interface PermissionUse {
  readonly permission: string;
  readonly uses: number;
  readonly last: string | null;
  /** Less that would have done; empty when it was not used, absent when nothing smaller can be said. */
  readonly narrower?: readonly string[];
}

/** More than this is no narrower set but a list of everything. */
const MAX_PARTS = 4;

/**
 * Compares what a package was granted with what the trail says it did, and gives what would have been enough. Records of
 * other workspaces count as uses; only what lies in these places is named.
 */
export function usesOf(granted: readonly Permission[], records: readonly AuditRecord[], places: Places): PermissionUse[] {
  const allowed = records.filter((record) => record['event.name'] === 'decision' && record.decision === 'allow');
  return granted
    .filter(({ deny }) => !deny)
    .map((permission): PermissionUse => {
      const text = formatPermission(permission);
      const uses = allowed.filter(({ rule }) => rule === text);
      const count = uses.reduce((sum, { repeated = 1 }) => sum + repeated, 0);
      const last = uses.reduce<string | null>((latest, { time }) => (latest === null || time > latest ? time : latest), null);
      if (count === 0) return { permission: text, uses: 0, last: null, narrower: [] };
      const narrower = narrow(permission, [...new Set(uses.flatMap(({ target }) => target ?? []))], places);
      return { permission: text, uses: count, last, ...(narrower !== undefined && { narrower }) };
    });
}

function narrow(permission: Permission, targets: readonly string[], places: Places): string[] | undefined {
  const parts = partsOf(permission, targets, places);
  if (parts === undefined || parts.length === 0 || parts.length > MAX_PARTS) return undefined;
  const texts = parts.map(formatPermission).sort();
  return texts.length === 1 && texts[0] === formatPermission(permission) ? undefined : texts;
}

function partsOf(permission: Permission, targets: readonly string[], places: Places): Permission[] | undefined {
  switch (permission.area) {
    case 'fs:read':
    case 'fs:write':
      return filesOf(permission, targets, places);
    case 'net':
      return permission.host.kind === 'suffix' || permission.host.kind === 'cidr' ? hostsOf(targets, places) : undefined;
    default:
      return undefined;
  }
}

/** The files, or where those are many the directories one step below what was granted. */
function filesOf(permission: PermissionOf<'fs:read' | 'fs:write'>, targets: readonly string[], places: Places): Permission[] | undefined {
  const { root, segments } = permission.scope;
  if (root === 'data' || root === 'tmp' || segments.some((segment) => segment.includes('*'))) return undefined;
  const access = permission.area === 'fs:read' ? 'read' : 'write';
  const used = targets
    .map((path) => permissionFor({ kind: 'fs', access, path }, places))
    .filter((one): one is typeof permission => one.area === permission.area);
  if (used.length < targets.length || used.some(({ scope }) => scope.root !== root || scope.segments.length <= segments.length)) return undefined;
  const files = distinct(used);
  return files.length <= MAX_PARTS
    ? files
    : distinct(used.map((one) => ({ ...one, scope: { root, segments: one.scope.segments.slice(0, segments.length + 1) } })));
}

function hostsOf(targets: readonly string[], places: Places): Permission[] | undefined {
  const urls = targets.map((target) => URL.parse(target.slice(target.indexOf(' ') + 1)));
  if (urls.some((url) => url === null || (url.protocol !== 'https:' && url.protocol !== 'http:'))) return undefined;
  return distinct(
    urls.flatMap((url) => {
      if (url === null) return [];
      const protocol = url.protocol === 'http:' ? ('http:' as const) : ('https:' as const);
      const port = url.port === '' ? (protocol === 'http:' ? 80 : 443) : Number(url.port);
      return [permissionFor({ kind: 'net', method: 'GET', protocol, host: url.hostname, port, path: '/' }, places)];
    }),
  );
}

/** Without repeats, and without what another one holds. */
function distinct<P extends Permission>(permissions: readonly P[]): P[] {
  const all = [...new Map(permissions.map((permission) => [formatPermission(permission), permission])).values()];
  return all.filter((one) => !all.some((other) => other !== one && covers(permissionSet([other]), permissionSet([one]))));
}
