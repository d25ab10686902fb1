import { DashError } from '../../format/index.ts';
import type { Release } from '../resolve/resolution.ts';
import type { Lockfile } from './lockfile.ts';

/**
 * A version never changes. One that is locked and that the registry now says has other bytes was published again, or
 * the registry is not the one it was: either way these are not the bytes that were looked at.
 *
 * @throws {DashError} INTEGRITY_MISMATCH
 */
export function assertAsLocked(root: string, releases: readonly Release[], lock: Lockfile | undefined): void {
  const locked = new Map(Object.entries(lock?.packages ?? {}));
  for (const { name, version, registry, integrity } of releases) {
    const source = locked.get(`${name}@${version}`)?.source;
    if (source?.kind !== 'npm' || source.registry !== registry || source.integrity === integrity) continue;
    throw new DashError('INTEGRITY_MISMATCH', `\`${name}@${version}\` does not match the lockfile: expected \`${source.integrity}\`, got \`${integrity}\``, {
      hint: `ask its author whether it was published again; if so, \`dash remove ${root}\` and install it anew`,
    });
  }
}
