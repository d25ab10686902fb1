import { formatPermission, type PackageManifest, parsePermissionSet, widening } from '../../format/index.ts';

/** How the permissions of a version differ from those of the one before it. */
export interface PermissionChange {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** What users will be asked for anew; an added permission that an old one covers is not among them. */
  readonly widening: readonly string[];
}

/** Compares what two versions ask for, optional permissions included. */
export function permissionChange(before: PackageManifest | undefined, after: PackageManifest): PermissionChange {
  const old = before === undefined ? [] : requestsOf(before);
  const next = requestsOf(after);
  return {
    added: next.filter((permission) => !old.includes(permission)),
    removed: old.filter((permission) => !next.includes(permission)),
    widening: widening(parsePermissionSet(old), parsePermissionSet(next)).map(formatPermission),
  };
}

function requestsOf({ dash }: PackageManifest): string[] {
  return [...dash.permissions, ...dash.optionalPermissions].map(({ permission }) => permission);
}
