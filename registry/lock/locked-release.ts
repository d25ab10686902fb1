import { pinOf } from './pin-of.ts';
import { registryOf, defaultRegistry } from '../resolve/registry-of.ts';
import type { Release } from '../resolve/resolution.ts';
import { isNotedPlace } from '../store/unpacked-index.ts';
import type { Workshop } from '../workshop.ts';
import { type ClaimedLock, lockTampered } from './read-lockfile.ts';

/**
 * Reads what the lock pins under a node's key as a release of the registry that this machine binds the name to. A lock
 * cannot choose where bytes come from.
 *
 * @throws {DashError} LOCK_TAMPERED
 */
export async function lockedRelease(key: string, claimed: ClaimedLock, { npm, resolver, paths }: Workshop): Promise<Release> {
  const id = pinOf(key);
  const entry = new Map(Object.entries(claimed.lock.packages)).get(id);
  const at = (...keys: readonly string[]) => ['packages', id, ...keys];
  if (entry === undefined) throw lockTampered(claimed, ['packages'], `\`${claimed.path}\` does not pin \`${id}\``);
  const { name, version, source, publishedAt, publisher, hasInstallScript = false } = entry;
  if (id !== `${name}@${version}`) throw lockTampered(claimed, at(), `\`${claimed.path}\` pins \`${name}@${version}\` as \`${id}\``);
  if (source.kind !== 'npm') throw lockTampered(claimed, at('source'), `\`${id}\` comes from a registry, not from a ${source.kind} source`);

  const registry = await registryOf(name, npm);
  if (registry !== source.registry) {
    const said = source.registry === undefined ? "npm's default registry" : `\`${source.registry}\``;
    throw lockTampered(
      claimed,
      at('source'),
      `\`${claimed.path}\` takes \`${id}\` from ${said}, but your npm configuration binds that name to ${registry === undefined ? "npm's default registry" : `\`${registry}\``}`,
    );
  }
  const base = registry ?? (await defaultRegistry());
  const usual = `${base}${name}/-/${name.slice(name.indexOf('/') + 1)}-${version}.tgz`;
  const tarball = source.tarball ?? usual;
  if (URL.parse(tarball)?.host !== URL.parse(base)?.host && !(await isNotedPlace(source.integrity, tarball, paths))) await assertSaidByRegistry();
  return {
    name,
    version,
    tarball,
    integrity: source.integrity,
    ...(registry !== undefined && { registry }),
    ...(publishedAt !== undefined && { publishedAt }),
    ...(publisher !== undefined && { publisher }),
    hasInstallScript,
  };

  /** Some registries keep archives elsewhere; then they, not the lock, must say where. */
  async function assertSaidByRegistry(): Promise<void> {
    const packument = await resolver.packuments.get(name);
    const said: unknown = Object.hasOwn(packument.versions, version) ? packument.versions[version] : undefined;
    if (tarballOf(said) === tarball) return;
    throw lockTampered(claimed, at('source', 'tarball'), `\`${claimed.path}\` takes \`${id}\` from \`${tarball}\`, which is not the registry it belongs to`);
  }
}

function tarballOf(manifest: unknown): unknown {
  const dist: unknown = typeof manifest === 'object' && manifest !== null && 'dist' in manifest ? manifest.dist : undefined;
  return typeof dist === 'object' && dist !== null && 'tarball' in dist ? dist.tarball : undefined;
}
