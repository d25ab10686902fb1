import { isDashError } from '../../format/index.ts';
import { realDirectory } from '../fetch/local.ts';
import { type PackageSpec, parseSpec } from '../package-spec.ts';
import { resolve } from '../resolve/resolve.ts';
import { resolveNpm } from '../resolve/npm.ts';
import { type PackageRecord, readCurrent } from '../store/generation.ts';
import { type Scope, scopePaths } from '../store/store-paths.ts';
import { openWorkshop, type SourcingOptions, type Workshop } from '../workshop.ts';
import { readParked } from './parked.ts';
import { diagnosticsOf, isUnreached, type UnreachedPackage } from './unreached.ts';

/** What is worth knowing of a package that is behind. */
export type OutdatedFlag =
  /** `dash update` has looked at the new version and waits for you. */
  | 'held'
  /** Younger than the minimum age. */
  | 'too-young'
  /** What was typed at the install does not allow the latest version. */
  | 'pinned'
  /** Another first number. */
  | 'major'
  | 'publisher-changed'
  /** The registry does not have it any more. */
  | 'not-found'
  /** Where it comes from gave no answer. */
  | 'not-reached';

export interface OutdatedPackage {
  readonly name: string;
  readonly scope: Scope['kind'];
  /** A version; a commit for what comes from git. */
  readonly current: string;
  /** What `dash update` would go to. */
  readonly wanted: string;
  readonly latest: string;
  /** How long the newer one has been public; `null` where nobody can say. */
  readonly ageHours: number | null;
  readonly flags: readonly OutdatedFlag[];
}

export interface OutdatedContext extends SourcingOptions {
  readonly scope: Scope;
}

/**
 * Asks where every package comes from for something newer; changes nothing. Only what is behind is in the answer.
 *
 * @throws {DashError} REGISTRY_ERROR, GIT_FAILED, OFFLINE …
 */
export async function outdated(context: OutdatedContext): Promise<readonly OutdatedPackage[]> {
  const { dashHome, scope } = context;
  const paths = scopePaths(dashHome, scope.kind === 'user' ? scope : { kind: 'project', dir: await realDirectory(scope.dir) });
  const generation = await readCurrent(paths);
  if (generation === undefined) return [];
  const held = new Set((await readParked(paths, generation)).map(({ name }) => name));
  await using workshop = await openWorkshop(context, { inForce: generation.lock });
  const unreached: UnreachedPackage[] = [];
  const rows = await Promise.all(
    Object.values(generation.packages).map(async (record) => {
      const publisher = generation.lock.packages[generation.lock.roots[record.name]?.id ?? '']?.publisher;
      const row = await compare(record, publisher, workshop).catch((error: unknown) => {
        if (!isUnreached(error)) throw error;
        unreached.push({ name: record.name, error });
        return asItIs(record, 'not-reached');
      });
      const flags = held.has(record.name) ? ['held' as const] : [];
      return row === undefined ? [] : [{ ...row, scope: scope.kind, flags: [...row.flags, ...flags] }];
    }),
  );
  diagnosticsOf(unreached, rows.length); // an answer about none of them is none
  return rows.flat().sort((a, b) => (a.name < b.name ? -1 : 1));
}

type Row = Omit<OutdatedPackage, 'scope'>;

async function compare(record: PackageRecord, publisher: string | undefined, workshop: Workshop): Promise<Row | undefined> {
  const spec = parseSpec(record.spec, { cwd: '/' });
  try {
    return spec.kind === 'npm' ? await compareVersions(record, spec, publisher, workshop) : await compareCommits(record, spec, workshop);
  } catch (error) {
    if (!isDashError(error, 'PACKAGE_NOT_FOUND', 'VERSION_NOT_FOUND', 'GIT_REF_NOT_FOUND')) throw error;
    return asItIs(record, 'not-found');
  }
}

function asItIs({ name, version }: PackageRecord, flag: OutdatedFlag): Row {
  return { name, current: version, wanted: version, latest: version, ageHours: null, flags: [flag] };
}

async function compareVersions(
  { name, version: current }: PackageRecord,
  spec: PackageSpec & { readonly kind: 'npm' },
  publisher: string | undefined,
  { resolver, now }: Workshop,
): Promise<Row | undefined> {
  const { default: semver } = await import('semver');
  const isNewer = (version: string) => semver.gt(version, current, { loose: true });
  const ageless = { ...resolver, age: { ...resolver.age, minAgeMs: 0 }, diagnostics: [] };
  const { 'dist-tags': tags } = await resolver.packuments.get(name);
  const newest = await resolveNpm(spec, ageless);
  const mature = await resolveNpm(spec, { ...resolver, diagnostics: [] }).catch((error: unknown) => {
    if (isDashError(error, 'RELEASE_TOO_YOUNG')) return undefined;
    throw error;
  });
  const wanted = mature !== undefined && isNewer(mature.release.version) ? mature : isNewer(newest.release.version) ? newest : undefined;
  const latest = tags['latest'] !== undefined && isNewer(tags['latest']) ? tags['latest'] : (wanted?.release.version ?? current);
  if (wanted === undefined && latest === current) return undefined;

  const shown = wanted?.release ?? (await resolveNpm({ ...spec, wanted: latest }, ageless)).release;
  const ageMs = now.getTime() - Date.parse(shown.publishedAt ?? '');
  const flags: (OutdatedFlag | false)[] = [
    wanted !== undefined && wanted.release.version !== mature?.release.version && 'too-young',
    wanted === undefined && 'pinned',
    semver.major(shown.version, { loose: true }) !== semver.major(current, { loose: true }) && 'major',
    publisher !== undefined && shown.publisher !== publisher && 'publisher-changed',
  ];
  return {
    name,
    current,
    wanted: wanted?.release.version ?? current,
    latest,
    ageHours: Number.isNaN(ageMs) ? null : Math.max(0, Math.floor(ageMs / 3_600_000)),
    flags: flags.filter((flag) => flag !== false),
  };
}

/** Only git can say without sending everything; a directory is linked, and an archive is what it is. */
async function compareCommits({ name, source }: PackageRecord, spec: PackageSpec, workshop: Workshop): Promise<Row | undefined> {
  if (spec.kind !== 'git' || source.kind !== 'git') return undefined;
  const resolution = await resolve(spec, workshop);
  if (resolution.kind !== 'git' || resolution.commit === source.commit) return undefined;
  const { firstSeen, now, resolver } = workshop;
  const seenMs = now.getTime() - Date.parse(firstSeen.sighting(`${spec.repository}#${resolution.commit}`, now));
  const ageHours = Math.floor(seenMs / 3_600_000);
  return {
    name,
    current: source.commit,
    wanted: resolution.commit,
    latest: resolution.commit,
    ageHours,
    flags: seenMs < resolver.age.minAgeMs ? ['too-young'] : [],
  };
}
