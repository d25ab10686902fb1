import { isDeepStrictEqual } from 'node:util';

import { DashError, isDashError } from '../../format/index.ts';
import { stage } from '../fetch/stage.ts';
import { inspect, type InspectedPackage } from '../inspect/inspect.ts';
import type { InspectPorts } from '../inspect/inspect-ports.ts';
import { assertAsLocked } from '../lock/assert-as-locked.ts';
import type { Lockfile } from '../lock/lockfile.ts';
import { formatSpec, type GitSpec, type NpmSpec, parseSpec } from '../package-spec.ts';
import { resolveNpm } from '../resolve/npm.ts';
import type { NpmResolution, Resolution } from '../resolve/resolution.ts';
import { resolve } from '../resolve/resolve.ts';
import type { PackageRecord } from '../store/generation.ts';
import { appliesTo, inWords } from '../verify/age.ts';
import { verify } from '../verify/verify.ts';
import type { Workshop } from '../workshop.ts';
import { assertSameLine } from './git-line.ts';
import type { HeldReason } from './held-reasons.ts';

/** What a package could be updated to, before anybody compared anything. */
export interface Target {
  readonly resolution: Resolution;
  /** What speaks against it already. */
  readonly reasons: readonly HeldReason[];
}

export interface TargetOptions {
  /** `--to`: a version of npm, a branch, a tag or a commit. */
  readonly to?: string | undefined;
}

/**
 * Finds what an installed package could become; `undefined` when there is nothing to look at. The same resolution as
 * now is an answer too: dependencies may be newer.
 *
 * @throws {DashError} TAG_MOVED, UNRELATED_HISTORY, INTEGRITY_MISMATCH, USAGE, and what resolving throws
 */
export async function findTarget(record: PackageRecord, workshop: Workshop, { to }: TargetOptions = {}): Promise<Target | undefined> {
  const spec = parseSpec(record.spec, { cwd: '/' });
  switch (spec.kind) {
    case 'npm':
      return npmTarget(record, spec, { to }, workshop);
    case 'git': {
      if (record.source.kind !== 'git') throw new Error(`${record.name} did not come from git`);
      const wanted = to === undefined ? spec : withRef(spec, to);
      const resolution = await resolve(wanted, workshop);
      if (resolution.kind !== 'git') throw new Error(`${record.spec} is no git spec`);
      const isNamed = wanted.ref !== spec.ref;
      await assertSameLine({ spec: wanted, from: record.source.commit, to: resolution.commit, isNamed }, workshop);
      const isNew = resolution.commit !== record.source.commit;
      return { resolution, reasons: isNew ? tooYoung(record.name, `${spec.repository}#${resolution.commit}`, workshop) : [] };
    }
    case 'tarball-url':
    case 'tarball-file':
    case 'stdin':
    case 'directory':
      if (to !== undefined)
        throw new DashError('USAGE', `\`${record.name}\` has no versions to choose from`, { hint: 'install what you want: `dash install <spec>`' });
      // a linked directory is always what it is, and what was piped in comes from nowhere
      return spec.kind === 'directory' || spec.kind === 'stdin' ? undefined : { resolution: await resolve(spec, workshop), reasons: [] };
  }
}

/** A target that was looked at. */
export interface Brought {
  readonly inspected: InspectedPackage;
  readonly reasons: readonly HeldReason[];
}

export interface BringOptions {
  readonly ports: InspectPorts;
  readonly workshop: Workshop;
  /** The one in force. */
  readonly lock: Lockfile;
}

/**
 * Brings a target here and looks at it; `undefined` when it is what is installed.
 *
 * @throws {DashError} as `install` does, up to consent
 */
export async function bringTarget(
  { resolution, reasons }: Target,
  record: PackageRecord,
  { ports, workshop, lock }: BringOptions,
): Promise<Brought | undefined> {
  const hasDependencies = Object.keys(record.graph.nodes).length > 1;
  if (isPinned(resolution, record) && !hasDependencies) return undefined;
  const staged = await stage(resolution, workshop);
  if (isDeepStrictEqual(staged.source, record.source) && !hasDependencies) return undefined;
  const verified = await verify(staged);
  const { name, version } = verified.manifest;
  if (name !== record.name) {
    throw new DashError('INVALID_MANIFEST', `\`${record.name}\` now calls itself \`${name}\``, {
      hint: 'ask its author; to have it under that name, install it anew',
    });
  }
  workshop.progress({ kind: 'resolved', spec: record.spec, name, version });
  const inspected = await inspect(verified, ports, workshop);
  assertAsLocked(
    name,
    inspected.dependencies.map(({ release }) => release),
    lock,
  );
  if (inspected.tree.treeSha256 === record.contentHash && isSameGraph(inspected, record)) return undefined;
  const { source } = inspected;
  const age = source.kind === 'tarball' && source.url !== undefined ? tooYoung(name, source.integrity, workshop) : [];
  return { inspected, reasons: [...reasons, ...age] };
}

