import { type CompiledPackage, DashError, type Diagnostic, RESOURCE_KINDS } from '../format/index.ts';
import { type Choice, isTextOnly, takeSkills } from './choice.ts';
import { askConsent, type ConsentPort, type ConsentedPackage, type PlannedPermission, plannedPermissions } from './consent.ts';
import { stage } from './fetch/stage.ts';
import { assertNotDelegated } from './delegation.ts';
import { installedFrom } from './installed.ts';
import { assertInstallable, inspect, type InspectedPackage } from './inspect/inspect.ts';
import type { InspectPorts } from './inspect/inspect-ports.ts';
import { assertAsLocked } from './lock/assert-as-locked.ts';
import { type PackageView, viewPackage } from './list.ts';
import { grantKeyOf } from './package-source.ts';
import { formatSpec, type PackageSpec } from './package-spec.ts';
import type { Release } from './resolve/resolution.ts';
import { resolve } from './resolve/resolve.ts';
import { commit } from './store/commit.ts';
import { eachLimited } from './store/each-limited.ts';
import type { Generation, PackageRecord } from './store/generation.ts';
import type { Scope } from './store/store-paths.ts';
import { assertLockFollowed } from './lock/assert-followed.ts';
import { beginTransaction, type State } from './transaction.ts';
import type { Changelog } from './update/changelog.ts';
import { assertSameLine } from './update/git-line.ts';
import { verify } from './verify/verify.ts';
import { assertNotInterrupted, openWorkshop, type SourcingOptions, type Workshop } from './workshop.ts';

export interface InstallContext extends SourcingOptions {
  readonly scope: Scope;
  readonly ports: InspectPorts;
  /** The directory that workspace grants are bound to: where the agent will work. */
  readonly workspace: string;
  /** `--grant`: permissions, and `summary` for all of that level. */
  readonly grant?: readonly string[];
  /** `--deny`. */
  readonly deny?: readonly string[];
  /** `--skill`: takes only these skills of the one package that is named. */
  readonly skills?: readonly string[];
  /** `undefined` without a terminal, and under `--no-input`. */
  readonly consentPort?: ConsentPort;
  /** How long to wait for another `dash`. Default 60,000. */
  readonly lockWaitMs?: number;
}

/** A version that waits for the user. Filled by updates. */
export interface Held {
  readonly name: string;
  readonly from: string;
  readonly to: string;
  readonly reasons: readonly { readonly code: string; readonly message: string }[];
  readonly permissionDiff: { readonly added: readonly string[]; readonly removed: readonly string[] };
  readonly review: Review;
}

/** What helps to decide about a version that waits. */
export interface Review {
  /** The command that takes it. */
  readonly accept: string;
  /** The command that takes it without what it newly asks for; absent where that is nothing. */
  readonly without?: string;
  /** Where both versions lie, for `diff -r`. */
  readonly trees: { readonly from: string; readonly to: string };
  readonly files: Difference;
  /** `name@version` of all it needs. */
  readonly dependencies: Difference;
  /** What the model reads: tools, skills, prompts. */
  readonly text: Difference;
  /** What the author says changed; never to be believed. Absent where nothing is said. */
  readonly changelog?: Changelog;
  readonly publishedAt?: string;
  readonly publisher?: { readonly from: string | null; readonly to: string | null };
}

/** What one version has and the other has not, or has differently. */
export interface Difference {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
}

export interface InstallReport {
  readonly installed: readonly PackageView[];
  readonly unchanged: readonly PackageView[];
  readonly held: readonly Held[];
  readonly diagnostics: readonly Diagnostic[];
  /** Names of packages whose extensions are built when they are first needed, or by `finishBuilds`. */
  readonly pending: readonly string[];
  /** What was asked for and is not granted: it will be asked at first use, or stays refused. */
  readonly ungranted: readonly { readonly name: string; readonly permissions: readonly PlannedPermission[] }[];
}

/**
 * Installs packages: all of them or none. Whatever goes wrong, the old state is the state.
 *
 * @throws {DashError} any code of the pipeline; LOCK_CHANGED when that would lose what was pulled; CONSENT_REQUIRED when a permission was neither granted nor asked for
 */
