import {
  type CompiledPackage,
  type ComputedSubject,
  type Evidence,
  GRANTED_BY_INSTALLING,
  type Inference,
  inferenceOf,
  type InferredPermission,
  isInferenceAsked,
  looksSecret,
  type PermissionRequest,
} from '../format/index.ts';

/** One permission that the user is asked about. */
export interface Request extends PermissionRequest {
  /** Nobody declared it: the code was seen to need it, here. */
  readonly inferred?: { readonly evidence: readonly Evidence[]; readonly places: number };
}

/** What says what a package wants; a manifest with what was compiled, or the record of an installed one. */
export interface Requesting {
  readonly permissions: readonly PermissionRequest[];
  readonly optionalPermissions: readonly PermissionRequest[];
  readonly compiled: Pick<CompiledPackage, 'entries'>;
}

/** Gives what a package is asked for: what it declares, or what its code was seen to need when it declares nothing. */
export function requestsOf(of: Requesting): readonly Request[] {
  const inference = askedInference(of);
  if (inference === undefined) return of.permissions;
  return inference.permissions.filter(isWorthAsking).map(({ permission, evidence, places }): Request => ({ permission, inferred: { evidence, places } }));
}

/** All that a package may ever ask for by what it says: {@link requestsOf} and what it can do without. */
export function allRequestsOf(of: Requesting): readonly Request[] {
  return [...requestsOf(of), ...of.optionalPermissions];
}

/** What a package that declares nothing decides while it runs: it is asked for when it happens. */
export function computedSubjectsOf(of: Requesting): ReadonlySet<ComputedSubject> {
  return new Set(askedInference(of)?.computed.map(({ subject }) => subject));
}

/** A host or a command that is computed is a way out, whichever it will be: what is read then counts as read with one. */
export function hasComputedWayOut(of: Requesting): boolean {
  const subjects = computedSubjectsOf(of);
  return subjects.has('host') || subjects.has('command');
}

function askedInference(of: Requesting): Inference | undefined {
  return isInferenceAsked({ declared: of.permissions, optional: of.optionalPermissions }) ? inferenceOf(of.compiled) : undefined;
}

/** Libraries look at many variables, `DEBUG` and `NO_COLOR` among them, and do without each. */
function isWorthAsking({ permission, evidence }: InferredPermission): boolean {
  if (GRANTED_BY_INSTALLING.includes(permission)) return false;
  const isOwn = evidence.some(({ dependency }) => dependency === undefined);
  return isOwn || !permission.startsWith('env:') || looksSecret(permission.slice(4));
}
