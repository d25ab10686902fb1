import {
  type ConsentLevel,
  consentLevel,
  covers,
  DashError,
  type Diagnostic,
  formatPackageId,
  formatPermission,
  levelUnder,
  parsePermission,
  parsePermissionSet,
  type Permission,
  permissionSet,
  type PermissionSet,
  type Profile,
  type Resources,
  union,
} from '../format/index.ts';
import { type Grant, type GrantMode, makeGrants, readGrants } from './grants.ts';
import type { InspectedPackage } from './inspect/inspect.ts';
import { grantKeyOf, packageIdOf } from './package-source.ts';
import { readProfile } from './profile.ts';
import { allRequestsOf, hasComputedWayOut, type Request, requestsOf } from './requests.ts';

const consented: unique symbol = Symbol('consented');

/** A package the user said yes to. Only {@link askConsent} makes one, and only this can be committed. */
export interface ConsentedPackage {
  readonly [consented]: true;
  readonly inspected: InspectedPackage;
  readonly grantKey: string;
  /** What is to be written to `grants.json`. */
  readonly grants: readonly Grant[];
}

/** One permission in a question, with what is said about it. */
export interface PlannedPermission {
  /** Canonical. */
  readonly permission: string;
  readonly level: ConsentLevel;
  /** The author's words; never trusted. */
  readonly reason?: string;
  readonly max?: string;
  /** Nobody declared it: the code was seen to need it. */
  readonly inferred?: Request['inferred'];
}

/** What installing one package would mean. */
export interface PackagePlan {
  readonly name: string;
  readonly version: string;
  /** Where it comes from: the key of its grants. */
  readonly source: string;
  /** What is installed under this name now. */
  readonly replaces?: { readonly version: string; readonly source: string };
  readonly resources: Resources;
  /** Granted by installing. */
  readonly quiet: readonly PlannedPermission[];
  /** What one yes grants. */
  readonly summary: readonly PlannedPermission[];
  /** Asked one by one at first use, or never granted here. */
  readonly later: readonly PlannedPermission[];
  /** Granted already, or by `--grant`. */
  readonly granted: readonly string[];
  readonly denied: readonly string[];
  readonly diagnostics: readonly Diagnostic[];
}

export interface ConsentPlan {
  readonly packages: readonly PackagePlan[];
}

/** `deny` names permissions to install without, for every package of the plan that asks for them. */
export type ConsentAnswer =
  | { readonly kind: 'install'; readonly deny?: readonly string[] }
  /** Installed, and what one yes grants ends after a day: from then on it is asked at first use. */
  | { readonly kind: 'try' }
  | { readonly kind: 'no' };

/** The terminal, where there is one. */
export interface ConsentPort {
  ask(plan: ConsentPlan): Promise<ConsentAnswer>;
}

export interface ConsentContext {
  readonly dashHome: string;
  /** The project to which grants for the workspace are bound. */
  readonly workspace: string;
  /** `--grant`: permissions, and `summary` for all of that level. */
  readonly grant: readonly string[];
  /** `--deny`. */
  readonly deny: readonly string[];
  /** `undefined` without a terminal, and under `--no-input`. */
  readonly consentPort: ConsentPort | undefined;
  readonly now: Date;
  /** What a policy file grants, by source key. With it nothing that was granted before counts. */
  readonly policy?: ReadonlyMap<string, readonly Permission[]>;
  /** Whether no code of a package is to run: nothing is asked for it, and nothing granted to it. */
  readonly isTextOnly?: (name: string) => boolean;
  /** What is installed under a name now. */
  replaced(name: string): { readonly version: string; readonly source: string } | undefined;
}

/** How long a package is tried. */
const TRIAL_MS = 24 * 60 * 60_000;

/**
 * Decides what each package may do, by what was granted before, by `--grant` and `--deny`, and by asking. Red
 * permissions are never part of the question: they stay ungranted until they are named or used.
 *
 * @throws {DashError} CONSENT_REQUIRED when it was declined, or cannot be asked
 * @throws {DashError} INVALID_PERMISSION, USAGE
 */
