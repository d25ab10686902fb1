import { closeSync, lstatSync, openSync, readFileSync, readSync, realpathSync } from 'node:fs';
import { join, posix } from 'node:path';
import { type ModuleNode, PACK_LINE_BYTES, packHeadLength, type PackedFile, parsePackHead } from '../../format/index.ts';
import type { PackageFiles, PackageJson } from './resolve-module.ts';

/** The files of every package of a graph, wherever they lie: in a directory, or in a pack. */
export interface ModuleFiles extends PackageFiles, Disposable {
  /** @throws when the file is a link, leaves the package, or is not a plain file */
  read(node: ModuleNode, path: string): string;
}

const MAX_SOURCE_BYTES = 20 * 1024 * 1024;

/** What is known of packs by their paths: a pack never changes, and packages share many. */
export type PackHeads = Map<string, ReadonlyMap<string, PackedFile>>;

export function moduleFiles(heads: PackHeads = new Map()): ModuleFiles {
  const packs = new Map<string, Pack>();
  const manifests = new Map<string, PackageJson | undefined>();
  const packOf = (path: string): Pack => {
    const pack = packs.get(path) ?? openPack(path, heads);
    packs.set(path, pack);
    return pack;
  };
  const isFile = (node: ModuleNode, path: string): boolean =>
    node.pack === undefined ? lstatSync(join(node.dir, path), { throwIfNoEntry: false })?.isFile() === true : packOf(node.pack).has(path);
  const read = (node: ModuleNode, path: string): string => (node.pack === undefined ? readInside(node.dir, path) : packOf(node.pack).read(path));

  return {
    isFile,
    read,
    manifest: (node, directory) => {
      const path = directory === '' ? 'package.json' : posix.join(directory, 'package.json');
      const key = `${node.pack ?? node.dir}\n${path}`;
      if (!manifests.has(key)) manifests.set(key, isFile(node, path) ? parseManifest(read(node, path)) : undefined);
      return manifests.get(key);
    },
    [Symbol.dispose]() {
      for (const pack of packs.values()) pack[Symbol.dispose]();
      packs.clear();
    },
  };
}

interface Pack extends Disposable {
  has(path: string): boolean;
  read(path: string): string;
}

/** Opened once and read by position. */
function openPack(path: string, heads: PackHeads): Pack {
  const descriptor = openSync(path, 'r');
  const files = heads.get(path) ?? readHead(descriptor);
  if (files === undefined) {
    closeSync(descriptor);
    throw new Error(`${path} is not a pack`);
  }
  heads.set(path, files);
  return {
    has: (file) => files.has(file),
    read(file) {
      const { offset, size } = fileIn(files, file);
      if (size > MAX_SOURCE_BYTES) throw new Error(`${file} is larger than ${MAX_SOURCE_BYTES} bytes`);
      return readAt(descriptor, offset, size);
    },
    [Symbol.dispose]: () => closeSync(descriptor),
  };
}

function readHead(descriptor: number): ReadonlyMap<string, PackedFile> | undefined {
  const length = packHeadLength(readAt(descriptor, 0, PACK_LINE_BYTES));
  return length === undefined ? undefined : parsePackHead(readAt(descriptor, 0, length));
}

function fileIn(files: ReadonlyMap<string, PackedFile>, path: string): PackedFile {
  const file = files.get(path);
  if (file === undefined) throw new Error(`${path} is not in the package`);
  return file;
}

function readAt(descriptor: number, offset: number, length: number): string {
  const bytes = Buffer.alloc(length);
  let filled = 0;
  while (filled < length) {
    const read = readSync(descriptor, bytes, filled, length - filled, offset + filled);
    if (read === 0) throw new Error('a pack ends in the middle of a file');
    filled += read;
  }
  return bytes.toString('utf8');
}

function readInside(dir: string, path: string): string {
  if (posix.normalize(`/${path}`) !== `/${path}`) throw new Error(`${path} leaves the package`);
  const file = join(dir, path);
  const stats = lstatSync(file);
  if (!stats.isFile()) throw new Error(`${path} is not a plain file`);
  if (stats.size > MAX_SOURCE_BYTES) throw new Error(`${path} is larger than ${MAX_SOURCE_BYTES} bytes`);
  // A directory link on the way would lead out without being seen by lstat.
  if (realpathSync(file) !== join(realpathSync(dir), path)) throw new Error(`${path} is reached through a link`);
  return readFileSync(file, 'utf8');
}

function parseManifest(text: string): PackageJson | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined; // Node treats an unreadable manifest of a directory as an error; for us it has no fields
  }
}