export async function install(specs: readonly PackageSpec[], context: InstallContext): Promise<InstallReport> {
  assertNotDelegated();
  if (specs.length === 0) throw new DashError('USAGE', 'nothing to install', { hint: 'name a package, e.g. `dash install npm:name`' });
  await using transaction = await beginTransaction(context);
  await using workshop = await openWorkshop(context, { inForce: transaction.base?.lock });
  const { base } = transaction;
  const inspected = await bringNamed(specs, transaction, context, workshop);
  const choices = choicesFor(inspected, context.skills);
  const consented = await askConsent(inspected, {
    dashHome: context.dashHome,
    workspace: context.workspace,
    grant: context.grant ?? [],
    deny: context.deny ?? [],
    consentPort: context.consentPort,
    now: workshop.now,
    isTextOnly: (name) => isTextOnly(choices[name] ?? base?.lock.roots[name]),
    replaced: (name) => replacedBy(base?.packages[name]),
  });
  workshop.progress({ kind: 'consented' });
  assertNotInterrupted(workshop);
  const changed = consented.filter((pkg) => !isInForce(pkg, base) || !isStored(pkg, workshop));
  const { generation } =
    changed.length === 0 && !Object.entries(choices).some(([name, choice]) => isNewChoice(choice, base?.lock.roots[name]))
      ? { generation: base }
      : await commit(
          { add: changed, remove: [], choices },
          { store: workshop.paths, state: transaction, staging: workshop.staging, progress: workshop.progress, now: workshop.now },
        );
  if (generation === undefined) throw new Error('something was to be installed and nothing is');
  const done = await report(consented, changed, generation, context, workshop);
  const kept = [...done.installed, ...done.unchanged].filter(({ name }) => choices[name] === undefined);
  return { ...done, diagnostics: [...done.diagnostics, ...kept.flatMap(stillLeftOut)] };
}

/**
 * Goes with specs that the user named up to the question, unless a pulled lock stands in the way: before anything is
 * fetched, where that is known.
 *
 * @throws {DashError} as {@link install}
 */
export async function bringNamed(
  specs: readonly PackageSpec[],
  { scope, base }: State,
  context: Pick<InstallContext, 'ports'>,
  workshop: Workshop,
): Promise<readonly InspectedPackage[]> {
  const named = specs.flatMap((spec) => (spec.kind === 'npm' ? [spec.name] : []));
  await assertLockFollowed(scope.lockfile, base?.lock, { names: new Set(named), unnamed: specs.length - named.length });
  const inspected = await bringAll(specs, base, context, workshop);
  await assertLockFollowed(scope.lockfile, base?.lock, { names: new Set(inspected.map(({ manifest }) => manifest.name)) });
  return inspected;
}

/** Goes with all specs up to the question. @throws {DashError} as {@link install} */
export async function bringAll(
  specs: readonly PackageSpec[],
  base: Generation | undefined,
  { ports }: Pick<InstallContext, 'ports'>,
  workshop: Workshop,
): Promise<readonly InspectedPackage[]> {
  const inspected: InspectedPackage[] = [];
  const names = new Set<string>();
  const brought = await eachLimited(
    specs,
    rootsAtOnce(
      specs.map(({ kind }) => kind),
      workshop,
    ),
    (spec) => {
      assertNotInterrupted(workshop);
      return bring(spec, ports, workshop);
    },
  );
  for (const pkg of brought) {
    const { name } = pkg.manifest;
    assertAsLocked(name, releasesOf(pkg), base?.lock);
    assertInstallable(pkg);
    if (names.has(name)) throw new DashError('USAGE', `two of the packages are named \`${name}\``, { hint: 'install one of them' });
    names.add(name);
    await assertStillTheSame(pkg, base?.packages[name], workshop);
    inspected.push(pkg);
  }
  return inspected;
}

/** Naming a spec again is no way round a tag that was moved or a repository that was made anew. */
async function assertStillTheSame({ resolution, manifest, source }: InspectedPackage, before: PackageRecord | undefined, workshop: Workshop): Promise<void> {
  if (resolution.kind !== 'git' || before?.source.kind !== 'git' || before.grantKey !== grantKeyOf(manifest.name, source) || workshop.offline) return;
  const isNamed = formatSpec(resolution.spec) !== before.spec;
  await assertSameLine({ spec: resolution.spec, from: before.source.commit, to: resolution.commit, isNamed }, workshop);
}

/** While one compiles another downloads; where nothing is compiled more do. Two from one repository would fetch into one place. */
export function rootsAtOnce(kinds: readonly PackageSpec['kind'][], { deferBuilds }: Pick<Workshop, 'deferBuilds'>): number {
  if (kinds.filter((kind) => kind === 'git').length > 1) return 1;
  return deferBuilds ? 12 : 3;
}

/** Goes with one spec from what was typed to what was seen. */
export async function bring(spec: PackageSpec, ports: InspectPorts, workshop: Workshop): Promise<InspectedPackage> {
  const resolution = await resolve(spec, workshop);
  const verified = await verify(await stage(resolution, workshop));
  workshop.progress({ kind: 'resolved', spec: formatSpec(spec), name: verified.manifest.name, version: verified.manifest.version });
  return inspect(verified, ports, workshop);
}

/** What is taken of each package, by name, where `--skill` says so. @throws {DashError} USAGE */
export function choicesFor(packages: readonly InspectedPackage[], skills: readonly string[] | undefined): Readonly<Record<string, Choice>> {
  if (skills === undefined || skills.length === 0) return {};
  const [pkg, ...others] = packages;
  if (pkg === undefined || others.length > 0)
    throw new DashError('USAGE', '`--skill` names skills of one package', { hint: 'install one package at a time with it' });
  return { [pkg.manifest.name]: takeSkills({ name: pkg.manifest.name, brought: pkg.resources, skills: pkg.skills }, skills) };
}

