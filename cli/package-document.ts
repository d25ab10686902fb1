import { formatPermissionSet } from '../format/index.ts';
import { allRequestsOf, type InstalledPackage, readGrants } from '../registry/index.ts';
import type { Invocation } from './command.ts';

/** A package as `--json` shows it; the names are a contract with scripts. */
export interface PackageDocument {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly spec: string;
  readonly scope: 'user' | 'project';
  readonly source: {
    readonly kind: string;
    readonly url?: string;
    readonly path?: string;
    readonly commit?: string;
    readonly subdir?: string;
    readonly integrity?: string;
    readonly treeSha256?: string;
  };
  readonly publishedAt?: string;
  readonly permissions: { readonly requested: readonly string[]; readonly granted: readonly string[]; readonly denied: readonly string[] };
  readonly resources: InstalledPackage['resources'];
  readonly enabled: boolean;
}

/** Describes an installed package with what it may do in the working directory. */
export async function packageDocument(installed: InstalledPackage, { home, cwd }: Pick<Invocation, 'home' | 'cwd'>): Promise<PackageDocument> {
  const { id, name, version, spec, scope, source, lockEntry, resources, enabled, grantKey } = installed;
  const grants = formatPermissionSet(await readGrants(home, grantKey, cwd));
  const { treeSha256, publishedAt } = lockEntry;
  const { registry: _registry, tarball, ...place } = { registry: undefined, tarball: undefined, ...source };
  return {
    id,
    name,
    version,
    spec,
    scope,
    source: { ...place, ...(tarball !== undefined && { url: tarball }), ...(treeSha256 !== undefined && { treeSha256 }) },
    ...(publishedAt !== undefined && { publishedAt }),
    permissions: {
      requested: allRequestsOf(installed).map(({ permission }) => permission),
      granted: grants.filter((permission) => !permission.startsWith('!')),
      denied: grants.filter((permission) => permission.startsWith('!')).map((permission) => permission.slice(1)),
    },
    resources,
    enabled,
  };
}
