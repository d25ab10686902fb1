/**
 * Where packages come from and how they are kept. Reading what is installed loads nothing but this folder and
 * `format/`; whatever writes or fetches is loaded when it is called.
 */
import type { ChoiceChange, ChooseContext, ChooseReport } from './choose.ts';
import type { FinishContext } from './finish-builds.ts';
import type { InspectContext, Inspection } from './inspect-spec.ts';
import type { InstallContext, InstallReport } from './install.ts';
import type { InstallPlan } from './plan-install.ts';
import type { PackageSpec } from './package-spec.ts';
import type { RemoveContext, RemoveReport } from './remove.ts';
import type { OutdatedContext, OutdatedPackage } from './update/outdated.ts';
import type { UpdateContext, UpdateReport } from './update/update.ts';
import type { WhyOptions, WhyReport } from './why.ts';
import type { GarbageOptions, GarbageReport } from './collect-garbage.ts';
import type { RepeatContext } from './repeat-restore.ts';
import type { RestoreContext } from './restore.ts';
import type { Scope } from './store/store-paths.ts';
import type { RollbackContext, RollbackReport } from './rollback.ts';
import type { StoreCheck } from './store-health.ts';
import type { VerifyOptions, VerifyReport } from './verify-store.ts';

export { type Choice, narrowBuild, takeSkills, toggle } from './choice.ts';
export type { ChoiceChange, ChooseContext, ChooseReport } from './choose.ts';
export type { ConsentAnswer, ConsentPlan, ConsentPort, PackagePlan, PlannedPermission } from './consent.ts';
export { addGrants, type Grant, type GrantDetails, type GrantMode, listGrants, makeGrants, readGrants, revokeGrants, unusedGrants } from './grants.ts';
export { assertNotDelegated, isDelegated } from './delegation.ts';
export { emptyGrantPage, type GrantBook, type GrantPage, openGrantBook } from './grant-book.ts';
export { DirectoryDigests } from './fetch/directory-digests.ts';
export { digestDirectory, type DirectoryDigest } from './fetch/local.ts';
export { findChangedFile } from './intact.ts';
export { type InstalledPackage, readInstalled, type ReadInstalledOptions } from './installed.ts';
export type { CaptureRequest, CompileRequest, InspectedSkill, InspectPorts } from './inspect/inspect-ports.ts';
export type { InferredAuthority, InspectContext, Inspection } from './inspect-spec.ts';
export { allRequestsOf, computedSubjectsOf, type Request, type Requesting } from './requests.ts';
export type { Difference, Held, Review, InstallContext, InstallReport } from './install.ts';
export { list, type ListOptions, type PackageView, viewPackage } from './list.ts';
export type { LockEntry, Source } from './lock/lock-entry.ts';
export { takeProcessLock } from './lock/process-lock.ts';
export { type NpmConfig, readNpmConfig, type ReadNpmConfigOptions, unusedProjectSettings } from './npm-config.ts';
export { formatSpec, type PackageSpec, parseSpec } from './package-spec.ts';
export type { CommitStep, Progress, ProgressListener } from './progress.ts';
export { MACHINE_SETTINGS } from './settings-file.ts';
export { chooseProfile, parseProfile, type ProfileReading, readProfile } from './profile.ts';
export { listSecrets, readSecret, removeSecret, setSecret, type StoredSecret } from './secrets.ts';
export type { ProjectIdentity } from './project-identity.ts';
export { type PolicyGrants, readCiPolicy } from './ci-policy.ts';
export type { InstallPlan, PlannedInstall } from './plan-install.ts';
export { integrityOf } from './verify/integrity.ts';
export type { RemoveContext, RemoveReport } from './remove.ts';
export type { RestoreContext } from './restore.ts';
export type { StoreCheck } from './store-health.ts';
export type { Scope } from './store/store-paths.ts';
export type { OutdatedContext, OutdatedFlag, OutdatedPackage } from './update/outdated.ts';
export { waiting } from './update/parked.ts';
export type { Step, UpdateContext, UpdateReport } from './update/update.ts';
export type { WhyOptions, WhyReport } from './why.ts';
export type { SourcingOptions } from './workshop.ts';

