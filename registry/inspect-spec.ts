import {
  type ConsentLevel,
  consentLevel,
  formatPackageId,
  type Inference,
  inferenceOf,
  type InferredPermission,
  parsePermission,
  parsePermissionSet,
} from '../format/index.ts';
import { plannedPermissions, type PlannedPermission } from './consent.ts';
import { bring } from './install.ts';
import type { InspectedPackage } from './inspect/inspect.ts';
import type { InspectPorts } from './inspect/inspect-ports.ts';
import { grantKeyOf, packageIdOf } from './package-source.ts';
import type { PackageSpec } from './package-spec.ts';
import { openWorkshop, type SourcingOptions } from './workshop.ts';

export interface InspectContext extends SourcingOptions {
  readonly ports: InspectPorts;
  /** Whether to read from code what it needs also where its author says so; that takes longer than compiling it. Default true. */
  readonly infers?: boolean;
}

/** What code was seen to need, with the level of consent that each would need if it was asked for. */
export interface InferredAuthority extends Inference {
  readonly permissions: readonly (InferredPermission & { readonly level: ConsentLevel })[];
}

/** Everything that can be known of a package without installing it. Its files are there until it is disposed. */
export interface Inspection extends AsyncDisposable {
  readonly id: string;
  readonly grantKey: string;
  /** The tree's sha256, or the digest of a linked directory. */
  readonly contentHash: string;
  readonly dir: string;
  readonly package: Omit<InspectedPackage, symbol>;
  /** What it declares, with the level of consent each would need. */
  readonly permissions: readonly PlannedPermission[];
  /** What its code was seen to need, whatever it declares, where that was read. */
  readonly inferred: InferredAuthority;
}

/**
 * Stages, verifies, compiles and captures a package without installing it. Whatever its author did wrong is in the
 * result, as long as there is a package to look at.
 *
 * @throws {DashError} as `install` does, up to consent
 */
export async function inspectSpec(spec: PackageSpec, context: InspectContext): Promise<Inspection> {
  const workshop = await openWorkshop(context, { infersAlways: context.infers ?? true });
  try {
    const found = await bring(spec, context.ports, workshop);
    const { manifest, source, tree, compiled } = found;
    return {
      id: formatPackageId(packageIdOf(manifest.name, source)),
      grantKey: grantKeyOf(manifest.name, source),
      contentHash: tree.treeSha256,
      dir: tree.dir,
      package: { ...found, diagnostics: [...workshop.diagnostics, ...found.diagnostics] },
      permissions: manifest.dash.permissions.length === 0 ? [] : plannedPermissions(found),
      inferred: withLevels(inferenceOf(compiled) ?? NOT_READ),
      [Symbol.asyncDispose]: () => workshop[Symbol.asyncDispose](),
    };
  } catch (error) {
    await workshop[Symbol.asyncDispose]();
    throw error;
  }
}

const NOT_READ: Inference = { permissions: [], computed: [], incomplete: 'not all of it was compiled' };

function withLevels(inference: Inference): InferredAuthority {
  const set = parsePermissionSet(inference.permissions.map(({ permission }) => permission));
  return { ...inference, permissions: inference.permissions.map((one) => ({ ...one, level: consentLevel(parsePermission(one.permission), set) })) };
}
