import { DashError, type Diagnostic, isDashError } from '../../format/index.ts';
import type { NpmSpec } from '../package-spec.ts';
import { type AgePolicy, appliesTo, type FirstSeen, inWords, matureBefore, releaseTimes, releaseTooYoung } from '../verify/age.ts';
import { sha512Of } from '../verify/integrity.ts';
import { type Packument, type Packuments, parseVersionManifest, type VersionManifest } from './packuments.ts';
import type { NpmResolution, Release } from './resolution.ts';

/** What deciding on a version needs. */
export interface NpmResolver {
  readonly packuments: Packuments;
  readonly age: AgePolicy;
  readonly firstSeen: FirstSeen;
  /** Tells whether the tarball with this sha512 is in the store already: then it is not new to this machine. */
  isKnown(integrity: string): Promise<boolean>;
  readonly diagnostics: Diagnostic[];
}

/**
 * Finds the version a spec means. A range or a tag falls back to the newest release that is old enough and says so.
 *
 * @throws {DashError} PACKAGE_NOT_FOUND, VERSION_NOT_FOUND, RELEASE_TOO_YOUNG, INTEGRITY_MISSING, REGISTRY_ERROR …
 */
export async function resolveNpm(spec: NpmSpec, resolver: NpmResolver): Promise<NpmResolution> {
  const manifest = await pickVersion(spec.name, spec.wanted, resolver);
  return { kind: 'npm', spec, release: await toRelease(manifest, resolver) };
}

/** @throws {DashError} as {@link resolveNpm} */
export async function pickVersion(name: string, wanted: string, resolver: NpmResolver): Promise<VersionManifest> {
  const { age, firstSeen, diagnostics } = resolver;
  const { packument, newest } = await pickNewest(name, wanted, resolver);
  const id = `${name}@${newest.version}`;
  if (!appliesTo(age, name)) return newest;

  const time = releaseTimes(packument, firstSeen, age.now);
  const before = matureBefore(age);
  const isMature = Date.parse(time[newest.version] ?? '') <= before.getTime();
  if (isMature || (newest.dist.integrity !== undefined && (await resolver.isKnown(newest.dist.integrity)))) return newest;
  const older = await pick({ ...packument, time }, wanted, before).catch(async (error: unknown) => {
    if (!isDashError(error, 'VERSION_NOT_FOUND')) throw error;
    await resolver.packuments.forget(name);
    throw releaseTooYoung(id, time[newest.version], age);
  });
  diagnostics.push({
    severity: 'info',
    code: 'RELEASE_TOO_YOUNG',
    message: `\`${id}\` has been public for ${inWords(age.now.getTime() - Date.parse(time[newest.version] ?? ''))}; took \`${older.version}\``,
  });
  return older;
}

/** An answer that is kept may be older than what is asked for. */
async function pickNewest(
  name: string,
  wanted: string,
  { packuments }: NpmResolver,
): Promise<{ readonly packument: Packument; readonly newest: VersionManifest }> {
  const packument = await packuments.get(name);
  try {
    return { packument, newest: await pick(packument, wanted) };
  } catch (error) {
    if (!isDashError(error, 'VERSION_NOT_FOUND', 'REGISTRY_REPLY_INVALID') || !(await packuments.forget(name))) throw error;
  }
  const renewed = await packuments.get(name);
  return { packument: renewed, newest: await pick(renewed, wanted) };
}

/** @throws {DashError} INTEGRITY_MISSING, REGISTRY_REPLY_INVALID */
export async function toRelease(manifest: VersionManifest, { packuments }: Pick<NpmResolver, 'packuments'>): Promise<Release> {
  const { name, version, dist, _npmUser: publisher } = manifest;
  const registry = await packuments.registryOf(name);
  const packument = await packuments.get(name);
  const publishedAt = packument.time?.[version];
  const { tarball, integrity } = await usable(dist, registry, `${name}@${version}`).catch(async (error: unknown) => {
    await packuments.forget(name);
    throw error;
  });
  return {
    name,
    version,
    tarball,
    integrity,
    ...(registry !== undefined && { registry }),
    ...(typeof publishedAt === 'string' && { publishedAt }),
    ...(publisher?.name !== undefined && { publisher: publisher.name }),
    hasInstallScript:
      manifest.hasInstallScript === true || ['preinstall', 'install', 'postinstall'].some((script) => Object.hasOwn(manifest.scripts ?? {}, script)),
  };
}

async function pick(packument: Packument, wanted: string, before?: Date): Promise<VersionManifest> {
  const { default: pickManifest } = await import('npm-pick-manifest');
  const what = wanted === '' ? packument.name : `${packument.name}@${wanted}`;
  let found: unknown;
  try {
    found = pickManifest(packument, wanted, { before: before ?? null });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const latest = packument['dist-tags']['latest'];
    throw new DashError('VERSION_NOT_FOUND', `no version of \`${packument.name}\` is \`${wanted === '' ? 'latest' : wanted}\``, {
      hint: latest === undefined ? 'look at its versions with `npm view`' : `the latest one is \`npm:${packument.name}@${latest}\``,
      cause: error,
    });
  }
  const manifest = parseVersionManifest(found, packument.name);
  // two answers of one registry must agree on what a version is called
  if (!Object.hasOwn(packument.versions, manifest.version)) {
    throw new DashError('REGISTRY_REPLY_INVALID', `the registry lists \`${what}\` under another version than its own`, {
      hint: 'check `registry` in your `.npmrc`',
    });
  }
  return manifest;
}

async function usable(
  dist: VersionManifest['dist'],
  registry: string | undefined,
  what: string,
): Promise<{ readonly tarball: string; readonly integrity: string }> {
  return { tarball: assertTarballUrl(dist.tarball, registry, what), integrity: sha512Of(dist.integrity, what) };
}

/** A registry asked over https must not send us to http, where everybody on the way can answer. */
function assertTarballUrl(tarball: string, registry: string | undefined, what: string): string {
  const url = URL.parse(tarball);
  const isPlainRegistry = registry?.startsWith('http://') ?? false;
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && isPlainRegistry)) return url.href; // as parsed: what a terminal obeys is escaped
  throw new DashError('REGISTRY_REPLY_INVALID', `the registry gives \`${what}\` an archive that is not fetched over https`, {
    hint: 'check `registry` in your `.npmrc`',
  });
}
