import { formatPackageId } from '../format/index.ts';
import { plannedPermissions, type PlannedPermission } from './consent.ts';
import { bring } from './install.ts';
import type { InspectedPackage } from './inspect/inspect.ts';
import type { InspectPorts } from './inspect/inspect-ports.ts';
import { grantKeyOf, packageIdOf } from './package-source.ts';
import type { PackageSpec } from './package-spec.ts';
import { openWorkshop, type SourcingOptions } from './workshop.ts';

export interface InspectContext extends SourcingOptions {
  readonly ports: InspectPorts;
}

/** Everything that can be known of a package without installing it. Its files are there until it is disposed. */
export interface Inspection extends AsyncDisposable {
  readonly id: string;
  readonly grantKey: string;
  /** The tree's sha256, or the digest of a linked directory. */
  readonly contentHash: string;
  readonly dir: string;
  readonly package: Omit<InspectedPackage, symbol>;
  /** With the level of consent each would need. */
  readonly permissions: readonly PlannedPermission[];
}

/**
 * Stages, verifies, compiles and captures a package without installing it. Whatever its author did wrong is in the
 * result, as long as there is a package to look at.
 *
 * @throws {DashError} as `install` does, up to consent
 */
export async function inspectSpec(spec: PackageSpec, context: InspectContext): Promise<Inspection> {
  const workshop = await openWorkshop(context);
  try {
    const found = await bring(spec, context.ports, workshop);
    const { manifest, source, tree } = found;
    return {
      id: formatPackageId(packageIdOf(manifest.name, source)),
      grantKey: grantKeyOf(manifest.name, source),
      contentHash: tree.treeSha256,
      dir: tree.dir,
      package: { ...found, diagnostics: [...workshop.diagnostics, ...found.diagnostics] },
      permissions: plannedPermissions(found),
      [Symbol.asyncDispose]: () => workshop[Symbol.asyncDispose](),
    };
  } catch (error) {
    await workshop[Symbol.asyncDispose]();
    throw error;
  }
}
