/** Of a packument, and of each of its versions, what anybody here reads; pickManifest reads some of it. */
const OF_PACKUMENT = ['name', 'dist-tags', 'time', 'stagedVersions', 'policyRestrictions'];
const OF_VERSION = [
  'name',
  'version',
  'deprecated',
  'engines',
  'dependencies',
  'optionalDependencies',
  'peerDependencies',
  'peerDependenciesMeta',
  'os',
  'cpu',
  'libc',
  'hasInstallScript',
  '_npmUser',
];
const OF_DIST = ['tarball', 'integrity'];
const OF_SCRIPTS = ['preinstall', 'install', 'postinstall'];

/**
 * Leaves out what nobody here reads of a registry's answer: four fifths of it are texts for people, which would be written,
 * read and parsed again at every install. What has another form than it should is left as it is, for whoever checks it.
 */
export function usedOfPackument(reply: unknown): unknown {
  if (!isRecord(reply) || !isRecord(reply['versions'])) return reply;
  const versions = Object.entries(reply['versions']).map(([version, manifest]) => [version, usedOfVersion(manifest)] as const);
  return { ...picked(reply, OF_PACKUMENT), versions: Object.fromEntries(versions) };
}

function usedOfVersion(manifest: unknown): unknown {
  if (!isRecord(manifest)) return manifest;
  const { dist, scripts } = manifest;
  return {
    ...picked(manifest, OF_VERSION),
    ...(dist !== undefined && { dist: isRecord(dist) ? picked(dist, OF_DIST) : dist }),
    ...(scripts !== undefined && { scripts: isRecord(scripts) ? picked(scripts, OF_SCRIPTS) : scripts }),
  };
}

function picked(from: Readonly<Record<string, unknown>>, keys: readonly string[]): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const key of keys) if (Object.hasOwn(from, key)) found[key] = from[key];
  return found;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
