import { formatPermission, isEmptyResources } from '../format/index.ts';
import type { Resources } from '../format/index.ts';
import { readGrants } from './grants.ts';
import { type InstalledPackage, readInstalled, type ReadInstalledOptions } from './installed.ts';
import { allRequestsOf } from './requests.ts';

/** One package in the JSON of the command line (`Package`). */
export interface PackageView {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly spec: string;
  readonly scope: 'user' | 'project';
  readonly source: {
    readonly kind: InstalledPackage['source']['kind'];
    readonly url?: string;
    readonly path?: string;
    readonly commit?: string;
    readonly subdir?: string;
    readonly integrity?: string;
    readonly treeSha256: string;
  };
  readonly publishedAt?: string;
  readonly permissions: { readonly requested: readonly string[]; readonly granted: readonly string[]; readonly denied: readonly string[] };
  readonly resources: Resources;
  /** Paths of what it brings and was left out, by `--skill`, `dash disable` or settings; absent when that is nothing. */
  readonly leftOut?: Resources;
  readonly enabled: boolean;
}

export interface ListOptions extends ReadInstalledOptions {
  /** Whose workspace grants count; usually the working directory. */
  readonly workspace: string;
}

/** Lists what is installed, with what it may do here. @throws {DashError} STORE_CORRUPT, LOCK_VERSION */
export async function list({ workspace, ...options }: ListOptions): Promise<PackageView[]> {
  const installed = await readInstalled(options);
  return Promise.all(installed.map((pkg) => viewPackage(pkg, options.dashHome, workspace)));
}

/** Gives one package with what it may do in `workspace`. @throws {DashError} STORE_CORRUPT */
export async function viewPackage(pkg: InstalledPackage, dashHome: string, workspace: string): Promise<PackageView> {
  const { permissions } = await readGrants(dashHome, pkg.grantKey, workspace);
  const { source, lockEntry } = pkg;
  return {
    id: pkg.id,
    name: pkg.name,
    version: pkg.version,
    spec: pkg.spec,
    scope: pkg.scope,
    source: {
      kind: source.kind,
      ...('url' in source && source.url !== undefined && { url: source.url }),
      ...(source.kind === 'npm' && source.registry !== undefined && { url: source.registry }),
      ...('path' in source && source.path !== undefined && { path: source.path }),
      ...(source.kind === 'git' && { commit: source.commit, ...(source.subdir !== undefined && { subdir: source.subdir }) }),
      ...('integrity' in source && { integrity: source.integrity }),
      treeSha256: pkg.contentHash,
    },
    ...(lockEntry.publishedAt !== undefined && { publishedAt: lockEntry.publishedAt }),
    permissions: {
      requested: allRequestsOf(pkg).map(({ permission }) => permission),
      granted: permissions.filter(({ deny }) => !deny).map(formatPermission),
      denied: permissions.filter(({ deny }) => deny).map((permission) => formatPermission(permission).slice(1)),
    },
    resources: pkg.resources,
    ...leftOutOf(pkg),
    enabled: pkg.enabled,
  };
}

function leftOutOf({ brought, resources }: InstalledPackage): Pick<PackageView, 'leftOut'> {
  const left = (kind: keyof Resources) => brought[kind].filter((path) => !resources[kind].includes(path));
  const leftOut: Resources = { extensions: left('extensions'), skills: left('skills'), prompts: left('prompts'), themes: left('themes') };
  return isEmptyResources(leftOut) ? {} : { leftOut };
}