export async function askConsent(packages: readonly InspectedPackage[], context: ConsentContext): Promise<readonly ConsentedPackage[]> {
  const weighed = await weigh(packages, context);
  const { isToBeAsked, isLocked } = weighed;
  const canAsk = context.consentPort !== undefined && !isLocked;
  const decisions = canAsk || context.grant.includes('summary') ? weighed.decisions : weighed.decisions.map(withoutInferred);
  let refusedLater: readonly Permission[] = [];
  let summaryEnds: Date | undefined;
  if (isToBeAsked && decisions.some(({ summary }) => summary.length > 0)) {
    if (context.consentPort === undefined || isLocked) throw consentRequired(decisions, context);
    const answer = await context.consentPort.ask({ packages: decisions.map((decision) => toPlan(decision, context)) });
    if (answer.kind === 'no') throw new DashError('CONSENT_REQUIRED', 'declined; nothing was changed');
    if (answer.kind === 'try') summaryEnds = new Date(context.now.getTime() + TRIAL_MS);
    else refusedLater = (answer.deny ?? []).map(parsePermission);
  }
  return Promise.all(
    decisions.map(async (decision): Promise<ConsentedPackage> => ({
      inspected: decision.pkg,
      grantKey: decision.grantKey,
      grants: await toGrants(decision, { refusedLater, summaryEnds }, context),
      [consented]: true,
    })),
  );
}

/**
 * What the author asks for is needed, and without an answer nothing is installed. What was only seen in the code waits,
 * ungranted, until it is used or named.
 */
function withoutInferred(decision: Decision): Decision {
  const isSeen = ({ inferred }: PlannedPermission) => inferred !== undefined;
  return {
    ...decision,
    summary: decision.summary.filter((permission) => !isSeen(permission)),
    later: [...decision.later, ...decision.summary.filter(isSeen)],
  };
}

/**
 * Gives the question that {@link askConsent} would put, and puts it to nobody.
 *
 * @throws {DashError} as it does, but for an answer
 */
export async function planConsent(packages: readonly InspectedPackage[], context: ConsentContext): Promise<ConsentPlan & { readonly isToBeAsked: boolean }> {
  const { decisions, isToBeAsked } = await weigh(packages, context);
  return { packages: decisions.map((decision) => toPlan(decision, context)), isToBeAsked };
}

/** What was said before and on the command line, for each package. */
async function weigh(packages: readonly InspectedPackage[], context: ConsentContext) {
  const { profile } = await readProfile(context.dashHome);
  const isLocked = profile === 'locked';
  if (isLocked && context.grant.length > 0) {
    throw new DashError('CONSENT_REQUIRED', 'the profile `locked` grants nothing on the command line', {
      hint: 'let the file that `DASH_POLICY` names grant it, and run `dash ci`',
    });
  }
  const named = context.grant.filter((text) => text !== 'summary').map(parsePermission);
  const denied = context.deny.map((text) => parsePermission(text.startsWith('!') ? text.slice(1) : text));
  if (named.some(({ deny }) => deny)) throw new DashError('USAGE', '`--grant` takes what is allowed', { hint: 'use `--deny` for the others' });
  const decisions = await Promise.all(packages.map((pkg) => decide(pkg, { named, denied, isOnly: packages.length === 1, profile, context })));
  assertEachNamed(named, decisions, packages);

  const isToBeAsked = !context.grant.includes('summary') && decisions.some(({ summary }) => summary.length > 0);
  return { decisions, isToBeAsked, isLocked };
}

/**
 * Takes a new version under what the old one was granted, and nothing more: for an update that asks for nothing new.
 * What it denies itself from now on is written down.
 */
export async function keepConsent(
  packages: readonly InspectedPackage[],
  { dashHome, workspace, now }: Pick<ConsentContext, 'dashHome' | 'workspace' | 'now'>,
): Promise<readonly ConsentedPackage[]> {
  return Promise.all(
    packages.map(async (inspected): Promise<ConsentedPackage> => {
      const { name, version, dash } = inspected.manifest;
      const grantKey = grantKeyOf(name, inspected.source);
      const held = await readGrants(dashHome, grantKey, workspace, now);
      const isNew = ({ permission }: { readonly permission: string }) => !held.permissions.some((old) => formatPermission(old) === permission);
      const denials = dash.permissions.map(({ permission }) => parsePermission(permission)).filter(({ deny }) => deny);
      const grants = await makeGrants(denials, { mode: 'named', by: 'dash update', at: now.toISOString(), version }, workspace);
      return { inspected, grantKey, grants: grants.filter(isNew), [consented]: true };
    }),
  );
}

