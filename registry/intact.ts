import type { InstalledPackage } from './installed.ts';
import { findDamage } from './store/check-tree.ts';
import { storePaths } from './store/store-paths.ts';

/**
 * Gives the path of a file in the store that is not what was installed, `undefined` when all are. Code is checked when
 * it is run; text that a model reads has to be checked before it is read. A linked directory is as it is.
 */
export async function findChangedFile(installed: InstalledPackage, dashHome: string): Promise<string | undefined> {
  return installed.linked ? undefined : findDamage(installed.contentHash, storePaths(dashHome));
}
