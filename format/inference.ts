import type { CompiledPackage } from './extension-record.ts';
import { covers, permissionSet, type PermissionSet } from './permission-set.ts';
import { parsePermission } from './permission.ts';
import type { Where } from './dash-error.ts';

/** A place in the code of a package, or of one of its dependencies, that needs a permission. */
export interface Evidence {
  /** The member as it is known, e.g. `fs.readFileSync`, `dash.exec`, `event agent_end`. */
  readonly what: string;
  /** In the author's own file; a dependency's is `name@version/path`. */
  readonly where: Where;
  /** `name@version` of the dependency; absent for the package's own code. */
  readonly dependency?: string;
}

/** A permission that the code was seen to need. */
export interface InferredPermission {
  /** Canonical. */
  readonly permission: string;
  /** The first places, own code before dependencies. Never empty. */
  readonly evidence: readonly Evidence[];
  /** How many places there are. */
  readonly places: number;
  /** Every place computes its path: less than this may be enough. */
  readonly atMost?: true;
}

/** What a value decides that only exists when the code runs. */
export type ComputedSubject = 'host' | 'path to read' | 'path to write' | 'command' | 'variable' | 'tool';

/** A use whose target cannot be read from the code: it is asked for when it happens. */
export interface ComputedUse extends Evidence {
  readonly subject: ComputedSubject;
  /** What can be said of it, e.g. `git …`; empty when nothing. */
  readonly known: string;
}

/** What the code of an extension needs, read from its text without running it. */
export interface Inference {
  readonly permissions: readonly InferredPermission[];
  readonly computed: readonly ComputedUse[];
  /** Why it may say too little; absent when all of the code was read. */
  readonly incomplete?: string;
}

const EVIDENCE_KEPT = 5;
const COMPUTED_KEPT = 60;

/** Joins what was read of several entry points. */
export function mergeInferences(parts: readonly Inference[]): Inference {
  const byText = new Map<string, { evidence: Evidence[]; places: number; atMost: boolean }>();
  for (const { permission, evidence, places, atMost = false } of parts.flatMap(({ permissions }) => permissions)) {
    const known = byText.get(permission) ?? { evidence: [], places: 0, atMost: true };
    // entries share modules: the same place counts once as far as places are kept
    const fresh = evidence.filter((one) => !known.evidence.some((other) => isSamePlace(one, other)));
    byText.set(permission, {
      evidence: [...known.evidence, ...fresh],
      places: Math.max(known.places, places, known.evidence.length + fresh.length),
      atMost: known.atMost && atMost,
    });
  }
  const texts = [...byText.keys()];
  for (const text of texts) if (texts.some((other) => other !== text && byText.has(other) && isWithin(text, other))) byText.delete(text);
  const computed = parts.flatMap((part) => part.computed);
  const incomplete = parts.find((part) => part.incomplete !== undefined)?.incomplete;
  return {
    permissions: [...byText]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([permission, { evidence, places, atMost }]) => ({
        permission,
        evidence: ownFirst(evidence).slice(0, EVIDENCE_KEPT),
        places,
        ...(atMost && { atMost: true as const }),
      })),
    computed: ownFirst(
      computed.filter((one, index) => computed.findIndex((other) => other.subject === one.subject && isSamePlace(one, other)) === index),
    ).slice(0, COMPUTED_KEPT),
    ...(incomplete !== undefined && { incomplete }),
  };
}

/** Gives what was read of all entry points of a package; `undefined` when one of them was not read. */
export function inferenceOf({ entries }: Pick<CompiledPackage, 'entries'>): Inference | undefined {
  const parts = entries.flatMap(({ inferred }) => inferred ?? []);
  return parts.length === entries.length ? mergeInferences(parts) : undefined;
}

/** What a package is asked for that says nothing itself: its own words, or what was read from its code. */
export interface Requested {
  readonly declared: readonly { readonly permission: string }[];
  readonly optional: readonly { readonly permission: string }[];
}

/** A package that declares nothing is asked about what its code was seen to need; one that declares is taken at its word. */
export function isInferenceAsked({ declared, optional }: Requested): boolean {
  return declared.length === 0 && optional.length === 0;
}

/** Gives the inferred permissions that `held` does not cover. */
export function notCovered(inference: Inference, held: PermissionSet): InferredPermission[] {
  return inference.permissions.filter(({ permission }) => !covers(held, permissionSet([parsePermission(permission)])));
}

/** What a wider one allows need not be asked twice. */
function isWithin(inner: string, outer: string): boolean {
  return outer.split(':')[0] === inner.split(':')[0] && covers(permissionSet([parsePermission(outer)]), permissionSet([parsePermission(inner)]));
}

function isSamePlace(a: Evidence, b: Evidence): boolean {
  return a.what === b.what && a.where.path === b.where.path && a.where.line === b.where.line && a.where.column === b.where.column;
}

function ownFirst<T extends Evidence>(evidence: readonly T[]): T[] {
  return [...evidence.filter(({ dependency }) => dependency === undefined), ...evidence.filter(({ dependency }) => dependency !== undefined)];
}