/** Gives a permission its level among all that a package asks for. */
export function plannedPermissions(
  { manifest, compiled }: Pick<InspectedPackage, 'manifest' | 'compiled'>,
  extra: readonly Permission[] = [],
  profile: Profile = 'balanced',
): PlannedPermission[] {
  const of = { ...manifest.dash, compiled };
  const requests: Request[] = [...requestsOf(of), ...extra.map((permission) => ({ permission: formatPermission(permission) }))];
  const set = parsePermissionSet([
    ...[...requests, ...manifest.dash.optionalPermissions].map(({ permission }) => permission),
    ...(hasComputedWayOut(of) ? [SOME_HOST] : []),
  ]);
  return requests.map((request) => {
    const permission = parsePermission(request.permission);
    return { ...request, level: levelUnder(profile, permission, consentLevel(permission, set)) };
  });
}

/** Stands for a host that only the running code names. */
const SOME_HOST = 'net:computed.invalid';

interface Decision {
  readonly pkg: InspectedPackage;
  readonly grantKey: string;
  readonly quiet: readonly PlannedPermission[];
  /** Still to be answered. */
  readonly summary: readonly PlannedPermission[];
  readonly later: readonly PlannedPermission[];
  readonly named: readonly Permission[];
  readonly ruled: readonly Permission[];
  readonly denied: readonly Permission[];
  readonly held: PermissionSet;
}

interface Said {
  readonly named: readonly Permission[];
  readonly denied: readonly Permission[];
  readonly isOnly: boolean;
  readonly profile: Profile;
  readonly context: ConsentContext;
}

async function decide(pkg: InspectedPackage, { named: typed, denied, isOnly, profile, context }: Said): Promise<Decision> {
  const grantKey = grantKeyOf(pkg.manifest.name, pkg.source);
  const held = await readGrants(context.dashHome, grantKey, context.workspace, context.now);
  const asking = context.isTextOnly?.(pkg.manifest.name) === true ? withoutCode(pkg) : pkg;
  const asked = allRequestsOf({ ...asking.manifest.dash, compiled: asking.compiled }).map(({ permission }) => parsePermission(permission));
  const ruled = context.policy?.get(grantKey) ?? context.policy?.get(formatPackageId(packageIdOf(pkg.manifest.name, pkg.source))) ?? [];
  // several packages: each gets what it asks for; a permission nobody declares needs a package of its own
  const named = isOnly ? typed : typed.filter((permission) => asked.some((wanted) => isWithin(wanted, permission) || isWithin(permission, wanted)));
  const forThis = [...named, ...ruled];
  const denials = isOnly ? denied : denied.filter((permission) => asked.some((wanted) => isWithin(wanted, permission) || isWithin(permission, wanted)));

  const planned = plannedPermissions(
    asking,
    forThis.filter((permission) => !asked.some((wanted) => isWithin(permission, wanted))),
    profile,
  );
  const forbidden = planned.find(({ permission, level }) => level === 'policy' && named.some((grant) => formatPermission(grant) === permission));
  if (forbidden !== undefined)
    throw new DashError('CONSENT_REQUIRED', `\`${forbidden.permission}\` can be granted by a policy file only`, { hint: 'install without it' });

  const lifted = forThis.map(formatPermission);
  const before = context.policy === undefined ? held.permissions.filter((permission) => !permission.deny) : [];
  const settled = union({ permissions: before }, permissionSet(forThis));
  const refusals = permissionSet([
    ...held.permissions.filter((permission) => permission.deny && !lifted.includes(formatPermission(permission).slice(1))).map(allowing),
    ...denials,
  ]);
  const open = planned.filter(({ permission }) => {
    const wanted = parsePermission(permission);
    const isSettled = covers(settled, permissionSet([wanted])) || forThis.some((grant) => isWithin(grant, wanted));
    return !wanted.deny && !isSettled && !covers(refusals, permissionSet([wanted]));
  });
  const of = (level: ConsentLevel) => open.filter((permission) => permission.level === level);
  return { pkg, grantKey, quiet: of('quiet'), summary: of('summary'), later: [...of('one-by-one'), ...of('policy')], named, ruled, denied: denials, held };
}

/** What a package asks for as long as no code of it runs: that something is denied to it. */
function withoutCode({ manifest, compiled }: InspectedPackage): Pick<InspectedPackage, 'manifest' | 'compiled'> {
  const permissions = manifest.dash.permissions.filter(({ permission }) => permission.startsWith('!'));
  return { manifest: { ...manifest, dash: { ...manifest.dash, permissions, optionalPermissions: [] } }, compiled: { ...compiled, entries: [] } };
}