async function npmTarget(record: PackageRecord, typed: NpmSpec, { to }: TargetOptions, workshop: Workshop): Promise<Target | undefined> {
  const { default: semver } = await import('semver');
  const { resolver } = workshop;
  const isNewer = (a: string, b: string) => semver.gt(a, b, { loose: true });
  const sought: NpmSpec = { ...typed, wanted: assertVersion(to ?? typed.wanted) };
  const newest = await resolveNpm(sought, { ...resolver, age: { ...resolver.age, minAgeMs: 0 } });
  assertNotReplaced(record, newest);
  // `--to` pins, unless what was typed at the install means that version anyway
  const spec = to === undefined || (await means(typed, newest.release.version)) ? typed : sought;

  const mature = await resolveNpm(sought, { ...resolver, diagnostics: [] }).catch((error: unknown) => {
    if (isDashError(error, 'RELEASE_TOO_YOUNG')) return undefined;
    throw error;
  });
  if (mature !== undefined && (isNewer(mature.release.version, record.version) || mature.release.version === newest.release.version)) {
    const isLower = to === undefined && isNewer(record.version, mature.release.version);
    const message = `the registry now names \`${mature.release.version}\`, which is older than what runs`;
    return { resolution: { ...mature, spec }, reasons: isLower ? [{ code: 'VERSION_LOWER', message }] : [] };
  }
  if (to === undefined && !isNewer(newest.release.version, record.version)) return undefined;
  const { publishedAt } = newest.release;
  const age = publishedAt === undefined ? 'too short a time' : inWords(workshop.now.getTime() - Date.parse(publishedAt));
  const message = `it has been public for ${age}, less than ${inWords(resolver.age.minAgeMs)}`;
  return { resolution: { ...newest, spec }, reasons: [{ code: 'RELEASE_TOO_YOUNG', message }] };

  async function means({ name, wanted }: NpmSpec, version: string): Promise<boolean> {
    const { 'dist-tags': tags } = await resolver.packuments.get(name);
    const tag = wanted === '' ? 'latest' : wanted;
    return Object.hasOwn(tags, tag) ? tags[tag] === version : semver.satisfies(version, wanted, { loose: true });
  }
}

/** What comes from git or a URL has no date: it counts from the moment it was first seen here. */
function tooYoung(name: string, key: string, { resolver: { age }, firstSeen, now }: Workshop): HeldReason[] {
  if (!appliesTo(age, name)) return [];
  const seenMs = now.getTime() - Date.parse(firstSeen.sighting(key, now));
  if (seenMs >= age.minAgeMs) return [];
  return [{ code: 'RELEASE_TOO_YOUNG', message: `it was first seen ${inWords(seenMs)} ago, less than ${inWords(age.minAgeMs)}` }];
}

function assertVersion(text: string): string {
  if (!/[:/\\#]/.test(text)) return text;
  throw new DashError('USAGE', `\`--to ${text}\` is not a version`, { hint: 'name a version, a range or a tag' });
}

/** Formatting and parsing again checks the ref as if it had been typed at the install. */
function withRef(spec: GitSpec, ref: string): GitSpec {
  const parsed = parseSpec(formatSpec({ ...spec, ref }), { cwd: '/' });
  if (parsed.kind !== 'git') throw new Error(`${formatSpec(spec)} is no git spec`);
  return parsed;
}

/** A version never changes: other bytes under an old number are not what was looked at. */
function assertNotReplaced({ name, version, source }: PackageRecord, { release }: NpmResolution): void {
  if (source.kind !== 'npm' || release.version !== version || release.registry !== source.registry || release.integrity === source.integrity) return;
  throw new DashError(
    'INTEGRITY_MISMATCH',
    `\`${name}@${version}\` does not match the lockfile: expected \`${source.integrity}\`, got \`${release.integrity}\``,
    {
      hint: `ask its author whether it was published again; if so, \`dash remove ${name}\` and install it anew`,
    },
  );
}

function isPinned(resolution: Resolution, { source }: PackageRecord): boolean {
  if (resolution.kind === 'npm')
    return source.kind === 'npm' && source.integrity === resolution.release.integrity && source.registry === resolution.release.registry;
  return resolution.kind === 'git' && source.kind === 'git' && source.commit === resolution.commit;
}

/** Versions do not change, so the same names bound in the same way are the same code. */
function isSameGraph({ graph }: InspectedPackage, record: PackageRecord): boolean {
  const edges = (nodes: Readonly<Record<string, { readonly dependencies: Readonly<Record<string, string>> }>>) =>
    Object.fromEntries(Object.entries(nodes).map(([key, { dependencies }]) => [key, dependencies]));
  return isDeepStrictEqual(edges(graph.nodes), edges(record.graph.nodes));
}
