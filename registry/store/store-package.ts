import { existsSync } from 'node:fs';
import { dirname } from 'node:path';

import { npmSource } from '../fetch/stage.ts';
import type { InspectedPackage } from '../inspect/inspect.ts';
import type { Source } from '../lock/lock-entry.ts';
import { syncDirectory } from './durable-file.ts';
import { eachLimited } from './each-limited.ts';
import type { Staging } from './staging.ts';
import type { StorePaths } from './store-paths.ts';
import { noteUnpacked, pinOfSource } from './unpacked-index.ts';

export interface StorePackageOptions {
  readonly store: StorePaths;
  readonly staging: Staging;
  /** Told of each object that was not there, before it is moved: until something names it, whoever fails should take it out again. */
  readonly onMove: (path: string) => void;
  /** Nobody has accepted them: what is young stays young. */
  readonly isHeld?: boolean;
}

/** Moves packages and their dependencies into the store, and notes which pin is which tree. A linked directory stays where it is. */
export async function storePackages(packages: readonly InspectedPackage[], { store, staging, onMove, isHeld = false }: StorePackageOptions): Promise<void> {
  for (const { source, tree, dependencies } of packages) {
    const pin = pinOfSource(source);
    if (pin !== undefined) {
      if (!existsSync(store.tree(tree.treeSha256))) onMove(store.tree(tree.treeSha256));
      await noteUnpacked(pin, await staging.store(tree), store, { place: placeOf(source), isHeld });
    }
    await eachLimited(dependencies, 16, async ({ release, pack }) => {
      if (!existsSync(store.pack(pack.treeSha256))) onMove(store.pack(pack.treeSha256));
      await noteUnpacked(release.integrity, await staging.storePack(pack), store, { place: placeOf(npmSource(release)), isHeld });
    });
  }
  if (packages.some(({ dependencies }) => dependencies.length > 0)) await syncDirectory(store.packs);
  // the names of shelves that are new
  await syncDirectory(dirname(store.packs));
}

/** Only an unusual place has to be remembered. */
function placeOf(source: Source): string | undefined {
  return source.kind === 'npm' ? source.tarball : undefined;
}
