import { readIfPresent, writeDurably } from './durable-file.ts';
import type { Tree } from './staging.ts';
import type { StorePaths } from './store-paths.ts';

/** Finds the tree that the tarball with this sha512 unpacks to, when it is in the store. */
export async function findUnpacked(integrity: string, paths: StorePaths): Promise<Tree | undefined> {
  const treeSha256 = (await readIfPresent(paths.unpacked(integrity)))?.trim();
  if (treeSha256 === undefined || !/^[0-9a-f]{64}$/.test(treeSha256)) return undefined;
  return readStoredTree(treeSha256, paths);
}

/** Notes what a tarball unpacks to. Only for trees that are in the store. */
export async function noteUnpacked(integrity: string, tree: Tree, paths: StorePaths): Promise<void> {
  const path = paths.unpacked(integrity);
  if ((await readIfPresent(path)) !== `${tree.treeSha256}\n`) await writeDurably(path, `${tree.treeSha256}\n`);
}

async function readStoredTree(treeSha256: string, paths: StorePaths): Promise<Tree | undefined> {
  const listing = await readIfPresent(`${paths.tree(treeSha256)}/files.sha256`);
  if (listing === undefined) return undefined;
  const files = listing
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.slice(66));
  return { treeSha256, dir: paths.files(treeSha256), files };
}