/** Installs packages: all of them or none. See `install.ts`. @throws {DashError} */
export async function install(specs: readonly PackageSpec[], context: InstallContext): Promise<InstallReport> {
  const module = await import('./install.ts');
  return module.install(specs, context);
}

/** Says what an install would do, and does nothing. See `plan-install.ts`. @throws {DashError} */
export async function planInstall(specs: readonly PackageSpec[], context: RestoreContext): Promise<InstallPlan> {
  const module = await import('./plan-install.ts');
  return module.planInstall(specs, context);
}

/** Answers {@link restore} where the same was done before, `undefined` elsewhere. @throws {DashError} DELEGATED_CONSENT, LOCKED … */
export async function repeatRestore(context: RepeatContext): Promise<InstallReport | undefined> {
  const module = await import('./repeat-restore.ts');
  return module.repeatRestore(context);
}

/** Makes the disk equal `dash.lock`. See `restore.ts`. @throws {DashError} LOCK_TAMPERED … */
export async function restore(context: RestoreContext): Promise<InstallReport> {
  const repeated = await repeatRestore(context);
  if (repeated !== undefined) return repeated;
  const module = await import('./restore.ts');
  return module.restore(context);
}

/** Builds what was installed without being built. See `finish-builds.ts`. @throws {DashError} LOCKED, DISK_ERROR … */
export async function finishBuilds(context: FinishContext): Promise<readonly string[]> {
  const module = await import('./finish-builds.ts');
  return module.finishBuilds(context);
}

/** Removes packages by name or spec: all of them or none. See `remove.ts`. @throws {DashError} NOT_INSTALLED … */
export async function remove(names: readonly string[], context: RemoveContext): Promise<RemoveReport> {
  const module = await import('./remove.ts');
  return module.remove(names, context);
}

/** Looks at a package without installing it; dispose of the result. See `inspect-spec.ts`. @throws {DashError} */
export async function inspectSpec(spec: PackageSpec, context: InspectContext): Promise<Inspection> {
  const module = await import('./inspect-spec.ts');
  return module.inspectSpec(spec, context);
}

/** Leaves packages or resources of them out, or takes them in again. See `choose.ts`. @throws {DashError} NOT_INSTALLED, USAGE … */
export async function choose(changes: readonly ChoiceChange[], context: ChooseContext): Promise<ChooseReport> {
  const module = await import('./choose.ts');
  return module.choose(changes, context);
}

/** Makes an older generation the state. See `rollback.ts`. @throws {DashError} USAGE, STORE_CORRUPT … */
export async function rollback(context: RollbackContext): Promise<RollbackReport> {
  const module = await import('./rollback.ts');
  return module.rollback(context);
}

/** Removes what no generation that is kept names. See `collect-garbage.ts`. @throws {DashError} LOCKED, DISK_ERROR */
export async function collectGarbage(options: GarbageOptions): Promise<GarbageReport> {
  const module = await import('./collect-garbage.ts');
  return module.collectGarbage(options);
}

/** Hashes the store again. See `verify-store.ts`. @throws {DashError} STORE_CORRUPT, LOCK_TAMPERED … */
export async function verifyStore(options: VerifyOptions): Promise<VerifyReport> {
  const module = await import('./verify-store.ts');
  return module.verifyStore(options);
}

/** Looks at state and store for `dash doctor`. */
export async function checkStore(dashHome: string, scopes: readonly Scope[]): Promise<StoreCheck[]> {
  const module = await import('./store-health.ts');
  return module.checkStore(dashHome, scopes);
}

/** Fetches what is new, applies what asks for nothing, parks the rest. See `update/update.ts`. @throws {DashError} */
export async function update(names: readonly string[], context: UpdateContext): Promise<UpdateReport> {
  const module = await import('./update/update.ts');
  return module.update(names, context);
}

/** Says which packages are behind. See `update/outdated.ts`. @throws {DashError} */
export async function outdated(context: OutdatedContext): Promise<readonly OutdatedPackage[]> {
  const module = await import('./update/outdated.ts');
  return module.outdated(context);
}

/** Tells who brought a package, what let it in and who granted it what. See `why.ts`. @throws {DashError} NOT_INSTALLED … */
export async function why(name: string, options: WhyOptions): Promise<WhyReport> {
  const module = await import('./why.ts');
  return module.why(name, options);
}
