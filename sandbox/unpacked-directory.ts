import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { DashError, type ModuleNode, PACK_LINE_BYTES, packHeadLength, parsePackHead } from '../format/index.ts';

/**
 * Gives the directory in which the files of a package lie for those who read them while they run: a template, a table, a
 * WebAssembly module of a dependency. A pack is unpacked when it is first asked for, below `cache`, which may be deleted.
 *
 * @throws {DashError} STORE_CORRUPT when a pack is not what its name says
 */
export function unpackedDirectory(node: ModuleNode, cache: string): string {
  if (node.pack === undefined) return node.dir;
  const treeSha256 = /^[0-9a-f]{64}/.exec(basename(node.pack))?.[0] ?? '';
  const target = join(cache, treeSha256);
  if (!existsSync(target)) unpack(readChecked(node.pack, treeSha256), target);
  return target;
}

function readChecked(path: string, treeSha256: string): ReadonlyMap<string, Buffer> {
  const bytes = readFileSync(path);
  const length = packHeadLength(bytes.toString('latin1', 0, PACK_LINE_BYTES));
  const index = length === undefined ? undefined : parsePackHead(bytes.toString('utf8', 0, length));
  const files = [...(index ?? [])].map(([name, { offset, size }]) => [name, bytes.subarray(offset, offset + size)] as const);
  const listing = files.map(([name, data]) => `${sha256(data)}  ${name}\n`).join('');
  if (sha256(listing) === treeSha256) return new Map(files);
  throw new DashError('STORE_CORRUPT', `\`${path}\` is not what was installed`, { hint: '`dash install` fetches it again', where: { path } });
}

/** Beside its place first: another process sees all of it or none. */
function unpack(files: ReadonlyMap<string, Buffer>, target: string): void {
  const temporary = `${target}.${randomUUID()}.tmp`;
  for (const [name, data] of files) {
    const path = join(temporary, name);
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(path, data, { flag: 'wx', mode: 0o444 });
  }
  try {
    renameSync(temporary, target);
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    if (!existsSync(target)) throw error;
  }
}

function sha256(data: Buffer | string): string {
  return createHash('sha256').update(data).digest('hex');
}
