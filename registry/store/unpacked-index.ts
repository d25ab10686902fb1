import { existsSync } from 'node:fs';

import type { Source } from '../lock/lock-entry.ts';
import { findDamage, parseListing } from './check-tree.ts';
import { readIfPresent, replaceFile } from './durable-file.ts';
import { type Pack, readPack } from './pack.ts';
import type { Tree } from './staging.ts';
import type { StorePaths } from './store-paths.ts';
import type { PackageFile } from '../verify/tree-safety.ts';

/** What an archive is known by: equal pins are equal bytes. `undefined` for a directory, which may change. */
export function pinOfSource(source: Source): string | undefined {
  switch (source.kind) {
    case 'npm':
    case 'tarball':
      return source.integrity;
    case 'git':
      return `git ${source.commit} ${source.subdir ?? ''}`;
    case 'directory':
      return undefined;
  }
}

/** The third line of a note about something that nobody has accepted yet. */
const HELD = 'held';

/** Tells whether what is pinned was installed here before: an update that waits is not known for lying in the store. */
export async function isUnpacked(pin: string, paths: StorePaths): Promise<boolean> {
  if ((await readIfPresent(paths.unpacked(pin)))?.split('\n')[2] === HELD) return false;
  const treeSha256 = await readNote(pin, paths);
  return treeSha256 !== undefined && [paths.listing(treeSha256), paths.pack(treeSha256)].some((path) => existsSync(path));
}

/** Finds the tree that something pinned unpacks to, when it is in the store and whole; a damaged one is as good as none. */
export async function findUnpacked(pin: string, paths: StorePaths): Promise<Tree | undefined> {
  const treeSha256 = await readNote(pin, paths);
  if (treeSha256 === undefined || (await findDamage(treeSha256, paths)) !== undefined) return undefined;
  const listing = (await readIfPresent(paths.listing(treeSha256))) ?? '';
  return { treeSha256, dir: paths.files(treeSha256), files: [...parseListing(listing).keys()] };
}

/** The same for a pack. */
export async function findPacked(pin: string, paths: StorePaths): Promise<{ readonly pack: Pack; readonly files: readonly PackageFile[] } | undefined> {
  const treeSha256 = await readNote(pin, paths);
  return treeSha256 === undefined ? undefined : readPack(paths.pack(treeSha256), treeSha256);
}

/**
 * Notes what something pinned unpacks to, and where the registry keeps it when that is an unusual place. Only for trees
 * that are in the store. A note that is lost costs a download.
 */
export async function noteUnpacked(
  pin: string,
  tree: Pick<Tree, 'treeSha256'>,
  paths: StorePaths,
  { place = '', isHeld = false }: { readonly place?: string | undefined; readonly isHeld?: boolean } = {},
): Promise<void> {
  const path = paths.unpacked(pin);
  const plain = `${tree.treeSha256}\n${place}`;
  const note = isHeld ? `${plain}\n${HELD}` : plain;
  const before = await readIfPresent(path);
  // what is installed stays known, whoever else waits with it
  if (before === note || (isHeld && before === plain)) return;
  replaceFile(path, note);
}

/** Tells whether the registry itself once gave this place for the archive. */
export async function isNotedPlace(pin: string, place: string, paths: StorePaths): Promise<boolean> {
  return (await readIfPresent(paths.unpacked(pin)))?.split('\n')[1] === place;
}

async function readNote(pin: string, paths: StorePaths): Promise<string | undefined> {
  const [treeSha256] = (await readIfPresent(paths.unpacked(pin)))?.split('\n') ?? [];
  return treeSha256 !== undefined && /^[0-9a-f]{64}$/.test(treeSha256) ? treeSha256 : undefined;
}
