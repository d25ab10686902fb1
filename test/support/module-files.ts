import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { formatPackHead, type ModuleNode, PACK_LINE_BYTES, packHeadLength, parsePackHead } from '../../format/index.ts';

/** Every file of a node of a graph, from its directory or its pack: path → text. */
export function filesOf(node: ModuleNode): Record<string, string> {
  if (node.pack === undefined) {
    const entries = readdirSync(node.dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const paths = entries.map((entry) => join(entry.parentPath, entry.name));
    return Object.fromEntries(paths.map((path) => [path.slice(node.dir.length + 1), readFileSync(path, 'utf8')]));
  }
  const bytes = readFileSync(node.pack);
  const head = bytes.toString('utf8', 0, packHeadLength(bytes.toString('latin1', 0, PACK_LINE_BYTES)));
  return Object.fromEntries([...(parsePackHead(head) ?? [])].map(([path, { offset, size }]) => [path, bytes.toString('utf8', offset, offset + size)]));
}

/** Writes files as the store keeps those of a dependency; gives where. */
export async function writePackFile(dir: string, files: Readonly<Record<string, string>>): Promise<string> {
  const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest('hex');
  const sorted = Object.entries(files)
    .map(([path, text]) => ({ path, data: Buffer.from(text), size: Buffer.byteLength(text), sha256: sha256(text) }))
    .toSorted((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
  const target = join(dir, sha256(sorted.map((file) => `${file.sha256}  ${file.path}\n`).join('')));
  await mkdir(dir, { recursive: true });
  await writeFile(target, Buffer.concat([Buffer.from(formatPackHead(sorted)), ...sorted.map(({ data }) => data)]));
  return target;
}
