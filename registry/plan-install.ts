import { type Diagnostic, narrowResources, type Resources } from '../format/index.ts';
import { type Choice, isTextOnly } from './choice.ts';
import { type PackagePlan, planConsent } from './consent.ts';
import { bringAll, bringNamed, choicesFor, isInForce, replacedBy } from './install.ts';
import type { InspectedPackage } from './inspect/inspect.ts';
import { assertOldEnough } from './lock/assert-old-enough.ts';
import { formatSpec, type PackageSpec } from './package-spec.ts';
import { allRequestsOf, type Requesting } from './requests.ts';
import { planRestore, type RestoreContext } from './restore.ts';
import type { Generation } from './store/generation.ts';
import { readState } from './transaction.ts';
import { permissionDiff } from './update/held-reasons.ts';
import { openWorkshop, type Workshop } from './workshop.ts';

/** What an install would do. Nothing of it was done. */
export interface InstallPlan {
  readonly dryRun: true;
  readonly packages: readonly PlannedInstall[];
  /** True when a question would be put; without a terminal the install would end with CONSENT_REQUIRED. */
  readonly isToBeAsked: boolean;
  readonly diagnostics: readonly Diagnostic[];
}

/** What would happen to one package. What is only taken from the lock again has not been looked at: it has no `details`. */
export interface PlannedInstall {
  readonly name: string;
  readonly version: string;
  readonly spec: string;
  readonly action: 'install' | 'replace' | 'restore' | 'remove' | 'keep';
  /** The version in its place now. */
  readonly from?: string;
  readonly details?: {
    readonly consent: PackagePlan;
    readonly permissionDiff: { readonly added: readonly string[]; readonly removed: readonly string[] };
    readonly resources: Resources;
    readonly files: number;
    /** `name@version` of all it needs. */
    readonly dependencies: readonly string[];
  };
}

/**
 * Goes the way of an install up to the question, and no further: brought, verified, compiled and captured in staging,
 * nothing asked, nothing kept. Without specs it compares disk and lock.
 *
 * @throws {DashError} as `install` and `restore` do, but for consent that is missing
 */
export async function planInstall(specs: readonly PackageSpec[], context: RestoreContext): Promise<InstallPlan> {
  if (specs.length === 0) return planLock(context);
  const state = await readState(context);
  return planSpecs(state.base, context, (workshop) => bringNamed(specs, state, context, workshop));
}

type Bring = (workshop: Workshop) => Promise<readonly InspectedPackage[]>;

async function planSpecs(base: Generation | undefined, context: RestoreContext, bring: Bring): Promise<InstallPlan> {
  await using workshop = await openWorkshop(context, { inForce: base?.lock });
  const inspected = await bring(workshop);
  const choices = choicesFor(inspected, context.skills);
  const { packages: plans, isToBeAsked } = await planConsent(inspected, {
    dashHome: context.dashHome,
    workspace: context.workspace,
    grant: context.grant ?? [],
    deny: context.deny ?? [],
    consentPort: undefined,
    now: workshop.now,
    isTextOnly: (name) => isTextOnly(choices[name] ?? base?.lock.roots[name]),
    replaced: (name) => replacedBy(base?.packages[name]),
  });
  return {
    dryRun: true,
    packages: inspected.flatMap((pkg, at) =>
      plans.slice(at, at + 1).map((plan) => planned(pkg, plan, { base, choice: choices[pkg.manifest.name] ?? base?.lock.roots[pkg.manifest.name] ?? {} })),
    ),
    isToBeAsked,
    diagnostics: [...workshop.diagnostics, ...inspected.flatMap(({ diagnostics }) => diagnostics)],
  };
}

function planned(
  inspected: InspectedPackage,
  consent: PackagePlan,
  { base, choice }: { readonly base: Generation | undefined; readonly choice: Choice },
): PlannedInstall {
  const { manifest, resolution, resources, tree, dependencies } = inspected;
  const before = base?.packages[manifest.name];
  const action = before === undefined ? 'install' : isInForce({ inspected, grants: [] }, base) ? 'keep' : 'replace';
  const requests = (of: Requesting) => ({ requests: allRequestsOf(of) });
  return {
    name: manifest.name,
    version: manifest.version,
    spec: formatSpec(resolution.spec),
    action,
    ...(before !== undefined && { from: before.version }),
    details: {
      consent,
      permissionDiff: permissionDiff(before === undefined ? { requests: [] } : requests(before), requests({ ...manifest.dash, compiled: inspected.compiled })),
      resources: narrowResources(resources, choice.filter ?? {}),
      files: tree.files.length,
      dependencies: [...new Set(dependencies.map(({ release: { name, version } }) => `${name}@${version}`))].sort(),
    },
  };
}

async function planLock(context: RestoreContext): Promise<InstallPlan> {
  const { base } = await readState({ ...context, mend: true });
  const { due, specs, gone, claimed } = await planRestore(context);
  const { lock } = claimed;
  if (due.length > 0) {
    await using workshop = await openWorkshop(context, { inForce: base?.lock });
    await assertOldEnough(due, claimed, workshop);
  }
  const named =
    specs.length === 0
      ? { packages: [], isToBeAsked: false, diagnostics: [] }
      : await planSpecs(base, context, (workshop) => bringAll(specs, base, context, workshop));
  const restored = Object.entries(lock.roots).map(([name, { spec, id }]): PlannedInstall => {
    const before = base?.packages[name]?.version;
    return {
      name,
      version: lock.packages[id]?.version ?? '',
      spec,
      action: due.includes(name) ? 'restore' : 'keep',
      ...(before !== undefined && { from: before }),
    };
  });
  const removed = gone.flatMap((name): PlannedInstall[] => {
    const record = base?.packages[name];
    return record === undefined ? [] : [{ name, version: record.version, spec: record.spec, action: 'remove' }];
  });
  return { ...named, dryRun: true, packages: [...restored, ...named.packages, ...removed] };
}