/** Who names the whole package and has a part of it should hear why, and how to have the rest. */
function stillLeftOut({ name, leftOut, enabled }: PackageView): Diagnostic[] {
  if (!enabled)
    return [{ severity: 'info', code: 'STILL_OFF', message: `\`${name}\` was switched off before, and that stays so; \`dash enable ${name}\` switches it on` }];
  if (leftOut === undefined) return [];
  const paths = RESOURCE_KINDS.flatMap((kind) => leftOut[kind]);
  const shown = paths.slice(0, 3).map((path) => `\`${path}\``);
  const more = paths.length - shown.length;
  const message = `of \`${name}\` only a part was chosen before, and that stays so: ${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''} ${paths.length === 1 ? 'is' : 'are'} left out; \`dash enable ${name} '**'\` takes the whole package`;
  return [{ severity: 'info', code: 'STILL_LEFT_OUT', message }];
}

function isNewChoice({ disabled, filter }: Choice, before: Choice = {}): boolean {
  return !sameJson({ disabled, filter }, { disabled: before.disabled, filter: before.filter });
}

/** Tells whether committing would change nothing: the same bytes from the same place, asked for in the same words. */
export function isInForce({ inspected, grants }: Pick<ConsentedPackage, 'inspected' | 'grants'>, base: Generation | undefined): boolean {
  const record = base?.packages[inspected.manifest.name];
  if (record === undefined || grants.length > 0) return false;
  const dependencies = Object.fromEntries(Object.entries(inspected.graph.nodes).map(([key, node]) => [key, node.dependencies]));
  const installed = Object.fromEntries(Object.entries(record.graph.nodes).map(([key, node]) => [key, node.dependencies]));
  return (
    record.contentHash === inspected.tree.treeSha256 &&
    record.spec === formatSpec(inspected.resolution.spec) &&
    sameJson(record.source, inspected.source) &&
    sameJson(installed, dependencies) &&
    sameJson(withoutCaches(record.compiled), withoutCaches(inspected.compiled))
  );
}

/** A damaged tree was fetched again, and has yet to take its place. */
function isStored({ inspected: { source, tree, dependencies } }: ConsentedPackage, { paths }: Workshop): boolean {
  const isRootStored = source.kind === 'directory' || tree.dir === paths.files(tree.treeSha256);
  return isRootStored && dependencies.every(({ pack }) => pack.path === paths.pack(pack.treeSha256));
}

function releasesOf({ resolution, dependencies }: InspectedPackage): Release[] {
  return [...(resolution.kind === 'npm' ? [resolution.release] : []), ...dependencies.map(({ release }) => release)];
}

async function report(
  consented: readonly ConsentedPackage[],
  changed: readonly ConsentedPackage[],
  generation: Generation,
  context: InstallContext,
  workshop: Workshop,
): Promise<InstallReport> {
  const views = await Promise.all(
    consented.map(async (pkg) => ({
      pkg,
      choice: generation.lock.roots[pkg.inspected.manifest.name],
      view: await viewPackage(installedFrom(generation, pkg.inspected.manifest.name, context), context.dashHome, context.workspace),
    })),
  );
  return {
    installed: views.filter(({ pkg }) => changed.includes(pkg)).map(({ view }) => view),
    unchanged: views.filter(({ pkg }) => !changed.includes(pkg)).map(({ view }) => view),
    held: [],
    diagnostics: [...workshop.diagnostics, ...consented.flatMap(({ inspected }) => inspected.diagnostics)],
    pending: [],
    // what does not run needs nothing
    ungranted: views.flatMap(({ pkg, choice, view }) => (isTextOnly(choice) ? [] : ungrantedOf(pkg, view))),
  };
}

/** What a package asked for and does not have. */
export function ungrantedOf({ inspected }: ConsentedPackage, { name, permissions: { granted } }: PackageView): InstallReport['ungranted'] {
  const open = plannedPermissions(inspected).filter(({ permission }) => !permission.startsWith('!') && !granted.includes(permission));
  return open.length === 0 ? [] : [{ name, permissions: open }];
}

/** What is installed under a name now, for the question. */
export function replacedBy(record: PackageRecord | undefined): { readonly version: string; readonly source: string } | undefined {
  return record === undefined ? undefined : { version: record.version, source: record.grantKey };
}

/** V8 never makes the same cache twice; one made by the same V8 is as good as another. */
function withoutCaches({ entries, failures }: CompiledPackage): unknown {
  return { entries: entries.map(({ cache, ...entry }) => ({ ...entry, cache: cache?.v8 })), failures };
}

/** Compares plain data; the order of keys does not count. */
function sameJson(a: unknown, b: unknown): boolean {
  const plain = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(plain);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .filter(([, child]) => child !== undefined)
        .sort(([x], [y]) => (x < y ? -1 : 1))
        .map(([key, child]) => [key, plain(child)]),
    );
  };
  return JSON.stringify(plain(a)) === JSON.stringify(plain(b));
}
