import { randomUUID } from 'node:crypto';
import { lstatSync } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { formatPackHead, PACK_LINE_BYTES, packHeadLength, type PackedFile, parsePackHead } from '../../format/index.ts';
import type { PackageFile } from '../verify/tree-safety.ts';
import { ignoreMissing, isErrno } from './file-errors.ts';
import { sha256 } from '../verify/sha256.ts';

/** The code of a dependency as one file, in staging or in the store: nobody but the bundler reads it. */
export interface Pack {
  /** The same hash as of the unpacked tree. */
  readonly treeSha256: string;
  /** Where it lies now. */
  readonly path: string;
  readonly files: readonly string[];
  /** Its package.json, which everybody wants to see. */
  readonly manifest: string | undefined;
}

export interface HashedFile extends PackageFile {
  readonly sha256: string;
}

/** Writes files, sorted by the bytes of their paths, into a new pack in `dir`, flushed to the disk. */
export async function writePack(dir: string, sorted: readonly HashedFile[], treeSha256: string): Promise<Pack> {
  const head = formatPackHead(sorted.map((file) => ({ path: file.path, size: file.data.length, sha256: file.sha256 })));
  const path = join(dir, `${treeSha256}-${randomUUID()}.pack`);
  // `wx`: what is already there, a link for example, is never written through
  const file = await open(path, 'wx', 0o444);
  try {
    await file.writeFile(Buffer.concat([Buffer.from(head), ...sorted.map(({ data }) => data)]));
    await file.sync();
  } finally {
    await file.close();
  }
  return {
    treeSha256,
    path,
    files: sorted.map(({ path: name }) => name),
    manifest: sorted.find(({ path: name }) => name === 'package.json')?.data.toString('utf8'),
  };
}

/** Reads a pack and hashes all of it; `undefined` when it is missing or a byte is not what its name says. */
export async function readPack(path: string, treeSha256: string): Promise<{ readonly pack: Pack; readonly files: readonly PackageFile[] } | undefined> {
  const bytes = await readPlainFile(path);
  if (bytes === undefined) return undefined;
  const length = packHeadLength(bytes.toString('latin1', 0, PACK_LINE_BYTES));
  const index = length === undefined ? undefined : parsePackHead(bytes.toString('utf8', 0, length));
  if (index === undefined) return undefined;
  const files = [...index].map(([name, { offset, size }]) => ({ path: name, data: bytes.subarray(offset, offset + size) }));
  const end = [...index.values()].reduce((_, { offset, size }) => offset + size, length ?? 0);
  const isWhole = end === bytes.length && [...index].every(([, file]) => sha256(slice(bytes, file)) === file.sha256);
  const listing = [...index].map(([name, file]) => `${file.sha256}  ${name}\n`).join('');
  if (!isWhole || sha256(listing) !== treeSha256) return undefined;
  const manifest = index.get('package.json');
  return { pack: { treeSha256, path, files: [...index.keys()], manifest: manifest && slice(bytes, manifest).toString('utf8') }, files };
}

async function readPlainFile(path: string): Promise<Buffer | undefined> {
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.isFile() === true ? await readFile(path) : undefined;
  } catch (error) {
    if (isErrno(error, 'ENOTDIR')) return undefined;
    return ignoreMissing(error);
  }
}

function slice(bytes: Buffer, { offset, size }: PackedFile): Buffer {
  return bytes.subarray(offset, offset + size);
}
