import type { CompiledPackage } from './extension-record.ts';
import { covers, permissionSet } from './permission-set.ts';
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
/** Nobody reads more, and comparing each with each takes its time. */
const PERMISSIONS_KEPT = 500;

/** Joins what was read of several entry points. */
export function mergeInferences(parts: readonly Inference[]): Inference {
  const all = Map.groupBy(
    parts.flatMap(({ permissions }) => permissions),
    ({ permission }) => permission,
  );
  const kept = [...all.keys()].sort().slice(0, PERMISSIONS_KEPT);
  const texts = withoutParts(kept);
  const computed = new Map(parts.flatMap((part) => part.computed.map((use) => [`${use.subject}\n${placeOf(use)}`, use] as const)));
  const incomplete =
    parts.find((part) => part.incomplete !== undefined)?.incomplete ??
    (kept.length < all.size ? `it asks for more than ${PERMISSIONS_KEPT} permissions` : undefined);
  return {
    permissions: texts.map((text) => join(text, all.get(text) ?? [])),
    computed: ownFirst([...computed.values()]).slice(0, COMPUTED_KEPT),
    ...(incomplete !== undefined && { incomplete }),
  };
}

/** Entries share modules: the same place counts once, as far as places are kept. */
function join(permission: string, parts: readonly InferredPermission[]): InferredPermission {
  const evidence = new Map(parts.flatMap((part) => part.evidence.map((one) => [placeOf(one), one] as const)));
  const hidden = Math.max(...parts.map((part) => part.places - part.evidence.length));
  return {
    permission,
    evidence: ownFirst([...evidence.values()]).slice(0, EVIDENCE_KEPT),
    places: evidence.size + hidden,
    ...(parts.every(({ atMost }) => atMost === true) && { atMost: true as const }),
  };
}

/** What a wider one allows need not be asked twice. Only these areas have wider ones. */
function withoutParts(texts: readonly string[]): string[] {
  const sets = new Map(texts.filter((text) => /^(fs:|net:|exec:)/.test(text)).map((text) => [text, permissionSet([parsePermission(text)])]));
  const gone = new Set<string>();
  for (const [text, set] of sets)
    for (const [other, wider] of sets) if (other !== text && !gone.has(other) && mayHold(other, text) && covers(wider, set)) gone.add(text);
  return texts.filter((text) => !gone.has(text));
}

/** Says no at little cost: what is wider is the beginning of the other, or has a wildcard. */
function mayHold(outer: string, inner: string): boolean {
  return inner.startsWith(outer) || (outer.includes('*') && outer.slice(0, 4) === inner.slice(0, 4));
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

function placeOf({ what, where: { path, line, column } }: Evidence): string {
  return [what, path, line, column].join('\n');
}

function ownFirst<T extends Evidence>(evidence: readonly T[]): T[] {
  return [...evidence.filter(({ dependency }) => dependency === undefined), ...evidence.filter(({ dependency }) => dependency !== undefined)];
}
