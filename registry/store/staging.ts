import { randomUUID } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { makeDirectory } from '../../format/index.ts';
import { findDamage } from './check-tree.ts';
import { eachLimited } from './each-limited.ts';
import { syncDirectory } from './durable-file.ts';
import { asDiskError, ignoreDisk, isErrno } from './file-errors.ts';
import { removeAbandoned } from './leftovers.ts';
import { type HashedFile, type Pack, writePack } from './pack.ts';
import type { StorePaths } from './store-paths.ts';
import type { PackageFile } from '../verify/tree-safety.ts';
import { sha256 } from '../verify/sha256.ts';

/** An unpacked tree, in staging or in the store. */
export interface Tree {
  /** sha256 of `files.sha256`: of every path and every byte. */
  readonly treeSha256: string;
  /** Where the files lie now. */
  readonly dir: string;
  readonly files: readonly string[];
}

/** A place of its own for the trees of one command; gone when it is disposed. */
export interface Staging extends AsyncDisposable {
  readonly dir: string;
  /** Writes a tree that has passed every check, flushed to the disk. Equal trees are written once. */
  write(files: readonly PackageFile[]): Promise<Tree>;
  /** The same as one file, for code that only the bundler reads. */
  pack(files: readonly PackageFile[]): Promise<Pack>;
  /** Moves a pack into the store. @throws {DashError} DISK_ERROR, DISK_FULL */
  storePack(pack: Pack): Promise<Pack>;
  /** Moves a tree into the store. @throws {DashError} DISK_ERROR, DISK_FULL */
  store(tree: Tree): Promise<Tree>;
}

/**
 * Opens a staging directory and clears away those of processes that are gone.
 *
 * @throws {DashError} DISK_ERROR, DISK_FULL
 */
export async function openStaging(paths: StorePaths): Promise<Staging> {
  const dir = join(paths.tmp, `${process.pid}-${randomUUID()}`);
  const written = new Map<string, Promise<Tree>>();
  const moved = new Map<string, Promise<Tree>>();
  const movedPacks = new Map<string, Promise<Pack>>();
  try {
    makeDirectory(dir, 0o700);
    await removeAbandoned(paths.tmp);
  } catch (error) {
    throw asDiskError(error, 'making the staging directory');
  }

  return {
    dir,
    write(files) {
      const listing = describeTree(files);
      let tree = written.get(listing.treeSha256);
      if (tree === undefined) {
        tree = writeTree(join(dir, listing.treeSha256), files, listing);
        written.set(listing.treeSha256, tree);
      }
      return tree;
    },
    async pack(files) {
      const { treeSha256, hashed } = describeTree(files);
      try {
        return await writePack(dir, hashed, treeSha256);
      } catch (error) {
        throw asDiskError(error, 'unpacking');
      }
    },
    async storePack(pack) {
      const stored = movedPacks.get(pack.path) ?? movePackIntoStore(pack, paths);
      movedPacks.set(pack.path, stored);
      try {
        return await stored;
      } catch (error) {
        throw asDiskError(error, 'moving a package into the store');
      }
    },
    async store(tree) {
      let stored = moved.get(tree.treeSha256);
      if (stored === undefined) {
        stored = moveIntoStore(tree, paths);
        moved.set(tree.treeSha256, stored);
      }
      try {
        return await stored;
      } catch (error) {
        throw asDiskError(error, 'moving a package into the store');
      }
    },
    async [Symbol.asyncDispose]() {
      // what cannot be removed now is removed by the next command; it must not hide how this one ended
      await rm(dir, { recursive: true, force: true }).catch(ignoreDisk);
    },
  };
}

interface Listing {
  readonly text: string;
  readonly treeSha256: string;
  /** In the order of the manifest. */
  readonly hashed: readonly HashedFile[];
}

/** The manifest of a tree in the format of `sha256sum`, sorted by the bytes of the paths; its own sha256 names the tree. */
export function describeTree(files: readonly PackageFile[]): Listing {
  const keyed = files.map(({ path, data }) => ({ path, data, key: Buffer.from(path), sha256: sha256(data) }));
  const hashed = keyed.sort((a, b) => Buffer.compare(a.key, b.key));
  const text = hashed.map((file) => `${file.sha256}  ${file.path}\n`).join('');
  return { text, treeSha256: sha256(text), hashed };
}

async function writeTree(target: string, files: readonly PackageFile[], { text, treeSha256 }: Listing): Promise<Tree> {
  try {
    const dir = join(target, 'tree');
    const folders = [...new Set(files.map(({ path }) => dirname(path)))].sort();
    makeDirectory(dir);
    for (const folder of folders) makeDirectory(join(dir, folder));
    await eachLimited(files, 16, ({ path, data }) => writeNew(join(dir, path), data));
    await writeNew(join(target, 'files.sha256'), Buffer.from(text));
    await eachLimited([target, dir, ...folders.map((folder) => join(dir, folder))], 16, syncDirectory);
    return { treeSha256, dir, files: files.map(({ path }) => path).sort() };
  } catch (error) {
    throw asDiskError(error, 'unpacking');
  }
}

/** `wx`: what is already there, a link for example, is never written through. */
async function writeNew(path: string, data: Buffer): Promise<void> {
  const file = await open(path, 'wx', 0o444);
  try {
    await file.writeFile(data);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Two packages with equal bytes are one tree: the one that is there already stays, unless it is damaged. */
async function moveIntoStore(tree: Tree, paths: StorePaths): Promise<Tree> {
  const target = paths.tree(tree.treeSha256);
  const stored = { ...tree, dir: paths.files(tree.treeSha256) };
  if (tree.dir === stored.dir) return tree;
  makeDirectory(dirname(target));
  try {
    await rename(dirname(tree.dir), target);
  } catch (error) {
    if (!isErrno(error, 'ENOTEMPTY', 'EEXIST')) throw error;
    if ((await findDamage(tree.treeSha256, paths)) === undefined) return stored;
    // out of the way first: a directory cannot be renamed onto one that is not empty
    await rename(target, join(dirname(dirname(tree.dir)), `${tree.treeSha256}.damaged`));
    await rename(dirname(tree.dir), target);
  }
  await syncDirectory(dirname(target));
  return stored;
}

/** A rename replaces what is there: the same bytes, or a damaged pack. The directory is flushed once, after all of them. */
async function movePackIntoStore(pack: Pack, paths: StorePaths): Promise<Pack> {
  const target = paths.pack(pack.treeSha256);
  if (pack.path === target) return pack;
  makeDirectory(dirname(target));
  await rename(pack.path, target);
  return { ...pack, path: target };
}