async function toGrants(
  { pkg, quiet, summary, named, ruled, denied, held }: Decision,
  { refusedLater, summaryEnds }: { readonly refusedLater: readonly Permission[]; readonly summaryEnds: Date | undefined },
  { workspace, now }: ConsentContext,
): Promise<Grant[]> {
  const { source, manifest } = pkg;
  const integrity = 'integrity' in source ? source.integrity : undefined;
  const details = (mode: GrantMode) => ({
    mode,
    by: mode === 'policy' ? 'policy' : 'dash install',
    at: now.toISOString(),
    version: manifest.version,
    ...(integrity !== undefined && { integrity }),
  });
  const refusal = permissionSet(refusedLater);
  const isRefused = ({ permission }: PlannedPermission) => covers(refusal, parsePermissionSet([permission]));
  const parsed = (permissions: readonly PlannedPermission[]) =>
    permissions.filter((permission) => !isRefused(permission)).map(({ permission }) => parsePermission(permission));
  // a package that denies itself something keeps that promise
  const ownDenials = manifest.dash.permissions.map(({ permission }) => parsePermission(permission)).filter(({ deny }) => deny);
  const refusals = [...denied, ...[...quiet, ...summary].filter(isRefused).map(({ permission }) => parsePermission(permission))];
  const isNew = (permission: Permission) => !held.permissions.some((old) => formatPermission(old) === formatPermission(permission));
  return [
    ...(await makeGrants(parsed(quiet).filter(isNew), details('quiet'), workspace)),
    ...(await makeGrants(parsed(summary).filter(isNew), { ...details('summary'), ...(summaryEnds && { expires: summaryEnds.toISOString() }) }, workspace)),
    ...(await makeGrants(named.filter(isNew), details('named'), workspace)),
    ...(await makeGrants(ruled.filter(isNew), details('policy'), workspace)),
    ...(await makeGrants([...ownDenials, ...refusals.map(denying)].filter(isNew), details('named'), workspace)),
  ];
}

function toPlan({ pkg, grantKey, quiet, summary, later, named, denied, held }: Decision, context: ConsentContext): PackagePlan {
  const replaces = context.replaced(pkg.manifest.name);
  return {
    name: pkg.manifest.name,
    version: pkg.manifest.version,
    source: grantKey,
    ...(replaces !== undefined && { replaces }),
    resources: pkg.resources,
    quiet,
    summary,
    later,
    granted: [...new Set([...held.permissions.filter(({ deny }) => !deny), ...named].map(formatPermission))],
    denied: denied.map(formatPermission),
    diagnostics: pkg.diagnostics,
  };
}

function assertEachNamed(named: readonly Permission[], decisions: readonly Decision[], packages: readonly InspectedPackage[]): void {
  if (packages.length <= 1) return;
  const stray = named.find((permission) => !decisions.some((decision) => decision.named.includes(permission)));
  if (stray === undefined) return;
  throw new DashError('USAGE', `none of the packages asks for \`${formatPermission(stray)}\``, { hint: 'install the package that is meant by itself' });
}

function consentRequired(decisions: readonly Decision[], { policy }: ConsentContext): DashError {
  const wants = decisions
    .filter(({ summary }) => summary.length > 0)
    .map(({ pkg, summary }) => `\`${pkg.manifest.name}\` asks for ${summary.map(({ permission }) => `\`${permission}\``).join(', ')}`);
  const flags = [...new Set(decisions.flatMap(({ summary }) => summary.map(({ permission }) => `--grant ${quoted(permission)}`)))];
  return new DashError('CONSENT_REQUIRED', `${wants.join('; ')}; nothing was changed`, {
    hint:
      policy !== undefined
        ? `let the file that \`DASH_POLICY\` names grant it: ${JSON.stringify({ version: 1, grants: policyFor(decisions) })}`
        : `add \`${flags.join(' ')}\`, or \`--grant summary\` for all of it`,
  });
}

/** What the policy file would have to say. */
function policyFor(decisions: readonly Decision[]): Record<string, readonly string[]> {
  const wanting = decisions.filter(({ summary }) => summary.length > 0);
  return Object.fromEntries(
    wanting.map(({ grantKey, summary, ruled }) => [grantKey, [...ruled.map(formatPermission), ...summary.map(({ permission }) => permission)]]),
  );
}

function quoted(permission: string): string {
  return /^[\w:./,@-]+$/.test(permission) ? permission : `'${permission.replaceAll("'", `'\\''`)}'`;
}

function isWithin(inner: Permission, outer: Permission): boolean {
  return covers(permissionSet([outer]), permissionSet([inner]));
}

function denying(permission: Permission): Permission {
  return { ...permission, deny: true };
}

function allowing(permission: Permission): Permission {
  return { ...permission, deny: false };
}
