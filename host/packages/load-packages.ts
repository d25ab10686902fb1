import { type Diagnostic, formatPermissionSet, type PermissionSet, type Resources } from '../../format/index.ts';
import type { HostPorts, SandboxedPackage } from '../../sandbox/index.ts';

/** An installed package or a linked directory, as the host needs it. */
export interface LoadedPackage {
  /** What stays the same from one version to the next, e.g. `npm:@scope/name`. */
  readonly id: string;
  readonly name: string;
  readonly version: string;
  /** Where its files lie. */
  readonly dir: string;
  /** True for a directory that may change at any moment. */
  readonly linked: boolean;
  /** Digest of its bytes: as long as it stays, its sandbox stays. */
  readonly contentHash: string;
  readonly resources: Resources;
  readonly granted: PermissionSet;
  /** False when its registrations are only known once it runs; then it is started at once. */
  readonly captured: boolean;
  readonly diagnostics: readonly Diagnostic[];
}

/** What a project has to say to packages. */
export interface PackageSurroundings {
  /** Directories whose `.dash/settings.json` may set values of packages: those of a trusted project, the outermost first. */
  readonly projects: readonly string[];
}

/** Gives the packages of this moment, in load order. */
export type ReadPackages = (surroundings: PackageSurroundings) => Promise<readonly LoadedPackage[]>;

/**
 * Makes a package ready to be called; compiles it first when it is linked. Starts nothing by itself.
 * @throws {DashError} with the author's file and line when it does not build
 */
export type OpenPackage = (pkg: LoadedPackage, ports: HostPorts) => Promise<SandboxedPackage>;

/** Tells whether two readings of a package are one and the same build with the same rights. */
export function isSameBuild(a: LoadedPackage, b: LoadedPackage): boolean {
  return (
    a.id === b.id &&
    a.version === b.version &&
    a.dir === b.dir &&
    a.contentHash === b.contentHash &&
    JSON.stringify(a.resources) === JSON.stringify(b.resources) &&
    formatPermissionSet(a.granted).join('\n') === formatPermissionSet(b.granted).join('\n')
  );
}
